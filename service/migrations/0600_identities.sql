-- Who signs in with an account elsewhere, at a provider of OpenID Connect. The issuer is who the provider says it is:
-- the same account is the same person, whatever the provider is called in our settings.
CREATE TABLE vault.identities (
    id text PRIMARY KEY,
    issuer text NOT NULL,
    -- Whom the provider means: its own identifier, which says nothing elsewhere.
    subject text NOT NULL,
    person text NOT NULL REFERENCES vault.people (id) ON DELETE CASCADE,
    -- What the provider gave this person when they last signed in: that alone it can take away again.
    roles text[] NOT NULL DEFAULT ARRAY[]::text[],
    organisation text REFERENCES vault.parties (id) ON DELETE SET NULL,
    linked_at timestamptz NOT NULL DEFAULT now(),
    -- The administrator who linked it; NULL when it came about by signing in.
    linked_by text,
    used_at timestamptz,
    -- Unlinked: kept, so that it does not link itself again.
    ended_at timestamptz,
    UNIQUE (issuer, subject)
);
CREATE INDEX ON vault.identities (person);

-- Which organisation a provider means by an identifier that the settings do not name.
CREATE TABLE vault.identity_organisations (
    issuer text NOT NULL,
    organisation text NOT NULL,
    party text NOT NULL REFERENCES vault.parties (id) ON DELETE CASCADE,
    PRIMARY KEY (issuer, organisation)
);

-- Who signed in elsewhere and is nobody here (yet): an administrator who is told the code can link them. They go after
-- thirty days.
CREATE TABLE vault.strangers (
    issuer text NOT NULL,
    subject text NOT NULL,
    code text NOT NULL UNIQUE,
    email text NOT NULL,
    name text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX ON vault.strangers (lower(email));
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.identities, vault.identity_organisations, vault.strangers TO {app_role};

-- Who is at a provider just now, and what they come back to. Each is used once, by the browser that it was begun in, and
-- within ten minutes.
CREATE TABLE web.on_their_way (
    -- SHA-256 of the state in the address, and of what the cookie holds: who reads this table can do nothing with it.
    state bytea PRIMARY KEY,
    browser bytea NOT NULL,
    provider text NOT NULL,
    nonce text NOT NULL,
    verifier text NOT NULL,
    goes_to text NOT NULL,
    -- The form that came too late, to be sent again: pairs of name and value.
    fields jsonb NOT NULL,
    -- Who typed it, as a mark that says nothing of who that is.
    typed_by text NOT NULL,
    size int NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON web.on_their_way (created_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON web.on_their_way TO {app_role};
