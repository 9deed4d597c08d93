-- Whose turn it is to call a service outside, by the name of the account there; and how long it wants to be left alone.
CREATE TABLE turns (
  name text PRIMARY KEY,
  holder text NOT NULL,
  busy_until timestamptz NOT NULL,
  free_at timestamptz NOT NULL,
  closed_until timestamptz NOT NULL,
  strikes integer NOT NULL DEFAULT 0
);
