-- Times are milliseconds since 1970; `*_ci` columns hold the canonical form of the text beside them.

CREATE TABLE settings (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) WITHOUT ROWID;
-- Raised with every change that the in-memory registry must notice.
INSERT INTO settings (key, value) VALUES ('registry_version', '1');

CREATE TABLE clients (
    name       TEXT PRIMARY KEY NOT NULL,
    key_sha256 TEXT UNIQUE,
    trust      TEXT NOT NULL CHECK (trust IN ('trusted', 'public')),
    active     BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE organisations (
    uuid        TEXT PRIMARY KEY NOT NULL,
    name        TEXT NOT NULL,
    join_policy TEXT NOT NULL CHECK (join_policy IN ('open', 'closed')),
    created_at  BIGINT NOT NULL
);

CREATE TABLE users (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    uuid                TEXT NOT NULL UNIQUE,
    user_name           TEXT NOT NULL,
    user_name_ci        TEXT NOT NULL UNIQUE,
    name                TEXT NOT NULL,
    name_ci             TEXT NOT NULL,
    email               TEXT NOT NULL,
    email_ci            TEXT NOT NULL UNIQUE,
    client_name         TEXT NOT NULL,
    organizational_unit TEXT,
    status              TEXT NOT NULL CHECK (status IN ('UNACTIVATED', 'ACTIVE', 'INACTIVE')),
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
    name_ci TEXT PRIMARY KEY NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX login_names_by_user ON login_names (user_id);

-- Substring search. The columns are canonical already, so the index compares them as they are. Two characters that no
-- name holds pad the end, so that the last one and two characters of a text begin a trigram as well.
CREATE VIRTUAL TABLE users_search USING fts5 (
    user_name_ci, name_ci, email_ci,
    content = 'users', content_rowid = 'id', tokenize = 'trigram case_sensitive 1'
);
-- Its trigrams in order, for texts shorter than one.
CREATE VIRTUAL TABLE users_search_terms USING fts5vocab ('users_search', 'instance');
CREATE TRIGGER users_search_insert AFTER INSERT ON users BEGIN
    INSERT INTO users_search (rowid, user_name_ci, name_ci, email_ci)
    VALUES (new.id, new.user_name_ci || char(2, 2), new.name_ci || char(2, 2), new.email_ci || char(2, 2));
END;
CREATE TRIGGER users_search_delete AFTER DELETE ON users BEGIN
    INSERT INTO users_search (users_search, rowid, user_name_ci, name_ci, email_ci)
    VALUES ('delete', old.id, old.user_name_ci || char(2, 2), old.name_ci || char(2, 2), old.email_ci || char(2, 2));
END;
CREATE TRIGGER users_search_update AFTER UPDATE OF user_name_ci, name_ci, email_ci ON users BEGIN
    INSERT INTO users_search (users_search, rowid, user_name_ci, name_ci, email_ci)
    VALUES ('delete', old.id, old.user_name_ci || char(2, 2), old.name_ci || char(2, 2), old.email_ci || char(2, 2));
    INSERT INTO users_search (rowid, user_name_ci, name_ci, email_ci)
    VALUES (new.id, new.user_name_ci || char(2, 2), new.name_ci || char(2, 2), new.email_ci || char(2, 2));
END;

CREATE TABLE memberships (
    user_id           BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    organisation_uuid TEXT NOT NULL REFERENCES organisations (uuid) ON DELETE CASCADE,
    roles             TEXT NOT NULL,
    created_at        BIGINT NOT NULL,
    PRIMARY KEY (user_id, organisation_uuid)
) WITHOUT ROWID;
CREATE INDEX memberships_by_organisation ON memberships (organisation_uuid);

CREATE TABLE one_time_tokens (
    sha256     TEXT PRIMARY KEY NOT NULL,
    purpose    TEXT NOT NULL CHECK (purpose IN ('activation', 'password_reset')),
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
) WITHOUT ROWID;
CREATE INDEX one_time_tokens_by_user ON one_time_tokens (user_id, purpose);
CREATE INDEX one_time_tokens_by_expiry ON one_time_tokens (expires_at);

-- The payload is sealed with a key outside the database and erased once delivered.
CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('mail')),
    state        TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    payload      BLOB,
    attempts     INTEGER NOT NULL,
    due_at       BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    delivered_at BIGINT,
    last_error   TEXT
);
CREATE INDEX outbox_due ON outbox (state, due_at);

CREATE TABLE audit_log (
    id           INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
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
CREATE TRIGGER audit_log_is_append_only_update BEFORE UPDATE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_log_is_append_only_delete BEFORE DELETE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
