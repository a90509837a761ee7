-- The console: who may operate the instance from it, what people sign in with, and
-- who is signed in.

-- +goose Up
ALTER TABLE accounts ADD COLUMN operator BIGINT NOT NULL DEFAULT 0; -- 1 = its principals may make operator's calls

CREATE TABLE console_passwords (
    user_id     BIGINT PRIMARY KEY REFERENCES users (id),
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    hash        TEXT NOT NULL,   -- argon2id with its parameters; '' = none
    changed_at  BIGINT NOT NULL,
    totp        BYTEA,           -- sealed; null = no second factor
    totp_step   BIGINT NOT NULL  -- of the last code that was used
);

CREATE TABLE console_sessions (
    id_hash       BYTEA PRIMARY KEY, -- SHA-256 of what the cookie holds
    account_id    BIGINT NOT NULL REFERENCES accounts (id),
    user_id       BIGINT NOT NULL,   -- 0 = the account itself
    access_key_id TEXT NOT NULL,     -- '' = signed in with a password
    pending       BIGINT NOT NULL,   -- 1 = the second factor is still to come
    address       TEXT NOT NULL,
    agent         TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    seen_at       BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL
);
CREATE INDEX console_sessions_account ON console_sessions (account_id);
CREATE INDEX console_sessions_expires ON console_sessions (expires_at);

CREATE TABLE console_links (
    token_hash    BYTEA PRIMARY KEY,
    account_id    BIGINT NOT NULL REFERENCES accounts (id),
    access_key_id TEXT NOT NULL,
    expires_at    BIGINT NOT NULL
);

CREATE TABLE console_attempts (
    subject  BYTEA PRIMARY KEY, -- SHA-256 of an address, or of whose credentials were tried
    failures BIGINT NOT NULL,
    until    BIGINT NOT NULL    -- when they are forgotten
);

-- For counting certificates by when they end without reading them.
CREATE INDEX listed_endings ON listed (account_id, not_after, status) WHERE kind <> 'order' AND not_after > 0;

-- +goose Down
DROP INDEX listed_endings;
DROP TABLE console_attempts;
DROP TABLE console_links;
DROP TABLE console_sessions;
DROP TABLE console_passwords;
ALTER TABLE accounts DROP COLUMN operator;
