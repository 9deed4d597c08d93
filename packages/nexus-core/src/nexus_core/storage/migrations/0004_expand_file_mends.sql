-- What the doctor mends in the text of a task file, which an export writes and an import leaves alone.
ALTER TABLE task_files ADD COLUMN mends jsonb NOT NULL DEFAULT '[]';
