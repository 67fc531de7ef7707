-- What the pages keep of people who sign in: sessions, and drafts that are not submitted yet. Neither is part of the
-- log, and both go again.

CREATE SCHEMA web;

CREATE TABLE web.sessions (
    -- SHA-256 of what the cookie holds: who reads this table can't sign in with it.
    hash bytea PRIMARY KEY,
    person text NOT NULL REFERENCES vault.people (id) ON DELETE CASCADE,
    csrf text NOT NULL,
    -- Up to where this person's own acts are recorded: the pages that follow have seen them.
    position bigint NOT NULL DEFAULT 0,
    -- What the next page is to say: that the last act was recorded.
    notice text,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON web.sessions (person);

-- What somebody has filled in of a proposal so far: private to that person, gone when it is submitted.
CREATE TABLE web.drafts (
    id text PRIMARY KEY,
    person text NOT NULL REFERENCES vault.people (id) ON DELETE CASCADE,
    -- Of a supplement: the proposal it is for.
    proposal text,
    content jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON web.drafts (person);

GRANT USAGE ON SCHEMA web TO {app_role};
GRANT SELECT, INSERT, UPDATE, DELETE ON web.sessions, web.drafts TO {app_role};
