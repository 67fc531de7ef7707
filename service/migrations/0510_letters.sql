-- Letters as they were sent. The log has the SHA-256 of each; the service may add letters, not change or remove them.

CREATE SCHEMA IF NOT EXISTS documents;

CREATE TABLE documents.letters (
    -- also the name of its stream
    id text PRIMARY KEY,
    letter text NOT NULL,
    proposal text NOT NULL,
    -- the position of the event that it tells of: one letter of a kind about each
    about bigint NOT NULL,
    language text NOT NULL,
    filename text NOT NULL,
    sha256 text NOT NULL,
    pdf bytea NOT NULL,
    -- the date on it
    made_on date NOT NULL,
    -- where the log says that it was issued; none while that is not recorded yet
    position bigint,
    UNIQUE (about, letter)
);
CREATE INDEX ON documents.letters (proposal);
-- A PDF is compressed already.
ALTER TABLE documents.letters ALTER COLUMN pdf SET STORAGE EXTERNAL;

GRANT USAGE ON SCHEMA documents TO {app_role};
GRANT SELECT, INSERT, UPDATE (position) ON documents.letters TO {app_role};
