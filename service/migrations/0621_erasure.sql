-- Who was erased and acted in office: the name stays with those acts, and why. Nothing else of them is kept.
CREATE TABLE vault.office_holders (
    id text PRIMARY KEY,
    name text NOT NULL,
    ground text NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.office_holders TO {app_role};

-- A letter that names who was erased loses its bytes; that it was sent, and its hash, stay.
ALTER TABLE documents.letters ALTER COLUMN pdf DROP NOT NULL;
ALTER TABLE documents.letters ADD COLUMN erased_at timestamptz;
CREATE FUNCTION documents.refuse_other_letter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What was sent is kept as it is, or erased: % on %.% is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER kept_or_erased BEFORE UPDATE OF pdf, erased_at ON documents.letters
    FOR EACH ROW WHEN (NEW.pdf IS NOT NULL OR NEW.erased_at IS NULL) EXECUTE FUNCTION documents.refuse_other_letter();
GRANT UPDATE (pdf, erased_at) ON documents.letters TO {app_role};
