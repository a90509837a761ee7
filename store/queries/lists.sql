-- name: ListEntry :one
SELECT * FROM listed WHERE account_id = $1 AND kind = $2 AND row_id = $3;

-- name: LastListSeq :one
SELECT seq FROM listed WHERE account_id = $1 ORDER BY seq DESC LIMIT 1;

-- name: AddListEntry :exec
INSERT INTO listed (kind, row_id, account_id, seq, status, not_after, changes_at, resource_group, search)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: UpdateListEntry :exec
UPDATE listed SET
    status = sqlc.arg(status), not_after = sqlc.arg(not_after), changes_at = sqlc.arg(changes_at),
    resource_group = sqlc.arg(resource_group), search = sqlc.arg(search)
WHERE account_id = sqlc.arg(account_id) AND kind = sqlc.arg(kind) AND row_id = sqlc.arg(row_id);

-- name: DeleteListEntry :exec
DELETE FROM listed WHERE account_id = $1 AND kind = $2 AND row_id = $3;

-- name: CountInBlock :exec
INSERT INTO list_blocks (account_id, kind, status, block, resource_group, entries)
VALUES ($1, $2, $3, $4, $5, 1)
ON CONFLICT (account_id, kind, status, block, resource_group) DO UPDATE SET entries = list_blocks.entries + 1;

-- name: DiscountInBlock :exec
UPDATE list_blocks SET entries = list_blocks.entries - 1
WHERE account_id = $1 AND kind = $2 AND status = $3 AND block = $4 AND resource_group = $5;

-- name: ListBlocks :many
SELECT block, resource_group, entries FROM list_blocks
WHERE account_id = $1 AND kind = $2 AND status = $3 AND entries > 0;

-- name: ListEntries :many
SELECT seq, row_id FROM listed
WHERE account_id = sqlc.arg(account_id) AND kind = sqlc.arg(kind) AND status = sqlc.arg(status) AND seq <= sqlc.arg(upto)
ORDER BY seq DESC LIMIT sqlc.arg(most);

-- name: ListGroupEntries :many
SELECT seq, row_id FROM listed
WHERE account_id = sqlc.arg(account_id) AND resource_group = sqlc.arg(resource_group)
AND kind = sqlc.arg(kind) AND status = sqlc.arg(status) AND seq <= sqlc.arg(upto)
ORDER BY seq DESC LIMIT sqlc.arg(most);

-- name: SearchList :many
SELECT seq, row_id, resource_group FROM listed
WHERE account_id = sqlc.arg(account_id) AND kind = sqlc.arg(kind) AND status = sqlc.arg(status)
AND search LIKE lower(sqlc.arg(pattern)) ESCAPE '!';

-- name: AccountChanges :many
SELECT * FROM listed WHERE account_id = sqlc.arg(account_id) AND changes_at > 0 AND changes_at <= sqlc.arg(now) LIMIT sqlc.arg(most);

-- name: ListChanges :many
SELECT * FROM listed WHERE changes_at > 0 AND changes_at <= sqlc.arg(now) LIMIT sqlc.arg(most);
