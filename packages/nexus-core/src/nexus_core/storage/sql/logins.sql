-- fragment: person
users.id, github_id, username, role, users.created_at, users.provider, organisation, disabled_at

-- name: insert_login
INSERT INTO logins (hash, provider, browser, verifier, next, expires_at)
VALUES (:hash, :provider, :browser, :verifier, :next, :expires_at)

-- name: take_login
DELETE FROM logins WHERE hash = :hash AND provider = :provider AND browser = :browser
RETURNING provider, verifier, next, expires_at

-- name: forget_logins
DELETE FROM logins WHERE expires_at <= :now

-- name: insert_device_login
INSERT INTO device_logins (hash, provider, pause, poll_at, expires_at)
VALUES (:hash, :provider, :pause, :now, :expires_at)

-- name: find_device_login
SELECT provider, pause, poll_at, expires_at FROM device_logins WHERE hash = :hash

-- name: take_device_turn
UPDATE device_logins SET poll_at = :next_poll WHERE hash = :hash AND poll_at <= :now

-- name: slow_device_login
UPDATE device_logins SET pause = :pause, poll_at = :next_poll WHERE hash = :hash

-- name: end_device_login
DELETE FROM device_logins WHERE hash = :hash

-- name: forget_device_logins
DELETE FROM device_logins WHERE expires_at <= :now

-- name: insert_session
INSERT INTO sessions (hash, user_id, created_at, last_used_at, expires_at)
VALUES (:hash, :user_id, :now, :now, :expires_at)

-- name: find_session
SELECT user_id, created_at, last_used_at, expires_at FROM sessions WHERE hash = :hash

-- name: touch_session
UPDATE sessions SET last_used_at = :now WHERE hash = :hash

-- name: end_session
DELETE FROM sessions WHERE hash = :hash

-- name: end_sessions_of
DELETE FROM sessions WHERE user_id = :user_id

-- name: forget_sessions
DELETE FROM sessions WHERE expires_at <= :now

-- name: find_identity
SELECT {person} FROM users JOIN identities ON identities.user_id = users.id
WHERE identities.provider = :provider AND identities.subject = :subject

-- name: is_bound
SELECT subject FROM identities WHERE user_id = :user_id

-- name: insert_identity
INSERT INTO identities (provider, subject, user_id, created_at) VALUES (:provider, :subject, :user_id, :now)

-- name: set_github_id
UPDATE users SET github_id = :github_id WHERE id = :id

-- name: set_username
UPDATE users SET username = :username WHERE id = :id

-- name: set_user_disabled
UPDATE users SET disabled_at = :disabled_at WHERE id = :id

-- name: revoke_user_keys
UPDATE api_keys SET revoked_at = :now WHERE user_id = :user_id AND revoked_at IS NULL
