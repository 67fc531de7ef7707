-- When the term of a case is over all of its words go, in the transaction that records it.
CREATE FUNCTION log.take_all_words_away() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE log.words SET texts = '{{}}', salts = '{{}}' WHERE stream = NEW.originator_id;
    RETURN NULL;
END $$;
CREATE TRIGGER take_all_words_away AFTER INSERT ON log.events FOR EACH ROW
    WHEN (NEW.topic = 'RetentionApplied') EXECUTE FUNCTION log.take_all_words_away();

CREATE OR REPLACE FUNCTION documents.takes_away(at bigint) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM log.events WHERE notification_id = at
        AND topic IN ('TextRedacted', 'RetentionApplied')) $$;
