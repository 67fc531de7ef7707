-- Up to which position of the log has each publisher brought the events to its broker? The log itself is the outbox:
-- nothing is copied, a publisher reads on from here.

CREATE SCHEMA outbox;

-- The row is rewritten after every published event. With room left on its page such an update touches no index and
-- is tidied up in passing (HOT), so the table stays one page without help from autovacuum.
CREATE TABLE outbox.position (
    publisher text PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0)
) WITH (fillfactor = 10);

GRANT USAGE ON SCHEMA outbox TO {app_role};
GRANT SELECT, INSERT, UPDATE ON outbox.position TO {app_role};
