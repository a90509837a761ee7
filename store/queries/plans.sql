-- name: AddPlan :exec
INSERT INTO plans (id, account_id, product_code, total, used, granted_at, expires_at)
VALUES ($1, $2, $3, $4, 0, $5, $6);

-- name: Plans :many
SELECT * FROM plans WHERE account_id = $1 ORDER BY granted_at, id;

-- TakeUnit is the one place where quota is taken: the condition on used stands
-- in the UPDATE itself, so two orders can never take the last unit.
-- name: TakeUnit :one
UPDATE plans SET used = used + 1
WHERE used < total AND plans.id = (
    SELECT p.id FROM plans p
    WHERE p.account_id = sqlc.arg(account_id) AND p.product_code = sqlc.arg(product_code)
      AND p.used < p.total AND (p.expires_at = 0 OR p.expires_at > sqlc.arg(now))
    ORDER BY CASE WHEN p.expires_at = 0 THEN 1 ELSE 0 END, p.expires_at, p.granted_at, p.id
    LIMIT 1
)
RETURNING id;

-- name: CountPlansWithUnits :one
SELECT COUNT(*) FROM plans
WHERE account_id = sqlc.arg(account_id) AND product_code = sqlc.arg(product_code)
  AND used < total AND (expires_at = 0 OR expires_at > sqlc.arg(now));

-- name: GiveUnitBack :exec
UPDATE plans SET used = used - 1 WHERE account_id = $1 AND id = $2;

-- The primary key (order, kind) is what makes a refund happen once.
-- name: AddLedgerLine :execrows
INSERT INTO ledger (order_id, kind, account_id, plan_id, at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;

-- name: DebitOf :one
SELECT * FROM ledger WHERE account_id = $1 AND order_id = $2 AND kind = 'debit';

-- name: Ledger :many
SELECT * FROM ledger WHERE account_id = $1 ORDER BY at, order_id, kind;

-- name: CountIssued :one
SELECT COUNT(*) FROM orders WHERE account_id = $1 AND product_code = $2 AND issued_at > 0;

-- name: LedgerPage :many
SELECT * FROM ledger WHERE account_id = sqlc.arg(account_id)
ORDER BY at DESC, order_id DESC, kind DESC LIMIT sqlc.arg(most) OFFSET sqlc.arg(skip);

-- name: CountLedger :one
SELECT COUNT(*) FROM ledger WHERE account_id = $1;
