-- fragment: row_columns
e.id, e.xid, e.type, e.created_at, e.actor_kind, e.actor_name, e.actor_id, e.key_id, e.address, e.request_id,
e.task_id, e.repository_id, e.assignment_id, e.delivery, CAST(e.payload AS text) AS payload

-- name: head_of_seals
SELECT place, event_id, xid, hash FROM event_seals ORDER BY place DESC LIMIT 1

-- name: get_seal
SELECT place, event_id, xid, hash FROM event_seals WHERE place = :place

-- The feed's order is that of the ids where writers follow one another, and SQLite finds a pair (xid, id) by xid alone.

-- name: list_unsealed
SELECT {row_columns} FROM events e
 WHERE e.id > :id AND CAST(:xid AS bigint) IS NOT NULL
 ORDER BY e.id LIMIT :limit

-- name: count_unsealed
SELECT count(*) AS number, min(found.created_at) AS first FROM (
  SELECT e.created_at FROM events e
   WHERE e.id > :id AND CAST(:xid AS bigint) IS NOT NULL
   ORDER BY e.id LIMIT :limit) found

-- name: insert_seal
INSERT INTO event_seals (place, event_id, xid, hash) VALUES (:place, :event_id, :xid, :hash) RETURNING place AS id

-- name: list_links
SELECT s.place, s.event_id, s.xid, s.hash, {row_columns}
  FROM event_seals s LEFT JOIN events e ON e.id = s.event_id
 WHERE s.place > :after ORDER BY s.place LIMIT :limit

-- name: find_unsealed_between
SELECT e.id FROM events e
 WHERE e.id > :after_id AND e.id < :id
   AND CAST(:after_xid AS bigint) IS NOT NULL AND CAST(:xid AS bigint) IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM event_seals s WHERE s.event_id = e.id)
 ORDER BY e.id LIMIT 1

-- name: insert_job_failure
INSERT INTO job_failures (kind, failed_at) VALUES (:kind, :now)

-- name: count_job_failures
SELECT kind, count(*) AS number FROM job_failures WHERE failed_at > :since GROUP BY kind

-- name: forget_job_failures
DELETE FROM job_failures WHERE failed_at < :before

-- name: list_alerts
SELECT rule, source, raised_at, is_open FROM alerts ORDER BY rule, source

-- name: take_alert
INSERT INTO alerts (rule, source, raised_at, is_open) VALUES (:rule, :source, :now, true)
ON CONFLICT (rule, source) DO UPDATE SET raised_at = excluded.raised_at, is_open = true
 WHERE alerts.raised_at <= :quiet_since

-- name: forget_alerts
DELETE FROM alerts WHERE NOT is_open AND raised_at < :before

-- name: close_alert
UPDATE alerts SET is_open = false WHERE rule = :rule AND source = :source AND is_open
