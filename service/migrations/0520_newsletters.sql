-- Newsletters to the councils: drafts, the editions as they were sent, and the addresses they go to.

CREATE SCHEMA IF NOT EXISTS documents;

-- An address of a council or its office, by municipality.
CREATE TABLE vault.council_addresses (
    id text PRIMARY KEY,
    municipality text NOT NULL,
    email text NOT NULL,
    language text NOT NULL DEFAULT 'nl'
);
CREATE UNIQUE INDEX council_addresses_email ON vault.council_addresses (municipality, lower(email));

CREATE TABLE documents.newsletters (
    -- its stream in the log
    id text PRIMARY KEY,
    programme text NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    -- moves with every change, so that two editors do not overwrite each other
    version integer NOT NULL DEFAULT 1,
    -- the figures as they were drawn from the log, up to this position; names and words by reference
    position bigint NOT NULL,
    drawn_at timestamptz NOT NULL DEFAULT now(),
    figures jsonb NOT NULL,
    -- what the secretariat makes of it: title, introduction, closing, and of each project its text, its place, whether it is in
    content jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL,
    -- from here on nothing changes any more
    approved_at timestamptz,
    approved_by text
);
-- Of a period there is one draft at most.
CREATE UNIQUE INDEX newsletters_draft ON documents.newsletters (programme, first_day, last_day) WHERE approved_at IS NULL;

-- What goes out, as it goes out: one document a municipality, whose SHA-256 stands in the log.
CREATE TABLE documents.editions (
    newsletter text NOT NULL REFERENCES documents.newsletters (id),
    municipality text NOT NULL,
    sha256 text NOT NULL,
    kept bytea NOT NULL,
    PRIMARY KEY (newsletter, municipality)
);

-- What was approved stays as it is, whatever the service is told.
CREATE FUNCTION documents.refuse_approved_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What was approved is kept as it is: % on %.% is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER approved BEFORE UPDATE OR DELETE ON documents.newsletters
    FOR EACH ROW WHEN (OLD.approved_at IS NOT NULL) EXECUTE FUNCTION documents.refuse_approved_change();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON documents.editions
    FOR EACH STATEMENT EXECUTE FUNCTION documents.refuse_approved_change();

GRANT USAGE ON SCHEMA documents TO {app_role};
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.council_addresses TO {app_role};
GRANT SELECT, INSERT, UPDATE, DELETE ON documents.newsletters TO {app_role};
GRANT SELECT, INSERT ON documents.editions TO {app_role};
