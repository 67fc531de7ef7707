"""How does a case stand, what happened in it, what waits for a body? Now from the views, at a moment from the log.

Answers hold references to words and names: `service/words.py` fills them in. At a moment with a position the views must
have got there first (`Clock.wait_for`). `owner` limits what is seen to the cases of one organisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from domain.recorded import NOW, Moment, Recorded, known_and_true
from domain.working_days import working_days_until
from projections import status as statuses
from projections import timeline as timelines
from projections.view import Document
from service.folding import Unreadable
from service.paging import Page, page, read_cursor
from service.viewstore import LOG_COLUMNS, decoded
from service.words import OF_CASE, filled

__all__ = [
    "history",
    "histories",
    "programme",
    "programmes",
    "QUEUE_SORTS",
    "queue",
    "status",
    "status_now",
    "status_of",
    "timeline",
    "waiting",
]

Connection = psycopg.Connection[Any]


class UnreadableEvent(Exception):
    """The log holds an event that this version of the service cannot read."""


def history(connection: Connection, stream: str, moment: Moment = NOW) -> list[Recorded]:
    """What counts of a stream at a moment, in the order in which it counts."""
    return histories(connection, [stream], moment).get(stream, [])


def histories(
    connection: Connection, streams: Sequence[str], moment: Moment = NOW
) -> dict[str, list[Recorded]]:
    """The same for several streams at once. Raises UnreadableEvent."""
    query = f"SELECT {LOG_COLUMNS} FROM log.events WHERE originator_id = ANY(%s) ORDER BY originator_version"
    with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        events = decoded(cursor.execute(query, (list(streams),)).fetchall())
    found: dict[str, list[Recorded]] = {}
    for event in events:
        if isinstance(event, Unreadable):
            raise UnreadableEvent(f"position {event.position}: {event.error}")
        found.setdefault(event.stream, []).append(event)
    return {stream: known_and_true(each, moment) for stream, each in found.items()}


def status_of(counting: Sequence[Recorded]) -> Document | None:
    """How a case stands after this history."""
    document: Document | None = None
    for recorded in counting:
        document = statuses.evolve(document, recorded)
    return document


def status(
    connection: Connection, proposal: str, moment: Moment = NOW, owner: str | None = None
) -> Document | None:
    """How a case stands or stood; None when there is no such case then, or it is not the owner's."""
    if moment.is_now:
        with connection.cursor(row_factory=tuple_row) as cursor:
            query = "SELECT document::text FROM views.status WHERE key = %s"
            row = cursor.execute(query, (proposal,)).fetchone()
        document: Document | None = msgspec.json.decode(row[0]) if row else None
    elif not proposal.startswith("proposal-"):
        return None
    else:
        document = status_of(history(connection, proposal, moment))
    if document is None or (owner is not None and document["owner"]["$party"] != owner):
        return None
    return document


def status_now(connection: Connection, proposal: str) -> tuple[str, str, int, int] | None:
    """How a case stands now, as JSON text with its references filled in, with its owner, version and last position.

    What is asked most, so it is asked in one go.
    """
    query = (
        "SELECT document::text, owner, (document ->> 'version')::bigint, (document ->> 'position')::bigint,"
        f" {OF_CASE} FROM views.status WHERE key = %s"
    )
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, (proposal,)).fetchone()
    if row is None:
        return None
    document, owner, version, position, said = row
    return filled(document, msgspec.json.decode(said) if said else {}), owner, version, position


def timeline(
    connection: Connection, proposal: str, moment: Moment = NOW, owner: str | None = None
) -> list[dict[str, Any]] | None:
    """What happened in a case up to a moment; None when there is no such case then, or it is not the owner's."""
    if not proposal.startswith("proposal-"):
        return None
    counting = history(connection, proposal, moment)
    document = status_of(counting)
    if document is None or (owner is not None and document["owner"]["$party"] != owner):
        return None
    return timelines.timeline(counting)


QUEUE = """WITH placed AS MATERIALIZED (
        SELECT {by}::text AS value, q.key FROM views.queue q JOIN views.status s ON s.key = q.stream
        WHERE q.body = %(body)s AND (%(owner)s::text IS NULL OR s.owner = %(owner)s)
            AND (%(kind)s::text IS NULL OR q.document ->> 'kind' = %(kind)s)
            AND (%(programme)s::text IS NULL OR s.programme = %(programme)s) {place}
        ORDER BY {by} {order}, q.key {order} LIMIT %(most)s
    )
    SELECT p.value, q.key, q.document::text, s.document::text
    FROM placed p JOIN views.queue q ON q.key = p.key JOIN views.status s ON s.key = q.stream
    ORDER BY p.value {order}, q.key {order}"""
"""Only what is shown is read whole."""

QUEUE_SORTS = {"due": "q.due_on", "since": "q.document ->> 'since'", "proposal": "q.stream"}
"""What a queue may be sorted by: the end of the term, since when it waits, and the proposal, by its age."""


def queue(
    connection: Connection,
    body: str,
    *,
    today: date,
    holidays: frozenset[date],
    cursor: str | None = None,
    limit: int = 50,
    owner: str | None = None,
    kind: str | None = None,
    programme: str | None = None,
    by: str = "due",
    descending: bool = False,
) -> Page[dict[str, Any]]:
    """What waits for a body, with how long it has waited and how long it still may.

    By one of QUEUE_SORTS, the oldest term first unless said otherwise.
    `kind` and `programme` limit it to what waits in stages of that kind, of that programme. `workingDaysLeft` is
    negative when the term has passed. A case in supplement waits for the body `applicant`.
    """
    place = read_cursor(cursor, parts=2)
    downward = descending != (place is not None and place.backward)
    column = QUEUE_SORTS[by]
    beyond = f"AND ({column}, q.key) {'<' if downward else '>'} (%(value)s, %(key)s)" if place else ""
    query = sql.SQL(QUEUE).format(
        by=sql.SQL(column), place=sql.SQL(beyond), order=sql.SQL("DESC" if downward else "ASC")
    )
    value, key = place.key if place else ("", "")
    params = {
        "body": body,
        "owner": owner,
        "kind": kind,
        "programme": programme,
        "value": value,
        "key": key,
        "most": limit + 1,
    }
    with connection.cursor(row_factory=tuple_row) as rows:
        found = rows.execute(query, params).fetchall()
    shown = page(found, limit, place, lambda row: (row[0], row[1]))
    decode = msgspec.json.decode
    items = [waiting(decode(waits), decode(case), today, holidays) for _, _, waits, case in shown.items]
    return Page(items, shown.next, shown.previous)


def waiting(waits: Document, case: Document, today: date, holidays: frozenset[date]) -> dict[str, Any]:
    """What waits, with how long it has waited and how long it still may."""
    due_on, since = date.fromisoformat(waits["dueOn"]), date.fromisoformat(waits["since"])
    left = working_days_until(today, due_on, holidays)
    return {
        "proposal": case["id"],
        "reference": case["reference"],
        "programme": case["programme"],
        "title": case["content"]["title"],
        "applicant": case["content"]["applicant"],
        "requested": case["content"]["requested"],
        "revision": case["revision"],
        "version": case["version"],
        **{name: waits[name] for name in ("stage", "kind", "body", "capacity", "dueOn", "since", "openedAt")},
        "daysWaiting": (today - since).days,
        "workingDaysLeft": left,
        "overdue": due_on < today,
    }


def programmes(connection: Connection) -> list[Document]:
    """Every programme, with all its versions as published, by code."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute("SELECT document::text FROM views.programmes ORDER BY key").fetchall()
    return [msgspec.json.decode(row[0]) for row in rows]


def programme(connection: Connection, code: str) -> Document | None:
    """One programme, or None."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        query = "SELECT document::text FROM views.programmes WHERE key = %s"
        row = cursor.execute(query, (f"programme-{code}",)).fetchone()
    found: Document | None = msgspec.json.decode(row[0]) if row else None
    return found
