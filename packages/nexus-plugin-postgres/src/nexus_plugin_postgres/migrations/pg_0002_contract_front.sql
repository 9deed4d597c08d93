-- Where the ready tasks begin. A claim leaves a dead entry at the head of the index of ready tasks, and while anybody
-- holds an old snapshot (a dump, a forgotten transaction) none of them can be cleared away: each claim would walk past
-- all claims since. No task before the front is ready; claims begin to look there.
--
-- Who makes a task ready brings the front back to it, holding lock 7237103 in common from then to the commit; who moves
-- it on (front.py) holds that lock alone before it looks for the first ready task. So none that becomes ready is missed.
CREATE TABLE ready_front (
  priority_rank integer NOT NULL,
  neg_impact integer NOT NULL,
  complexity_order integer NOT NULL,
  id bigint NOT NULL,
  moved_at timestamptz NOT NULL
);
INSERT INTO ready_front VALUES (-1, 0, 0, 0, now());

CREATE FUNCTION bring_ready_front_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7237103);
  UPDATE ready_front
     SET priority_rank = NEW.priority_rank, neg_impact = -NEW.impact, complexity_order = NEW.complexity_order, id = NEW.id
   WHERE (priority_rank, neg_impact, complexity_order, id)
         > (NEW.priority_rank, -NEW.impact, NEW.complexity_order, NEW.id);
  RETURN NULL;
END $$;

-- At the end of the transaction, so that the front is the last that it locks and nobody waits in a circle.
CREATE CONSTRAINT TRIGGER tasks_ready_inserted AFTER INSERT ON tasks DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.startable) EXECUTE FUNCTION bring_ready_front_back();
CREATE CONSTRAINT TRIGGER tasks_ready_updated AFTER UPDATE ON tasks DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.startable AND (NOT OLD.startable
                     OR (NEW.priority_rank, -NEW.impact, NEW.complexity_order)
                        < (OLD.priority_rank, -OLD.impact, OLD.complexity_order)))
  EXECUTE FUNCTION bring_ready_front_back();
