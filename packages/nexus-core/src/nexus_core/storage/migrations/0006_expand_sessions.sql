-- People who log in: who they are where they come from, the sessions of their browsers, logins that are under way.
ALTER TABLE users ADD COLUMN provider text NOT NULL DEFAULT 'github';
ALTER TABLE users ADD COLUMN organisation text;
ALTER TABLE users ADD COLUMN disabled_at timestamptz;
ALTER TABLE api_keys ADD COLUMN user_id bigint;
CREATE INDEX api_keys_user ON api_keys (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE identities (
  provider text NOT NULL,
  subject text NOT NULL,
  user_id bigint NOT NULL UNIQUE REFERENCES users (id),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (provider, subject)
);

CREATE TABLE sessions (
  hash text PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users (id),
  created_at timestamptz NOT NULL,
  last_used_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE logins (
  hash text PRIMARY KEY,
  provider text NOT NULL,
  browser text NOT NULL,
  verifier text NOT NULL,
  next text NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX logins_expiry ON logins (expires_at);

CREATE TABLE device_logins (
  hash text PRIMARY KEY,
  provider text NOT NULL,
  pause integer NOT NULL,
  poll_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX device_logins_expiry ON device_logins (expires_at);
