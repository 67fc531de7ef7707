-- A letter that was sent stays as it is, or loses its bytes: for who it names, or by a decision that is recorded.
DROP TRIGGER kept_or_erased ON documents.letters;
CREATE TRIGGER kept_or_erased BEFORE UPDATE OF pdf, erased_at ON documents.letters
    FOR EACH ROW WHEN (
        (NEW.pdf IS NOT NULL OR NEW.erased_at IS NULL)
        AND (NEW.pdf IS DISTINCT FROM '\x' OR NOT documents.takes_away(NEW.redacted))
    ) EXECUTE FUNCTION documents.refuse_other_letter();

-- The same as before (0640), but what was erased stays so.
CREATE OR REPLACE FUNCTION documents.take_away(redaction bigint, letters text[], newsletters text[]) RETURNS void
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
        WHERE l.id = ANY (take_away.letters) AND l.proposal = of_case AND l.redacted IS NULL AND l.pdf IS NOT NULL;
    UPDATE documents.editions e SET kept = '\x', redacted = redaction
        FROM documents.newsletters n
        WHERE e.newsletter = n.id AND n.id = ANY (take_away.newsletters) AND e.redacted IS NULL
        AND pg_catalog.strpos(n.figures::pg_catalog.text, of_case) > 0;
    UPDATE documents.newsletters n SET content = '{{}}', redacted = redaction
        WHERE n.id = ANY (take_away.newsletters) AND n.approved_at IS NOT NULL AND n.redacted IS NULL
        AND pg_catalog.strpos(n.figures::pg_catalog.text, of_case) > 0;
END $$;
