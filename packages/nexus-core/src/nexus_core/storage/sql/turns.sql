-- name: take_turn
INSERT INTO turns (name, holder, busy_until, free_at, closed_until) VALUES (:name, :holder, :until, :now, :now)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, busy_until = excluded.busy_until
 WHERE turns.busy_until <= :now AND turns.free_at <= :now
RETURNING name

-- name: get_turn
SELECT busy_until, free_at, closed_until, strikes FROM turns WHERE name = :name

-- name: give_turn_back
UPDATE turns SET busy_until = :now, free_at = :free_at WHERE name = :name AND holder = :holder

-- name: close_turn
INSERT INTO turns (name, holder, busy_until, free_at, closed_until) VALUES (:name, '', :now, :now, :until)
ON CONFLICT (name) DO UPDATE SET closed_until = excluded.closed_until
 WHERE turns.closed_until < excluded.closed_until

-- name: strike_turn
INSERT INTO turns (name, holder, busy_until, free_at, closed_until, strikes) VALUES (:name, '', :now, :now, :now, 1)
ON CONFLICT (name) DO UPDATE SET strikes = turns.strikes + 1
RETURNING strikes

-- name: calm_turn
UPDATE turns SET strikes = 0 WHERE name = :name AND strikes > 0
