-- The log: append-only, in commit order, owned by a role that the running service does not have.

CREATE SCHEMA log;

CREATE TABLE log.events (
    originator_id text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    notification_id bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    command_id text NOT NULL,
    CONSTRAINT events_stream_version PRIMARY KEY (originator_id, originator_version),
    CONSTRAINT events_position UNIQUE (notification_id)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_analyze_scale_factor = 0.02);

-- Recorded times never go backwards along the positions, so the last position of a moment is one look-up here.
CREATE INDEX events_recorded_at ON log.events (recorded_at, notification_id);

-- Words beside the log, one row an event: texts by their path in the event, and the salt of each digest.
CREATE TABLE log.words (
    position bigint PRIMARY KEY REFERENCES log.events (notification_id),
    stream text NOT NULL,
    texts jsonb NOT NULL,
    salts jsonb NOT NULL,
    search tsvector NOT NULL
);
-- Room for what was just written, so that sorting it into the index is left to autovacuum and not to an append.
CREATE INDEX words_search ON log.words USING gin (search) WITH (gin_pending_list_limit = 32768);

-- What can be found of these texts: in Dutch, and of a text without end its beginning.
CREATE FUNCTION log.search_of(texts jsonb) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN pg_catalog.to_tsvector('pg_catalog.dutch'::pg_catalog.regconfig, texts);
EXCEPTION WHEN program_limit_exceeded THEN
    RETURN pg_catalog.to_tsvector('pg_catalog.dutch'::pg_catalog.regconfig, pg_catalog.left(texts::pg_catalog.text, 100000));
END $$;

CREATE FUNCTION log.search_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search := log.search_of(NEW.texts);
    RETURN NEW;
END $$;
-- Words that were taken away are not found any more either; words restored or copied in are.
CREATE TRIGGER search_again BEFORE UPDATE ON log.words FOR EACH ROW EXECUTE FUNCTION log.search_again();
CREATE TRIGGER search_missing BEFORE INSERT ON log.words FOR EACH ROW WHEN (NEW.search IS NULL)
    EXECUTE FUNCTION log.search_again();

-- What a request with an Idempotency-Key caused, kept in the transaction of its events.
CREATE TABLE log.idempotency (
    actor text NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    stream text NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (actor, key)
);

-- Reference numbers people see, counted by prefix and year: given out by an append, so there are no gaps.
CREATE TABLE log.reference_numbers (
    prefix text NOT NULL,
    year int NOT NULL,
    last int NOT NULL,
    PRIMARY KEY (prefix, year)
);

CREATE FUNCTION log.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The log is append-only: % on %.% is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log.events
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log.idempotency
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change();
CREATE TRIGGER append_only BEFORE TRUNCATE ON log.words
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change();

-- The one way in. An advisory lock makes the order of positions the order of commits, so a follower that has seen a
-- position never meets a smaller one later. Durable once the calling transaction has committed.
-- It runs with the owner's rights, so every function, operator and type is named with its schema, or the caller could
-- put its own in their place; a SET search_path would do the same for a third of what an append costs.
-- With a prefix and a year, "<prefix>-<year>-?" in the states becomes the next reference of that series.
CREATE FUNCTION log.append(
    streams text[], versions bigint[], topics text[], states text[], amount int, command text,
    worded int[], texts jsonb[], salts jsonb[], parties jsonb, actor text, key text, request bytea,
    prefix text, year int,
    OUT first_ bigint, OUT last_ bigint, OUT at_ timestamptz, OUT replayed boolean, OUT was bytea, OUT stream_ text,
    OUT reference_ text
) LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    before_at pg_catalog.timestamptz;
    searches pg_catalog.tsvector[];
    number_ pg_catalog.int4;
BEGIN
    -- Before the lock: however much there is to read, nobody waits for it.
    IF worded IS NOT NULL THEN
        SELECT pg_catalog.array_agg(log.search_of(t)) INTO searches FROM pg_catalog.unnest(append.texts) AS t;
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(7133001);
    replayed := false;
    IF append.key IS NOT NULL THEN
        SELECT i.first, i.last, i.request, i.stream INTO first_, last_, was, stream_ FROM log.idempotency i
            WHERE i.actor OPERATOR(pg_catalog.=) append.actor AND i.key OPERATOR(pg_catalog.=) append.key;
        IF FOUND THEN
            replayed := true;
            RETURN;
        END IF;
    END IF;
    stream_ := streams[1];
    -- Our own commit, of which the acknowledgement was lost, is no conflict: answer what it did.
    SELECT e.notification_id INTO first_ FROM log.events e
        WHERE e.originator_id OPERATOR(pg_catalog.=) streams[1]
        AND e.originator_version OPERATOR(pg_catalog.=) versions[1]
        AND e.command_id OPERATOR(pg_catalog.=) command;
    IF FOUND THEN
        last_ := first_ OPERATOR(pg_catalog.+) amount OPERATOR(pg_catalog.-) 1;
        RETURN;
    END IF;
    SELECT e.notification_id, e.recorded_at INTO last_, before_at
        FROM log.events e ORDER BY e.notification_id DESC LIMIT 1;
    first_ := coalesce(last_, 0) OPERATOR(pg_catalog.+) 1;
    last_ := coalesce(last_, 0) OPERATOR(pg_catalog.+) amount;
    at_ := greatest(pg_catalog.clock_timestamp(), before_at);
    IF append.prefix IS NOT NULL THEN
        INSERT INTO log.reference_numbers AS r VALUES (append.prefix, append.year, 1)
            ON CONFLICT (prefix, year) DO UPDATE SET last = r.last OPERATOR(pg_catalog.+) 1
            RETURNING r.last INTO number_;
        reference_ := pg_catalog.format('%s-%s-%s', append.prefix, append.year,
            pg_catalog.lpad(number_::pg_catalog.text, greatest(4, pg_catalog.length(number_::pg_catalog.text)), '0'));
        SELECT pg_catalog.array_agg(
            pg_catalog.replace(b, pg_catalog.format('"%s-%s-?"', append.prefix, append.year),
                pg_catalog.format('"%s"', reference_)) ORDER BY n)
            INTO states FROM pg_catalog.unnest(states) WITH ORDINALITY AS e (b, n);
    END IF;
    INSERT INTO log.events
        SELECT s, v, t, pg_catalog.convert_to(b, 'UTF8'),
            first_ OPERATOR(pg_catalog.+) n OPERATOR(pg_catalog.-) 1, at_, command
        FROM ROWS FROM (pg_catalog.unnest(streams), pg_catalog.unnest(versions), pg_catalog.unnest(topics),
            pg_catalog.unnest(states)) WITH ORDINALITY AS e (s, v, t, b, n);
    IF worded IS NOT NULL THEN
        INSERT INTO log.words (position, stream, texts, salts, search)
            SELECT first_ OPERATOR(pg_catalog.+) w OPERATOR(pg_catalog.-) 1, streams[w], t, s, v
            FROM ROWS FROM (pg_catalog.unnest(worded), pg_catalog.unnest(append.texts),
                pg_catalog.unnest(append.salts), pg_catalog.unnest(searches)) AS e (w, t, s, v);
    END IF;
    IF append.parties IS NOT NULL THEN
        INSERT INTO vault.parties (id, kind, name)
            SELECT p.id, p.kind, p.name
            FROM pg_catalog.jsonb_to_recordset(append.parties)
                AS p (id pg_catalog.text, kind pg_catalog.text, name pg_catalog.text);
    END IF;
    IF append.key IS NOT NULL THEN
        INSERT INTO log.idempotency
            VALUES (append.actor, append.key, append.request, streams[1], first_, last_);
    END IF;
    PERFORM pg_catalog.pg_notify('log', last_::pg_catalog.text);
END $$;

REVOKE ALL ON FUNCTION log.append FROM PUBLIC;
GRANT USAGE ON SCHEMA log TO {app_role};
GRANT SELECT ON log.events, log.words, log.idempotency TO {app_role};
GRANT EXECUTE ON FUNCTION log.append TO {app_role};

GRANT USAGE ON SCHEMA meta TO {app_role};
GRANT SELECT ON meta.migrations TO {app_role};
