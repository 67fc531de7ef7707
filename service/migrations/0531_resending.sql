-- How many tries there were before it was sent once more on request: it gets all of its waits again.
ALTER TABLE ledger.deliveries ADD COLUMN tried_before integer NOT NULL DEFAULT 0;
