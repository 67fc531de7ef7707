-- Links by which somebody chooses a password. The link itself is kept nowhere: it is worked out from the id and the
-- service's secret. One that was asked for an address of nobody is of nobody: asking leaves the same trace.
CREATE TABLE vault.password_links (
    id text PRIMARY KEY,
    person text REFERENCES vault.people (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    purpose text NOT NULL CHECK (purpose IN ('invitation', 'reset')),
    -- To which address it went: with another one it is good no more.
    email text NOT NULL DEFAULT '',
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX ON vault.password_links (person);
CREATE INDEX ON vault.password_links (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.password_links TO {app_role};
