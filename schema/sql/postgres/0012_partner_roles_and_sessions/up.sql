-- The session that an assertion has started. The browser of this session may open the partner's link again.
ALTER TABLE used_assertions ADD COLUMN session_id BIGINT;

-- Whether the partner's tokens may give roles in its schools.
ALTER TABLE partners ADD COLUMN assigns_roles BOOLEAN NOT NULL DEFAULT FALSE;
