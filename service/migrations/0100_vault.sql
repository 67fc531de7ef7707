-- Names and addresses live here only. The log knows people and parties by id, so erasing a row leaves every proof valid.

CREATE SCHEMA vault;

-- An organisation or a person that takes part in a proposal, or gives money for one.
CREATE TABLE vault.parties (
    id text PRIMARY KEY,
    kind text NOT NULL,
    name text NOT NULL
);
-- Who is named for the first time in two places at once is one party all the same.
CREATE UNIQUE INDEX parties_name ON vault.parties (name, kind);
CREATE INDEX parties_name_in_lower_case ON vault.parties (lower(name));

-- Who can sign in. Without a password hash somebody signs in elsewhere, or not at all (an integration).
CREATE TABLE vault.people (
    id text PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    roles text[] NOT NULL,
    bodies text[] NOT NULL,
    organisation text REFERENCES vault.parties (id),
    password_hash text
);
CREATE UNIQUE INDEX people_email ON vault.people (lower(email));

-- Bearer tokens by their SHA-256: the token itself is shown once and kept nowhere.
CREATE TABLE vault.tokens (
    hash bytea PRIMARY KEY,
    person text NOT NULL REFERENCES vault.people (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX tokens_person ON vault.tokens (person);
CREATE INDEX tokens_expires_at ON vault.tokens (expires_at);

GRANT USAGE ON SCHEMA vault TO {app_role};
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.parties, vault.people, vault.tokens TO {app_role};

-- So that the running service can tell whether its tables are up to date.
GRANT USAGE ON SCHEMA meta TO {app_role};
GRANT SELECT ON meta.migrations TO {app_role};
