-- The order of work as a row whose parts all ascend, so that "from here on" is one comparison that the index answers.
DROP INDEX tasks_startable;
CREATE INDEX tasks_startable ON tasks (priority_rank, (-impact), complexity_order, id) WHERE startable;

-- The keys of an assignment end with it.
CREATE INDEX api_keys_assignment ON api_keys (assignment_id) WHERE assignment_id IS NOT NULL;
