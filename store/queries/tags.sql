-- name: TagBlocks :many
SELECT block, members FROM tag_blocks WHERE account_id = $1 AND key = $2 AND value = $3;

-- name: TagUses :many
SELECT key, value, orders, certificates FROM tag_uses
WHERE account_id = sqlc.arg(account_id) AND (key, value) >= (sqlc.arg(from_key), sqlc.arg(from_value))
ORDER BY key, value LIMIT sqlc.arg(most);

-- name: CountTag :exec
INSERT INTO tag_uses (account_id, key, value, orders, certificates)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, key, value) DO UPDATE SET
    orders = tag_uses.orders + excluded.orders, certificates = tag_uses.certificates + excluded.certificates;

-- name: ForgetTag :exec
DELETE FROM tag_uses WHERE account_id = $1 AND key = $2 AND value = $3 AND orders = 0 AND certificates = 0;

-- name: AddTagBlock :one
INSERT INTO tag_blocks (account_id, key, value, kind, block, members)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (account_id, key, value, kind, block) DO UPDATE SET members = tag_blocks.members
RETURNING members;

-- name: HoldTagBlock :one
UPDATE tag_blocks SET members = tag_blocks.members
WHERE account_id = $1 AND key = $2 AND value = $3 AND kind = $4 AND block = $5
RETURNING members;

-- name: WriteTagBlock :exec
UPDATE tag_blocks SET members = $6
WHERE account_id = $1 AND key = $2 AND value = $3 AND kind = $4 AND block = $5;

-- name: DeleteTagBlock :exec
DELETE FROM tag_blocks
WHERE account_id = $1 AND key = $2 AND value = $3 AND kind = $4 AND block = $5;
