-- The whole schema. Valid SQLite; the PostgreSQL engine renders "integer PRIMARY KEY" as a 64-bit identity.
-- Times are UTC, JSON columns hold objects or arrays.

CREATE TABLE meta (
  name text PRIMARY KEY,
  value text NOT NULL
);

CREATE TABLE repositories (
  id integer PRIMARY KEY,
  name text NOT NULL,
  url text NOT NULL,
  default_branch text NOT NULL DEFAULT 'main',
  external_id text,
  created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX repositories_name ON repositories (lower(name));

CREATE TABLE users (
  id integer PRIMARY KEY,
  github_id text UNIQUE,
  username text NOT NULL,
  role text NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX users_username ON users (lower(username));

CREATE TABLE api_keys (
  id integer PRIMARY KEY,
  name text NOT NULL,
  hash text NOT NULL UNIQUE,
  scopes jsonb NOT NULL,
  repositories jsonb,
  agent text,
  assignment_id bigint,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);

CREATE TABLE tasks (
  id integer PRIMARY KEY,
  title text NOT NULL,
  description text NOT NULL DEFAULT '',
  details text NOT NULL DEFAULT '',
  test_strategy text NOT NULL DEFAULT '',
  complexity_auto integer CHECK (complexity_auto BETWEEN 1 AND 10),
  complexity_manual integer CHECK (complexity_manual BETWEEN 1 AND 10),
  status text NOT NULL CHECK (status IN ('pending', 'in-progress', 'review', 'done', 'blocked', 'deferred', 'cancelled')),
  priority text NOT NULL CHECK (priority IN ('critical', 'high', 'medium', 'low')),
  priority_rank integer NOT NULL,
  repository_id bigint REFERENCES repositories (id),
  parent_id bigint REFERENCES tasks (id),
  labels jsonb NOT NULL,
  external_key text,
  raw_data jsonb NOT NULL,
  not_before timestamptz,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  -- The live assignment, and what its history says.
  assignment_id bigint,
  agent text,
  fence bigint NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  retry_at timestamptz,
  -- What readiness needs, kept with each change so that a claim is one look-up in an index.
  open_dependencies integer NOT NULL DEFAULT 0,
  open_subtasks integer NOT NULL DEFAULT 0,
  blocked_ancestors integer NOT NULL DEFAULT 0,
  impact integer NOT NULL DEFAULT 0,
  -- Above that of every task that this one depends on: most new dependencies then need no look for a cycle.
  level bigint NOT NULL DEFAULT 0,
  complexity_order integer GENERATED ALWAYS AS (COALESCE(complexity_manual, complexity_auto, 5)) STORED,
  startable boolean GENERATED ALWAYS AS (
    status = 'pending' AND open_dependencies = 0 AND open_subtasks = 0 AND blocked_ancestors = 0
    AND assignment_id IS NULL
  ) STORED
);
CREATE UNIQUE INDEX tasks_external_key ON tasks (repository_id, external_key) WHERE external_key IS NOT NULL;
CREATE INDEX tasks_startable ON tasks (priority_rank, impact DESC, complexity_order, id) WHERE startable;
CREATE INDEX tasks_repository ON tasks (repository_id, id);
CREATE INDEX tasks_status ON tasks (status, id);
CREATE INDEX tasks_parent ON tasks (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE task_dependencies (
  task_id bigint NOT NULL REFERENCES tasks (id),
  depends_on_id bigint NOT NULL REFERENCES tasks (id),
  PRIMARY KEY (task_id, depends_on_id)
);
CREATE INDEX task_dependencies_reverse ON task_dependencies (depends_on_id, task_id);

CREATE TABLE task_files (
  repository_id bigint PRIMARY KEY REFERENCES repositories (id),
  path text NOT NULL,
  format text NOT NULL,
  content bytea NOT NULL,
  imported_at timestamptz NOT NULL
);

CREATE TABLE agent_assignments (
  id integer PRIMARY KEY,
  task_id bigint NOT NULL REFERENCES tasks (id),
  agent_name text NOT NULL,
  assigned_at timestamptz NOT NULL,
  status text NOT NULL,
  fence bigint NOT NULL,
  lease_until timestamptz NOT NULL,
  attempt integer NOT NULL,
  branch text,
  reason text NOT NULL DEFAULT '',
  result jsonb NOT NULL,
  ended_at timestamptz,
  UNIQUE (task_id, fence)
);
CREATE INDEX agent_assignments_live ON agent_assignments (lease_until) WHERE ended_at IS NULL;
-- At most one live assignment a task, whatever the code above believes.
CREATE UNIQUE INDEX agent_assignments_holder ON agent_assignments (task_id) WHERE ended_at IS NULL;

CREATE TABLE activities (
  id integer PRIMARY KEY,
  assignment_id bigint NOT NULL REFERENCES agent_assignments (id),
  type text NOT NULL,
  body text NOT NULL,
  choices jsonb NOT NULL,
  answer text,
  answered_by text,
  created_at timestamptz NOT NULL
);
CREATE INDEX activities_assignment ON activities (assignment_id, id);
CREATE INDEX activities_inbox ON activities (id) WHERE type = 'elicitation' AND answer IS NULL;

CREATE TABLE changes (
  id integer PRIMARY KEY,
  source text NOT NULL,
  repository_id bigint NOT NULL REFERENCES repositories (id),
  number bigint NOT NULL,
  state text NOT NULL,
  title text NOT NULL,
  branch text NOT NULL,
  url text NOT NULL,
  author text NOT NULL,
  head text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  host_updated_at timestamptz,
  UNIQUE (source, repository_id, number)
);

CREATE TABLE change_links (
  change_id bigint NOT NULL REFERENCES changes (id),
  task_id bigint NOT NULL REFERENCES tasks (id),
  closes boolean NOT NULL,
  reason text NOT NULL,
  PRIMARY KEY (change_id, task_id)
);
CREATE INDEX change_links_task ON change_links (task_id);

-- The audit: append-only. `xid` is the writing transaction on PostgreSQL (0 here), which orders the feed by commit.
CREATE TABLE events (
  id integer PRIMARY KEY,
  type text NOT NULL,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  actor_kind text NOT NULL,
  actor_name text NOT NULL,
  actor_id bigint,
  task_id bigint,
  repository_id bigint,
  assignment_id bigint,
  delivery text,
  xid bigint NOT NULL DEFAULT 0
);
CREATE INDEX events_feed ON events (xid, id);
CREATE INDEX events_task ON events (task_id, id) WHERE task_id IS NOT NULL;
CREATE INDEX events_type ON events (type, id);

CREATE TABLE jobs (
  id integer PRIMARY KEY,
  kind text NOT NULL,
  lane text NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'running', 'done', 'dead', 'cancelled')),
  payload jsonb NOT NULL,
  event_id bigint,
  subject text,
  unique_key text,
  attempt integer NOT NULL DEFAULT 0,
  max_attempts integer NOT NULL,
  run_at timestamptz NOT NULL,
  locked_until timestamptz,
  locked_by text,
  last_error text,
  created_at timestamptz NOT NULL,
  finished_at timestamptz
);
CREATE INDEX jobs_due ON jobs (lane, run_at, id) WHERE state = 'pending';
CREATE INDEX jobs_running ON jobs (locked_until) WHERE state = 'running';
CREATE INDEX jobs_subject ON jobs (subject, id) WHERE state IN ('pending', 'running');
-- One waiting job a key; a running one does not count, for it may have read the old state already.
CREATE UNIQUE INDEX jobs_unique ON jobs (unique_key) WHERE state = 'pending' AND unique_key IS NOT NULL;
CREATE INDEX jobs_state ON jobs (state, id);

CREATE TABLE deliveries (
  id integer PRIMARY KEY,
  source text NOT NULL,
  delivery_id text NOT NULL,
  kind text NOT NULL,
  state text NOT NULL,
  fingerprint text,
  subject text,
  headers jsonb NOT NULL,
  body bytea NOT NULL,
  error text,
  created_at timestamptz NOT NULL,
  handled_at timestamptz,
  UNIQUE (source, delivery_id)
);
CREATE INDEX deliveries_fingerprint ON deliveries (fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX deliveries_state ON deliveries (state, id);

CREATE TABLE schedules (
  name text PRIMARY KEY,
  due_at timestamptz NOT NULL
);
