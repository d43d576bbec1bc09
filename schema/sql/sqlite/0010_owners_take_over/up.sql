-- The names of partners, and the places that their users come from. Each belongs to one partner, whatever its case.
-- SQL cannot fold names, so the program fills this table after it has migrated.
CREATE TABLE partner_claims (
    kind    TEXT NOT NULL CHECK (kind IN ('iss', 'state_id')),
    name_ci TEXT NOT NULL,
    iss     TEXT NOT NULL REFERENCES partners (iss) ON DELETE CASCADE,
    PRIMARY KEY (kind, name_ci)
) WITHOUT ROWID;
CREATE INDEX partner_claims_by_partner ON partner_claims (iss);

-- Since when an identity is linked to its user, and who said so; unknown for those that are older than this.
ALTER TABLE external_identities ADD COLUMN linked_at BIGINT;
ALTER TABLE external_identities ADD COLUMN asserted_by TEXT;

-- E-mail addresses that users had before a change, and the hash of the token that brings each back. A later change gets
-- a higher id.
CREATE TABLE email_undos (
    id         INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    sha256     TEXT NOT NULL UNIQUE,
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email      TEXT NOT NULL,
    email_ci   TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX email_undos_by_user ON email_undos (user_id, id);
CREATE INDEX email_undos_by_email ON email_undos (email_ci);
CREATE INDEX email_undos_by_expiry ON email_undos (expires_at);
