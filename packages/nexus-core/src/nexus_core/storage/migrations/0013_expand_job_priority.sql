-- What is due runs in the order of its priority, the highest first. The former index would only be written, never read.
ALTER TABLE jobs ADD COLUMN priority integer NOT NULL DEFAULT 0;
CREATE INDEX jobs_order ON jobs (lane, priority DESC, run_at, id) WHERE state = 'pending';
DROP INDEX jobs_due;
