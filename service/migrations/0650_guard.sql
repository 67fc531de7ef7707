-- Who signed in, or tried to: apart from the log, because it is about persons and must go again after a while.
CREATE TABLE vault.sign_ins (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    -- NULL: nobody has this address. Goes with the person.
    person text REFERENCES vault.people (id) ON DELETE CASCADE,
    -- A keyed digest of the address that was typed: the same address is recognised, and none can be read.
    address text NOT NULL,
    -- How: password, link, provider, passkey, token.
    way text NOT NULL,
    -- done, refused, or locked (not even looked at).
    outcome text NOT NULL,
    -- From which network, the last part left out.
    network text NOT NULL
);
CREATE INDEX ON vault.sign_ins (person, at);
CREATE INDEX ON vault.sign_ins (at);

-- How often something was tried lately, by a keyed digest of what and from where. What a crash loses is no loss.
CREATE UNLOGGED TABLE web.attempts (
    key text PRIMARY KEY,
    -- How many count now; one less counts each time `each` has passed.
    level double precision NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX ON web.attempts (at);

GRANT SELECT, INSERT, DELETE ON vault.sign_ins TO {app_role};
GRANT SELECT, INSERT, UPDATE, DELETE ON web.attempts TO {app_role};
