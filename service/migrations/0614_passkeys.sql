-- Keys by which somebody signs in without a password. What is here is public: the secret half stays with its owner.
CREATE TABLE vault.passkeys (
    id text PRIMARY KEY,
    -- What the authenticator calls it.
    credential bytea NOT NULL UNIQUE,
    person text NOT NULL REFERENCES vault.people (id) ON DELETE CASCADE,
    name text NOT NULL,
    public_key bytea NOT NULL,
    -- How often the authenticator says it was used; 0 where it does not count.
    sign_count bigint NOT NULL,
    -- Can it be on several devices of its owner?
    synced boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz
);
CREATE INDEX ON vault.passkeys (person);
-- What an authenticator is asked to sign: good once, for five minutes.
CREATE TABLE web.challenges (
    challenge bytea PRIMARY KEY,
    purpose text NOT NULL CHECK (purpose IN ('add', 'sign-in')),
    person text REFERENCES vault.people (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ON web.challenges (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.passkeys, web.challenges TO {app_role};
