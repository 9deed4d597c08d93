-- name: get_scores
SELECT task_id, value, source, estimator, factors, reasoning FROM task_scores WHERE task_id IN (:ids) ORDER BY task_id

-- name: save_score
INSERT INTO task_scores (task_id, value, source, estimator, factors, reasoning, scored_at)
VALUES (:task_id, :value, :source, :estimator, :factors, :reasoning, :now)
ON CONFLICT (task_id) DO UPDATE
   SET value = excluded.value, source = excluded.source, estimator = excluded.estimator, factors = excluded.factors,
       reasoning = excluded.reasoning, scored_at = excluded.scored_at

-- name: set_complexity
UPDATE tasks SET complexity_auto = :value
 WHERE id = :task_id AND (complexity_auto IS NULL OR complexity_auto <> :value)

-- name: estimated_otherwise
SELECT t.id FROM tasks t LEFT JOIN task_scores s ON s.task_id = t.id
 WHERE t.repository_id = :repository_id
   AND (s.task_id IS NULL OR (s.source = 'estimate' AND s.estimator <> :estimator))
 ORDER BY t.id

-- name: count_parts
SELECT parent_id, count(*) AS number FROM tasks WHERE parent_id IN (:ids) GROUP BY parent_id
