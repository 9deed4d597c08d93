-- Statements that PostgreSQL needs in other words than the core's; the names are the core's.

-- name: claim_jobs
WITH picked AS MATERIALIZED (
  -- Materialized: a plain IN (SELECT … LIMIT) may run more than once, and each run would lock further rows.
  SELECT j.id FROM jobs j
   WHERE j.state = 'pending' AND j.lane IN (:lanes) AND j.run_at <= :now
     AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.subject = j.subject AND o.id <> j.id
                        AND o.state IN ('pending', 'running') AND (o.id < j.id OR o.state = 'running'))
   ORDER BY j.run_at, j.id LIMIT :limit FOR UPDATE OF j SKIP LOCKED)
UPDATE jobs SET state = 'running', attempt = attempt + 1, locked_until = :locked_until, locked_by = :worker
 WHERE id IN (SELECT id FROM picked)
RETURNING id, kind, lane, state, payload, event_id, subject, unique_key, attempt, max_attempts, run_at, locked_until,
          locked_by, last_error, created_at, finished_at
