-- When its person last showed who they are: at the beginning of a session, and again before what they sign in with changes.
ALTER TABLE web.sessions ADD COLUMN shown_at timestamptz NOT NULL DEFAULT now();
UPDATE web.sessions SET shown_at = created_at;
-- Who is at a provider to show once more who they are: of this session. Empty: to sign in.
ALTER TABLE web.on_their_way ADD COLUMN shows text NOT NULL DEFAULT '';
-- Who is half way came with a password, or from this provider.
ALTER TABLE web.half_way ADD COLUMN provider text NOT NULL DEFAULT '';
