-- Commits of branches whose messages name tasks: so does the change of the branch, whichever is told first. A push that
-- rewrote its branch is kept whatever it says, for what was pushed before may be gone from it.
CREATE TABLE branch_commits (
  repository_id bigint NOT NULL REFERENCES repositories (id),
  source text NOT NULL,
  branch text NOT NULL,
  commit_id text NOT NULL,
  message text NOT NULL,
  rewrites boolean NOT NULL,
  pushed_at timestamptz NOT NULL,
  noted_at timestamptz NOT NULL,
  PRIMARY KEY (repository_id, source, branch, commit_id)
);
CREATE INDEX branch_commits_at ON branch_commits (pushed_at);
CREATE INDEX changes_branch ON changes (repository_id, branch);

-- A change of a fork has a branch of the same name as one of ours by chance alone.
ALTER TABLE changes ADD COLUMN is_fork boolean NOT NULL DEFAULT FALSE;
