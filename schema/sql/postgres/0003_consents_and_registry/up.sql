-- Portals group services; users are known to services, and agree to what services require of them.
CREATE TABLE portals (
    id   BIGINT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL
);
INSERT INTO portals (id, name) SELECT DISTINCT portal_id, 'Portal ' || portal_id FROM services;
CREATE INDEX services_by_portal ON services (portal_id, id);

CREATE TABLE agreements (
    id   BIGINT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL
);
CREATE TABLE required_agreements (
    service_id   BIGINT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    agreement_id BIGINT NOT NULL REFERENCES agreements (id) ON DELETE CASCADE,
    PRIMARY KEY (service_id, agreement_id)
);
CREATE TABLE accepted_agreements (
    user_id      BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    agreement_id BIGINT NOT NULL REFERENCES agreements (id) ON DELETE CASCADE,
    accepted_at  BIGINT NOT NULL,
    withdrawn_at BIGINT,
    PRIMARY KEY (user_id, agreement_id)
);
CREATE INDEX accepted_agreements_by_agreement ON accepted_agreements (agreement_id);

-- Front ends that embed the loginbar. Lists are an entry a line; the secret is sealed.
CREATE TABLE applications (
    client_id     TEXT PRIMARY KEY NOT NULL,
    origins       TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    secret        BYTEA
);

-- Partners that sign their users in. Lists are an entry a line; keys are PEM, one after another.
CREATE TABLE partners (
    iss              TEXT PRIMARY KEY NOT NULL,
    public_keys      TEXT NOT NULL,
    state_ids        TEXT NOT NULL,
    redirect_origins TEXT NOT NULL,
    max_life_s       BIGINT NOT NULL
);

-- A node that delivers a row has it until then; after that another may.
ALTER TABLE outbox ADD COLUMN claimed_until BIGINT NOT NULL DEFAULT 0;
-- The oldest callback that waits for each service is found at once, however many wait.
CREATE INDEX outbox_waiting ON outbox (service_id, id) WHERE kind = 'callback' AND state = 'pending';
