-- name: AddAccount :exec
INSERT INTO accounts (id, name, created_at, operator) VALUES ($1, $2, $3, $4);

-- name: Account :one
SELECT * FROM accounts WHERE id = $1;

-- name: Accounts :many
SELECT * FROM accounts ORDER BY created_at, id;

-- name: AddAccessKey :execrows
INSERT INTO access_keys (id, account_id, user_id, secret, disabled, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING;

-- name: AccessKey :one
SELECT * FROM access_keys WHERE id = $1;

-- name: SigningKey :one
SELECT access_keys.*,
  CAST((SELECT COUNT(*) FROM nonces WHERE nonces.access_key_id = access_keys.id AND nonces.nonce = $2) AS BIGINT) AS uses
FROM access_keys WHERE access_keys.id = $1;

-- name: AccessKeys :many
SELECT id, account_id, user_id, disabled, created_at FROM access_keys
WHERE account_id = $1 ORDER BY created_at, id;

-- name: DisableAccessKey :execrows
UPDATE access_keys SET disabled = 1 WHERE account_id = $1 AND id = $2;

-- name: UseNonce :execrows
INSERT INTO nonces (access_key_id, nonce, until) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING;

-- name: CountNonce :one
SELECT COUNT(*) FROM nonces WHERE access_key_id = $1 AND nonce = $2;

-- name: ForgetNonces :exec
DELETE FROM nonces WHERE until < $1;

-- name: Submission :one
SELECT * FROM submissions WHERE account_id = $1 AND key = $2 AND expires_at > $3;

-- name: PutSubmission :exec
INSERT INTO submissions (account_id, key, content, order_id, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (account_id, key) DO UPDATE
SET content = excluded.content, order_id = excluded.order_id,
    created_at = excluded.created_at, expires_at = excluded.expires_at;

-- name: DeleteSubmissionsBefore :exec
DELETE FROM submissions WHERE expires_at <= $1;
