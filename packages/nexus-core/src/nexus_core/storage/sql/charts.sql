-- fragment: outline
SELECT t.id, t.title, t.status, t.priority, t.repository_id, t.parent_id, t.labels, t.external_key, t.complexity_auto,
       t.complexity_manual, t.not_before, t.version, t.created_at, t.updated_at, t.assignment_id, t.agent, t.fence,
       t.failures, t.open_dependencies, t.open_subtasks, t.blocked_ancestors, t.impact, t.level, r.name AS repository
  FROM tasks t LEFT JOIN repositories r ON r.id = t.repository_id

-- name: outline_repository
{outline}
 WHERE t.repository_id = :repository_id
 ORDER BY t.id

-- name: outline_no_repository
{outline}
 WHERE t.repository_id IS NULL
 ORDER BY t.id

-- name: chart_tasks
{outline}
 WHERE t.id IN (:ids)
 ORDER BY t.id

-- name: imported_tasks
SELECT id FROM tasks
 WHERE repository_id = :repository_id AND external_key IS NOT NULL AND CAST(raw_data AS text) <> '{}'

-- name: get_file_mends
SELECT mends FROM task_files WHERE repository_id = :repository_id

-- name: set_file_mends
UPDATE task_files SET mends = :mends WHERE repository_id = :repository_id
