-- Events that nobody could be told of, for they could not be read or something stood in the way. They are tried again
-- when the service starts: until then somebody does not know what they should.
CREATE TABLE ledger.set_aside (
    position bigint PRIMARY KEY,
    stream text NOT NULL,
    error text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.set_aside TO {app_role};
