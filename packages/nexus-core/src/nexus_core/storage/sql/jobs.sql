-- fragment: job_columns
id, kind, lane, state, payload, event_id, subject, unique_key, attempt, max_attempts, run_at, locked_until,
       locked_by, last_error, created_at, finished_at, priority

-- fragment: is_next
-- The oldest of its subject that is not done, and none of the subject runs. As look-ups, one for each: a NOT EXISTS over
-- all that are older is a join of a backlog with itself.
(j.subject IS NULL
 OR (j.id = (SELECT o.id FROM jobs o WHERE o.subject = j.subject AND o.state IN ('pending', 'running') ORDER BY o.id LIMIT 1)
     AND j.subject NOT IN (SELECT r.subject FROM jobs r WHERE r.state = 'running' AND r.subject IS NOT NULL)))

-- fragment: candidates
-- The first of those that are due, without the subjects that must wait anyway: their backlogs would fill it.
SELECT c.id FROM jobs c
 WHERE c.state = 'pending' AND c.lane IN (:lanes) AND c.run_at <= :now
   AND (c.subject IS NULL OR c.subject NOT IN (
     SELECT b.subject FROM jobs b WHERE b.state = 'running' AND b.subject IS NOT NULL
     UNION ALL
     SELECT b.subject FROM jobs b WHERE b.state = 'pending' AND b.run_at > :now AND b.subject IS NOT NULL
        AND b.id = (SELECT o.id FROM jobs o WHERE o.subject = b.subject AND o.state IN ('pending', 'running')
                     ORDER BY o.id LIMIT 1)))
 ORDER BY c.priority DESC, c.run_at, c.id LIMIT 1000

-- name: insert_job
INSERT INTO jobs (kind, lane, state, payload, event_id, subject, unique_key, max_attempts, run_at, created_at,
                  priority)
VALUES (:kind, :lane, 'pending', :payload, :event_id, :subject, :unique_key, :max_attempts, :run_at, :now, :priority)
ON CONFLICT DO NOTHING
RETURNING id

-- name: claim_jobs
WITH picked AS MATERIALIZED (
  -- Materialized: a plain IN (SELECT … LIMIT) may run more than once, and each run would lock further rows.
  SELECT j.id FROM jobs j
   WHERE j.id IN (SELECT id FROM ({candidates}) first) AND j.state = 'pending' AND {is_next}
   ORDER BY j.priority DESC, j.run_at, j.id LIMIT :limit /*pg: FOR UPDATE OF j SKIP LOCKED */)
UPDATE jobs SET state = 'running', attempt = attempt + 1, locked_until = :locked_until, locked_by = :worker
 WHERE id IN (SELECT id FROM picked)
RETURNING {job_columns}

-- name: claim_named_jobs
UPDATE jobs SET state = 'running', attempt = attempt + 1, locked_until = :locked_until, locked_by = :worker
 WHERE id IN (SELECT j.id FROM jobs j
               WHERE j.state = 'pending' AND j.id IN (:ids) AND j.run_at <= :now AND {is_next}
               ORDER BY j.run_at, j.id /*pg: FOR UPDATE OF j SKIP LOCKED */)
RETURNING {job_columns}

-- name: due_jobs
SELECT j.id, j.lane FROM jobs j
 WHERE j.id IN (SELECT id FROM ({candidates}) first) AND {is_next}
 ORDER BY j.priority DESC, j.run_at, j.id LIMIT :limit

-- name: renew_jobs
UPDATE jobs SET locked_until = :locked_until
 WHERE id IN (:ids) AND state = 'running' AND locked_by = :worker

-- name: finish_job
UPDATE jobs SET state = :state, last_error = :last_error, finished_at = :now, locked_until = NULL, locked_by = NULL
 WHERE id = :id AND state = 'running' AND attempt = :attempt AND locked_by = :worker

-- name: finish_jobs
UPDATE jobs SET state = 'done', last_error = NULL, finished_at = :now, locked_until = NULL, locked_by = NULL
 WHERE id IN (:ids) AND state = 'running' AND attempt = :attempt AND locked_by = :worker
RETURNING id

-- name: postpone_job
UPDATE jobs SET state = 'pending', run_at = :run_at, attempt = :next_attempt, last_error = :last_error,
       unique_key = NULL, locked_until = NULL, locked_by = NULL
 WHERE id = :id AND state = 'running' AND attempt = :attempt AND locked_by = :worker

-- name: share_waiting_jobs
SELECT unique_key FROM jobs WHERE unique_key IN (:unique_keys) AND state = 'pending'
 ORDER BY unique_key /*pg: FOR SHARE */

-- name: next_of_subject
SELECT id, lane FROM jobs
 WHERE subject = :subject AND state = 'pending' AND id > :id AND run_at <= :now
 ORDER BY id LIMIT 1

-- name: expired_jobs
SELECT {job_columns}
  FROM jobs WHERE state = 'running' AND locked_until < :now
 ORDER BY locked_until LIMIT :limit /*pg: FOR UPDATE SKIP LOCKED */

-- name: release_job
UPDATE jobs SET state = 'pending', run_at = :run_at, unique_key = NULL, locked_until = NULL, locked_by = NULL,
       last_error = :last_error
 WHERE id = :id AND state = 'running' AND attempt = :attempt

-- name: kill_job
UPDATE jobs SET state = 'dead', finished_at = :now, locked_until = NULL, locked_by = NULL, last_error = :last_error
 WHERE id = :id AND state = 'running' AND attempt = :attempt

-- name: revive_job
UPDATE jobs SET state = 'pending', run_at = :now, attempt = 0, unique_key = NULL, finished_at = NULL
 WHERE id = :id AND state IN ('dead', 'cancelled')

-- name: get_job
SELECT {job_columns}
  FROM jobs WHERE id = :id

-- name: list_jobs
SELECT {job_columns}
  FROM jobs
 WHERE (CAST(:state AS text) IS NULL OR state = :state)
   AND (CAST(:lane AS text) IS NULL OR lane = :lane)
   AND (CAST(:kind AS text) IS NULL OR kind = :kind)
   AND (CAST(:everything AS boolean)
        OR EXISTS (SELECT 1 FROM events e WHERE e.id = jobs.event_id AND e.repository_id IN (:visible)))
   AND id > :after_id
 ORDER BY id LIMIT :limit

-- name: job_stats
SELECT lane, state, count(*) AS number, min(run_at) AS oldest FROM jobs GROUP BY lane, state

-- name: init_schedule
INSERT INTO schedules (name, due_at) VALUES (:name, :due_at) ON CONFLICT DO NOTHING

-- name: take_schedule
UPDATE schedules SET due_at = :next_at WHERE name = :name AND (due_at <= :by OR due_at > :latest)

-- name: page_of_jobs
SELECT max(id) AS last, min(created_at) AS oldest
  FROM (SELECT id, created_at FROM jobs WHERE id > :after ORDER BY id LIMIT :size) page

-- name: forget_jobs
DELETE FROM jobs WHERE id > :after AND id <= :last AND state = 'done' AND finished_at < :before

-- name: recent_jobs
SELECT lane, state, count(*) AS number FROM jobs
 WHERE id > (SELECT COALESCE(max(id), 0) - 20000 FROM jobs) AND finished_at >= :since GROUP BY lane, state
