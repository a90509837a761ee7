-- name: AddOrder :execrows
INSERT INTO orders (
    id, account_id, instance_id, access_key_id, product_code, plan_id, name, method,
    username, phone, email, tags, csr, state, reason,
    created_at, prove_by, proved_at, issued_at, certificate_id, version
) VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8,
    $9, $10, $11, $12, $13, $14, $15,
    $16, $17, $18, $19, $20, $21
) ON CONFLICT DO NOTHING;

-- name: Order :one
SELECT * FROM orders WHERE account_id = $1 AND id = $2 AND state <> 'deleted';

-- name: UpdateOrder :execrows
UPDATE orders SET
    state = sqlc.arg(state), reason = sqlc.arg(reason), proved_at = sqlc.arg(proved_at),
    issued_at = sqlc.arg(issued_at), certificate_id = sqlc.arg(certificate_id),
    version = version + 1
WHERE account_id = sqlc.arg(account_id) AND id = sqlc.arg(id) AND version = sqlc.arg(version);

-- name: AddValidation :exec
INSERT INTO validations (order_id, account_id, name, method, token) VALUES ($1, $2, $3, $4, $5);

-- name: Validation :one
SELECT * FROM validations WHERE account_id = $1 AND order_id = $2;

-- name: LastEvidence :one
SELECT * FROM evidence WHERE order_id = $1 AND account_id = $2 AND place = $3
ORDER BY seq DESC LIMIT 1;

-- name: CountEvidence :exec
UPDATE evidence SET looks = looks + 1, at = $1 WHERE order_id = $2 AND seq = $3;

-- name: NextEvidence :one
SELECT COUNT(*) + 1 FROM evidence WHERE order_id = $1;

-- name: AddEvidence :exec
INSERT INTO evidence (order_id, seq, account_id, at, method, name, place, finding, detail, looks)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1);

-- name: Evidence :many
SELECT * FROM evidence WHERE account_id = $1 AND order_id = $2 ORDER BY seq;

-- name: AddOrderKey :execrows
INSERT INTO order_keys (order_id, account_id, key, csr, created_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;

-- name: OrderKey :one
SELECT * FROM order_keys WHERE account_id = $1 AND order_id = $2;

-- name: DeleteOrderKey :exec
DELETE FROM order_keys WHERE account_id = $1 AND order_id = $2;
