-- Who may do what, and who did. Names are unique in an account; what refers to a
-- user, group or role does so by id, which is never used again.

-- +goose Up
ALTER TABLE access_keys ADD COLUMN user_id BIGINT NOT NULL DEFAULT 0; -- 0 = the account's own

CREATE TABLE users (
    id           BIGINT PRIMARY KEY,
    account_id   BIGINT NOT NULL REFERENCES accounts (id),
    name         TEXT NOT NULL,
    display_name TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    UNIQUE (account_id, name)
);

CREATE TABLE user_groups (
    id         BIGINT PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (account_id, name)
);

CREATE TABLE group_members (
    account_id BIGINT NOT NULL,
    user_id    BIGINT NOT NULL REFERENCES users (id),
    group_id   BIGINT NOT NULL REFERENCES user_groups (id),
    PRIMARY KEY (account_id, user_id, group_id)
);
CREATE INDEX group_members_user ON group_members (user_id);
CREATE INDEX group_members_group ON group_members (group_id);

CREATE TABLE roles (
    id          BIGINT PRIMARY KEY,
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    trust       TEXT NOT NULL,   -- JSON, a trust policy
    max_session BIGINT NOT NULL, -- milliseconds
    created_at  BIGINT NOT NULL,
    UNIQUE (account_id, name)
);

CREATE TABLE policies (
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    document    TEXT NOT NULL, -- JSON
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (account_id, name)
);

CREATE TABLE attachments (
    account_id   BIGINT NOT NULL REFERENCES accounts (id),
    kind         TEXT NOT NULL,   -- user, group or role
    principal_id BIGINT NOT NULL,
    policy       TEXT NOT NULL,   -- of policies, or a built-in one
    PRIMARY KEY (account_id, kind, principal_id, policy)
);
CREATE INDEX attachments_policy ON attachments (account_id, policy);

CREATE TABLE sessions (
    access_key_id TEXT PRIMARY KEY,
    account_id    BIGINT NOT NULL REFERENCES accounts (id), -- of the role
    role_id       BIGINT NOT NULL REFERENCES roles (id),
    name          TEXT NOT NULL,
    secret        BYTEA NOT NULL,
    token_hash    BYTEA NOT NULL,  -- SHA-256
    policy        TEXT NOT NULL,   -- JSON; '' = all that the role may do
    source        TEXT NOT NULL,   -- ARN of who assumed the role
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    revoked_at    BIGINT NOT NULL  -- 0 = not revoked
);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_role ON sessions (role_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- Each account's lines are a chain by hash; rows are added, and removed from the
-- old end alone.
CREATE TABLE audit (
    account_id    BIGINT NOT NULL,
    seq           BIGINT NOT NULL, -- from 1, without a gap
    at            BIGINT NOT NULL,
    request_id    TEXT NOT NULL,
    principal     TEXT NOT NULL,   -- ARN, or operator
    access_key_id TEXT NOT NULL,
    address       TEXT NOT NULL,
    action        TEXT NOT NULL,
    resource      TEXT NOT NULL,
    code          TEXT NOT NULL,   -- '' = success
    key_read      BIGINT NOT NULL, -- 1 = the answer held a private key
    hash          BYTEA NOT NULL,  -- SHA-256 over the line and the hash before it
    PRIMARY KEY (account_id, seq)
);

-- Where each chain begins and ends: numbers and hashes, sealed, so that nobody
-- can make another chain without the keyring.
CREATE TABLE audit_ends (
    account_id BIGINT PRIMARY KEY,
    lines      BIGINT NOT NULL, -- the last line's number
    sealed     BYTEA
);

-- +goose Down
DROP TABLE audit_ends;
DROP TABLE audit;
DROP TABLE sessions;
DROP TABLE attachments;
DROP TABLE policies;
DROP TABLE roles;
DROP TABLE group_members;
DROP TABLE user_groups;
DROP TABLE users;
ALTER TABLE access_keys DROP COLUMN user_id;
