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
    names          TEXT NOT NULL, -- separated by commas, the common name first
    method         TEXT NOT NULL,
    username       TEXT NOT NULL,
    phone          TEXT NOT NULL,
    email          TEXT NOT NULL,
    company        TEXT NOT NULL,
    tags           TEXT NOT NULL, -- JSON list
    resource_group TEXT NOT NULL,
    csr            BYTEA,
    csr_id         BIGINT NOT NULL, -- of the CSR store, 0 = none
    review         TEXT NOT NULL,   -- '', pending or approved
    renews         BIGINT NOT NULL, -- the order that this one renews, 0 = none
    state          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    prove_by       BIGINT NOT NULL,
    proved_at      BIGINT NOT NULL, -- 0 = not yet
    issued_at      BIGINT NOT NULL, -- 0 = not yet
    certificate_id BIGINT NOT NULL, -- 0 = none
    version        BIGINT NOT NULL
);
CREATE INDEX orders_account ON orders (account_id, created_at, id);
CREATE INDEX orders_review ON orders (created_at) WHERE review = 'pending' AND state = 'process';
-- DescribePackageState counts what was issued; nothing else needs these rows.
CREATE INDEX orders_issued ON orders (account_id, product_code) WHERE issued_at > 0;
-- Whether an open order waits for a stored CSR's key.
CREATE INDEX orders_csr ON orders (account_id, csr_id) WHERE csr_id > 0;

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
    order_id   BIGINT NOT NULL REFERENCES orders (id),
    account_id BIGINT NOT NULL,
    position   BIGINT NOT NULL, -- in the order's names
    name       TEXT NOT NULL,
    method     TEXT NOT NULL,
    token      TEXT NOT NULL,   -- the same for all names of an order
    proved_at  BIGINT NOT NULL, -- 0 = not yet
    PRIMARY KEY (order_id, name)
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
    id             BIGINT PRIMARY KEY,
    account_id     BIGINT NOT NULL REFERENCES accounts (id),
    order_id       BIGINT NOT NULL, -- 0 = uploaded
    instance_id    TEXT NOT NULL,
    name           TEXT NOT NULL,
    serial         TEXT NOT NULL,
    fingerprint    TEXT NOT NULL, -- SHA-1 of the DER, upper-case hex
    sha2           TEXT NOT NULL, -- SHA-256, likewise
    common_name    TEXT NOT NULL,
    sans           TEXT NOT NULL, -- separated by commas
    issuer         TEXT NOT NULL,
    organization   TEXT NOT NULL,
    country        TEXT NOT NULL,
    province       TEXT NOT NULL,
    city           TEXT NOT NULL,
    algorithm      TEXT NOT NULL,
    pem            TEXT NOT NULL, -- as issued or as sent
    key            BYTEA,
    sign_pem       TEXT NOT NULL, -- SM2 pairs, as sent; '' = none
    sign_key       BYTEA,
    encrypt_pem    TEXT NOT NULL,
    encrypt_key    BYTEA,
    not_before     BIGINT NOT NULL,
    not_after      BIGINT NOT NULL,
    revoked_at     BIGINT NOT NULL, -- 0 = not revoked
    revoke_reason  BIGINT NOT NULL, -- RFC 5280 CRLReason
    resource_group TEXT NOT NULL,
    tags           TEXT NOT NULL, -- JSON list
    created_at     BIGINT NOT NULL,
    deleted_at     BIGINT NOT NULL -- 0 = not deleted; an issued one stays with its order, without keys
);
CREATE UNIQUE INDEX certificates_name ON certificates (account_id, name) WHERE deleted_at = 0;
CREATE UNIQUE INDEX certificates_order ON certificates (order_id) WHERE order_id > 0;
CREATE INDEX certificates_account ON certificates (account_id, created_at, id);
CREATE INDEX certificates_serial ON certificates (serial);
CREATE INDEX certificates_instance ON certificates (account_id, instance_id);

-- What lists show, of orders and certificates alike: seq numbers an account's
-- entries, so that lists run newest first. It follows from the other tables.
CREATE TABLE listed (
    kind           TEXT NOT NULL,   -- order, issued or upload
    row_id         BIGINT NOT NULL, -- of the order or certificate
    account_id     BIGINT NOT NULL,
    seq            BIGINT NOT NULL,
    status         TEXT NOT NULL,
    not_after      BIGINT NOT NULL, -- of the certificate, 0 = none
    changes_at     BIGINT NOT NULL, -- when the status changes by date, 0 = never
    resource_group TEXT NOT NULL,
    PRIMARY KEY (kind, row_id)
);
CREATE UNIQUE INDEX listed_seq ON listed (account_id, seq);
CREATE INDEX listed_changes ON listed (changes_at) WHERE changes_at > 0;
CREATE INDEX listed_account_changes ON listed (account_id, changes_at) WHERE changes_at > 0;

-- Which of each block of 2048 numbers are of entries of a kind, status and group:
-- a list is counted, and a page deep in it found, by reading blocks. There is
-- no row without members.
CREATE TABLE list_blocks (
    account_id     BIGINT NOT NULL,
    kind           TEXT NOT NULL,
    status         TEXT NOT NULL,
    block          BIGINT NOT NULL,
    resource_group TEXT NOT NULL,
    members        BYTEA NOT NULL CHECK (length(members) = 256), -- a bit for each number
    PRIMARY KEY (account_id, kind, status, block, resource_group)
);

-- What keywords are looked for in: a line for each of 64 numbers, empty once its
-- entry is gone. Numbers are given out here, each once.
CREATE TABLE list_texts (
    account_id BIGINT NOT NULL,
    part       BIGINT NOT NULL, -- the number of the first line, by 64
    lines      BIGINT NOT NULL CHECK (lines <= 64),
    text       TEXT NOT NULL,
    PRIMARY KEY (account_id, part)
);

CREATE TABLE csrs (
    id          BIGINT PRIMARY KEY,
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    name        TEXT NOT NULL,
    common_name TEXT NOT NULL,
    sans        TEXT NOT NULL,
    algorithm   TEXT NOT NULL, -- RSA, ECC or SM2
    key_size    BIGINT NOT NULL,
    country     TEXT NOT NULL,
    province    TEXT NOT NULL,
    locality    TEXT NOT NULL,
    corp_name   TEXT NOT NULL,
    department  TEXT NOT NULL,
    csr         TEXT NOT NULL, -- PEM
    key_sha2    TEXT NOT NULL, -- SHA-256 of the public key (SPKI), upper-case hex
    key         BYTEA,
    created_at  BIGINT NOT NULL
);
CREATE INDEX csrs_account ON csrs (account_id, created_at, id);
CREATE INDEX csrs_key ON csrs (account_id, key_sha2);

CREATE TABLE contacts (
    id         BIGINT PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    name       TEXT NOT NULL,
    email      TEXT NOT NULL,
    mobile     TEXT NOT NULL,
    id_card    TEXT NOT NULL,
    webhooks   TEXT NOT NULL, -- JSON text as sent
    created_at BIGINT NOT NULL
);
CREATE INDEX contacts_account ON contacts (account_id, created_at, id);

CREATE TABLE companies (
    id         BIGINT PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    name       TEXT NOT NULL,
    type       BIGINT NOT NULL,
    code       TEXT NOT NULL,
    phone      TEXT NOT NULL,
    email      TEXT NOT NULL,
    address    TEXT NOT NULL,
    post_code  TEXT NOT NULL,
    country    TEXT NOT NULL,
    province   TEXT NOT NULL,
    city       TEXT NOT NULL,
    department TEXT NOT NULL,
    lang       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX companies_account ON companies (account_id, created_at, id);

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
    at           BIGINT NOT NULL,
    not_after    BIGINT NOT NULL,
    crl          BIGINT NOT NULL, -- which of the authority's CRLs would list it
    revoked_at   BIGINT NOT NULL, -- 0 = not revoked
    reason       BIGINT NOT NULL  -- RFC 5280 CRLReason
);
CREATE INDEX issuances_revoked ON issuances (authority_id, crl, revoked_at) WHERE revoked_at > 0;
-- One certificate for an order, however often the issuer is asked.
CREATE UNIQUE INDEX issuances_order ON issuances (order_id) WHERE certificate IS NOT NULL AND order_id > 0;

CREATE TABLE crls (
    authority_id TEXT NOT NULL REFERENCES authorities (id),
    crl          BIGINT NOT NULL,
    issued       BIGINT NOT NULL, -- issuances that name it
    revoked      BIGINT NOT NULL, -- how many of them are revoked
    number       BIGINT NOT NULL, -- CRLNumber, rises by one; 0 = none made yet
    der          BYTEA,
    listed       BIGINT NOT NULL, -- revoked, when the DER was made
    partial      BIGINT NOT NULL, -- 1 = the DER says that it is one of several
    this_update  BIGINT NOT NULL,
    next_update  BIGINT NOT NULL,
    PRIMARY KEY (authority_id, crl)
);

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
DROP TABLE crls;
DROP TABLE issuances;
DROP TABLE authorities;
DROP TABLE companies;
DROP TABLE contacts;
DROP TABLE csrs;
DROP TABLE list_texts;
DROP TABLE list_blocks;
DROP TABLE listed;
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
