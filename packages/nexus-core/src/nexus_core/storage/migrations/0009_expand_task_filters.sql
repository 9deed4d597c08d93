-- The commonest list, a repository's tasks of one status, is a range of this index whatever their numbers.
CREATE INDEX tasks_repository_status ON tasks (repository_id, status, id);
