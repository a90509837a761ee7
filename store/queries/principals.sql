-- name: AddUser :execrows
INSERT INTO users (id, account_id, name, display_name, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;

-- name: UserNamed :one
SELECT * FROM users WHERE account_id = $1 AND name = $2;

-- name: UserOfID :one
SELECT * FROM users WHERE account_id = $1 AND id = $2;

-- name: Users :many
SELECT * FROM users WHERE account_id = $1 ORDER BY name;

-- name: DeleteUser :execrows
DELETE FROM users WHERE account_id = $1 AND id = $2;

-- name: DeleteUserMemberships :exec
DELETE FROM group_members WHERE account_id = $1 AND user_id = $2;

-- name: DeleteUserKeys :exec
DELETE FROM access_keys WHERE account_id = $1 AND user_id = $2;

-- name: AddGroup :execrows
INSERT INTO user_groups (id, account_id, name, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING;

-- name: GroupNamed :one
SELECT * FROM user_groups WHERE account_id = $1 AND name = $2;

-- name: GroupOfID :one
SELECT * FROM user_groups WHERE account_id = $1 AND id = $2;

-- name: Groups :many
SELECT * FROM user_groups WHERE account_id = $1 ORDER BY name;

-- name: DeleteGroup :execrows
DELETE FROM user_groups WHERE account_id = $1 AND id = $2;

-- name: DeleteGroupMembers :exec
DELETE FROM group_members WHERE account_id = $1 AND group_id = $2;

-- name: AddMember :exec
INSERT INTO group_members (account_id, user_id, group_id) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING;

-- name: RemoveMember :exec
DELETE FROM group_members WHERE account_id = $1 AND user_id = $2 AND group_id = $3;

-- name: Members :many
SELECT u.* FROM group_members m JOIN users u ON u.id = m.user_id
WHERE m.account_id = $1 AND m.group_id = $2 ORDER BY u.name;

-- name: AddRole :execrows
INSERT INTO roles (id, account_id, name, description, trust, max_session, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING;

-- name: RoleNamed :one
SELECT * FROM roles WHERE account_id = $1 AND name = $2;

-- name: RoleOfID :one
SELECT * FROM roles WHERE account_id = $1 AND id = $2;

-- name: Roles :many
SELECT * FROM roles WHERE account_id = $1 ORDER BY name;

-- name: UpdateRole :execrows
UPDATE roles SET description = sqlc.arg(description), trust = sqlc.arg(trust), max_session = sqlc.arg(max_session)
WHERE account_id = sqlc.arg(account_id) AND id = sqlc.arg(id);

-- name: DeleteRole :execrows
DELETE FROM roles WHERE account_id = $1 AND id = $2;

-- name: DeleteRoleSessions :exec
DELETE FROM sessions WHERE account_id = $1 AND role_id = $2;
