-- fragment: issue_columns
id, source, repository_id, external_id, number, url, author, title, body, state, labels, trusted, task_id,
       host_updated_at

-- name: insert_issue
INSERT INTO issues (source, repository_id, external_id, number, url, author, title, body, state, labels, trusted,
                    host_updated_at)
VALUES (:source, :repository_id, :external_id, :number, :url, :author, :title, :body, :state, :labels, :trusted,
        :host_updated_at)
ON CONFLICT DO NOTHING
RETURNING {issue_columns}

-- name: lock_issue
SELECT {issue_columns}
  FROM issues WHERE source = :source AND external_id = :external_id
 /*pg: FOR UPDATE */

-- name: lock_issue_by_number
SELECT {issue_columns}
  FROM issues WHERE source = :source AND repository_id = :repository_id AND number = :number
 ORDER BY id DESC LIMIT 1
 /*pg: FOR UPDATE */

-- name: lock_issue_of_task
SELECT {issue_columns}
  FROM issues WHERE task_id = :task_id
 /*pg: FOR UPDATE */

-- name: update_issue
UPDATE issues
   SET repository_id = :repository_id, external_id = :external_id, number = :number, url = :url, author = :author,
       title = :title, body = :body, state = :state, labels = :labels, trusted = :trusted, task_id = :task_id,
       host_updated_at = :host_updated_at
 WHERE id = :id

-- name: set_task_issue
UPDATE tasks SET issue_id = :issue_id WHERE id = :id
