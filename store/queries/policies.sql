-- name: AddPolicy :execrows
INSERT INTO policies (account_id, name, description, document, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING;

-- name: PolicyNamed :one
SELECT * FROM policies WHERE account_id = $1 AND name = $2;

-- name: Policies :many
SELECT * FROM policies WHERE account_id = $1 ORDER BY name;

-- name: UpdatePolicy :execrows
UPDATE policies SET description = sqlc.arg(description), document = sqlc.arg(document), updated_at = sqlc.arg(updated_at)
WHERE account_id = sqlc.arg(account_id) AND name = sqlc.arg(name);

-- name: DeletePolicy :execrows
DELETE FROM policies WHERE account_id = $1 AND name = $2;

-- name: CountAttachments :one
SELECT COUNT(*) FROM attachments WHERE account_id = $1 AND policy = $2;

-- name: AttachPolicy :exec
INSERT INTO attachments (account_id, kind, principal_id, policy) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING;

-- name: DetachPolicy :exec
DELETE FROM attachments WHERE account_id = $1 AND kind = $2 AND principal_id = $3 AND policy = $4;

-- name: DetachAll :exec
DELETE FROM attachments WHERE account_id = $1 AND kind = $2 AND principal_id = $3;

-- name: Attachments :many
SELECT * FROM attachments WHERE account_id = $1 ORDER BY kind, principal_id, policy;

-- name: PoliciesOf :many
SELECT a.policy, p.document FROM attachments a
LEFT JOIN policies p ON p.account_id = a.account_id AND p.name = a.policy
WHERE a.account_id = $1 AND a.kind = $2 AND a.principal_id = $3
ORDER BY a.policy;

-- name: GroupPoliciesOf :many
SELECT a.policy, p.document FROM group_members m
JOIN attachments a ON a.account_id = m.account_id AND a.kind = 'group' AND a.principal_id = m.group_id
LEFT JOIN policies p ON p.account_id = a.account_id AND p.name = a.policy
WHERE m.account_id = $1 AND m.user_id = $2
ORDER BY a.policy;
