-- name: AddSession :execrows
INSERT INTO sessions (access_key_id, account_id, role_id, name, secret, token_hash, policy, source, created_at, expires_at, revoked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0)
ON CONFLICT DO NOTHING;

-- name: Session :one
SELECT * FROM sessions WHERE access_key_id = $1;

-- name: Sessions :many
SELECT * FROM sessions WHERE account_id = sqlc.arg(account_id) AND expires_at > sqlc.arg(now) ORDER BY created_at DESC, access_key_id;

-- name: RevokeSession :execrows
UPDATE sessions SET revoked_at = CASE revoked_at WHEN 0 THEN sqlc.arg(now) ELSE revoked_at END
WHERE account_id = sqlc.arg(account_id) AND access_key_id = sqlc.arg(access_key_id);

-- name: RevokeRoleSessions :execrows
UPDATE sessions SET revoked_at = sqlc.arg(now)
WHERE account_id = sqlc.arg(account_id) AND role_id = sqlc.arg(role_id) AND revoked_at = 0 AND expires_at > sqlc.arg(now);

-- name: ForgetSessions :exec
DELETE FROM sessions WHERE expires_at < $1;
