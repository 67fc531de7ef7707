-- Words that a recorded decision takes away are gone in the transaction that records it: whoever appends such an event
-- cannot leave them, and nobody can take words away without one. It takes away what the event names, of its own stream,
-- and changes nothing else. The salts go too: the digests in the log prove nothing about the words any more.
CREATE FUNCTION log.take_words_away() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    event pg_catalog.jsonb := pg_catalog.convert_from(NEW.state, 'UTF8')::pg_catalog.jsonb -> 'event';
    gone pg_catalog.text[] := ARRAY(SELECT pg_catalog.jsonb_array_elements_text(event -> 'paths'));
BEGIN
    UPDATE log.words SET texts = texts - gone, salts = salts - gone
        WHERE position = (event ->> 'about')::pg_catalog.int8 AND stream = NEW.originator_id;
    RETURN NULL;
END $$;
CREATE TRIGGER take_words_away AFTER INSERT ON log.events FOR EACH ROW
    WHEN (NEW.topic = 'TextRedacted') EXECUTE FUNCTION log.take_words_away();

-- What was kept as it was sent and quotes such words loses its bytes; the row stays, with its hash, and says since which
-- position of the log.
ALTER TABLE documents.letters ADD COLUMN redacted bigint;
ALTER TABLE documents.editions ADD COLUMN redacted bigint;
ALTER TABLE documents.newsletters ADD COLUMN redacted bigint;

-- Is this position that of a decision to take words away?
CREATE FUNCTION documents.takes_away(at bigint) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM log.events WHERE notification_id = at AND topic = 'TextRedacted') $$;

CREATE FUNCTION documents.refuse_but_redaction() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    words pg_catalog.text := TG_ARGV[0];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF documents.takes_away(NEW.redacted)
            AND pg_catalog.to_jsonb(NEW) ->> words = TG_ARGV[1]
            AND pg_catalog.to_jsonb(NEW) - words - 'redacted' = pg_catalog.to_jsonb(OLD) - words - 'redacted'
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'What was approved is kept as it is: % on %.% is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
DROP TRIGGER approved ON documents.newsletters;
CREATE TRIGGER approved BEFORE UPDATE OR DELETE ON documents.newsletters FOR EACH ROW
    WHEN (OLD.approved_at IS NOT NULL) EXECUTE FUNCTION documents.refuse_but_redaction('content', '{{}}');
DROP TRIGGER kept ON documents.editions;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON documents.editions FOR EACH ROW
    EXECUTE FUNCTION documents.refuse_but_redaction('kept', '\x');
CREATE TRIGGER kept_whole BEFORE TRUNCATE ON documents.editions
    FOR EACH STATEMENT EXECUTE FUNCTION documents.refuse_approved_change();

-- The one way for the service to take a letter or an edition away: for a decision that is recorded, a letter only of its
-- own case, a newsletter only one that tells of it.
CREATE FUNCTION documents.take_away(redaction bigint, letters text[], newsletters text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_case pg_catalog.text;
BEGIN
    SELECT originator_id INTO of_case FROM log.events
        WHERE notification_id = redaction AND documents.takes_away(redaction);
    IF of_case IS NULL THEN
        RAISE EXCEPTION 'There is no redaction at position %', redaction USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE documents.letters l SET pdf = '\x', redacted = redaction
        WHERE l.id = ANY (take_away.letters) AND l.proposal = of_case AND l.redacted IS NULL;
    UPDATE documents.editions e SET kept = '\x', redacted = redaction
        FROM documents.newsletters n
        WHERE e.newsletter = n.id AND n.id = ANY (take_away.newsletters) AND e.redacted IS NULL
        AND pg_catalog.strpos(n.figures::pg_catalog.text, of_case) > 0;
    UPDATE documents.newsletters n SET content = '{{}}', redacted = redaction
        WHERE n.id = ANY (take_away.newsletters) AND n.approved_at IS NOT NULL AND n.redacted IS NULL
        AND pg_catalog.strpos(n.figures::pg_catalog.text, of_case) > 0;
END $$;
REVOKE ALL ON FUNCTION documents.take_away FROM PUBLIC;
GRANT EXECUTE ON FUNCTION documents.take_away TO {app_role};

-- Mail that was written into a folder and quotes such words. Whoever has the folder takes it away, as soon as can be: a
-- file is not part of a transaction, so it is noted in it.
CREATE TABLE ledger.mail_to_remove (
    delivery text PRIMARY KEY REFERENCES ledger.deliveries (id) ON DELETE CASCADE
);
GRANT SELECT, INSERT, DELETE ON ledger.mail_to_remove TO {app_role};
