-- How long the longest chain of open tasks behind each task is: kept like its impact, so that nobody walks for it.
-- Older code would not keep it, so it must not write beside newer code.
ALTER TABLE tasks ADD COLUMN chain integer NOT NULL DEFAULT 0;

-- Levels stand far apart, so that there is room between them when a dependency comes between two tasks.
UPDATE tasks SET level = level * 1048576 WHERE level <> 0;

-- What is ready in one repository, and what is ready in the order of ids: one look-up each, however large the rest.
CREATE INDEX tasks_startable_here ON tasks (repository_id, priority_rank, (-impact), complexity_order, id) WHERE startable;
CREATE INDEX tasks_startable_ids ON tasks (id) WHERE startable;
CREATE INDEX tasks_startable_here_ids ON tasks (repository_id, id) WHERE startable;

-- Where there are tasks already, their chains are counted in the background.
INSERT INTO jobs (kind, lane, state, payload, max_attempts, run_at, created_at)
SELECT 'core.recount', 'default', 'pending', '{}', 25, '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z'
 WHERE EXISTS (SELECT 1 FROM task_dependencies);
