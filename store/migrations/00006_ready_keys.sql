-- Private keys that take long to make, made ahead; an order takes one in the
-- transaction that stores it as the order's. Times are Unix milliseconds.

-- +goose Up
CREATE TABLE ready_keys (
    id         BIGINT PRIMARY KEY,
    algorithm  TEXT NOT NULL,
    key        BYTEA NOT NULL, -- sealed
    created_at BIGINT NOT NULL
);
CREATE INDEX ready_keys_oldest ON ready_keys (algorithm, created_at, id);

-- +goose Down
DROP TABLE ready_keys;
