-- fragment: delivery_columns
id, source, delivery_id, kind, state, subject, error, created_at, handled_at, headers, body

-- name: insert_delivery
-- The same content under another id is a replay. WHERE keeps SQLite from reading ON CONFLICT as a join's ON.
INSERT INTO deliveries (source, delivery_id, kind, state, fingerprint, subject, headers, body, created_at, handled_at)
SELECT :source, :delivery_id, :kind,
       CASE WHEN EXISTS (SELECT 1 FROM deliveries o
                          WHERE o.source = :source AND o.fingerprint = CAST(:fingerprint AS text) AND o.state <> 'failed')
            THEN 'replay' ELSE :state END,
       CAST(:fingerprint AS text), CAST(:subject AS text), /*pg: CAST( */ :headers /*pg: AS jsonb) */, :body,
       /*pg: CAST( */ :now /*pg: AS timestamptz) */, /*pg: CAST( */ :handled_at /*pg: AS timestamptz) */
 WHERE 1 = 1
ON CONFLICT DO NOTHING
RETURNING id, state

-- name: find_delivery
SELECT {delivery_columns} FROM deliveries WHERE source = :source AND delivery_id = :delivery_id

-- name: lock_fingerprint
SELECT /*pg: pg_advisory_xact_lock(7237103, hashtext(:fingerprint)) IS NULL AND */
       CAST(:fingerprint AS text) IS NOT NULL AS locked

-- name: get_delivery
SELECT {delivery_columns} FROM deliveries WHERE id = :id

-- name: list_deliveries
SELECT id, source, delivery_id, kind, state, subject, error, created_at, handled_at FROM deliveries
 WHERE (CAST(:source AS text) IS NULL OR source = :source)
   AND (CAST(:state AS text) IS NULL OR state = :state)
   AND id < :before_id
 ORDER BY id DESC LIMIT :limit

-- name: settle_delivery
UPDATE deliveries SET state = :state, error = :error, handled_at = :now WHERE id = :id

-- name: page_of_deliveries
SELECT max(id) AS last, min(created_at) AS oldest
  FROM (SELECT id, created_at FROM deliveries WHERE id > :after ORDER BY id LIMIT :size) page

-- name: forget_deliveries
DELETE FROM deliveries WHERE id > :after AND id <= :last AND state IN ('done', 'ignored') AND handled_at < :before
