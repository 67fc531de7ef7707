-- Until when the secret before signs too; NULL when it does not: it never was, its day is over, or it was stopped.
ALTER TABLE ledger.subscriptions ADD COLUMN old_signs_until timestamptz;
UPDATE ledger.subscriptions SET old_signs_until = secret_since + interval '24 hours' WHERE secret_version > 1;
