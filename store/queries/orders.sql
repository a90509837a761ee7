-- name: AddOrder :execrows
INSERT INTO orders (
    id, account_id, instance_id, access_key_id, product_code, plan_id, names, method,
    username, phone, email, company, tags, resource_group, csr, csr_id, review, renews, state, reason,
    created_at, prove_by, proved_at, issued_at, certificate_id, version
) VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8,
    $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
    $21, $22, $23, $24, $25, $26
) ON CONFLICT DO NOTHING;

-- name: Order :one
SELECT * FROM orders WHERE account_id = $1 AND id = $2 AND state <> 'deleted';

-- name: OrderOfInstance :one
SELECT id FROM orders WHERE account_id = $1 AND instance_id = $2 AND state <> 'deleted';

-- name: UpdateOrder :execrows
UPDATE orders SET
    state = sqlc.arg(state), reason = sqlc.arg(reason), proved_at = sqlc.arg(proved_at),
    issued_at = sqlc.arg(issued_at), certificate_id = sqlc.arg(certificate_id), prove_by = sqlc.arg(prove_by),
    review = sqlc.arg(review), resource_group = sqlc.arg(resource_group), tags = sqlc.arg(tags),
    version = version + 1
WHERE account_id = sqlc.arg(account_id) AND id = sqlc.arg(id) AND version = sqlc.arg(version);

-- name: AddValidation :exec
INSERT INTO validations (order_id, account_id, position, name, method, token, proved_at, place, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, 0, '', 0);

-- name: Validations :many
SELECT * FROM validations WHERE account_id = $1 AND order_id = $2 ORDER BY position;

-- name: MarkProved :exec
UPDATE validations SET proved_at = sqlc.arg(proved_at)
WHERE account_id = sqlc.arg(account_id) AND order_id = sqlc.arg(order_id) AND name = sqlc.arg(name) AND proved_at = 0;

-- name: LastEvidence :one
SELECT * FROM evidence WHERE order_id = $1 AND account_id = $2 AND place = $3 AND name = $4
ORDER BY seq DESC LIMIT 1;

-- name: CountEvidence :exec
UPDATE evidence SET looks = looks + 1, at = $1 WHERE order_id = $2 AND seq = $3;

-- name: AddEvidence :exec
INSERT INTO evidence (order_id, seq, account_id, at, method, name, place, finding, detail, looks)
VALUES ($1, (SELECT COUNT(*) + 1 FROM evidence e WHERE e.order_id = $1), $2, $3, $4, $5, $6, $7, $8, 1);

-- name: Evidence :many
SELECT * FROM evidence WHERE account_id = $1 AND order_id = $2 ORDER BY seq;

-- name: AddOrderKey :execrows
INSERT INTO order_keys (order_id, account_id, key, csr, created_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;

-- name: OrderKey :one
SELECT * FROM order_keys WHERE account_id = $1 AND order_id = $2;

-- name: OrderKeyMade :one
SELECT created_at FROM order_keys WHERE account_id = $1 AND order_id = $2;

-- name: DeleteOrderKey :exec
DELETE FROM order_keys WHERE account_id = $1 AND order_id = $2;

-- The operator reviews orders of all accounts.
-- name: OrdersUnderReview :many
SELECT account_id, id FROM orders WHERE review = 'pending' AND state = 'process' ORDER BY created_at, id;

-- name: AccountOfOrder :one
SELECT account_id FROM orders WHERE id = $1 AND state <> 'deleted';
