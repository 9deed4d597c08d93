-- fragment: closer_columns
c.id, c.source, c.repository_id, c.number, c.state, c.title, c.branch, c.url, c.author, c.head, c.created_at,
       c.updated_at, c.host_updated_at, c.host_created_at, c.merged_at, c.merge_commit, c.is_fork

-- name: changes_by_commit
SELECT {closer_columns}
  FROM changes c
 WHERE c.repository_id = :repository_id AND c.source = :source AND (c.head = :commit_id OR c.merge_commit = :commit_id)
 ORDER BY c.id

-- name: find_change
SELECT {closer_columns}
  FROM changes c
 WHERE c.source = :source AND c.repository_id = :repository_id AND c.number = :number

-- name: spend_change_links
UPDATE change_links SET spent = TRUE
 WHERE task_id = :task_id AND closes AND change_id IN (SELECT id FROM changes WHERE state = 'merged')

-- name: spend_commit_links
UPDATE commit_links SET spent = TRUE WHERE task_id = :task_id

-- name: reviews_of_change
SELECT reviewer, name, verdict, commit_id, body, at
  FROM change_reviews WHERE repository_id = :repository_id AND source = :source AND number = :number
 ORDER BY at, reviewer

-- name: put_review
INSERT INTO change_reviews (repository_id, source, number, reviewer, name, verdict, commit_id, body, at)
VALUES (:repository_id, :source, :number, :reviewer, :name, :verdict, :commit_id, :body, :at)
ON CONFLICT (repository_id, source, number, reviewer) DO UPDATE
   SET name = excluded.name, verdict = excluded.verdict, commit_id = excluded.commit_id, body = excluded.body,
       at = excluded.at

-- name: checks_of_commit
SELECT name, title, conclusion, summary, url, at
  FROM commit_checks WHERE repository_id = :repository_id AND source = :source AND head = :head
 ORDER BY at, name

-- name: put_check
INSERT INTO commit_checks (repository_id, source, head, name, title, conclusion, summary, url, at)
VALUES (:repository_id, :source, :head, :name, :title, :conclusion, :summary, :url, :at)
ON CONFLICT (repository_id, source, head, name) DO UPDATE
   SET title = excluded.title, conclusion = excluded.conclusion, summary = excluded.summary, url = excluded.url,
       at = excluded.at

-- name: prune_checks
DELETE FROM commit_checks
 WHERE at < :before
   AND NOT EXISTS (SELECT 1 FROM changes c
                    WHERE c.repository_id = commit_checks.repository_id AND c.head = commit_checks.head
                      AND c.state IN ('open', 'draft'))

-- name: reverts_of
SELECT target, reverted_by
  FROM change_reverts WHERE repository_id = :repository_id AND source = :source AND target IN (:targets)
 ORDER BY target, reverted_by

-- name: reverts_by
SELECT target FROM change_reverts
 WHERE repository_id = :repository_id AND source = :source AND reverted_by = :reverted_by
 ORDER BY target

-- name: add_revert
INSERT INTO change_reverts (repository_id, source, target, reverted_by)
VALUES (:repository_id, :source, :target, :reverted_by)
ON CONFLICT DO NOTHING

-- name: drop_reverts
DELETE FROM change_reverts
 WHERE repository_id = :repository_id AND source = :source AND reverted_by = :reverted_by

-- name: lock_branch
SELECT /*pg: pg_advisory_xact_lock(7237104, hashtext(CAST(:repository_id AS text) || :branch)) IS NULL AND */
       CAST(:branch AS text) IS NOT NULL AS locked

-- name: put_branch_commit
INSERT INTO branch_commits (repository_id, source, branch, commit_id, message, rewrites, pushed_at, noted_at)
VALUES (:repository_id, :source, :branch, :commit_id, :message, :rewrites, :pushed_at, :now)
ON CONFLICT (repository_id, source, branch, commit_id) DO UPDATE
   SET pushed_at = CASE WHEN excluded.pushed_at > branch_commits.pushed_at THEN excluded.pushed_at
                        ELSE branch_commits.pushed_at END,
       rewrites = branch_commits.rewrites OR excluded.rewrites

-- name: commits_of_change
-- A branch may carry one change after the other: each has what was pushed since the one before it was merged, until it was
-- merged itself; what we knew when we were told of the merge was before it, whatever the clocks say.
SELECT b.commit_id, b.message, b.rewrites, b.pushed_at
  FROM branch_commits b
 WHERE b.repository_id = :repository_id AND b.source = :source AND b.branch = :branch
       /*when merged_at: AND (b.pushed_at <= :merged_at OR b.noted_at <= :told_at) */
   AND NOT EXISTS (SELECT 1 FROM changes c
                    WHERE c.repository_id = b.repository_id AND c.source = b.source AND c.branch = b.branch
                      AND NOT c.is_fork AND c.number < :number AND c.merged_at >= b.pushed_at)
 ORDER BY b.pushed_at DESC, b.commit_id LIMIT :limit

-- name: prune_branch_commits
DELETE FROM branch_commits
 WHERE pushed_at < :before
   AND NOT EXISTS (SELECT 1 FROM changes c
                    WHERE c.repository_id = branch_commits.repository_id AND c.branch = branch_commits.branch
                      AND c.state IN ('open', 'draft'))

-- name: add_commit_link
INSERT INTO commit_links (repository_id, source, commit_id, task_id, head, reason, at)
VALUES (:repository_id, :source, :commit_id, :task_id, :head, :reason, :at)
ON CONFLICT DO NOTHING

-- name: commit_links_of_task
SELECT repository_id, source, commit_id, task_id, head, reason, spent, at
  FROM commit_links WHERE task_id = :task_id ORDER BY at, commit_id

-- name: commit_links_of_commit
SELECT repository_id, source, commit_id, task_id, head, reason, spent, at
  FROM commit_links WHERE repository_id = :repository_id AND source = :source AND commit_id = :commit_id
 ORDER BY task_id

-- name: mark_task_linked
UPDATE tasks SET linked = TRUE WHERE id = :task_id AND NOT linked
