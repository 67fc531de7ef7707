"""What do the references in a document say? Words from beside the log, names from the vault, all in one query.

A reference is found in a document's JSON text: what people wrote never stands there, and a quote inside a text is
escaped, so nothing else looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg.rows import tuple_row

from domain.redaction import RETENTION
from projections.words import PARTY, PERSON, WORDS
from service.arrays import array
from service.identity.scope import CONFIDENTIAL, Scope

__all__ = ["conceal", "fill", "fill_text", "filled", "of_case"]

Connection = psycopg.Connection[Any]
T = TypeVar("T")

REFERENCE = re.compile(
    r'\{"(' + "|".join(re.escape(kind) for kind in (WORDS, PARTY, PERSON)) + r')": ?"([^"\\]*)"\}'
)

CASE = re.compile(r'"(proposal-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')
"""A case by its id, whole: what people wrote can't be one, for it is not filled in yet."""

QUERY = """SELECT position::text, texts::text FROM log.words w WHERE position = ANY(%(positions)s::bigint[])
        AND {readable}
    UNION ALL SELECT id, json_build_array(name, kind)::text FROM vault.parties WHERE id = ANY(%(ids)s::text[])
    UNION ALL SELECT id, json_build_array(name, 'person')::text FROM vault.people WHERE id = ANY(%(ids)s::text[])
    UNION ALL SELECT id, json_build_array(name, 'person', ground)::text
        FROM vault.office_holders WHERE id = ANY(%(ids)s::text[])"""

HIDDEN = "SELECT s.key FROM views.status s WHERE s.key = ANY(%(cases)s::text[]) AND {secret}"

OF_CASE = f"""(SELECT json_object_agg(id, said)::text
    FROM (SELECT array(
        SELECT p #>> '{{}}' FROM jsonb_path_query(document, 'strict $.**."{PARTY}"') AS p
        UNION ALL SELECT p #>> '{{}}' FROM jsonb_path_query(document, 'strict $.**."{PERSON}"') AS p
    ) AS ids) AS referred, LATERAL (
        SELECT w.position::text AS id, w.texts::json AS said
            FROM log.events e JOIN log.words w ON w.position = e.notification_id
            WHERE e.originator_id = key AND {{readable}}
        UNION ALL SELECT id, json_build_array(name, kind) FROM vault.parties WHERE id = ANY(ids)
        UNION ALL SELECT id, json_build_array(name, 'person') FROM vault.people WHERE id = ANY(ids)
        UNION ALL SELECT id, json_build_array(name, 'person', ground) FROM vault.office_holders WHERE id = ANY(ids)
    ) AS found)"""

REDACTED = """SELECT t.position::text, r.topic, convert_from(r.state, 'UTF8')::json -> 'event' AS event
    FROM (SELECT DISTINCT originator_id, notification_id AS position FROM log.events
        WHERE notification_id = ANY(%(missing)s::bigint[])) AS t
    JOIN log.events r ON r.originator_id = t.originator_id AND r.topic IN ('TextRedacted', 'RetentionApplied')
        AND r.notification_id > t.position
    WHERE {readable} ORDER BY r.notification_id"""
"""The decisions that took words of these events away, of events whose words the reader may read."""

Said = Mapping[str, Any]
"""Words by their path, by the position of their event; names, each with a kind, by id."""
UNKNOWN: Said = {}
NOTHING: Mapping[str, str] = {}
NOBODY = (None, None)
_JSON = msgspec.json.Encoder()


Redacted = Callable[[str], str]
"""What stands where words were taken away, by the ground of that."""


def of_case(scope: Scope) -> str:
    """What `filled` needs for a document of a case, as a column beside `key` and `document`: saves asking again.

    The words that it refers to are all of its own events. Names what `scope.params` has.
    """
    return OF_CASE.replace("{readable}", scope.readable())


def fill(
    documents: T,
    connection: Connection,
    scope: Scope,
    known: Said = UNKNOWN,
    redacted: Redacted | None = None,
) -> T:
    """The same with every reference replaced: words by their text, people by `{"id", "name"}`, parties with `kind`.

    What was redacted or erased becomes None: the text, or the name; so does what the reader, whose `scope` this is, may
    not read. With `redacted`, a text that was taken away becomes what that says of the ground, for who could read it.
    Who was erased and keeps the name, as having acted in office, has the ground for that beside it (`nameKept`). A case
    that the reader may not know of goes by CONFIDENTIAL, not by its id. Takes any nesting of lists and dicts. What is
    `known` is not asked for.
    """
    text = fill_text(msgspec.json.encode(documents).decode(), connection, scope, known, redacted)
    found: T = msgspec.json.decode(text)
    return found


def fill_text(
    document: str,
    connection: Connection,
    scope: Scope,
    known: Said = UNKNOWN,
    redacted: Redacted | None = None,
) -> str:
    """The same for JSON that is text already."""
    document = conceal(document, connection, scope)
    wanted: dict[str, set[str]] = {WORDS: set(), PARTY: set(), PERSON: set()}
    for kind, reference in REFERENCE.findall(document):
        wanted[kind].add(reference)
    positions = {reference.partition("/")[0] for reference in wanted[WORDS]}.difference(known)
    ids = (wanted[PARTY] | wanted[PERSON]).difference(known)
    if positions or ids:
        with connection.cursor(row_factory=tuple_row) as cursor:
            given = {**scope.params, "positions": array(list(positions)), "ids": array(list(ids))}
            rows = cursor.execute(QUERY.format(readable=scope.readable()).encode(), given).fetchall()
        known = {**known, **{id: msgspec.json.decode(json) for id, json in rows}}
    if redacted is not None:
        known = _with_redactions(connection, scope, wanted[WORDS], known, redacted)
    return filled(document, known)


def _with_redactions(
    connection: Connection, scope: Scope, references: Iterable[str], known: Said, redacted: Redacted
) -> Said:
    """What is known, and of each text that is not there any more why it was taken away, for who could have read it."""
    missing: dict[str, set[str]] = {}
    for reference in references:
        position, _, path = reference.partition("/")
        if known.get(position, NOTHING).get(path) is None:
            missing.setdefault(position, set()).add(path)
    if not missing:
        return known
    found: dict[str, dict[str, str]] = {}
    with connection.cursor(row_factory=tuple_row) as cursor:
        given = {**scope.params, "missing": array(list(missing))}
        query = REDACTED.format(readable=scope.readable("t"))
        for position, topic, event in cursor.execute(query.encode(), given).fetchall():
            said = found.setdefault(position, {})
            if topic == "RetentionApplied":
                found[position] = {**dict.fromkeys(missing[position], redacted(RETENTION)), **said}
            elif str(event["about"]) == position:
                paths = missing[position].intersection(event["paths"])
                said.update(dict.fromkeys(paths, redacted(event["ground"])))
    return {
        **known,
        **{position: {**known.get(position, NOTHING), **said} for position, said in found.items()},
    }


def conceal(document: str, connection: Connection, scope: Scope, own: str = "") -> str:
    """JSON text with CONFIDENTIAL in place of the id of each case that this reader may not know of; `own` they see."""
    if scope.confidential.everything:
        return document
    named = set(CASE.findall(document)).difference((own,))
    if not named:
        return document
    with connection.cursor(row_factory=tuple_row) as cursor:
        query = HIDDEN.format(secret=scope.secret())
        hidden = cursor.execute(query.encode(), {**scope.params, "cases": array(list(named))}).fetchall()
    for (id,) in hidden:
        document = document.replace(f'"{id}"', f'"{CONFIDENTIAL}"')
    return document


def filled(document: str, said: Said) -> str:
    """The same, from what the references say: what is not there was redacted or erased."""

    def put(match: re.Match[str]) -> str:
        kind, reference = match[1], match[2]
        if kind == WORDS:
            position, _, path = reference.partition("/")
            return _encoded(said.get(position, NOTHING).get(path))
        name, of_kind, *ground = said.get(reference, NOBODY)
        if kind == PERSON and ground:
            return f'{{"id":"{reference}","name":{_encoded(name)},"nameKept":{_encoded(ground[0])}}}'
        if kind == PERSON:
            return f'{{"id":"{reference}","name":{_encoded(name)}}}'
        return f'{{"id":"{reference}","name":{_encoded(name)},"kind":{_encoded(of_kind)}}}'

    return REFERENCE.sub(put, document)


def _encoded(value: str | None) -> str:
    return _JSON.encode(value).decode()
