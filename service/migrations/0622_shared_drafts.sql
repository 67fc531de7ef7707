-- A draft may be shared with the colleagues of an organisation, who then go on with it; who changed it last is told.
ALTER TABLE web.drafts ADD COLUMN organisation text REFERENCES vault.parties (id) ON DELETE SET NULL;
ALTER TABLE web.drafts ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE web.drafts ADD COLUMN changed_by text REFERENCES vault.people (id) ON DELETE SET NULL;
CREATE INDEX ON web.drafts (organisation) WHERE organisation IS NOT NULL;
