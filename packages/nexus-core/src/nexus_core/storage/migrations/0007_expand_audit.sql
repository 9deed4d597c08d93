-- The audit: by which key, from where and in which request; sealed by a chain of hashes; alerts on what repeats itself.
ALTER TABLE events ADD COLUMN key_id bigint;
ALTER TABLE events ADD COLUMN address text;
ALTER TABLE events ADD COLUMN request_id text;

-- One row an event, in the order of the feed. A hash is over the one before it and the whole row of the event, so that
-- whoever changes one event has to change every seal after it, up to a head that somebody else may have noted.
CREATE TABLE event_seals (
  place bigint PRIMARY KEY,
  event_id bigint NOT NULL UNIQUE,
  xid bigint NOT NULL,
  hash bytea NOT NULL
);

-- When each job failed, as far as alerts look back; older rows are cleared away.
CREATE TABLE job_failures (
  id integer PRIMARY KEY,
  kind text NOT NULL,
  failed_at timestamptz NOT NULL
);
CREATE INDEX job_failures_time ON job_failures (failed_at);

-- The alerts that were raised, by rule and by what it is about: all processes together raise one in five minutes.
CREATE TABLE alerts (
  rule text NOT NULL,
  source text NOT NULL,
  raised_at timestamptz NOT NULL,
  is_open boolean NOT NULL,
  PRIMARY KEY (rule, source)
);

-- Append-only, also for the owner of the tables. (PostgreSQL's own triggers: pg_0007_expand_audit.sql.)
/*sqlite:
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
  BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
  BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_never_replaced BEFORE INSERT ON events
  WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id)
  BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER event_seals_are_never_changed BEFORE UPDATE ON event_seals
  BEGIN SELECT RAISE(ABORT, 'seals of events are append-only'); END;
CREATE TRIGGER event_seals_are_never_deleted BEFORE DELETE ON event_seals
  BEGIN SELECT RAISE(ABORT, 'seals of events are append-only'); END;
CREATE TRIGGER event_seals_are_never_replaced BEFORE INSERT ON event_seals
  WHEN EXISTS (SELECT 1 FROM event_seals WHERE place = NEW.place OR event_id = NEW.event_id)
  BEGIN SELECT RAISE(ABORT, 'seals of events are append-only'); END;
*/
