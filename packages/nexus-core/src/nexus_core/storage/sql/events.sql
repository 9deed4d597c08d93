-- fragment: event_columns
id, type, payload, created_at, actor_kind, actor_name, actor_id, task_id, repository_id, assignment_id, delivery,
key_id, address, request_id

-- name: insert_event
INSERT INTO events (type, payload, created_at, actor_kind, actor_name, actor_id, task_id, repository_id, assignment_id,
                    delivery, key_id, address, request_id)
VALUES (:type, :payload, :now, :actor_kind, :actor_name, :actor_id, :task_id, :repository_id, :assignment_id,
        :delivery, :key_id, :address, :request_id)
RETURNING id

-- fragment: event_filter
(CAST(:everything AS boolean) OR repository_id IN (:visible))
   AND (CAST(:type AS text) IS NULL OR type LIKE :type ESCAPE '!')
   AND (CAST(:task_id AS bigint) IS NULL OR task_id = :task_id)

-- name: list_events
SELECT {event_columns} FROM events
 WHERE {event_filter}
   AND (CAST(:after AS bigint) = 0
        OR (xid, id) > (COALESCE((SELECT xid FROM events WHERE id = :after),
                                 (SELECT max(xid) FROM events WHERE id < :after), 0), CAST(:after AS bigint)))
   /*pg: AND xid < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) */
 ORDER BY xid, id LIMIT :limit

-- name: list_newest_events
SELECT {event_columns} FROM events
 WHERE {event_filter}
   /*pg: AND xid < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) */
 ORDER BY xid DESC, id DESC LIMIT :limit

-- name: list_latest_events
SELECT {event_columns} FROM events WHERE type = :type ORDER BY id DESC LIMIT :limit

-- name: get_event
SELECT {event_columns} FROM events WHERE id = :id

-- name: has_notification
SELECT id FROM events
 WHERE type = :type AND (CAST(:task_id AS bigint) IS NULL OR task_id = :task_id)
   AND CAST(payload AS text) LIKE :pattern ESCAPE '!'
 LIMIT 1
