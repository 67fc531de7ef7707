-- What a token is called, what may be done with it, and when it was used last. NULL acts: whatever its person may.
ALTER TABLE vault.tokens ADD COLUMN name text NOT NULL DEFAULT '';
ALTER TABLE vault.tokens ADD COLUMN scope text NOT NULL DEFAULT 'act' CHECK (scope IN ('read', 'act'));
ALTER TABLE vault.tokens ADD COLUMN acts text[];
ALTER TABLE vault.tokens ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE vault.tokens ADD COLUMN used_at timestamptz;
