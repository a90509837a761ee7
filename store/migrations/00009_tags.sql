-- Which entries of lists have a tag. It follows from the orders and certificates; the
-- migration after this one, which is no SQL, fills the tables.

-- +goose Up
ALTER TABLE listed ADD COLUMN tags TEXT NOT NULL DEFAULT ''; -- as the order or certificate has them; '' = none
UPDATE listed SET tags = (SELECT o.tags FROM orders o WHERE o.id = listed.row_id)
WHERE kind = 'order' AND EXISTS (SELECT 1 FROM orders o WHERE o.id = listed.row_id AND o.tags NOT IN ('null', '[]'));
UPDATE listed SET tags = (SELECT c.tags FROM certificates c WHERE c.id = listed.row_id)
WHERE kind <> 'order' AND EXISTS (SELECT 1 FROM certificates c WHERE c.id = listed.row_id AND c.tags NOT IN ('null', '[]'));

-- Which of each block of 2048 numbers are of entries of a kind with a tag, as list_blocks
-- has them by status. There is no row without members.
CREATE TABLE tag_blocks (
    account_id BIGINT NOT NULL,
    key        TEXT NOT NULL,
    value      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    block      BIGINT NOT NULL,
    members    BYTEA NOT NULL CHECK (length(members) = 256), -- a bit for each number
    PRIMARY KEY (account_id, key, value, kind, block)
);

-- How many entries have a tag: to add that up would be to read all blocks of all tags.
-- There is no row without any.
CREATE TABLE tag_uses (
    account_id   BIGINT NOT NULL,
    key          TEXT NOT NULL,
    value        TEXT NOT NULL,
    orders       BIGINT NOT NULL,
    certificates BIGINT NOT NULL,
    PRIMARY KEY (account_id, key, value)
);

-- +goose Down
DROP TABLE tag_uses;
DROP TABLE tag_blocks;
ALTER TABLE listed DROP COLUMN tags;
