-- A second step of signing in: the secret that an app makes codes of, sealed with a key that is not in the database.
CREATE TABLE vault.second_factors (
    person text PRIMARY KEY REFERENCES vault.people (id) ON DELETE CASCADE,
    secret bytea NOT NULL,
    -- NULL until its person has shown a code of it: then it is asked for.
    confirmed_at timestamptz,
    -- Of the last code that was taken: none of its time or before is taken again.
    last_step bigint NOT NULL DEFAULT 0,
    wrong integer NOT NULL DEFAULT 0,
    blocked_until timestamptz
);
-- For who lost the app: each is good once.
CREATE TABLE vault.recovery_codes (
    person text NOT NULL REFERENCES vault.second_factors (person) ON DELETE CASCADE,
    hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (person, hash)
);
-- Who gave the right password and still has to give a code. Not a session yet.
CREATE TABLE web.half_way (
    hash bytea PRIMARY KEY,
    person text NOT NULL REFERENCES vault.people (id) ON DELETE CASCADE,
    tries integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON web.half_way (person);
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.second_factors, vault.recovery_codes, web.half_way TO {app_role};
