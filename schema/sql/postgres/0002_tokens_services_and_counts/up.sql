-- A sign-in and the tokens that came of it, one after another. What is not here is no token, whoever signed it.
CREATE TABLE token_families (
    id         BIGSERIAL PRIMARY KEY,
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    started_at BIGINT NOT NULL,
    -- When its newest token does.
    expires_at BIGINT NOT NULL
);
CREATE INDEX token_families_by_user ON token_families (user_id);
CREATE INDEX token_families_by_expiry ON token_families (expires_at);

CREATE TABLE tokens (
    jti_sha256 TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    family_id  BIGINT NOT NULL REFERENCES token_families (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    -- When another one took its place.
    retired_at BIGINT
);
CREATE INDEX tokens_by_family ON tokens (family_id);
CREATE INDEX tokens_by_expiry ON tokens (expires_at);

-- Tokens are ended by taking them away, and no longer by the time of the last change.
ALTER TABLE users DROP COLUMN epoch;

-- Services of partners that users are known to under a name of their own. Whoever leaves is reported to the callback,
-- whose access key and secret are sealed.
CREATE TABLE services (
    id           BIGINT PRIMARY KEY NOT NULL,
    portal_id    BIGINT NOT NULL,
    name         TEXT NOT NULL,
    callback_url TEXT,
    credentials  BYTEA
);
CREATE TABLE assignments (
    user_id            BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    service_id         BIGINT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    user_id_in_service TEXT NOT NULL,
    created_at         BIGINT NOT NULL,
    PRIMARY KEY (user_id, service_id)
);
CREATE INDEX assignments_by_service ON assignments (service_id);

-- Callbacks wait beside the mails. A mail belongs to a user and goes with it; a callback outlives it.
ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_kind_check CHECK (kind IN ('mail', 'callback'));
ALTER TABLE outbox ADD COLUMN user_id BIGINT REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE outbox ADD COLUMN service_id BIGINT;
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (kind, state, due_at);
CREATE INDEX outbox_by_user ON outbox (user_id);

-- Who is gone is no longer named: its names in the log give way to a pseudonym, and nothing else ever changes.
DROP TRIGGER audit_log_is_append_only ON audit_log;
CREATE TRIGGER audit_log_is_append_only BEFORE DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER audit_log_is_append_only_update BEFORE UPDATE ON audit_log FOR EACH ROW
WHEN ((new.id, new.at, new.event, new.outcome, new.client_name, new.request_id)
        IS DISTINCT FROM (old.id, old.at, old.event, old.outcome, old.client_name, old.request_id)
    OR (new.actor IS DISTINCT FROM old.actor AND coalesce(new.actor, '') NOT LIKE 'erased:%')
    OR (new.on_behalf_of IS DISTINCT FROM old.on_behalf_of AND coalesce(new.on_behalf_of, '') NOT LIKE 'erased:%')
    OR (new.subject IS DISTINCT FROM old.subject AND coalesce(new.subject, '') NOT LIKE 'erased:%'))
    EXECUTE FUNCTION audit_log_is_append_only();
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
);
INSERT INTO user_counts SELECT client_name, status, count(*), 1 FROM users GROUP BY client_name, status;
CREATE FUNCTION count_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (new.client_name, new.status, new.user_name_ci, new.name_ci, new.email_ci)
            = (old.client_name, old.status, old.user_name_ci, old.name_ci, old.email_ci) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        -- In one order, whichever way a user changes.
        PERFORM 1 FROM user_counts
            WHERE (client_name, status) IN ((old.client_name, old.status), (new.client_name, new.status))
            ORDER BY client_name, status FOR UPDATE;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        UPDATE user_counts SET users = users - 1, changes = changes + 1
            WHERE client_name = old.client_name AND status = old.status;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO user_counts VALUES (new.client_name, new.status, 1, 1)
            ON CONFLICT (client_name, status)
                DO UPDATE SET users = user_counts.users + 1, changes = user_counts.changes + 1;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_users AFTER INSERT OR DELETE OR UPDATE OF client_name, status, user_name_ci, name_ci, email_ci ON users
    FOR EACH ROW EXECUTE FUNCTION count_users();
