-- What came back. The try keeps what the server said when it took the mail: who looks why something did not arrive
-- wants both. What came back before this has only its bounce left, as the outcome of that try.
CREATE TABLE ledger.bounces (
    delivery text NOT NULL REFERENCES ledger.deliveries (id) ON DELETE CASCADE,
    -- the try that it came back from
    number integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    detail text NOT NULL,
    PRIMARY KEY (delivery, number)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.bounces TO {app_role};
