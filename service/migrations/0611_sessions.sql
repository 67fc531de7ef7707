-- A session goes by an id that stays, while what its cookie holds changes now and then. What the cookie held before is
-- good for a moment yet, as several requests may be under way with it.
ALTER TABLE web.sessions ADD COLUMN id text;
UPDATE web.sessions SET id = 'session-' || gen_random_uuid();
ALTER TABLE web.sessions ALTER COLUMN id SET NOT NULL;
CREATE UNIQUE INDEX sessions_id ON web.sessions (id);
ALTER TABLE web.sessions ADD COLUMN old_hash bytea;
CREATE INDEX sessions_old_hash ON web.sessions (old_hash) WHERE old_hash IS NOT NULL;
ALTER TABLE web.sessions ADD COLUMN rotated_at timestamptz NOT NULL DEFAULT now();
-- When the new cookie was first sent back; NULL as long as it was not.
ALTER TABLE web.sessions ADD COLUMN taken_at timestamptz DEFAULT now();
-- What its person was when the cookie was last changed: a digest, to see that it is another thing now.
ALTER TABLE web.sessions ADD COLUMN privileges text NOT NULL DEFAULT '';
-- How somebody signed in: password, password-and-code, passkey, elsewhere.
ALTER TABLE web.sessions ADD COLUMN how text NOT NULL DEFAULT 'password';
-- The kind of browser in one word each, such as firefox and windows: not what it says of itself, and no address.
ALTER TABLE web.sessions ADD COLUMN browser text NOT NULL DEFAULT '';
ALTER TABLE web.sessions ADD COLUMN device text NOT NULL DEFAULT '';
