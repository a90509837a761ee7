-- Rotating what secrets are sealed with, and what a restored copy must know.

-- +goose Up
ALTER TABLE keysets ADD COLUMN generation BIGINT NOT NULL DEFAULT 1;     -- rises with every change of wrapped
ALTER TABLE keysets ADD COLUMN primary_key_id BIGINT NOT NULL DEFAULT 0; -- as wrapped says; 0 = nobody has looked

-- The keys that are in the keyset, without the keys.
CREATE TABLE sealing_keys (
    id         BIGINT PRIMARY KEY,
    added_at   BIGINT NOT NULL, -- 0 = before this was kept
    retired_at BIGINT NOT NULL  -- when another became the primary, 0 = it is that
);

-- When an older copy took the place of the data.
CREATE TABLE restores (
    at BIGINT PRIMARY KEY
);

-- +goose Down
DROP TABLE restores;
DROP TABLE sealing_keys;
ALTER TABLE keysets DROP COLUMN primary_key_id;
ALTER TABLE keysets DROP COLUMN generation;
