-- What somebody may do with the cases of their organisation, and for which municipality they sit in which body.
ALTER TABLE vault.people ADD COLUMN organisation_role text NOT NULL DEFAULT 'editor'
    CHECK (organisation_role IN ('manager', 'editor', 'reader'));
-- Each as body/municipality, for example poho/GM0794: one seat a body.
ALTER TABLE vault.people ADD COLUMN seats text[] NOT NULL DEFAULT '{{}}';
CREATE INDEX people_organisation ON vault.people (organisation) WHERE organisation IS NOT NULL;
