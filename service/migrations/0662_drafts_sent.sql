-- Was a draft sent in already, by whoever shared it? The id of a draft is the key of that act.
CREATE INDEX idempotency_of_draft ON log.idempotency (key) WHERE key LIKE 'draft-%';
-- The HMAC of the request that began a draft, where that came with a key: the same key for another one is refused.
ALTER TABLE web.drafts ADD COLUMN asked bytea;
