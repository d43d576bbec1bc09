-- Texts sort by code point ("C"), as on SQLite. Times are milliseconds since 1970; `*_ci` columns hold the canonical form of the text beside them.

CREATE TABLE settings (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);
-- Raised with every change that the in-memory registry must notice.
INSERT INTO settings (key, value) VALUES ('registry_version', '1');

CREATE TABLE clients (
    name       TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    key_sha256 TEXT UNIQUE,
    trust      TEXT NOT NULL CHECK (trust IN ('trusted', 'public')),
    active     BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE organisations (
    uuid        TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    name        TEXT NOT NULL,
    join_policy TEXT NOT NULL CHECK (join_policy IN ('open', 'closed')),
    created_at  BIGINT NOT NULL
);

CREATE TABLE users (
    id                  BIGSERIAL PRIMARY KEY,
    uuid                TEXT NOT NULL UNIQUE,
    user_name           TEXT NOT NULL,
    user_name_ci        TEXT COLLATE "C" NOT NULL UNIQUE,
    name                TEXT NOT NULL,
    name_ci             TEXT COLLATE "C" NOT NULL,
    email               TEXT NOT NULL,
    email_ci            TEXT COLLATE "C" NOT NULL UNIQUE,
    client_name         TEXT COLLATE "C" NOT NULL,
    organizational_unit TEXT,
    status              TEXT COLLATE "C" NOT NULL CHECK (status IN ('UNACTIVATED', 'ACTIVE', 'INACTIVE')),
    -- One role a line, in order; roles hold no line breaks. Never searched, always read with the user.
    roles               TEXT NOT NULL,
    password_hash       TEXT,
    epoch               BIGINT NOT NULL,
    -- The organisation that a registered user joins when it confirms.
    joins_organisation  TEXT REFERENCES organisations (uuid) ON DELETE SET NULL,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL
);
CREATE INDEX users_by_status ON users (status, user_name_ci);
CREATE INDEX users_by_client ON users (client_name, user_name_ci);
CREATE INDEX users_by_client_and_status ON users (client_name, status, user_name_ci);
CREATE INDEX users_by_name ON users (name_ci, user_name_ci);

-- User names and e-mail addresses share one name space: nobody's address is another's name.
CREATE TABLE login_names (
    name_ci TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX login_names_by_user ON login_names (user_id);

-- Substring search.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX users_search_user_name ON users USING gin (user_name_ci gin_trgm_ops);
CREATE INDEX users_search_name ON users USING gin (name_ci gin_trgm_ops);
CREATE INDEX users_search_email ON users USING gin (email_ci gin_trgm_ops);

CREATE TABLE memberships (
    user_id           BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    organisation_uuid TEXT COLLATE "C" NOT NULL REFERENCES organisations (uuid) ON DELETE CASCADE,
    roles             TEXT NOT NULL,
    created_at        BIGINT NOT NULL,
    PRIMARY KEY (user_id, organisation_uuid)
);
CREATE INDEX memberships_by_organisation ON memberships (organisation_uuid);

CREATE TABLE one_time_tokens (
    sha256     TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    purpose    TEXT NOT NULL CHECK (purpose IN ('activation', 'password_reset')),
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX one_time_tokens_by_user ON one_time_tokens (user_id, purpose);
CREATE INDEX one_time_tokens_by_expiry ON one_time_tokens (expires_at);

-- The payload is sealed with a key outside the database and erased once delivered.
CREATE TABLE outbox (
    id           BIGSERIAL PRIMARY KEY,
    kind         TEXT NOT NULL CHECK (kind IN ('mail')),
    state        TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    payload      BYTEA,
    attempts     INTEGER NOT NULL,
    due_at       BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    delivered_at BIGINT,
    last_error   TEXT
);
CREATE INDEX outbox_due ON outbox (state, due_at);

CREATE TABLE audit_log (
    id           BIGSERIAL PRIMARY KEY,
    at           BIGINT NOT NULL,
    event        TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    client_name  TEXT,
    actor        TEXT,
    on_behalf_of TEXT,
    subject      TEXT,
    request_id   TEXT NOT NULL
);
CREATE INDEX audit_log_by_subject ON audit_log (subject, id);
CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
