-- A letter that reaches nobody who can sign in must go by post. It is `to-post` until somebody says that they posted it, and
-- who did so and when stands beside it. A letter that was made and kept, and no more than that, is `filed`.
ALTER TABLE ledger.deliveries ADD COLUMN by_post boolean NOT NULL DEFAULT false;
ALTER TABLE ledger.deliveries ADD COLUMN posted_by text;
ALTER TABLE ledger.deliveries ADD COLUMN posted_at timestamptz;

DROP INDEX ledger.deliveries_given_up;
CREATE INDEX deliveries_given_up ON ledger.deliveries (channel, id) WHERE state IN ('dead', 'bounced', 'to-post');
CREATE INDEX deliveries_to_post ON ledger.deliveries (id) WHERE state = 'to-post';

-- Of letters that were made before, nobody was told when they had to be posted.
UPDATE ledger.deliveries d SET by_post = true WHERE channel = 'letter' AND NOT EXISTS (
    SELECT FROM ledger.deliveries o WHERE o.notice = d.notice AND o.relation = 'submitter' AND o.channel <> 'letter');
UPDATE ledger.deliveries SET state = CASE WHEN by_post THEN 'to-post' ELSE 'filed' END,
    settled_at = CASE WHEN by_post THEN NULL ELSE settled_at END
WHERE channel = 'letter' AND state = 'sent';
