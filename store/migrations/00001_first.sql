-- Times are Unix milliseconds, flags 0 or 1. No table counts its own ids, so
-- that the same text serves SQLite and PostgreSQL.

-- +goose Up
CREATE TABLE keysets (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    wrapped BYTEA NOT NULL
);

CREATE TABLE accounts (
    id         BIGINT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE access_keys (
    id         TEXT PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    secret     BYTEA NOT NULL,
    disabled   BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX access_keys_account ON access_keys (account_id);

CREATE TABLE nonces (
    access_key_id TEXT NOT NULL,
    nonce         TEXT NOT NULL,
    until         BIGINT NOT NULL,
    PRIMARY KEY (access_key_id, nonce)
);
CREATE INDEX nonces_until ON nonces (until);

CREATE TABLE submissions (
    account_id BIGINT NOT NULL,
    key        BYTEA NOT NULL,
    content    BYTEA NOT NULL,
    order_id   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, key)
);
CREATE INDEX submissions_expires ON submissions (expires_at);

CREATE TABLE plans (
    id           BIGINT PRIMARY KEY,
    account_id   BIGINT NOT NULL REFERENCES accounts (id),
    product_code TEXT NOT NULL,
    total        BIGINT NOT NULL,
    used         BIGINT NOT NULL,
    granted_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL, -- 0 = never
    CHECK (used >= 0 AND used <= total)
);
CREATE INDEX plans_account ON plans (account_id, product_code);

CREATE TABLE orders (
    id             BIGINT PRIMARY KEY,
    account_id     BIGINT NOT NULL REFERENCES accounts (id),
    instance_id    TEXT NOT NULL UNIQUE,
    access_key_id  TEXT NOT NULL,
    product_code   TEXT NOT NULL,
    plan_id        BIGINT NOT NULL REFERENCES plans (id),
    name           TEXT NOT NULL,
    method         TEXT NOT NULL,
    username       TEXT NOT NULL,
    phone          TEXT NOT NULL,
    email          TEXT NOT NULL,
    tags           TEXT NOT NULL, -- JSON list
    csr            BYTEA,
    state          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    prove_by       BIGINT NOT NULL,
    proved_at      BIGINT NOT NULL, -- 0 = not yet
    issued_at      BIGINT NOT NULL, -- 0 = not yet
    certificate_id BIGINT NOT NULL, -- 0 = none
    version        BIGINT NOT NULL
);
CREATE INDEX orders_account ON orders (account_id, created_at);
-- DescribePackageState counts what was issued; nothing else needs these rows.
CREATE INDEX orders_issued ON orders (account_id, product_code) WHERE issued_at > 0;

CREATE TABLE ledger (
    order_id   BIGINT NOT NULL REFERENCES orders (id) DEFERRABLE INITIALLY DEFERRED,
    kind       TEXT NOT NULL,
    account_id BIGINT NOT NULL,
    plan_id    BIGINT NOT NULL REFERENCES plans (id),
    at         BIGINT NOT NULL,
    PRIMARY KEY (order_id, kind)
);
CREATE INDEX ledger_account ON ledger (account_id, at);

CREATE TABLE validations (
    order_id   BIGINT PRIMARY KEY REFERENCES orders (id),
    account_id BIGINT NOT NULL,
    name       TEXT NOT NULL,
    method     TEXT NOT NULL,
    token      TEXT NOT NULL UNIQUE
);

CREATE TABLE evidence (
    order_id   BIGINT NOT NULL REFERENCES orders (id),
    seq        BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    method     TEXT NOT NULL,
    name       TEXT NOT NULL,
    place      TEXT NOT NULL,
    finding    TEXT NOT NULL,
    detail     TEXT NOT NULL,
    looks      BIGINT NOT NULL,
    PRIMARY KEY (order_id, seq)
);

CREATE TABLE order_keys (
    order_id   BIGINT PRIMARY KEY REFERENCES orders (id),
    account_id BIGINT NOT NULL,
    key        BYTEA NOT NULL,
    csr        BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE certificates (
    id          BIGINT PRIMARY KEY,
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    order_id    BIGINT NOT NULL UNIQUE REFERENCES orders (id),
    instance_id TEXT NOT NULL,
    name        TEXT NOT NULL,
    serial      TEXT NOT NULL,
    pem         TEXT NOT NULL,
    key         BYTEA,
    not_before  BIGINT NOT NULL,
    not_after   BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX certificates_account ON certificates (account_id, not_after);

CREATE TABLE authorities (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    certificate BYTEA NOT NULL,
    key         BYTEA NOT NULL,
    created_at  BIGINT NOT NULL
);

CREATE TABLE issuances (
    serial       TEXT PRIMARY KEY,
    authority_id TEXT NOT NULL REFERENCES authorities (id),
    account_id   BIGINT NOT NULL, -- 0 for the service's own
    order_id     BIGINT NOT NULL, -- 0 for the service's own
    to_be_signed BYTEA NOT NULL,
    certificate  BYTEA,           -- null until signed
    at           BIGINT NOT NULL
);
-- One certificate for an order, however often the issuer is asked.
CREATE UNIQUE INDEX issuances_order ON issuances (order_id) WHERE certificate IS NOT NULL AND order_id > 0;

CREATE TABLE steps (
    id          BIGINT PRIMARY KEY,
    kind        TEXT NOT NULL,
    account_id  BIGINT NOT NULL,
    order_id    BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    attempts    BIGINT NOT NULL,
    last_run_at BIGINT NOT NULL, -- 0 = never
    lease_until BIGINT NOT NULL, -- by the database's clock; 0 = free
    last_error  TEXT NOT NULL,
    version     BIGINT NOT NULL
);
CREATE INDEX steps_due ON steps (due_at);
CREATE INDEX steps_order ON steps (order_id);

-- +goose Down
DROP TABLE steps;
DROP TABLE issuances;
DROP TABLE authorities;
DROP TABLE certificates;
DROP TABLE order_keys;
DROP TABLE evidence;
DROP TABLE validations;
DROP TABLE ledger;
DROP TABLE orders;
DROP TABLE plans;
DROP TABLE submissions;
DROP TABLE nonces;
DROP TABLE access_keys;
DROP TABLE accounts;
DROP TABLE keysets;
