-- A sign-in and the tokens that came of it, one after another. What is not here is no token, whoever signed it.
CREATE TABLE token_families (
    id         INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    started_at BIGINT NOT NULL,
    -- When its newest token does.
    expires_at BIGINT NOT NULL
);
CREATE INDEX token_families_by_user ON token_families (user_id);
CREATE INDEX token_families_by_expiry ON token_families (expires_at);

CREATE TABLE tokens (
    jti_sha256 TEXT PRIMARY KEY NOT NULL,
    family_id  BIGINT NOT NULL REFERENCES token_families (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    -- When another one took its place.
    retired_at BIGINT
) WITHOUT ROWID;
CREATE INDEX tokens_by_family ON tokens (family_id);
CREATE INDEX tokens_by_expiry ON tokens (expires_at);

-- Who is erased leaves the search index at once, and not when its pages are merged some day.
INSERT INTO users_search (users_search, rank) VALUES ('secure-delete', 1);

-- Tokens are ended by taking them away, and no longer by the time of the last change.
ALTER TABLE users DROP COLUMN epoch;

-- Services of partners that users are known to under a name of their own. Whoever leaves is reported to the callback,
-- whose access key and secret are sealed.
CREATE TABLE services (
    id           BIGINT PRIMARY KEY NOT NULL,
    portal_id    BIGINT NOT NULL,
    name         TEXT NOT NULL,
    callback_url TEXT,
    credentials  BLOB
);
CREATE TABLE assignments (
    user_id            BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    service_id         BIGINT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    user_id_in_service TEXT NOT NULL,
    created_at         BIGINT NOT NULL,
    PRIMARY KEY (user_id, service_id)
) WITHOUT ROWID;
CREATE INDEX assignments_by_service ON assignments (service_id);

-- Callbacks wait beside the mails. A mail belongs to a user and goes with it; a callback outlives it.
CREATE TABLE outbox_2 (
    id           INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('mail', 'callback')),
    state        TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    user_id      BIGINT REFERENCES users (id) ON DELETE CASCADE,
    service_id   BIGINT,
    payload      BLOB,
    attempts     INTEGER NOT NULL,
    due_at       BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    delivered_at BIGINT,
    last_error   TEXT
);
INSERT INTO outbox_2 (id, kind, state, payload, attempts, due_at, created_at, delivered_at, last_error)
    SELECT id, kind, state, payload, attempts, due_at, created_at, delivered_at, last_error FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_2 RENAME TO outbox;
CREATE INDEX outbox_due ON outbox (kind, state, due_at);
CREATE INDEX outbox_by_user ON outbox (user_id);

-- Who is gone is no longer named: its names in the log give way to a pseudonym, and nothing else ever changes.
DROP TRIGGER audit_log_is_append_only_update;
CREATE TRIGGER audit_log_is_append_only_update BEFORE UPDATE ON audit_log
WHEN new.id IS NOT old.id OR new.at IS NOT old.at OR new.event IS NOT old.event OR new.outcome IS NOT old.outcome
    OR new.client_name IS NOT old.client_name OR new.request_id IS NOT old.request_id
    OR (new.actor IS NOT old.actor AND coalesce(new.actor, '') NOT LIKE 'erased:%')
    OR (new.on_behalf_of IS NOT old.on_behalf_of AND coalesce(new.on_behalf_of, '') NOT LIKE 'erased:%')
    OR (new.subject IS NOT old.subject AND coalesce(new.subject, '') NOT LIKE 'erased:%')
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE INDEX audit_log_by_actor ON audit_log (actor) WHERE actor IS NOT NULL;
CREATE INDEX audit_log_by_on_behalf_of ON audit_log (on_behalf_of) WHERE on_behalf_of IS NOT NULL;

-- Names that still have to give way: of a user with many entries they do so bit by bit.
CREATE TABLE erasures (
    name_ci   TEXT PRIMARY KEY NOT NULL,
    pseudonym TEXT NOT NULL
);

-- How many users there are of each client and status, so that a total costs the same however many there are; and how often
-- that, or what users are sorted by, has changed.
CREATE TABLE user_counts (
    client_name TEXT NOT NULL,
    status      TEXT NOT NULL,
    users       BIGINT NOT NULL,
    changes     BIGINT NOT NULL,
    PRIMARY KEY (client_name, status)
) WITHOUT ROWID;
INSERT INTO user_counts SELECT client_name, status, count(*), 1 FROM users GROUP BY client_name, status;
CREATE TRIGGER user_counts_insert AFTER INSERT ON users BEGIN
    INSERT INTO user_counts VALUES (new.client_name, new.status, 1, 1)
        ON CONFLICT (client_name, status) DO UPDATE SET users = users + 1, changes = changes + 1;
END;
CREATE TRIGGER user_counts_delete AFTER DELETE ON users BEGIN
    UPDATE user_counts SET users = users - 1, changes = changes + 1
        WHERE client_name = old.client_name AND status = old.status;
END;
CREATE TRIGGER user_counts_update AFTER UPDATE OF client_name, status, user_name_ci, name_ci, email_ci ON users
WHEN new.client_name <> old.client_name OR new.status <> old.status OR new.user_name_ci <> old.user_name_ci
    OR new.name_ci <> old.name_ci OR new.email_ci <> old.email_ci BEGIN
    UPDATE user_counts SET users = users - 1, changes = changes + 1
        WHERE client_name = old.client_name AND status = old.status;
    INSERT INTO user_counts VALUES (new.client_name, new.status, 1, 1)
        ON CONFLICT (client_name, status) DO UPDATE SET users = users + 1, changes = changes + 1;
END;
