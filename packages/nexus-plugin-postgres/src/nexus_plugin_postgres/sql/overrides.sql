-- Statements that PostgreSQL needs in other words than the core's; the names are the core's.

-- fragment: task_json
-- A row that becomes JSON as a whole costs a third less than the same from pairs of names and values.
CAST((SELECT row_to_json(shown) FROM (SELECT
    t.id,
    CAST(:prefix AS text) || '-' || t.id AS key,
    CASE WHEN t.repository_id IS NULL THEN NULL ELSE json_build_object('id', t.repository_id, 'name', r.name) END AS repository,
    t.parent_id, t.title, t.description, t.details, t.test_strategy, t.status, t.priority,
    COALESCE(t.complexity_manual, t.complexity_auto) AS complexity, t.complexity_auto, t.complexity_manual,
    ARRAY(SELECT d.depends_on_id FROM task_dependencies d WHERE d.task_id = t.id ORDER BY 1) AS dependencies,
    t.open_dependencies,
    t.startable AND (t.not_before IS NULL OR t.not_before <= CAST(:now AS timestamptz)) AS ready,
    t.labels, t.agent, t.external_key, t.raw_data,
    to_char(t.not_before AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS not_before,
    t.version,
    to_char(t.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS created_at,
    to_char(t.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS updated_at) shown) AS text)

-- fragment: bodies
string_agg(p.body, ',')

-- name: reserve_task_ids
SELECT nextval(pg_get_serial_sequence('tasks', 'id')) FROM generate_series(1, CAST(:number AS bigint))

-- Walks. OFFSET 0 keeps each step a look-up in an index: the planner, which cannot know how far a walk leads, would
-- otherwise read the whole table at each step of a long chain.

-- name: walk_before
WITH RECURSIVE before (id) AS (
  SELECT d.depends_on_id FROM task_dependencies d JOIN tasks t ON t.id = d.depends_on_id
   WHERE d.task_id IN (:ids) AND t.status NOT IN ('done', 'cancelled')
  UNION
  SELECT step.id FROM before
   CROSS JOIN LATERAL (SELECT d.depends_on_id AS id FROM task_dependencies d WHERE d.task_id = before.id OFFSET 0) step
   CROSS JOIN LATERAL (SELECT 1 FROM tasks t WHERE t.id = step.id AND t.status NOT IN ('done', 'cancelled') OFFSET 0) there
)
SELECT id FROM before LIMIT :limit

-- name: walk_behind
WITH RECURSIVE behind (id) AS (
  SELECT d.task_id FROM task_dependencies d JOIN tasks t ON t.id = d.task_id
   WHERE d.depends_on_id IN (:ids) AND t.status NOT IN ('done', 'cancelled')
  UNION
  SELECT step.id FROM behind
   CROSS JOIN LATERAL (SELECT d.task_id AS id FROM task_dependencies d WHERE d.depends_on_id = behind.id OFFSET 0) step
   CROSS JOIN LATERAL (SELECT 1 FROM tasks t WHERE t.id = step.id AND t.status NOT IN ('done', 'cancelled') OFFSET 0) there
)
SELECT id FROM behind LIMIT :limit

-- name: walk_above
WITH RECURSIVE above (id) AS (
  SELECT t.id FROM task_dependencies d JOIN tasks t ON t.id = d.task_id
   WHERE d.depends_on_id = :id AND t.level < :level
  UNION
  SELECT step.id FROM above
   CROSS JOIN LATERAL (SELECT d.task_id AS id FROM task_dependencies d WHERE d.depends_on_id = above.id OFFSET 0) step
   CROSS JOIN LATERAL (SELECT 1 FROM tasks t WHERE t.id = step.id AND t.level < :level OFFSET 0) there
)
SELECT t.id, t.level FROM (SELECT id FROM above LIMIT :limit) found JOIN tasks t ON t.id = found.id

-- name: walk_below
WITH RECURSIVE below (id) AS (
  SELECT t.id FROM task_dependencies d JOIN tasks t ON t.id = d.depends_on_id
   WHERE d.task_id = :id AND t.level > :level
  UNION
  SELECT step.id FROM below
   CROSS JOIN LATERAL (SELECT d.depends_on_id AS id FROM task_dependencies d WHERE d.task_id = below.id OFFSET 0) step
   CROSS JOIN LATERAL (SELECT 1 FROM tasks t WHERE t.id = step.id AND t.level > :level OFFSET 0) there
)
SELECT t.id, t.level FROM (SELECT id FROM below LIMIT :limit) found JOIN tasks t ON t.id = found.id

-- name: list_descendants
WITH RECURSIVE below (id, top) AS (
  SELECT id, parent_id FROM tasks WHERE parent_id IN (:ids)
  UNION
  SELECT step.id, below.top FROM below
   CROSS JOIN LATERAL (SELECT c.id FROM tasks c WHERE c.parent_id = below.id OFFSET 0) step
)
SELECT id, count(*) AS number FROM below GROUP BY id ORDER BY id

-- The feed's order is by transaction here, and ends before what an open one may still write.

-- name: list_unsealed
SELECT e.id, e.xid, e.type, e.created_at, e.actor_kind, e.actor_name, e.actor_id, e.key_id, e.address, e.request_id,
       e.task_id, e.repository_id, e.assignment_id, e.delivery, CAST(e.payload AS text) AS payload
  FROM events e
 WHERE (e.xid, e.id) > (CAST(:xid AS bigint), CAST(:id AS bigint))
   AND e.xid < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)
 ORDER BY e.xid, e.id LIMIT :limit

-- name: count_unsealed
SELECT count(*) AS number, min(found.created_at) AS first FROM (
  SELECT e.created_at FROM events e
   WHERE (e.xid, e.id) > (CAST(:xid AS bigint), CAST(:id AS bigint))
     AND e.xid < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)
   ORDER BY e.xid, e.id LIMIT :limit) found

-- name: find_unsealed_between
SELECT e.id FROM events e
 WHERE (e.xid, e.id) > (CAST(:after_xid AS bigint), CAST(:after_id AS bigint))
   AND (e.xid, e.id) < (CAST(:xid AS bigint), CAST(:id AS bigint))
   AND NOT EXISTS (SELECT 1 FROM event_seals s WHERE s.event_id = e.id)
 ORDER BY e.xid, e.id LIMIT 1
