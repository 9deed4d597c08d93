-- fragment: key_columns
id, name, scopes, repositories, agent, assignment_id, created_at, expires_at, last_used_at, revoked_at, user_id

-- fragment: user_columns
id, github_id, username, role, created_at, provider, organisation, disabled_at

-- name: insert_key
INSERT INTO api_keys (name, hash, scopes, repositories, agent, assignment_id, created_at, expires_at, user_id)
VALUES (:name, :hash, :scopes, :repositories, :agent, :assignment_id, :now, :expires_at, :user_id)
RETURNING {key_columns}

-- name: find_key
SELECT {key_columns} FROM api_keys WHERE hash = :hash

-- name: get_key
SELECT {key_columns} FROM api_keys WHERE id = :id

-- name: list_keys
SELECT {key_columns} FROM api_keys WHERE assignment_id IS NULL ORDER BY id

-- name: count_keys
SELECT count(*) AS number FROM api_keys

-- name: revoke_key
UPDATE api_keys SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL

-- name: revoke_assignment_keys
UPDATE api_keys SET revoked_at = :now WHERE assignment_id = :assignment_id AND revoked_at IS NULL

-- name: touch_key
UPDATE api_keys SET last_used_at = :now WHERE id = :id

-- name: insert_user
INSERT INTO users (username, role, created_at, provider, organisation)
VALUES (:username, :role, :now, :provider, :organisation)
RETURNING {user_columns}

-- name: get_user
SELECT {user_columns} FROM users WHERE id = :id

-- name: find_user
SELECT {user_columns} FROM users WHERE lower(username) = lower(:username)

-- name: list_users
SELECT {user_columns} FROM users ORDER BY id

-- name: set_user_role
UPDATE users SET role = :role WHERE id = :id

-- name: get_meta
SELECT value FROM meta WHERE name = :name

-- name: list_meta
SELECT name, value FROM meta WHERE name >= :first AND name < :beyond

-- name: set_meta
INSERT INTO meta (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
