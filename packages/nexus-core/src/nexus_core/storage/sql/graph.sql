-- The graph: walks along its edges, and what is kept beside each task so that few walks are needed.
-- A walk says CROSS JOIN where the order of the joins matters: SQLite keeps it. PostgreSQL has its own words for walks.

-- fragment: open
t.status NOT IN ('done', 'cancelled')

-- fragment: willing
(t.status = 'pending' AND t.assignment_id IS NULL AND (t.not_before IS NULL OR t.not_before <= :now)) AS willing

-- name: walk_before
WITH RECURSIVE before (id) AS (
  SELECT d.depends_on_id FROM task_dependencies d CROSS JOIN tasks t
   WHERE d.task_id IN (:ids) AND t.id = d.depends_on_id AND {open}
  UNION
  SELECT d.depends_on_id FROM before CROSS JOIN task_dependencies d CROSS JOIN tasks t
   WHERE d.task_id = before.id AND t.id = d.depends_on_id AND {open}
)
SELECT id FROM before LIMIT :limit

-- name: walk_behind
WITH RECURSIVE behind (id) AS (
  SELECT d.task_id FROM task_dependencies d CROSS JOIN tasks t
   WHERE d.depends_on_id IN (:ids) AND t.id = d.task_id AND {open}
  UNION
  SELECT d.task_id FROM behind CROSS JOIN task_dependencies d CROSS JOIN tasks t
   WHERE d.depends_on_id = behind.id AND t.id = d.task_id AND {open}
)
SELECT id FROM behind LIMIT :limit

-- name: standings
SELECT t.id, t.level, t.impact, t.chain FROM tasks t WHERE t.id IN (:ids) AND {open}

-- name: open_dependents
SELECT d.depends_on_id, t.id, t.level, t.impact, t.chain FROM task_dependencies d CROSS JOIN tasks t
 WHERE d.depends_on_id IN (:ids) AND t.id = d.task_id AND {open}

-- name: open_dependencies
SELECT d.task_id, t.id, t.level, t.impact, t.chain FROM task_dependencies d CROSS JOIN tasks t
 WHERE d.task_id IN (:ids) AND t.id = d.depends_on_id AND {open}

-- name: add_behind
UPDATE tasks SET impact = impact + :impact, chain = chain + :chain WHERE id IN (:ids)

-- name: set_behind
UPDATE tasks SET impact = :impact, chain = :chain WHERE id = :id

-- name: levels
SELECT id, level FROM tasks WHERE id IN (:ids)

-- name: levels_above
SELECT d.depends_on_id, t.id, t.level FROM task_dependencies d CROSS JOIN tasks t
 WHERE d.depends_on_id IN (:ids) AND t.id = d.task_id

-- name: levels_below
SELECT d.task_id, t.id, t.level FROM task_dependencies d CROSS JOIN tasks t
 WHERE d.task_id IN (:ids) AND t.id = d.depends_on_id

-- name: walk_above
WITH RECURSIVE above (id) AS (
  SELECT t.id FROM task_dependencies d CROSS JOIN tasks t
   WHERE d.depends_on_id = :id AND t.id = d.task_id AND t.level < :level
  UNION
  SELECT t.id FROM above CROSS JOIN task_dependencies d CROSS JOIN tasks t
   WHERE d.depends_on_id = above.id AND t.id = d.task_id AND t.level < :level
)
SELECT t.id, t.level FROM (SELECT id FROM above LIMIT :limit) found CROSS JOIN tasks t WHERE t.id = found.id

-- name: walk_below
WITH RECURSIVE below (id) AS (
  SELECT t.id FROM task_dependencies d CROSS JOIN tasks t
   WHERE d.task_id = :id AND t.id = d.depends_on_id AND t.level > :level
  UNION
  SELECT t.id FROM below CROSS JOIN task_dependencies d CROSS JOIN tasks t
   WHERE d.task_id = below.id AND t.id = d.depends_on_id AND t.level > :level
)
SELECT t.id, t.level FROM (SELECT id FROM below LIMIT :limit) found CROSS JOIN tasks t WHERE t.id = found.id

-- name: set_level
UPDATE tasks SET level = :level WHERE id = :id

-- name: states
SELECT t.id, t.status, t.parent_id, t.open_dependencies, t.open_subtasks, t.blocked_ancestors FROM tasks t
 WHERE t.id IN (:ids)

-- name: count_open_dependencies
SELECT c.id, (SELECT count(*) FROM task_dependencies d CROSS JOIN tasks t
               WHERE d.task_id = c.id AND t.id = d.depends_on_id AND {open})
  FROM tasks c WHERE c.id IN (:ids)

-- name: count_open_subtasks
SELECT c.id, (SELECT count(*) FROM tasks t WHERE t.parent_id = c.id AND {open}) FROM tasks c WHERE c.id IN (:ids)

-- name: set_counts
UPDATE tasks
   SET open_dependencies = :open_dependencies, open_subtasks = :open_subtasks, blocked_ancestors = :blocked_ancestors
 WHERE id = :id

-- name: bump_open_dependencies
UPDATE tasks SET open_dependencies = open_dependencies + :delta
 WHERE id IN (:ids)
RETURNING id, open_dependencies

-- name: bump_dependents
UPDATE tasks SET open_dependencies = open_dependencies + :delta
 WHERE id IN (SELECT d.task_id FROM task_dependencies d WHERE d.depends_on_id = :id)
RETURNING id, open_dependencies

-- name: bump_blocked_ancestors
UPDATE tasks SET blocked_ancestors = blocked_ancestors + :delta
 WHERE id IN (:ids)

-- name: list_dependents_to_free
SELECT t.id, t.open_dependencies, t.open_subtasks, t.blocked_ancestors, {willing}
  FROM task_dependencies d CROSS JOIN tasks t
 WHERE d.depends_on_id = :id AND t.id = d.task_id

-- name: list_to_free
SELECT t.id, t.open_dependencies, t.open_subtasks, t.blocked_ancestors, {willing} FROM tasks t WHERE t.id IN (:ids)

-- name: outline_tasks
SELECT t.id, CASE WHEN {open} THEN t.chain ELSE -1 END FROM tasks t
 WHERE (CAST(:everything AS boolean) OR t.repository_id IN (:visible))
   AND (CAST(:repository_id AS bigint) IS NULL OR t.repository_id = :repository_id)
 ORDER BY t.level, t.id

-- name: outline_edges
SELECT task_id, depends_on_id FROM task_dependencies

-- name: chain_behind
WITH RECURSIVE path (id, chain) AS (
  SELECT id, chain FROM tasks WHERE id = :id
  UNION ALL
  SELECT (SELECT min(t.id) FROM task_dependencies d CROSS JOIN tasks t
           WHERE d.depends_on_id = path.id AND t.id = d.task_id AND t.chain = path.chain - 1 AND {open}), path.chain - 1
    FROM path WHERE path.chain > 0
)
SELECT id FROM path WHERE id IS NOT NULL

-- name: open_tasks
SELECT t.id FROM tasks t WHERE {open} AND t.id < :before ORDER BY t.id DESC LIMIT :limit
