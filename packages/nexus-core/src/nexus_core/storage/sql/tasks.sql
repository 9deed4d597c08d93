-- fragment: task_columns
t.id, t.title, t.description, t.details, t.test_strategy, t.complexity_auto, t.complexity_manual, t.status,
       t.priority, t.repository_id, t.parent_id, t.labels, t.external_key, t.raw_data, t.not_before, t.version,
       t.created_at, t.updated_at, t.assignment_id, t.agent, t.fence, t.failures, t.retry_at, t.issue_id,
       t.open_dependencies, t.open_subtasks, t.blocked_ancestors, t.impact, t.chain, t.level, r.name AS repository

-- fragment: joined
FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id

-- fragment: task_filter
1 = 1
   /*when visible: AND t.repository_id IN (:visible) */
   /*when repository_id: AND t.repository_id = :repository_id */
   /*when parent_id: AND t.parent_id = :parent_id */
   /*when statuses: AND t.status IN (:statuses) */
   /*when agent: AND t.agent = :agent */
   /*when label: AND CAST(t.labels AS text) LIKE :label ESCAPE '!' */
   /*when words: AND (lower(t.title) LIKE :words ESCAPE '!' OR lower(t.description) LIKE :words ESCAPE '!') */
   /*when ready: AND (t.startable AND (t.not_before IS NULL OR t.not_before <= :now)) = CAST(:ready AS boolean) */

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
                   updated_at, level, open_dependencies, open_subtasks, blocked_ancestors, impact, chain)
VALUES (:id, :title, :description, :details, :test_strategy, :complexity_auto, :complexity_manual, :status, :priority,
        :priority_rank, :repository_id, :parent_id, :labels, :external_key, :raw_data, :not_before, :now, :now, :level,
        :open_dependencies, :open_subtasks, :blocked_ancestors, :impact, :chain)

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

-- name: lock_held
-- The task is locked before the assignment, as everywhere, so that nobody waits in a circle.
SELECT {task_columns},
       a.id AS held_id, a.task_id AS held_task_id, a.agent_name AS held_agent_name, a.assigned_at AS held_assigned_at,
       a.status AS held_status, a.fence AS held_fence, a.lease_until AS held_lease_until, a.attempt AS held_attempt,
       a.branch AS held_branch, a.reason AS held_reason, a.result AS held_result, a.ended_at AS held_ended_at,
       y.id AS said_id, y.type AS said_type, y.body AS said_body, y.choices AS said_choices, y.answer AS said_answer,
       y.answered_by AS said_answered_by, y.created_at AS said_created_at
  FROM agent_assignments a JOIN tasks t ON t.id = a.task_id
  LEFT JOIN repositories r ON r.id = t.repository_id
  LEFT JOIN activities y ON y.id = (SELECT max(id) FROM activities WHERE assignment_id = a.id)
 WHERE a.id = :id
 /*pg: FOR UPDATE OF t, a */

-- name: get_tasks
SELECT {task_columns}
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id
 WHERE t.id IN (:ids)
 ORDER BY t.id

-- fragment: by_id
{joined}
 WHERE {task_filter}
   /*when after_id: AND t.id > :after_id */
 ORDER BY t.id LIMIT :limit

-- fragment: by_id_desc
{joined}
 WHERE {task_filter}
   /*when after_id: AND t.id < :after_id */
 ORDER BY t.id DESC LIMIT :limit

-- fragment: by_updated_desc
{joined}
 WHERE {task_filter}
   /*when after_at: AND (t.updated_at < :after_at OR (t.updated_at = :after_at AND t.id < :after_id)) */
 ORDER BY t.updated_at DESC, t.id DESC LIMIT :limit

-- fragment: by_order
{joined}
 WHERE {task_filter}
   /*when after_id: AND ({in_order}) > (:after_rank, :after_impact, :after_complexity, :after_id) */
 ORDER BY {in_order} LIMIT :limit

-- fragment: ready_by_id
{joined}
 WHERE t.startable AND {task_filter}
   /*when after_id: AND t.id > :after_id */
 ORDER BY t.id LIMIT :limit

-- fragment: ready_by_order
{joined}
 WHERE {ready} AND {task_filter}
   /*when after_id: AND ({in_order}) > (:after_rank, :after_impact, :after_complexity, :after_id) */
 ORDER BY {in_order} LIMIT :limit

-- fragment: ready_by_order_here
{joined}
 WHERE t.startable AND {task_filter}
   /*when after_id: AND ({in_order}) > (:after_rank, :after_impact, :after_complexity, :after_id) */
 ORDER BY {in_order} LIMIT :limit

-- name: list_tasks_by_id
SELECT {task_columns}
  {by_id}

-- name: list_tasks_by_id_desc
SELECT {task_columns}
  {by_id_desc}

-- name: list_tasks_by_updated_desc
SELECT {task_columns}
  {by_updated_desc}

-- name: list_tasks_by_order
SELECT {task_columns}
  {by_order}

-- name: page_ready_by_id
SELECT {task_columns}
  {ready_by_id}

-- name: page_ready_by_order
SELECT {task_columns}
  {ready_by_order}

-- name: page_ready_by_order_here
SELECT {task_columns}
  {ready_by_order_here}

-- Tasks as the API shows them: JSON, a page as one text (row by row it would wake the reader row by row), beside what
-- a cursor says of the last, when there are more.

-- fragment: task_json
json_object(
  'id', t.id,
  'key', CAST(:prefix AS text) || '-' || t.id,
  'repository', CASE WHEN t.repository_id IS NULL THEN NULL ELSE json_object('id', t.repository_id, 'name', r.name) END,
  'parent_id', t.parent_id,
  'title', t.title,
  'description', t.description,
  'details', t.details,
  'test_strategy', t.test_strategy,
  'status', t.status,
  'priority', t.priority,
  'complexity', COALESCE(t.complexity_manual, t.complexity_auto),
  'complexity_auto', t.complexity_auto,
  'complexity_manual', t.complexity_manual,
  'dependencies', (SELECT json_group_array(d.id) FROM (SELECT depends_on_id AS id FROM task_dependencies
                                                        WHERE task_id = t.id ORDER BY depends_on_id) d),
  'open_dependencies', t.open_dependencies,
  'ready', json(CASE WHEN t.startable AND (t.not_before IS NULL OR t.not_before <= :now) THEN 'true' ELSE 'false' END),
  'labels', json(t.labels),
  'agent', t.agent,
  'external_key', t.external_key,
  'raw_data', json(t.raw_data),
  'not_before', t.not_before,
  'version', t.version,
  'created_at', t.created_at,
  'updated_at', t.updated_at)

-- name: show_task
SELECT t.repository_id, t.version, t.linked, {task_json} AS body
  {joined}
 WHERE t.id = :id

-- fragment: bodies
group_concat(p.body, ',')

-- fragment: by_id_cursor
max(p.id) FILTER (WHERE p.n = :most) AS id

-- fragment: by_updated_cursor
max(p.id) FILTER (WHERE p.n = :most) AS id,
       max(p.updated_at) FILTER (WHERE p.n = :most) AS updated_at

-- fragment: by_order_cursor
max(p.id) FILTER (WHERE p.n = :most) AS id,
       max(p.priority) FILTER (WHERE p.n = :most) AS priority,
       max(p.impact) FILTER (WHERE p.n = :most) AS impact,
       max(p.complexity_manual) FILTER (WHERE p.n = :most) AS complexity_manual,
       max(p.complexity_auto) FILTER (WHERE p.n = :most) AS complexity_auto

-- name: show_tasks_by_id
SELECT {bodies} FILTER (WHERE p.n <= :most) AS items, count(*) AS number,
       {by_id_cursor}
  FROM (SELECT q.id, q.body, row_number() OVER () AS n
          FROM (SELECT t.id, {task_json} AS body
  {by_id}) q) p

-- name: show_tasks_by_id_desc
SELECT {bodies} FILTER (WHERE p.n <= :most) AS items, count(*) AS number,
       {by_id_cursor}
  FROM (SELECT q.id, q.body, row_number() OVER () AS n
          FROM (SELECT t.id, {task_json} AS body
  {by_id_desc}) q) p

-- name: show_tasks_by_updated_desc
SELECT {bodies} FILTER (WHERE p.n <= :most) AS items, count(*) AS number,
       {by_updated_cursor}
  FROM (SELECT q.id, q.updated_at, q.body, row_number() OVER () AS n
          FROM (SELECT t.id, t.updated_at, {task_json} AS body
  {by_updated_desc}) q) p

-- name: show_tasks_by_order
SELECT {bodies} FILTER (WHERE p.n <= :most) AS items, count(*) AS number,
       {by_order_cursor}
  FROM (SELECT q.id, q.priority, q.impact, q.complexity_manual, q.complexity_auto, q.body, row_number() OVER () AS n
          FROM (SELECT t.id, t.priority, t.impact, t.complexity_manual, t.complexity_auto, {task_json} AS body
  {by_order}) q) p

-- name: show_ready_by_id
SELECT {bodies} FILTER (WHERE p.n <= :most) AS items, count(*) AS number,
       {by_id_cursor}
  FROM (SELECT q.id, q.body, row_number() OVER () AS n
          FROM (SELECT t.id, {task_json} AS body
  {ready_by_id}) q) p

-- name: show_ready_by_order
SELECT {bodies} FILTER (WHERE p.n <= :most) AS items, count(*) AS number,
       {by_order_cursor}
  FROM (SELECT q.id, q.priority, q.impact, q.complexity_manual, q.complexity_auto, q.body, row_number() OVER () AS n
          FROM (SELECT t.id, t.priority, t.impact, t.complexity_manual, t.complexity_auto, {task_json} AS body
  {ready_by_order}) q) p

-- name: show_ready_by_order_here
SELECT {bodies} FILTER (WHERE p.n <= :most) AS items, count(*) AS number,
       {by_order_cursor}
  FROM (SELECT q.id, q.priority, q.impact, q.complexity_manual, q.complexity_auto, q.body, row_number() OVER () AS n
          FROM (SELECT t.id, t.priority, t.impact, t.complexity_manual, t.complexity_auto, {task_json} AS body
  {ready_by_order_here}) q) p

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
   AND (r.id IS NULL OR (r.state = 'active' AND r.reachable))
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

-- name: insert_new_dependency
INSERT INTO task_dependencies (task_id, depends_on_id) VALUES (:task_id, :depends_on_id)

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
