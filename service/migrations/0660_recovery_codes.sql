-- Recovery codes are kept by argon2id, as passwords are. What was kept of those of before can't become that: they are gone,
-- and their person makes new ones.
DELETE FROM vault.recovery_codes;
ALTER TABLE vault.recovery_codes ALTER COLUMN hash TYPE text USING encode(hash, 'hex');
