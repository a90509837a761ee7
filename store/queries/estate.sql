-- name: DatabaseClock :one
SELECT now_ms() AS now;

-- name: CountOrders :many
SELECT state, COUNT(*) AS orders FROM orders GROUP BY state;

-- Certificates and not their orders: an order's entry has the certificate's end too.
-- name: CountExpiring :one
SELECT COUNT(*) FROM listed
WHERE changes_at > 0 AND changes_at > sqlc.arg(now) AND changes_at <= sqlc.arg(until)
  AND status = 'WILLEXPIRED' AND kind IN ('issued', 'upload');

-- name: FirstCRLEnd :one
SELECT next_update FROM crls WHERE number > 0 ORDER BY next_update LIMIT 1;

-- name: LateCRLs :many
SELECT authority_id, crl, number, next_update FROM crls WHERE number > 0 AND next_update < sqlc.arg(now)
ORDER BY next_update LIMIT sqlc.arg(most);
