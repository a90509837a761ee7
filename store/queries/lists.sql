-- name: ListEntry :one
SELECT * FROM listed WHERE account_id = $1 AND kind = $2 AND row_id = $3;

-- name: AddListEntry :exec
INSERT INTO listed (kind, row_id, account_id, seq, status, not_after, changes_at, resource_group, tags)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: UpdateListEntry :exec
UPDATE listed SET
    status = sqlc.arg(status), not_after = sqlc.arg(not_after), changes_at = sqlc.arg(changes_at),
    resource_group = sqlc.arg(resource_group), tags = sqlc.arg(tags)
WHERE account_id = sqlc.arg(account_id) AND kind = sqlc.arg(kind) AND row_id = sqlc.arg(row_id);

-- name: DeleteListEntry :exec
DELETE FROM listed WHERE account_id = $1 AND kind = $2 AND row_id = $3;

-- name: ListEntries :many
SELECT seq, row_id, status FROM listed
WHERE account_id = sqlc.arg(account_id) AND seq >= sqlc.arg(first) AND seq <= sqlc.arg(last);

-- name: ListedProducts :many
SELECT l.seq, o.product_code FROM listed l JOIN orders o ON o.id = l.row_id
WHERE l.account_id = sqlc.arg(account_id) AND l.seq >= sqlc.arg(first) AND l.seq <= sqlc.arg(last) AND l.kind = sqlc.arg(kind);

-- name: ListBlocks :many
SELECT block, resource_group, members FROM list_blocks
WHERE account_id = $1 AND kind = $2 AND status = $3;

-- name: AddListBlock :one
INSERT INTO list_blocks (account_id, kind, status, block, resource_group, members)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (account_id, kind, status, block, resource_group) DO UPDATE SET members = list_blocks.members
RETURNING members;

-- name: HoldListBlock :one
UPDATE list_blocks SET members = list_blocks.members
WHERE account_id = $1 AND kind = $2 AND status = $3 AND block = $4 AND resource_group = $5
RETURNING members;

-- name: WriteListBlock :exec
UPDATE list_blocks SET members = $6
WHERE account_id = $1 AND kind = $2 AND status = $3 AND block = $4 AND resource_group = $5;

-- name: DeleteListBlock :exec
DELETE FROM list_blocks
WHERE account_id = $1 AND kind = $2 AND status = $3 AND block = $4 AND resource_group = $5;

-- name: AddListLine :one
INSERT INTO list_texts (account_id, part, lines, text)
VALUES (sqlc.arg(account_id), (SELECT COALESCE(MAX(l.part), 0) + sqlc.arg(further) FROM list_texts l WHERE l.account_id = sqlc.arg(account_id)), 1, sqlc.arg(text))
ON CONFLICT (account_id, part) DO UPDATE SET lines = list_texts.lines + 1, text = list_texts.text || excluded.text
WHERE list_texts.lines < 64
RETURNING part, lines;

-- name: HoldListText :one
UPDATE list_texts SET lines = list_texts.lines WHERE account_id = $1 AND part = $2 RETURNING text;

-- name: WriteListText :exec
UPDATE list_texts SET text = sqlc.arg(text) WHERE account_id = sqlc.arg(account_id) AND part = sqlc.arg(part);

-- name: ListTexts :many
SELECT text FROM list_texts
WHERE account_id = sqlc.arg(account_id) AND part >= sqlc.arg(first) AND part <= sqlc.arg(last)
ORDER BY part;

-- name: AccountChanges :many
SELECT * FROM listed WHERE account_id = sqlc.arg(account_id) AND changes_at > 0 AND changes_at <= sqlc.arg(now) LIMIT sqlc.arg(most);

-- Statuses that a clock which was ahead has moved on too early.
-- name: ListChangesAhead :many
SELECT * FROM listed WHERE not_after > sqlc.arg(now) AND (
    status = sqlc.arg(expired) OR status = sqlc.arg(will_expire) AND not_after > sqlc.arg(expires_by)) LIMIT sqlc.arg(most);

-- name: ListChanges :many
SELECT * FROM listed WHERE changes_at > 0 AND changes_at <= sqlc.arg(now) LIMIT sqlc.arg(most);
