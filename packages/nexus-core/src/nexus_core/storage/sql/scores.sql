-- name: get_scores
SELECT task_id, value, source, estimator, factors, reasoning FROM task_scores WHERE task_id IN (:ids) ORDER BY task_id

-- name: save_score
INSERT INTO task_scores (task_id, value, source, estimator, factors, reasoning, scored_at)
VALUES (:task_id, :value, :source, :estimator, :factors, :reasoning, :now)
ON CONFLICT (task_id) DO UPDATE
   SET value = excluded.value, source = excluded.source, estimator = excluded.estimator, factors = excluded.factors,
       reasoning = excluded.reasoning, scored_at = excluded.scored_at

-- name: set_complexities
UPDATE tasks SET complexity_auto = (SELECT s.value FROM task_scores s WHERE s.task_id = tasks.id)
 WHERE id IN (:ids)
   AND (SELECT s.value FROM task_scores s WHERE s.task_id = tasks.id) <> COALESCE(complexity_auto, 0)

-- name: estimated_otherwise
SELECT t.id FROM tasks t LEFT JOIN task_scores s ON s.task_id = t.id
 WHERE t.repository_id = :repository_id
   AND (s.task_id IS NULL OR (s.source = 'estimate' AND s.estimator <> :estimator))
 ORDER BY t.id

-- name: count_parts
SELECT parent_id, count(*) AS number FROM tasks WHERE parent_id IN (:ids) GROUP BY parent_id
