-- name: AddAuditEnd :exec
INSERT INTO audit_ends (account_id, lines) VALUES ($1, 0);

-- name: HoldAuditEnd :one
-- It changes nothing, and on an engine with many writers keeps others from the row
-- until the transaction ends.
UPDATE audit_ends SET lines = lines WHERE account_id = $1
RETURNING sealed;

-- name: AuditEnd :one
SELECT lines, sealed FROM audit_ends WHERE account_id = $1;

-- name: SealAuditEnd :exec
UPDATE audit_ends SET lines = sqlc.arg(lines), sealed = sqlc.arg(sealed) WHERE account_id = sqlc.arg(account_id);

-- name: AddAuditLine :exec
INSERT INTO audit (account_id, seq, at, request_id, principal, access_key_id, address, action, resource, code, key_read, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: AuditLines :many
SELECT * FROM audit WHERE account_id = sqlc.arg(account_id) AND seq > sqlc.arg(after) AND seq <= sqlc.arg(upto)
AND at >= sqlc.arg(since) AND at < sqlc.arg(until)
AND (principal = sqlc.arg(principal) OR sqlc.arg(principal) = '')
AND (access_key_id = sqlc.arg(access_key_id) OR sqlc.arg(access_key_id) = '')
AND (action = sqlc.arg(action) OR sqlc.arg(action) = '')
AND (resource = sqlc.arg(resource) OR sqlc.arg(resource) = '')
AND (request_id = sqlc.arg(request_id) OR sqlc.arg(request_id) = '')
AND key_read >= sqlc.arg(key_reads)
AND code <> sqlc.arg(except_code)
ORDER BY seq LIMIT sqlc.arg(most);

-- name: AuditLinesBefore :many
SELECT * FROM audit WHERE account_id = sqlc.arg(account_id) AND seq < sqlc.arg(before) AND seq > sqlc.arg(after) AND seq <= sqlc.arg(upto)
AND at >= sqlc.arg(since) AND at < sqlc.arg(until)
AND (principal = sqlc.arg(principal) OR sqlc.arg(principal) = '')
AND (access_key_id = sqlc.arg(access_key_id) OR sqlc.arg(access_key_id) = '')
AND (action = sqlc.arg(action) OR sqlc.arg(action) = '')
AND (resource = sqlc.arg(resource) OR sqlc.arg(resource) = '')
AND (request_id = sqlc.arg(request_id) OR sqlc.arg(request_id) = '')
AND key_read >= sqlc.arg(key_reads)
AND code <> sqlc.arg(except_code)
ORDER BY seq DESC LIMIT sqlc.arg(most);

-- name: LastAuditLineBefore :one
SELECT line.seq, line.hash FROM audit line WHERE line.account_id = sqlc.arg(account_id) AND line.seq <= sqlc.arg(upto)
AND line.seq < COALESCE((SELECT MIN(kept.seq) FROM audit kept
    WHERE kept.account_id = sqlc.arg(account_id) AND kept.seq <= sqlc.arg(upto) AND kept.at >= sqlc.arg(before)), sqlc.arg(upto) + 1)
ORDER BY line.seq DESC LIMIT 1;

-- name: FirstAuditLine :one
SELECT seq FROM audit WHERE account_id = $1 ORDER BY seq LIMIT 1;

-- name: DeleteAuditLines :execrows
DELETE FROM audit WHERE account_id = $1 AND seq <= $2;
