-- The operator's: issuers belong to no account.
-- name: AddACMEIssuer :execrows
INSERT INTO acme_issuers (
    name, directory, contacts, eab_kid, eab_key, profile, preferred_chain, ca_bundle,
    orders_limit, orders_window, concurrency, fallbacks, allow_http, created_at
) VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
) ON CONFLICT DO NOTHING;

-- name: ACMEIssuer :one
SELECT * FROM acme_issuers WHERE name = $1;

-- name: ACMEIssuers :many
SELECT name FROM acme_issuers ORDER BY name;

-- name: DeleteACMEIssuer :execrows
DELETE FROM acme_issuers WHERE name = $1;

-- name: AddACMEAccount :execrows
INSERT INTO acme_accounts (issuer, key, url, created_at) VALUES ($1, $2, '', $3) ON CONFLICT DO NOTHING;

-- name: ACMEAccount :one
SELECT * FROM acme_accounts WHERE issuer = $1;

-- name: SetACMEAccountURL :execrows
UPDATE acme_accounts SET url = sqlc.arg(url) WHERE issuer = sqlc.arg(issuer);

-- name: DeleteACMEAccount :exec
DELETE FROM acme_accounts WHERE issuer = $1;

-- name: AddACMEOrder :exec
INSERT INTO acme_orders (
    order_id, account_id, issuer, tried, openings, began_again, url, finalize, certificate,
    authorizations, expires_at, finalized_at, failing_since, not_before, problem, version
) VALUES ($1, $2, $3, '[]', 0, 0, '', '', '', '[]', 0, 0, 0, 0, '', 1);

-- name: ACMEOrder :one
SELECT * FROM acme_orders WHERE account_id = $1 AND order_id = $2;

-- name: UpdateACMEOrder :execrows
UPDATE acme_orders SET
    issuer = sqlc.arg(issuer), tried = sqlc.arg(tried), openings = sqlc.arg(openings), began_again = sqlc.arg(began_again),
    url = sqlc.arg(url), finalize = sqlc.arg(finalize), certificate = sqlc.arg(certificate),
    authorizations = sqlc.arg(authorizations), expires_at = sqlc.arg(expires_at), finalized_at = sqlc.arg(finalized_at),
    failing_since = sqlc.arg(failing_since), not_before = sqlc.arg(not_before), problem = sqlc.arg(problem),
    version = version + 1
WHERE account_id = sqlc.arg(account_id) AND order_id = sqlc.arg(order_id) AND version = sqlc.arg(version);

-- name: ACMEOrderOfURL :one
SELECT order_id FROM acme_orders WHERE url = $1 AND url <> '';

-- An order that has ended holds nothing at a CA any more.
-- name: FreeACMEOrderURL :exec
UPDATE acme_orders SET url = ''
WHERE url = sqlc.arg(url) AND url <> '' AND order_id <> sqlc.arg(order_id) AND NOT EXISTS (
    SELECT 1 FROM orders o WHERE o.id = acme_orders.order_id AND o.state IN ('domain_verify', 'process')
);

-- name: OpenACMEOrders :one
SELECT COUNT(*) FROM acme_orders a JOIN orders o ON o.id = a.order_id
WHERE a.issuer = $1 AND o.state IN ('domain_verify', 'process');

-- name: ClaimACMEAuthorization :exec
INSERT INTO acme_authorizations (url, account_id, order_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: ACMEAuthorizationOwner :one
SELECT account_id, order_id FROM acme_authorizations WHERE url = $1;

-- name: AddACMEOpening :exec
INSERT INTO acme_openings (id, issuer, at) VALUES ($1, $2, $3);

-- name: CountACMEOpenings :one
SELECT COUNT(*) FROM acme_openings WHERE issuer = $1 AND at > $2;

-- name: OldestACMEOpening :one
SELECT at FROM acme_openings WHERE issuer = $1 AND at > $2 ORDER BY at LIMIT 1;

-- name: ForgetACMEOpenings :exec
DELETE FROM acme_openings WHERE issuer = $1 AND at <= $2;

-- name: SetProof :execrows
UPDATE validations SET token = sqlc.arg(token), place = sqlc.arg(place), expires_at = sqlc.arg(expires_at), proved_at = 0
WHERE account_id = sqlc.arg(account_id) AND order_id = sqlc.arg(order_id) AND name = sqlc.arg(name);

-- name: PutRenewal :exec
INSERT INTO renewals (order_id, account_id, window_start, window_end, explanation, fetched_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (order_id) DO UPDATE SET
    window_start = excluded.window_start, window_end = excluded.window_end,
    explanation = excluded.explanation, fetched_at = excluded.fetched_at;

-- name: Renewal :one
SELECT * FROM renewals WHERE account_id = $1 AND order_id = $2;
