-- Where the complexity of a task comes from, beside the task: claims read tasks all the time, and this hardly ever.
CREATE TABLE task_scores (
  task_id bigint PRIMARY KEY REFERENCES tasks (id),
  value integer NOT NULL CHECK (value BETWEEN 1 AND 10),
  source text NOT NULL CHECK (source IN ('estimate', 'file', 'report')),
  estimator text,
  factors jsonb NOT NULL,
  reasoning text NOT NULL DEFAULT '',
  scored_at timestamptz NOT NULL
);
