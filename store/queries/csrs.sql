-- name: AddCSR :execrows
INSERT INTO csrs (
    id, account_id, name, common_name, sans, algorithm, key_size,
    country, province, locality, corp_name, department, csr, key_sha2, key, created_at
) VALUES (
    $1, $2, $3, $4, $5, $6, $7,
    $8, $9, $10, $11, $12, $13, $14, $15, $16
) ON CONFLICT DO NOTHING;

-- name: CSR :one
SELECT * FROM csrs WHERE account_id = $1 AND id = $2;

-- name: CSRByKey :one
SELECT id FROM csrs WHERE account_id = $1 AND key_sha2 = $2 AND key IS NOT NULL
ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: UpdateCSR :execrows
UPDATE csrs SET key = sqlc.arg(key)
WHERE account_id = sqlc.arg(account_id) AND id = sqlc.arg(id) AND key IS NULL;

-- name: DeleteCSR :execrows
DELETE FROM csrs WHERE account_id = $1 AND id = $2;

-- name: CSRAwaited :one
SELECT COUNT(*) FROM orders
WHERE account_id = $1 AND csr_id = $2 AND csr_id > 0 AND state IN ('domain_verify', 'process');

-- name: OrdersOfCSR :many
SELECT id, certificate_id FROM orders WHERE account_id = $1 AND csr_id = $2 AND csr_id > 0 ORDER BY id;

-- name: ListCSRs :many
SELECT * FROM csrs
WHERE account_id = sqlc.arg(account_id)
    AND (algorithm = sqlc.arg(algorithm) OR sqlc.arg(algorithm) = '')
    AND (LOWER(name) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!'
        OR LOWER(common_name) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!'
        OR LOWER(sans) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!')
ORDER BY created_at DESC, id DESC LIMIT sqlc.arg(size) OFFSET sqlc.arg(skip);

-- name: CountCSRs :one
SELECT COUNT(*) FROM csrs
WHERE account_id = sqlc.arg(account_id)
    AND (algorithm = sqlc.arg(algorithm) OR sqlc.arg(algorithm) = '')
    AND (LOWER(name) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!'
        OR LOWER(common_name) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!'
        OR LOWER(sans) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!');
