-- name: AddContact :execrows
INSERT INTO contacts (id, account_id, name, email, mobile, id_card, webhooks, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT DO NOTHING;

-- name: Contact :one
SELECT * FROM contacts WHERE account_id = $1 AND id = $2;

-- name: NewestContact :one
SELECT * FROM contacts WHERE account_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: UpdateContact :execrows
UPDATE contacts SET
    name = sqlc.arg(name), email = sqlc.arg(email), mobile = sqlc.arg(mobile),
    id_card = sqlc.arg(id_card), webhooks = sqlc.arg(webhooks)
WHERE account_id = sqlc.arg(account_id) AND id = sqlc.arg(id);

-- name: DeleteContact :execrows
DELETE FROM contacts WHERE account_id = $1 AND id = $2;

-- name: ListContacts :many
SELECT * FROM contacts
WHERE account_id = sqlc.arg(account_id)
    AND (LOWER(name) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!'
        OR LOWER(email) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!'
        OR LOWER(mobile) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!')
ORDER BY created_at DESC, id DESC LIMIT sqlc.arg(size) OFFSET sqlc.arg(skip);

-- name: CountContacts :one
SELECT COUNT(*) FROM contacts
WHERE account_id = sqlc.arg(account_id)
    AND (LOWER(name) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!'
        OR LOWER(email) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!'
        OR LOWER(mobile) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!');

-- name: AddCompany :execrows
INSERT INTO companies (
    id, account_id, name, type, code, phone, email, address, post_code,
    country, province, city, department, lang, created_at
) VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9,
    $10, $11, $12, $13, $14, $15
) ON CONFLICT DO NOTHING;

-- name: Company :one
SELECT * FROM companies WHERE account_id = $1 AND id = $2;

-- name: NewestCompany :one
SELECT * FROM companies WHERE account_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: CompanyNamed :one
SELECT * FROM companies WHERE account_id = $1 AND name = $2 ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: UpdateCompany :execrows
UPDATE companies SET
    name = sqlc.arg(name), type = sqlc.arg(type), code = sqlc.arg(code), phone = sqlc.arg(phone),
    email = sqlc.arg(email), address = sqlc.arg(address), post_code = sqlc.arg(post_code),
    country = sqlc.arg(country), province = sqlc.arg(province), city = sqlc.arg(city),
    department = sqlc.arg(department), lang = sqlc.arg(lang)
WHERE account_id = sqlc.arg(account_id) AND id = sqlc.arg(id);

-- name: DeleteCompany :execrows
DELETE FROM companies WHERE account_id = $1 AND id = $2;

-- name: ListCompanies :many
SELECT * FROM companies
WHERE account_id = sqlc.arg(account_id)
    AND (id = sqlc.arg(id) OR sqlc.arg(id) = 0)
    AND (LOWER(name) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!'
        OR LOWER(code) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!')
ORDER BY created_at DESC, id DESC LIMIT sqlc.arg(size) OFFSET sqlc.arg(skip);

-- name: CountCompanies :one
SELECT COUNT(*) FROM companies
WHERE account_id = sqlc.arg(account_id)
    AND (id = sqlc.arg(id) OR sqlc.arg(id) = 0)
    AND (LOWER(name) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!'
        OR LOWER(code) LIKE LOWER(sqlc.arg(pattern)) ESCAPE '!');
