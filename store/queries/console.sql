-- name: SetOperator :execrows
UPDATE accounts SET operator = $2 WHERE id = $1;

-- name: PutConsolePassword :exec
INSERT INTO console_passwords (user_id, account_id, hash, changed_at, totp, totp_step) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at, totp = excluded.totp, totp_step = excluded.totp_step;

-- name: ConsolePassword :one
SELECT * FROM console_passwords WHERE account_id = $1 AND user_id = $2;

-- A code is used by whoever moves the step on.
-- name: UseConsoleCode :execrows
UPDATE console_passwords SET totp_step = sqlc.arg(step) WHERE account_id = sqlc.arg(account_id) AND user_id = sqlc.arg(user_id) AND totp_step < sqlc.arg(step);

-- name: DeleteConsolePassword :exec
DELETE FROM console_passwords WHERE account_id = $1 AND user_id = $2;

-- name: AddConsoleSession :exec
INSERT INTO console_sessions (id_hash, account_id, user_id, access_key_id, pending, address, agent, created_at, seen_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: ConsoleSession :one
SELECT * FROM console_sessions WHERE id_hash = $1;

-- name: ConsoleSessions :many
SELECT * FROM console_sessions WHERE account_id = $1 ORDER BY created_at DESC, id_hash;

-- name: SeeConsoleSession :exec
UPDATE console_sessions SET seen_at = $2 WHERE id_hash = $1;

-- name: DeleteConsoleSession :execrows
DELETE FROM console_sessions WHERE id_hash = $1 AND account_id = $2;

-- name: DeleteUserConsoleSessions :exec
DELETE FROM console_sessions WHERE account_id = $1 AND user_id = $2;

-- name: AddConsoleLink :exec
INSERT INTO console_links (token_hash, account_id, access_key_id, expires_at) VALUES ($1, $2, $3, $4);

-- name: TakeConsoleLink :one
DELETE FROM console_links WHERE token_hash = $1 RETURNING account_id, access_key_id, expires_at;

-- name: CountConsoleAttempt :one
INSERT INTO console_attempts (subject, failures, until) VALUES (sqlc.arg(subject), 1, sqlc.arg(until))
ON CONFLICT (subject) DO UPDATE SET
    failures = CASE WHEN console_attempts.until <= sqlc.arg(now) THEN 1 ELSE console_attempts.failures + 1 END,
    until = CASE WHEN console_attempts.until <= sqlc.arg(now) THEN excluded.until ELSE console_attempts.until END
RETURNING failures, until;

-- name: ForgiveConsoleAttempt :exec
UPDATE console_attempts SET failures = failures - 1 WHERE subject = $1 AND failures > 0;

-- name: ForgetConsoleAttempts :exec
DELETE FROM console_attempts WHERE subject = $1;

-- name: ForgetOldConsoleAttempts :exec
DELETE FROM console_attempts WHERE until <= $1;

-- name: ForgetOldConsoleSessions :exec
DELETE FROM console_sessions WHERE expires_at <= sqlc.arg(now) OR seen_at <= sqlc.arg(idle);

-- name: ForgetOldConsoleLinks :exec
DELETE FROM console_links WHERE expires_at <= $1;

-- The conditions on kind and not_after are those of the index listed_endings.
-- name: CountEndings :many
SELECT (not_after - sqlc.arg(first)) / 86400000 AS ending_day, COUNT(*) AS entries FROM listed
WHERE account_id = sqlc.arg(account_id) AND kind <> 'order' AND not_after > 0 AND status IN ('ISSUED', 'WILLEXPIRED')
AND not_after >= sqlc.arg(first) AND not_after < sqlc.arg(last)
GROUP BY ending_day;

-- Certificates by when they end; the conditions on kind and not_after are again those of
-- the index listed_endings. A status or kind that is not asked for is given twice.
-- name: ListByEnd :many
SELECT row_id, status FROM listed
WHERE account_id = sqlc.arg(account_id) AND kind <> 'order' AND not_after > 0
AND not_after >= sqlc.arg(first) AND not_after < sqlc.arg(last)
AND (status = sqlc.arg(status1) OR status = sqlc.arg(status2) OR status = sqlc.arg(status3) OR status = sqlc.arg(status4))
AND (kind = sqlc.arg(kind1) OR kind = sqlc.arg(kind2))
AND (resource_group = sqlc.arg(resource_group) OR sqlc.arg(resource_group) = '')
ORDER BY not_after, seq LIMIT sqlc.arg(most) OFFSET sqlc.arg(skip);

-- name: CountByEnd :one
SELECT COUNT(*) FROM listed
WHERE account_id = sqlc.arg(account_id) AND kind <> 'order' AND not_after > 0
AND not_after >= sqlc.arg(first) AND not_after < sqlc.arg(last)
AND (status = sqlc.arg(status1) OR status = sqlc.arg(status2) OR status = sqlc.arg(status3) OR status = sqlc.arg(status4))
AND (kind = sqlc.arg(kind1) OR kind = sqlc.arg(kind2))
AND (resource_group = sqlc.arg(resource_group) OR sqlc.arg(resource_group) = '');

-- name: AccountBlocks :many
SELECT kind, resource_group, members FROM list_blocks WHERE account_id = $1;
