-- Millions of rows take longer than a request may.
SET LOCAL statement_timeout = 0;
-- An id in a service belongs to one user. `compared_id` is the form in which ids are compared: canonical, or the id itself
-- where the service tells ids apart by case. ASCII is folded here; the program fills in the rest when it starts.
ALTER TABLE services ADD COLUMN case_sensitive_ids BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE assignments ADD COLUMN compared_id TEXT;
-- Several users held the id before it belonged to one. Nobody can claim it, and no callback is sent for it.
ALTER TABLE assignments ADD COLUMN disputed BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE assignments SET compared_id = lower(user_id_in_service COLLATE "C")
    WHERE octet_length(user_id_in_service) = char_length(user_id_in_service);
UPDATE assignments SET disputed = TRUE
    WHERE (service_id, compared_id) IN
        (SELECT service_id, compared_id FROM assignments WHERE compared_id IS NOT NULL
            GROUP BY service_id, compared_id HAVING count(*) > 1);
CREATE UNIQUE INDEX assignments_by_compared_id ON assignments (service_id, compared_id) WHERE NOT disputed;
CREATE INDEX assignments_disputed ON assignments (service_id, compared_id) WHERE disputed;
CREATE INDEX assignments_unfilled ON assignments (service_id, user_id) WHERE compared_id IS NULL;

-- Whether an application may assign and remove users without its secret.
ALTER TABLE applications ADD COLUMN plain_calls BOOLEAN NOT NULL DEFAULT FALSE;
