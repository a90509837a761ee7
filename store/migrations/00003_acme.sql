-- ACME CAs: how they are configured, the account at each, and where the CA's
-- order stands for each order of ours. Times are Unix milliseconds.

-- +goose Up
CREATE TABLE acme_issuers (
    name            TEXT PRIMARY KEY,
    directory       TEXT NOT NULL,
    contacts        TEXT NOT NULL,   -- JSON list
    eab_kid         TEXT NOT NULL,
    eab_key         BYTEA,           -- sealed
    profile         TEXT NOT NULL,
    preferred_chain TEXT NOT NULL,
    ca_bundle       TEXT NOT NULL,   -- PEM
    orders_limit    BIGINT NOT NULL, -- 0 = none
    orders_window   BIGINT NOT NULL, -- milliseconds
    concurrency     BIGINT NOT NULL, -- 0 = the default
    fallbacks       TEXT NOT NULL,   -- JSON list of names
    allow_http      BIGINT NOT NULL,
    created_at      BIGINT NOT NULL
);

CREATE TABLE acme_accounts (
    issuer     TEXT PRIMARY KEY REFERENCES acme_issuers (name),
    key        BYTEA NOT NULL, -- sealed
    url        TEXT NOT NULL,  -- '' = the CA was not told yet
    created_at BIGINT NOT NULL
);

CREATE TABLE acme_orders (
    order_id        BIGINT PRIMARY KEY REFERENCES orders (id),
    account_id      BIGINT NOT NULL,
    issuer          TEXT NOT NULL,   -- that has it now
    tried           TEXT NOT NULL,   -- JSON list of issuers that had it before
    openings        BIGINT NOT NULL, -- how many orders were opened at CAs for it
    began_again     BIGINT NOT NULL, -- 1 = once already at this issuer
    url             TEXT NOT NULL,   -- '' = not open at the CA
    finalize        TEXT NOT NULL,
    certificate     TEXT NOT NULL,
    authorizations  TEXT NOT NULL,   -- JSON list
    expires_at      BIGINT NOT NULL, -- of the CA's order, 0 = unknown
    finalized_at    BIGINT NOT NULL, -- when the CSR was about to be sent, 0 = not yet
    failing_since   BIGINT NOT NULL, -- 0 = the CA's last answer was good
    not_before      BIGINT NOT NULL, -- the CA is not asked before, 0 = any time
    problem         TEXT NOT NULL,   -- why it waits or went elsewhere
    version         BIGINT NOT NULL
);
-- A CA may answer an order like an open one with that very one; it belongs to one
-- order of ours.
CREATE UNIQUE INDEX acme_orders_url ON acme_orders (url) WHERE url <> '';
CREATE INDEX acme_orders_issuer ON acme_orders (issuer);

-- Which order, of which account, met an authorization first: its proof is that
-- account's alone.
CREATE TABLE acme_authorizations (
    url        TEXT PRIMARY KEY,
    account_id BIGINT NOT NULL,
    order_id   BIGINT NOT NULL
);

-- Orders opened at a CA, for the limit of the issuer; older ones are forgotten.
CREATE TABLE acme_openings (
    id     BIGINT PRIMARY KEY,
    issuer TEXT NOT NULL,
    at     BIGINT NOT NULL
);
CREATE INDEX acme_openings_issuer ON acme_openings (issuer, at);

-- RFC 9773: when the CA suggests to renew an order's certificate.
CREATE TABLE renewals (
    order_id     BIGINT PRIMARY KEY REFERENCES orders (id),
    account_id   BIGINT NOT NULL,
    window_start BIGINT NOT NULL,
    window_end   BIGINT NOT NULL,
    explanation  TEXT NOT NULL,
    fetched_at   BIGINT NOT NULL
);

ALTER TABLE validations ADD COLUMN place TEXT NOT NULL DEFAULT '';       -- '' = Chancery's own
ALTER TABLE validations ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0; -- 0 = with its order

-- +goose Down
ALTER TABLE validations DROP COLUMN expires_at;
ALTER TABLE validations DROP COLUMN place;
DROP TABLE renewals;
DROP TABLE acme_openings;
DROP TABLE acme_authorizations;
DROP TABLE acme_orders;
DROP TABLE acme_accounts;
DROP TABLE acme_issuers;
