-- fragment: repository_columns
id, name, url, default_branch, external_id, created_at, state, state_at, reachable, reachable_at

-- fragment: change_columns
id, source, repository_id, number, state, title, branch, url, author, head, created_at, updated_at, host_updated_at,
       host_created_at, merged_at, merge_commit, is_fork

-- name: insert_repository
INSERT INTO repositories (name, url, default_branch, external_id, created_at)
VALUES (:name, :url, :default_branch, :external_id, :now)
RETURNING {repository_columns}

-- name: get_repository
SELECT {repository_columns} FROM repositories WHERE id = :id

-- name: lock_repository
SELECT {repository_columns} FROM repositories WHERE id = :id /*pg: FOR NO KEY UPDATE */

-- name: find_repository
SELECT {repository_columns} FROM repositories WHERE lower(name) = lower(:name)

-- name: find_repository_external
SELECT {repository_columns} FROM repositories WHERE external_id = :external_id

-- name: list_repositories
SELECT {repository_columns} FROM repositories ORDER BY id

-- name: update_repository
UPDATE repositories SET name = :name, url = :url, default_branch = :default_branch, external_id = :external_id,
       state = :state, state_at = :state_at, reachable = :reachable, reachable_at = :reachable_at
 WHERE id = :id

-- name: insert_change
INSERT INTO changes (source, repository_id, number, state, title, branch, url, author, head, created_at, updated_at,
                     host_updated_at, host_created_at, merged_at, merge_commit, is_fork)
VALUES (:source, :repository_id, :number, :state, :title, :branch, :url, :author, :head, :now, :now, :host_updated_at,
        :host_created_at, :merged_at, :merge_commit, :is_fork)
ON CONFLICT DO NOTHING
RETURNING {change_columns}

-- name: lock_change
SELECT {change_columns}
  FROM changes WHERE source = :source AND repository_id = :repository_id AND number = :number
 /*pg: FOR UPDATE */

-- name: update_change
UPDATE changes
   SET state = :state, title = :title, branch = :branch, url = :url, author = :author, head = :head,
       updated_at = :now, host_updated_at = :host_updated_at, host_created_at = :host_created_at,
       merged_at = :merged_at, merge_commit = :merge_commit, is_fork = :is_fork
 WHERE id = :id

-- name: changes_of_task
SELECT {change_columns}, l.task_id, l.closes, l.reason, l.spent
  FROM changes c JOIN change_links l ON l.change_id = c.id
 WHERE l.task_id = :task_id
 ORDER BY c.id

-- name: changes_by_head
SELECT {change_columns}
  FROM changes WHERE source = :source AND repository_id = :repository_id AND head = :head

-- name: changes_by_branch
SELECT {change_columns}
  FROM changes WHERE repository_id = :repository_id AND branch = :branch ORDER BY id

-- name: open_changes
SELECT {change_columns}
  FROM changes WHERE source = :source AND repository_id = :repository_id AND state IN ('open', 'draft') ORDER BY number

-- name: links_of_change
SELECT change_id, task_id, closes, reason, spent FROM change_links WHERE change_id = :change_id ORDER BY task_id

-- name: insert_change_link
INSERT INTO change_links (change_id, task_id, closes, reason) VALUES (:change_id, :task_id, :closes, :reason)
ON CONFLICT DO NOTHING

-- name: update_change_link
UPDATE change_links SET closes = :closes, reason = :reason WHERE change_id = :change_id AND task_id = :task_id
