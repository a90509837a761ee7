-- name: CountIssuance :exec
-- After a restore the lost data may have had this CRL: its numbers begin above those.
INSERT INTO crls (authority_id, crl, issued, revoked, number, listed, partial, this_update, next_update)
VALUES ($1, $2, 1, 0, (SELECT COALESCE(MAX(at), 0) / 1000 FROM restores), 0, 0, 0, 0)
ON CONFLICT (authority_id, crl) DO UPDATE SET issued = crls.issued + 1;

-- The condition on revoked_at is what makes the first revocation stay.
-- name: RevokeIssuance :one
UPDATE issuances SET revoked_at = sqlc.arg(revoked_at), reason = sqlc.arg(reason)
WHERE serial = sqlc.arg(serial) AND certificate IS NOT NULL AND revoked_at = 0
RETURNING authority_id, crl;

-- name: CountRevocation :exec
UPDATE crls SET revoked = revoked + 1 WHERE authority_id = $1 AND crl = $2;

-- name: RevokedIssuances :many
SELECT serial, revoked_at, reason, not_after FROM issuances
WHERE authority_id = $1 AND crl = $2 AND revoked_at > 0 AND not_after >= $3
ORDER BY revoked_at, serial;

-- name: CRL :one
SELECT * FROM crls WHERE authority_id = $1 AND crl = $2;

-- name: NewestCRL :one
SELECT crl, issued, revoked, number, listed, partial, this_update, next_update FROM crls
WHERE authority_id = $1 ORDER BY crl DESC LIMIT 1;

-- Of two nodes that make the same number, the second changes no row.
-- name: PutCRL :execrows
INSERT INTO crls (authority_id, crl, issued, revoked, number, der, listed, partial, this_update, next_update)
VALUES (sqlc.arg(authority_id), sqlc.arg(crl), 0, 0, sqlc.arg(number), sqlc.arg(der), sqlc.arg(listed), sqlc.arg(partial), sqlc.arg(this_update), sqlc.arg(next_update))
ON CONFLICT (authority_id, crl) DO UPDATE
SET number = excluded.number, der = excluded.der, listed = excluded.listed, partial = excluded.partial,
    this_update = excluded.this_update, next_update = excluded.next_update
WHERE crls.number = excluded.number - 1;

-- name: IssuedOrders :many
SELECT id FROM orders WHERE account_id = $1 AND state = 'certificate' LIMIT $2;
