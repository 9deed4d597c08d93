-- name: begin_answer
INSERT INTO answers (asker, key_hash, fingerprint, token, created_at, begun_at)
VALUES (:asker, :key_hash, :fingerprint, :token, :now, :now)
ON CONFLICT DO NOTHING
RETURNING token

-- name: get_answer
SELECT fingerprint, applied, status, answer, begun_at FROM answers WHERE asker = :asker AND key_hash = :key_hash

-- name: take_over_answer
UPDATE answers SET token = :token, begun_at = :now
 WHERE asker = :asker AND key_hash = :key_hash AND applied = 0 AND status IS NULL AND begun_at <= :silent_since
RETURNING token

-- name: apply_answer
UPDATE answers SET applied = 1 WHERE asker = :asker AND key_hash = :key_hash AND token = :token

-- name: finish_answer
UPDATE answers SET status = :status, answer = :answer
 WHERE asker = :asker AND key_hash = :key_hash AND token = :token

-- name: drop_answer
DELETE FROM answers WHERE asker = :asker AND key_hash = :key_hash AND token = :token AND applied = 0

-- name: prune_answers
DELETE FROM answers WHERE (asker, key_hash) IN
 (SELECT asker, key_hash FROM answers WHERE created_at < :before ORDER BY created_at LIMIT :limit)

-- name: count_towards_limit
INSERT INTO limit_counts (who, period, used, counted_at) VALUES (:who, :period, :number, :now)
ON CONFLICT (who, period) DO UPDATE SET used = limit_counts.used + excluded.used, counted_at = excluded.counted_at
RETURNING used

-- name: prune_limits
DELETE FROM limit_counts WHERE counted_at < :before
