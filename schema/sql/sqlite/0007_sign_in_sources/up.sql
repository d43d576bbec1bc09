-- Networks and browsers that have signed a user in, as keyed hashes. An attempt from one of them has a counter of its own,
-- so that whoever guesses elsewhere does not keep the owner out.
CREATE TABLE known_sources (
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source     TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, source)
) WITHOUT ROWID;
CREATE INDEX known_sources_by_expiry ON known_sources (expires_at);
