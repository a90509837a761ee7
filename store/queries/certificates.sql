-- name: AddCertificate :execrows
INSERT INTO certificates (
    id, account_id, order_id, instance_id, name, serial, fingerprint, sha2, common_name, sans,
    issuer, organization, country, province, city, algorithm, pem, key,
    sign_pem, sign_key, encrypt_pem, encrypt_key, not_before, not_after,
    revoked_at, revoke_reason, resource_group, tags, created_at, deleted_at
) VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
    $11, $12, $13, $14, $15, $16, $17, $18,
    $19, $20, $21, $22, $23, $24,
    $25, $26, $27, $28, $29, 0
) ON CONFLICT DO NOTHING;

-- name: Certificate :one
SELECT * FROM certificates WHERE account_id = $1 AND id = $2 AND deleted_at = 0;

-- name: CertificateNamed :one
SELECT id FROM certificates WHERE account_id = $1 AND name = $2 AND deleted_at = 0;

-- name: CertificateOfInstance :one
SELECT * FROM certificates WHERE account_id = $1 AND instance_id = $2 AND deleted_at = 0;

-- name: CertificateOfOrder :one
SELECT * FROM certificates WHERE account_id = $1 AND order_id = $2 AND order_id > 0;

-- name: UpdateCertificate :execrows
UPDATE certificates SET
    name = sqlc.arg(name), resource_group = sqlc.arg(resource_group), tags = sqlc.arg(tags),
    revoked_at = sqlc.arg(revoked_at), revoke_reason = sqlc.arg(revoke_reason)
WHERE certificates.account_id = sqlc.arg(account_id) AND certificates.id = sqlc.arg(id) AND (certificates.deleted_at > 0 OR NOT EXISTS (
    SELECT 1 FROM certificates other
    WHERE other.account_id = sqlc.arg(account_id) AND other.name = sqlc.arg(name) AND other.id <> sqlc.arg(id) AND other.deleted_at = 0
));

-- name: DeleteCertificate :exec
DELETE FROM certificates WHERE account_id = $1 AND id = $2 AND order_id = 0;

-- name: HideCertificate :exec
UPDATE certificates SET deleted_at = sqlc.arg(deleted_at), key = NULL, sign_key = NULL, encrypt_key = NULL
WHERE account_id = sqlc.arg(account_id) AND id = sqlc.arg(id) AND order_id > 0 AND deleted_at = 0;

-- name: CertificateEnd :one
SELECT not_after FROM certificates WHERE account_id = $1 AND id = $2;

-- name: AddAuthority :exec
INSERT INTO authorities (id, kind, certificate, key, created_at) VALUES ($1, $2, $3, $4, $5);

-- name: Authorities :many
SELECT * FROM authorities ORDER BY created_at, kind DESC, id;

-- name: AddIssuance :execrows
INSERT INTO issuances (serial, authority_id, account_id, order_id, to_be_signed, at, not_after, crl, revoked_at, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0)
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

-- name: Issuance :one
SELECT * FROM issuances WHERE serial = $1;
