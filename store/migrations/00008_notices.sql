-- What accounts are told, where, and what became of it. The account 0 is the operator.
-- Times are Unix milliseconds.

-- +goose Up
CREATE TABLE notice_targets (
    id         BIGINT PRIMARY KEY,
    account_id BIGINT NOT NULL,
    kind       TEXT NOT NULL,   -- webhook or mail
    kinds      TEXT NOT NULL,   -- JSON list of kinds of notices; [] = all
    format     TEXT NOT NULL,   -- of a webhook
    url        BYTEA,           -- of a webhook; sealed
    place      TEXT NOT NULL,   -- what may be shown of the URL, or the addresses
    secret     BYTEA,           -- sealed
    addresses  TEXT NOT NULL,   -- JSON list
    created_at BIGINT NOT NULL,
    sent_at    BIGINT NOT NULL, -- 0 = never
    failed_at  BIGINT NOT NULL, -- 0 = never
    not_before BIGINT NOT NULL, -- not tried before, 0 = any time
    error      TEXT NOT NULL,   -- of the last failure
    failures   BIGINT NOT NULL  -- since the last success
);
CREATE INDEX notice_targets_account ON notice_targets (account_id, created_at, id);

CREATE TABLE notices (
    id         BIGINT PRIMARY KEY,
    account_id BIGINT NOT NULL,
    kind       TEXT NOT NULL,
    at         BIGINT NOT NULL,
    fields     TEXT NOT NULL -- JSON
);
CREATE INDEX notices_account ON notices (account_id, at, id);
CREATE INDEX notices_at ON notices (at);

CREATE TABLE notice_deliveries (
    id         BIGINT PRIMARY KEY,
    account_id BIGINT NOT NULL,
    notice_id  BIGINT NOT NULL REFERENCES notices (id),
    target_id  BIGINT NOT NULL REFERENCES notice_targets (id),
    state      TEXT NOT NULL, -- waits, sent or given-up
    attempts   BIGINT NOT NULL,
    at         BIGINT NOT NULL, -- of the last attempt, 0 = none
    error      TEXT NOT NULL
);
CREATE INDEX notice_deliveries_notice ON notice_deliveries (notice_id);
CREATE INDEX notice_deliveries_target ON notice_deliveries (target_id);

-- How far, in the order of their ends, certificates have been told of.
CREATE TABLE expiry_marks (
    days           BIGINT PRIMARY KEY,
    not_after      BIGINT NOT NULL,
    certificate_id BIGINT NOT NULL
);
CREATE INDEX certificates_end ON certificates (not_after, id) WHERE revoked_at = 0 AND deleted_at = 0;
CREATE INDEX certificates_common_name ON certificates (account_id, common_name, not_after) WHERE revoked_at = 0 AND deleted_at = 0;

-- Who was told that a CA fails.
CREATE TABLE told_troubles (
    account_id BIGINT NOT NULL,
    issuer     TEXT NOT NULL,
    seen_at    BIGINT NOT NULL, -- when it last failed
    PRIMARY KEY (account_id, issuer)
);
CREATE INDEX acme_orders_failing ON acme_orders (failing_since) WHERE failing_since > 0;

ALTER TABLE plans ADD COLUMN told_percent BIGINT NOT NULL DEFAULT 0; -- of its use, the last that was told
ALTER TABLE steps ADD COLUMN subject BIGINT NOT NULL DEFAULT 0;      -- a delivery, 0 = none
CREATE INDEX steps_subject ON steps (subject) WHERE subject > 0;

-- +goose Down
DROP INDEX steps_subject;
ALTER TABLE steps DROP COLUMN subject;
ALTER TABLE plans DROP COLUMN told_percent;
DROP INDEX acme_orders_failing;
DROP TABLE told_troubles;
DROP INDEX certificates_common_name;
DROP INDEX certificates_end;
DROP TABLE expiry_marks;
DROP TABLE notice_deliveries;
DROP TABLE notices;
DROP TABLE notice_targets;
