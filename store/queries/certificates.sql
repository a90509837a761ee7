-- name: AddCertificate :execrows
INSERT INTO certificates (
    id, account_id, order_id, instance_id, name, serial, pem, key, not_before, not_after, created_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT DO NOTHING;

-- name: Certificate :one
SELECT id, account_id, order_id, instance_id, name, serial, pem, not_before, not_after, created_at
FROM certificates WHERE account_id = $1 AND id = $2;

-- name: CertificateKey :one
SELECT key FROM certificates WHERE account_id = $1 AND id = $2;

-- name: AddAuthority :exec
INSERT INTO authorities (id, kind, certificate, key, created_at) VALUES ($1, $2, $3, $4, $5);

-- name: Authorities :many
SELECT * FROM authorities ORDER BY created_at, kind DESC, id;

-- name: AddIssuance :execrows
INSERT INTO issuances (serial, authority_id, account_id, order_id, to_be_signed, at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING;

-- name: CompleteIssuance :execrows
UPDATE issuances SET certificate = sqlc.arg(certificate)
WHERE issuances.serial = sqlc.arg(serial) AND issuances.certificate IS NULL AND NOT EXISTS (
    SELECT 1 FROM issuances done
    WHERE done.order_id = issuances.order_id AND done.order_id > 0 AND done.certificate IS NOT NULL
);

-- name: SignedIssuance :one
SELECT * FROM issuances
WHERE account_id = $1 AND order_id = $2 AND order_id > 0 AND certificate IS NOT NULL;
