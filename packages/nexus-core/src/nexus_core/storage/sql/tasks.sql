-- fragment: task_columns
t.id, t.title, t.description, t.details, t.test_strategy, t.complexity_auto, t.complexity_manual, t.status,
       t.priority, t.repository_id, t.parent_id, t.labels, t.external_key, t.raw_data, t.not_before, t.version,
       t.created_at, t.updated_at, t.assignment_id, t.agent, t.fence, t.failures, t.retry_at,
       t.open_dependencies, t.open_subtasks, t.blocked_ancestors, t.impact, t.chain, t.level, r.name AS repository

-- fragment: task_filter
(CAST(:everything AS boolean) OR t.repository_id IN (:visible))
   AND (CAST(:repository_id AS bigint) IS NULL OR t.repository_id = :repository_id)
   AND (CAST(:parent_id AS bigint) IS NULL OR t.parent_id = :parent_id)
   AND (CAST(:any_status AS boolean) OR t.status IN (:statuses))
   AND (CAST(:agent AS text) IS NULL OR t.agent = :agent)
   AND (CAST(:label AS text) IS NULL OR CAST(t.labels AS text) LIKE :label ESCAPE '!')
   AND (CAST(:words AS text) IS NULL OR lower(t.title) LIKE :words ESCAPE '!'
        OR lower(t.description) LIKE :words ESCAPE '!')
   AND (CAST(:any_ready AS boolean)
        OR (t.startable AND (t.not_before IS NULL OR t.not_before <= :now)) = CAST(:ready AS boolean))

-- fragment: in_order
t.priority_rank, -t.impact, t.complexity_order, t.id

-- fragment: ready
t.startable /*pg: AND ({in_order}) >= (SELECT f.priority_rank, f.neg_impact, f.complexity_order, f.id FROM ready_front f) */
   AND (t.not_before IS NULL OR t.not_before <= :now)

-- fragment: ready_filter
{ready}
   AND (CAST(:everything AS boolean) OR t.repository_id IN (:visible))
   AND (CAST(:repository_id AS bigint) IS NULL OR t.repository_id = :repository_id)
   AND (CAST(:max_complexity AS integer) IS NULL OR t.complexity_order <= :max_complexity)

-- name: insert_task
INSERT INTO tasks (title, description, details, test_strategy, complexity_auto, complexity_manual, status, priority,
                   priority_rank, repository_id, parent_id, labels, external_key, raw_data, not_before, created_at, updated_at)
VALUES (:title, :description, :details, :test_strategy, :complexity_auto, :complexity_manual, :status, :priority,
        :priority_rank, :repository_id, :parent_id, :labels, :external_key, :raw_data, :not_before, :now, :now)
RETURNING id

-- name: reserve_task_ids
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :number)
SELECT (SELECT COALESCE(max(id), 0) FROM tasks) + i FROM n

-- name: insert_reserved_task
INSERT INTO tasks (id, title, description, details, test_strategy, complexity_auto, complexity_manual, status, priority,
                   priority_rank, repository_id, parent_id, labels, external_key, raw_data, not_before, created_at,
                   updated_at, level)
VALUES (:id, :title, :description, :details, :test_strategy, :complexity_auto, :complexity_manual, :status, :priority,
        :priority_rank, :repository_id, :parent_id, :labels, :external_key, :raw_data, :not_before, :now, :now, :level)

-- name: update_task
UPDATE tasks
   SET title = :title, description = :description, details = :details, test_strategy = :test_strategy,
       complexity_auto = :complexity_auto, complexity_manual = :complexity_manual, status = :status,
       priority = :priority, priority_rank = :priority_rank, parent_id = :parent_id, labels = :labels,
       external_key = :external_key, raw_data = :raw_data, not_before = :not_before, assignment_id = :assignment_id,
       agent = :agent, fence = :fence, failures = :failures, retry_at = :retry_at, updated_at = :now,
       version = version + 1
 WHERE id = :id AND version = :version

-- name: place_task
UPDATE tasks
   SET status = :status, assignment_id = :assignment_id, agent = :agent, fence = :fence, failures = :failures,
       retry_at = :retry_at, updated_at = :now, version = version + 1
 WHERE id = :id AND version = :version

-- name: get_task
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE t.id = :id

-- name: lock_task
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE t.id = :id
 /*pg: FOR UPDATE OF t */

-- name: lock_task_of_assignment
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE t.id = (SELECT a.task_id FROM agent_assignments a WHERE a.id = :assignment_id)
 /*pg: FOR UPDATE OF t */

-- name: get_tasks
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE t.id IN (:ids)
 ORDER BY t.id

-- name: list_tasks_by_id
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE {task_filter}
   AND t.id > :after_id
 ORDER BY t.id LIMIT :limit

-- name: list_tasks_by_id_desc
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE {task_filter}
   AND (CAST(:after_id AS bigint) = 0 OR t.id < :after_id)
 ORDER BY t.id DESC LIMIT :limit

-- name: list_tasks_by_updated_desc
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE {task_filter}
   AND (CAST(:after_at AS timestamptz) IS NULL OR t.updated_at < :after_at
        OR (t.updated_at = :after_at AND t.id < :after_id))
 ORDER BY t.updated_at DESC, t.id DESC LIMIT :limit

-- name: list_tasks_by_order
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE {task_filter}
   AND (CAST(:after_id AS bigint) = 0
        OR ({in_order}) > (:after_rank, :after_impact, :after_complexity, :after_id))
 ORDER BY {in_order} LIMIT :limit

-- name: page_ready_by_id
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE t.startable AND {task_filter}
   AND t.id > :after_id
 ORDER BY t.id LIMIT :limit

-- name: page_ready_by_id_here
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE t.startable AND t.repository_id = :repository_id AND {task_filter}
   AND t.id > :after_id
 ORDER BY t.id LIMIT :limit

-- name: page_ready_by_order
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE {ready} AND {task_filter}
   AND ({in_order}) > (:after_rank, :after_impact, :after_complexity, :after_id)
 ORDER BY {in_order} LIMIT :limit

-- name: page_ready_by_order_here
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE t.startable AND t.repository_id = :repository_id AND {task_filter}
   AND ({in_order}) > (:after_rank, :after_impact, :after_complexity, :after_id)
 ORDER BY {in_order} LIMIT :limit

-- name: list_ready
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE {ready_filter}
 ORDER BY {in_order} LIMIT :limit

-- name: list_ready_here
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE t.startable AND t.repository_id = :repository_id AND (t.not_before IS NULL OR t.not_before <= :now)
   AND (CAST(:max_complexity AS integer) IS NULL OR t.complexity_order <= :max_complexity)
 ORDER BY {in_order} LIMIT :limit

-- fragment: held
status = 'in-progress', agent = :agent, fence = fence + 1, updated_at = :now, version = version + 1,
       -- Its id is known before the assignment is stored: to take a task is one statement.
       assignment_id = COALESCE(/*pg: nextval(pg_get_serial_sequence('agent_assignments', 'id')), */
                                (SELECT max(id) + 1 FROM agent_assignments), 1)

-- fragment: held_columns
id, title, priority, version, created_at, updated_at, repository_id, complexity_auto, complexity_manual, assignment_id,
       agent, fence, impact

-- name: take_any
UPDATE tasks SET {held}
 WHERE id = (SELECT t.id FROM tasks t WHERE {ready} ORDER BY {in_order} LIMIT 1 /*pg: FOR UPDATE OF t SKIP LOCKED */)
RETURNING {held_columns}

-- name: take_ready
UPDATE tasks SET {held}
 WHERE id = (SELECT t.id FROM tasks t WHERE {ready_filter} ORDER BY {in_order} LIMIT 1
             /*pg: FOR UPDATE OF t SKIP LOCKED */)
RETURNING {held_columns}

-- name: take_named
UPDATE tasks SET {held}
 WHERE id = (SELECT t.id FROM tasks t
              WHERE t.id = :id AND t.startable AND (t.not_before IS NULL OR t.not_before <= :now)
             /*pg: FOR UPDATE OF t SKIP LOCKED */)
RETURNING {held_columns}

-- name: hold_task
UPDATE tasks SET {held}
 WHERE id = :id AND version = :version
RETURNING {held_columns}

-- name: list_ready_labels
SELECT t.id, t.labels
  FROM tasks t
 WHERE {ready_filter}
 ORDER BY {in_order} LIMIT :limit OFFSET :offset

-- name: list_dispatchable
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE t.startable AND (t.not_before IS NULL OR t.not_before <= :now)
   AND t.failures < :max_failures AND (t.retry_at IS NULL OR t.retry_at <= :now)
 ORDER BY {in_order} LIMIT :limit

-- name: startable_among
-- The cast keeps PostgreSQL from going through all that is startable, in its order, for the few that are asked for.
SELECT t.id, t.repository_id, t.title, {in_order} FROM tasks t
 WHERE t.id IN (:ids) AND CAST(t.startable AS integer) = 1 AND (t.not_before IS NULL OR t.not_before <= :now)

-- name: list_woken
SELECT t.id, t.repository_id, t.title, t.not_before FROM tasks t
 WHERE t.startable AND t.not_before <= :now
   AND (CAST(:since AS timestamptz) IS NULL OR t.not_before > :since)
 ORDER BY t.not_before, t.id

-- name: list_children
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE t.parent_id = :id
 ORDER BY t.id

-- name: list_ancestors
WITH RECURSIVE line (id, depth) AS (
  SELECT parent_id, 1 FROM tasks WHERE id = :id AND parent_id IS NOT NULL
  UNION ALL
  SELECT p.parent_id, line.depth + 1 FROM tasks p JOIN line ON p.id = line.id
   WHERE p.parent_id IS NOT NULL AND line.depth < 100
)
SELECT {task_columns}
  FROM line JOIN tasks t ON t.id = line.id LEFT JOIN repositories r ON r.id = t.repository_id
 ORDER BY line.depth

-- name: list_descendants
WITH RECURSIVE below (id, top) AS (
  SELECT id, parent_id FROM tasks WHERE parent_id IN (:ids)
  UNION
  SELECT c.id, below.top FROM tasks c JOIN below ON c.parent_id = below.id
)
SELECT id, count(*) AS number FROM below GROUP BY id ORDER BY id

-- name: bump_open_subtasks
UPDATE tasks SET open_subtasks = open_subtasks + :delta
 WHERE id = :id
RETURNING open_subtasks

-- name: find_by_external_key
SELECT id, external_key FROM tasks WHERE repository_id = :repository_id AND external_key IS NOT NULL

-- name: set_external_key
UPDATE tasks SET external_key = :external_key WHERE id = :id AND external_key IS NULL

-- name: find_external_key
SELECT id FROM tasks
 WHERE repository_id = :repository_id AND (external_key = :external_key OR external_key LIKE :any_tag ESCAPE '!')
 ORDER BY CASE WHEN external_key = :external_key THEN 0 ELSE 1 END, id LIMIT 2

-- name: count_tasks
SELECT repository_id, status, count(*) AS number FROM tasks GROUP BY repository_id, status

-- name: insert_dependency
INSERT INTO task_dependencies (task_id, depends_on_id) VALUES (:task_id, :depends_on_id)
ON CONFLICT DO NOTHING

-- name: delete_dependency
DELETE FROM task_dependencies WHERE task_id = :task_id AND depends_on_id = :depends_on_id

-- name: dependencies_of
SELECT task_id, depends_on_id FROM task_dependencies WHERE task_id IN (:ids) ORDER BY task_id, depends_on_id

-- name: dependents_of
SELECT task_id, depends_on_id FROM task_dependencies WHERE depends_on_id IN (:ids) ORDER BY depends_on_id, task_id

-- fragment: touching
t.id IN (SELECT id FROM tasks WHERE repository_id = :repository_id
                 UNION SELECT d.depends_on_id FROM tasks a CROSS JOIN task_dependencies d
                        WHERE a.repository_id = :repository_id AND d.task_id = a.id
                 UNION SELECT d.task_id FROM tasks a CROSS JOIN task_dependencies d
                        WHERE a.repository_id = :repository_id AND d.depends_on_id = a.id)

-- fragment: node_columns
t.id, t.title, t.status, t.priority, t.version, t.created_at, t.updated_at, t.repository_id, t.parent_id, t.not_before,
       t.assignment_id, t.agent, t.open_dependencies, t.open_subtasks, t.blocked_ancestors, r.name AS repository

-- name: graph_tasks
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE (CAST(:everything AS boolean) OR t.repository_id IN (:visible))
 ORDER BY t.id

-- name: graph_tasks_of
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE (CAST(:everything AS boolean) OR t.repository_id IN (:visible)) AND {touching}
 ORDER BY t.id

-- name: graph_nodes
SELECT {node_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE (CAST(:everything AS boolean) OR t.repository_id IN (:visible))
 ORDER BY t.id LIMIT :limit

-- name: graph_nodes_of
SELECT {node_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE (CAST(:everything AS boolean) OR t.repository_id IN (:visible)) AND {touching}
 ORDER BY t.id LIMIT :limit

-- name: tasks_of_repository
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE t.repository_id = :repository_id
 ORDER BY t.id

-- name: lock_graph
SELECT /*pg: pg_advisory_xact_lock(7237101) IS NULL AND */ 1 = 1 AS locked

-- name: save_task_file
INSERT INTO task_files (repository_id, path, format, content, imported_at)
VALUES (:repository_id, :path, :format, :content, :now)
ON CONFLICT (repository_id) DO UPDATE
   SET path = excluded.path, format = excluded.format, content = excluded.content, imported_at = excluded.imported_at

-- name: get_task_file
SELECT path, format, content FROM task_files WHERE repository_id = :repository_id
