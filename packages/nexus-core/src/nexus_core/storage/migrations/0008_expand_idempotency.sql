-- Answers to requests that carried an Idempotency-Key, by who asked and the hash of the key. The answer itself is sealed
-- with what only the asker has, since it may show a key of ours. `applied` is written together with the effect.
CREATE TABLE answers (
  asker text NOT NULL,
  key_hash text NOT NULL,
  fingerprint text NOT NULL,
  token text NOT NULL,
  applied integer NOT NULL DEFAULT 0,
  status integer,
  answer bytea,
  created_at timestamptz NOT NULL,
  begun_at timestamptz NOT NULL,
  PRIMARY KEY (asker, key_hash)
);
CREATE INDEX answers_created ON answers (created_at);

-- How often each asked in a minute, by a hash of who it is, as counted by all hosts together.
CREATE TABLE limit_counts (
  who text NOT NULL,
  period bigint NOT NULL,
  used bigint NOT NULL,
  counted_at timestamptz NOT NULL,
  PRIMARY KEY (who, period)
);
CREATE INDEX limit_counts_time ON limit_counts (counted_at);
