-- What code hosts say is kept, so that facts may come late, twice and in any order: where a task stands follows from it.
ALTER TABLE changes ADD COLUMN host_created_at timestamptz;
ALTER TABLE changes ADD COLUMN merged_at timestamptz;
ALTER TABLE changes ADD COLUMN merge_commit text NOT NULL DEFAULT '';
CREATE INDEX changes_head ON changes (repository_id, head);
CREATE INDEX changes_merge_commit ON changes (repository_id, merge_commit);

-- A merge completes a task once: when somebody reopened the task, it is spent.
ALTER TABLE change_links ADD COLUMN spent boolean NOT NULL DEFAULT FALSE;

-- Whether any change names a task: the reading of those that none does is not to pay for the look.
ALTER TABLE tasks ADD COLUMN linked boolean NOT NULL DEFAULT FALSE;
UPDATE tasks SET linked = TRUE WHERE id IN (SELECT task_id FROM change_links);

-- The latest word of each reviewer.
CREATE TABLE change_reviews (
  repository_id bigint NOT NULL REFERENCES repositories (id),
  source text NOT NULL,
  number bigint NOT NULL,
  reviewer text NOT NULL,
  name text NOT NULL,
  verdict text NOT NULL,
  commit_id text NOT NULL,
  body text NOT NULL,
  at timestamptz,
  PRIMARY KEY (repository_id, source, number, reviewer)
);

-- The latest end of each check of a commit.
CREATE TABLE commit_checks (
  repository_id bigint NOT NULL REFERENCES repositories (id),
  source text NOT NULL,
  head text NOT NULL,
  name text NOT NULL,
  title text NOT NULL,
  conclusion text NOT NULL,
  summary text NOT NULL,
  url text NOT NULL,
  at timestamptz,
  PRIMARY KEY (repository_id, source, head, name)
);
CREATE INDEX commit_checks_at ON commit_checks (at);

-- What takes back what: both are changes (`#7`) or commits.
CREATE TABLE change_reverts (
  repository_id bigint NOT NULL REFERENCES repositories (id),
  source text NOT NULL,
  target text NOT NULL,
  reverted_by text NOT NULL,
  PRIMARY KEY (repository_id, source, target, reverted_by)
);
CREATE INDEX change_reverts_by ON change_reverts (repository_id, source, reverted_by);

-- Commits on a default branch that complete tasks.
CREATE TABLE commit_links (
  repository_id bigint NOT NULL REFERENCES repositories (id),
  source text NOT NULL,
  commit_id text NOT NULL,
  task_id bigint NOT NULL REFERENCES tasks (id),
  head text NOT NULL,
  reason text NOT NULL,
  spent boolean NOT NULL DEFAULT FALSE,
  at timestamptz,
  PRIMARY KEY (repository_id, source, commit_id, task_id)
);
CREATE INDEX commit_links_task ON commit_links (task_id);

-- Issues that were heard of where issues become tasks; what they said when both sides last agreed.
CREATE TABLE issues (
  id integer PRIMARY KEY,
  source text NOT NULL,
  repository_id bigint NOT NULL REFERENCES repositories (id),
  external_id text NOT NULL,
  number bigint NOT NULL,
  url text NOT NULL,
  author text NOT NULL,
  title text NOT NULL,
  body text NOT NULL,
  state text NOT NULL,
  labels jsonb NOT NULL,
  trusted boolean NOT NULL,
  task_id bigint REFERENCES tasks (id),
  host_updated_at timestamptz,
  UNIQUE (source, external_id)
);
CREATE INDEX issues_number ON issues (repository_id, source, number);
CREATE UNIQUE INDEX issues_task ON issues (task_id) WHERE task_id IS NOT NULL;
ALTER TABLE tasks ADD COLUMN issue_id bigint;

-- Whether the host still has a repository, and whether we may still reach it.
ALTER TABLE repositories ADD COLUMN state text NOT NULL DEFAULT 'active';
ALTER TABLE repositories ADD COLUMN state_at timestamptz;
ALTER TABLE repositories ADD COLUMN reachable boolean NOT NULL DEFAULT TRUE;
ALTER TABLE repositories ADD COLUMN reachable_at timestamptz;
