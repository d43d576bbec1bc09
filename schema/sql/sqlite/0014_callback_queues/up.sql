-- Callbacks keep their order for each service and id in the service. The key is a keyed hash of the id; callbacks of
-- earlier versions have none, and share one order for each service.
ALTER TABLE outbox ADD COLUMN order_key TEXT;
DROP INDEX outbox_waiting;
CREATE INDEX outbox_callbacks ON outbox (service_id, id) WHERE kind = 'callback' AND state = 'pending';
CREATE INDEX outbox_callbacks_due ON outbox (service_id, due_at, id) WHERE kind = 'callback' AND state = 'pending';
CREATE INDEX outbox_callbacks_order ON outbox (service_id, order_key, due_at) WHERE kind = 'callback' AND state = 'pending';

-- The callbacks of one service: which node makes them, and until when they wait because the service does not answer.
CREATE TABLE callback_queues (
    service_id    BIGINT PRIMARY KEY NOT NULL,
    claimed_until BIGINT NOT NULL DEFAULT 0,
    paused_until  BIGINT NOT NULL DEFAULT 0,
    failures      INTEGER NOT NULL DEFAULT 0,
    last_turn     BIGINT NOT NULL DEFAULT 0
) WITHOUT ROWID;
INSERT INTO callback_queues (service_id)
    SELECT DISTINCT service_id FROM outbox WHERE kind = 'callback' AND state = 'pending';

-- Whether the service means by 404 and 410 that it does not know the user any more.
ALTER TABLE services ADD COLUMN gone_is_done BOOLEAN NOT NULL DEFAULT FALSE;
