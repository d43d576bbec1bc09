-- Refusals of callers who proved nothing, counted by the minute, the caller's network, the event and the code. They are
-- not in the audit log, where each would be a row.
CREATE TABLE refusals (
    id          BIGSERIAL PRIMARY KEY,
    -- Minutes since 1970.
    minute      BIGINT NOT NULL,
    -- An IPv4 address, an IPv6 /64, or "other" for what is counted together.
    network     TEXT NOT NULL,
    event       TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    -- The signed-in user, of whom the first refusals are in the audit log; empty for nobody.
    actor       TEXT NOT NULL,
    times       BIGINT NOT NULL,
    last_at     BIGINT NOT NULL,
    -- One refusal of those counted, as a sample.
    client_name TEXT,
    subject     TEXT,
    request_id  TEXT NOT NULL
);
CREATE UNIQUE INDEX refusals_by_key ON refusals (minute, network, event, outcome, actor);
CREATE INDEX refusals_by_subject ON refusals (subject) WHERE subject IS NOT NULL;
CREATE INDEX refusals_by_actor ON refusals (actor) WHERE actor <> '';

-- The audit log is append-only but for its retention: a row may be deleted only by a transaction that has set
-- audit_log.delete_before, and only if the row is older than that and no proof of an erasure or of a consent.
DROP TRIGGER audit_log_is_append_only ON audit_log;
CREATE TRIGGER audit_log_is_append_only BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
CREATE FUNCTION audit_log_keeps_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF old.event IN ('user_deleted', 'user_agreements_accepted', 'user_agreements_withdrawn')
        OR old.at >= coalesce((SELECT value::bigint FROM settings WHERE key = 'audit_log.delete_before'), 0) THEN
        RAISE EXCEPTION 'the audit log is append-only';
    END IF;
    RETURN old;
END $$;
CREATE TRIGGER audit_log_is_append_only_delete BEFORE DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_keeps_rows();
CREATE INDEX audit_log_by_age ON audit_log (at)
    WHERE event NOT IN ('user_deleted', 'user_agreements_accepted', 'user_agreements_withdrawn');

-- When a user registered itself; empty once it has confirmed, and for users that others made or changed. Users that
-- registered before this column was added stay.
ALTER TABLE users ADD COLUMN unconfirmed_since BIGINT;
CREATE INDEX users_by_unconfirmed ON users (unconfirmed_since) WHERE unconfirmed_since IS NOT NULL;
