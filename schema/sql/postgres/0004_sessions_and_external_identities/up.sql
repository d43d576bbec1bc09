-- Browsers that are signed in. What their cookie holds is kept as its SHA-256.
CREATE TABLE sessions (
    id                BIGSERIAL PRIMARY KEY,
    sha256            TEXT NOT NULL UNIQUE,
    user_id           BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- What the user chose at sign-in, if there was a choice.
    organisation_uuid TEXT REFERENCES organisations (uuid) ON DELETE SET NULL,
    started_at        BIGINT NOT NULL,
    -- When it was last used, to within a minute or so.
    seen_at           BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    user_agent        TEXT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_by_organisation ON sessions (organisation_uuid);

-- What the loginbar shows of a user beside what everybody has.
CREATE TABLE profiles (
    user_id            BIGINT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    external           TEXT,
    channel            TEXT,
    counter            BIGINT,
    last_visit_counter BIGINT,
    avatar             TEXT,
    signature_number   TEXT,
    signature_name     TEXT,
    secondary_id       BIGINT,
    phone              TEXT
);

-- Attempts that are counted, by the keyed hash of what they are counted for: an account, or an address.
CREATE TABLE attempts (
    subject   TEXT PRIMARY KEY NOT NULL,
    failures  BIGINT NOT NULL,
    -- When the next one is heard.
    open_at   BIGINT NOT NULL,
    forget_at BIGINT NOT NULL
);
CREATE INDEX attempts_by_end ON attempts (forget_at);

-- Who users are to others. `*_ci` columns hold the canonical form of the text beside them.
CREATE TABLE external_identities (
    provider_ci    TEXT NOT NULL,
    id_type_ci     TEXT NOT NULL,
    external_id_ci TEXT NOT NULL,
    provider       TEXT NOT NULL,
    id_type        TEXT NOT NULL,
    external_id    TEXT NOT NULL,
    user_id        BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (provider_ci, id_type_ci, external_id_ci)
);
CREATE INDEX external_identities_by_user ON external_identities (user_id);

-- The organisation's name in the system of a partner.
ALTER TABLE organisations ADD COLUMN channel TEXT;
ALTER TABLE organisations ADD COLUMN external_id TEXT;
ALTER TABLE organisations ADD COLUMN channel_ci TEXT;
ALTER TABLE organisations ADD COLUMN external_id_ci TEXT;
CREATE UNIQUE INDEX organisations_by_external_id ON organisations (channel_ci, external_id_ci);

-- Assertions of partners that were used, until they expire.
CREATE TABLE used_assertions (
    iss        TEXT NOT NULL,
    jti_sha256 TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (iss, jti_sha256)
);
CREATE INDEX used_assertions_by_expiry ON used_assertions (expires_at);
