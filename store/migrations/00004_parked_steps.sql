-- A step that keeps failing is parked: it is not tried again until the operator says
-- so. Its due_at is then so far away that a node which does not know these columns
-- leaves it alone as well.

-- +goose Up
ALTER TABLE steps ADD COLUMN parked_at BIGINT NOT NULL DEFAULT 0; -- 0 = not parked
ALTER TABLE steps ADD COLUMN cause TEXT NOT NULL DEFAULT '';      -- last_error in full, for the operator alone
CREATE INDEX steps_parked ON steps (parked_at) WHERE parked_at > 0;

-- +goose Down
DROP INDEX steps_parked;
ALTER TABLE steps DROP COLUMN cause;
ALTER TABLE steps DROP COLUMN parked_at;
