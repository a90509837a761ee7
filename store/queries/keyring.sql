-- name: Keyset :one
SELECT wrapped, generation, primary_key_id FROM keysets WHERE id = 1;

-- name: AddKeyset :execrows
INSERT INTO keysets (id, wrapped) VALUES (1, $1) ON CONFLICT DO NOTHING;

-- name: NamePrimaryKey :exec
UPDATE keysets SET primary_key_id = $1 WHERE id = 1 AND primary_key_id = 0;

-- name: ChangeKeyset :execrows
UPDATE keysets SET wrapped = sqlc.arg(wrapped), generation = generation + 1, primary_key_id = sqlc.arg(primary_key_id)
WHERE id = 1 AND generation = sqlc.arg(generation);

-- name: AddSealingKey :exec
INSERT INTO sealing_keys (id, added_at, retired_at) VALUES ($1, now_ms(), 0) ON CONFLICT DO NOTHING;

-- name: KeepSealingKey :exec
INSERT INTO sealing_keys (id, added_at, retired_at) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING;

-- name: RetireSealingKeys :exec
UPDATE sealing_keys SET retired_at = now_ms() WHERE retired_at = 0 AND id <> $1;

-- name: DropSealingKey :exec
DELETE FROM sealing_keys WHERE id = $1;

-- name: SealingKeys :many
SELECT id, added_at, retired_at FROM sealing_keys ORDER BY added_at, id;

-- name: SealingKeysRetired :many
SELECT id FROM sealing_keys WHERE retired_at > 0 AND retired_at + sqlc.arg(since) <= now_ms() ORDER BY id;

-- name: SealingKeyListed :one
SELECT COUNT(*) FROM sealing_keys WHERE id = $1;

-- name: AddRestore :exec
INSERT INTO restores (at) VALUES ($1) ON CONFLICT DO NOTHING;

-- name: LastRestore :one
SELECT at FROM restores ORDER BY at DESC LIMIT 1;

-- A CRL that is made next gets a number above any that the lost data can have given:
-- those rise by one at a time, and far more seldom than the seconds that raise this.
-- name: RaiseCRLs :execrows
UPDATE crls SET number = CASE WHEN number < sqlc.arg(least) THEN sqlc.arg(least) ELSE number + 1 END, der = NULL, next_update = 0
WHERE number > 0;

-- Whoever held a lease of what is now restored works on the data that is lost.
-- name: FreeLeases :exec
UPDATE steps SET lease_until = 0, version = version + 1 WHERE lease_until > 0;
