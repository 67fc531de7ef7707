"""How do views keep up with the log? A batch of events at a time, in one transaction, exactly once.

The one position of all live views moves first, and only from where this fold began: a second folder waits there, finds
that it has moved, and has written nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC
from functools import cache
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from projections.view import Document, Facts, View
from service.arrays import array
from service.eventstore import recorded_from
from service.folding import Changes, Event, Frozen, Unreadable, fold, group_by_kind, touched
from service.refused import REFUSED, fold_and_write_apart
from service.viewtables import table

__all__ = [
    "Fenced",
    "Superseded",
    "fold_batch",
    "fold_and_write",
    "fold_beside",
    "decoded",
    "frozen_streams",
    "record_frozen",
    "live_views",
    "notify",
    "position",
    "readable",
    "read_log",
    "registered",
]

Connection = psycopg.Connection[Any]

FACT_COLUMNS = (("position", "bigint"), ("effective_on", "date"), ("stream", "text"))
"""What every row of facts begins with."""

SELECT_DOCUMENTS: LiteralString = "SELECT key, document::text FROM {} WHERE key = ANY(%s::text[])"
DELETE_DOCUMENTS: LiteralString = "DELETE FROM {} WHERE key = ANY(%s::text[])"
WRITE_DOCUMENTS: LiteralString = """INSERT INTO {} AS t (key, stream, position, document)
    SELECT k, s, p, d::jsonb
    FROM unnest(%s::text[], %s::text[], %s::bigint[], string_to_array(%s, E'\\n')) AS n (k, s, p, d)
    ON CONFLICT (key) DO UPDATE SET position = excluded.position, document = excluded.document"""
REGISTRY: LiteralString = "SELECT name, version FROM views.registry"
READABLE: LiteralString = """least(
    (SELECT position FROM views.position),
    (SELECT min(position) FROM views.registry WHERE version = 0 AND name = ANY(%s)))"""
FROZEN: LiteralString = "SELECT view, stream, position, error FROM views.frozen"

NUL = b"\\u0000"
"""As JSON writes it."""

COMMAND_EVENTS = 100
"""More than one command records, nearly always."""

PART_EVENTS = 1_000
"""Folded here at a time, while the database writes those before."""

LOG_COLUMNS = "notification_id, originator_id, originator_version, topic, state, recorded_at, command_id"


class Fenced(Exception):
    """Another process folds: the position was not where this one thought, and nothing has been written."""


class Superseded(Exception):
    """A newer version of the service has rebuilt a view; this one would spoil it."""


def position(connection: Connection) -> int:
    """Up to which event of the log all live views have been folded."""
    ((at,),) = _select(connection, "SELECT position FROM views.position").fetchall()
    return int(at)


def readable(connection: Connection, views: Iterable[View]) -> int:
    """Up to which event every one of these views shows the log; one to be rebuilt is where it was left behind."""
    ((at,),) = _select(connection, f"SELECT {READABLE}", ([view.name for view in views],)).fetchall()
    return int(at)


def notify(connection: Connection, views: Iterable[View]) -> None:
    """Tells who waits for these views up to where they are readable, when the transaction ends."""
    connection.execute(f"SELECT pg_notify('views', ({READABLE})::text)", ([view.name for view in views],))


def registered(connection: Connection) -> dict[str, int]:
    """Which version of each view its tables hold; 0 where they must be rebuilt."""
    return dict(_select(connection, REGISTRY).fetchall())


def live_views(views: Iterable[View], versions: dict[str, int]) -> list[View]:
    """The views whose tables are as this code makes them. Raises Superseded when newer code has made one."""
    for view in views:
        if versions.get(view.name, 0) > view.version:
            raise Superseded(
                f"view {view.name} is at version {versions[view.name]}, this code has {view.version}"
            )
    return [view for view in views if versions.get(view.name) == view.version]


def read_log(connection: Connection, after: int, limit: int) -> list[Event]:
    """The events behind a position, in order, without gaps, about `limit` of them: up to the end of a command."""
    query = (
        f"SELECT {LOG_COLUMNS} FROM log.events WHERE notification_id > %s ORDER BY notification_id LIMIT %s"
    )
    with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, (after, limit)).fetchall()
        more = len(rows) == limit
        while more:
            following = cursor.execute(query, (rows[-1][0], COMMAND_EVENTS)).fetchall()
            rest = [row for row in following if row[-1] == rows[-1][-1]]
            rows += rest
            more = len(rest) == COMMAND_EVENTS
    return decoded(rows)


def decoded(rows: Iterable[Sequence[Any]]) -> list[Event]:
    """Rows of the log as events; what cannot be read is named, for a view to freeze on."""
    events: list[Event] = []
    for at, stream, version, topic, state, recorded_at, command_id in rows:
        try:
            if NUL in state:
                raise ValueError("a NUL character, which a document cannot hold")
            events.append(
                recorded_from(at, stream, version, topic, state, recorded_at.astimezone(UTC), command_id)
            )
        except Exception as error:
            events.append(Unreadable(at, stream, f"{topic}: {type(error).__name__}: {error}"))
    return events


def fold_batch(connection: Connection, views: Sequence[View], events: Sequence[Event], expected: int) -> int:
    """Folds what follows `expected` into all live views at once and answers the new position.

    Raises Fenced when another process has moved the position, Superseded when newer code has made a view; then nothing
    is written. A view whose tables are not as this code makes them falls behind here: it is marked for a rebuild.
    What a table cannot hold freezes its stream in that view, as what cannot be folded does.
    """
    if not events:
        return expected
    try:
        return _fold_batch(connection, views, events, expected)
    except REFUSED:
        return _fold_batch(connection, views, events, expected, apart=True)


def _fold_batch(
    connection: Connection,
    views: Sequence[View],
    events: Sequence[Event],
    expected: int,
    *,
    apart: bool = False,
) -> int:
    last = events[-1].position
    concerned = _concerned(views, events)
    # Two round trips: all that is to be known, and all that is written.
    with _together(connection, apart), connection.transaction():
        # What a crash of the database takes away here is folded again: the position goes with the documents.
        connection.execute("SET LOCAL synchronous_commit = off")
        moved = connection.execute(
            "UPDATE views.position SET position = %s WHERE position = %s", (last, expected)
        )
        registry = _select(connection, REGISTRY)
        frozen = _select(connection, FROZEN)
        asked = _ask_documents(connection, concerned, "")
        versions = dict(registry.fetchall())
        if moved.rowcount != 1:
            raise Fenced(f"the views are not at {expected} any more")
        live = live_views(views, versions)
        stale = [view.name for view in views if view not in live and versions.get(view.name, 0) != 0]
        if stale:
            connection.execute(
                "UPDATE views.registry SET version = 0, position = %s WHERE name = ANY(%s)", (expected, stale)
            )
        froze = _fold_views(connection, live, concerned, asked, _by_view(frozen), "", apart)
        for name, streams in froze.items():
            record_frozen(connection, name, streams)
        notify(connection, views)
    return last


def fold_beside(
    connection: Connection,
    views: Sequence[View],
    events: Sequence[Event],
    suffix: str,
    frozen: Mapping[str, Mapping[str, Frozen]],
) -> dict[str, list[Frozen]]:
    """Folds events into the tables of these views that are not live yet, in one transaction.

    `frozen` says what froze in them, by view and stream; the caller keeps what the answer adds to it.
    """
    concerned = _concerned(views, events)

    def attempt(apart: bool) -> dict[str, list[Frozen]]:
        with connection.transaction(), _together(connection, apart):
            asked = _ask_documents(connection, concerned, suffix)
            return _fold_views(connection, views, concerned, asked, frozen, suffix, apart)

    try:
        return attempt(apart=False)
    except REFUSED:
        return attempt(apart=True)


def _together(connection: Connection, apart: bool) -> AbstractContextManager[object]:
    """A pipeline, unless what is written are attempts of their own."""
    return nullcontext() if apart else connection.pipeline()


Concerned = dict[str, list[tuple[Event, str]]]


def _concerned(views: Sequence[View], events: Sequence[Event]) -> Concerned:
    """The events that concern each view, where there are any."""
    by_kind = group_by_kind(events)
    found = {view.name: touched(view, by_kind) for view in views}
    return {name: concerned for name, concerned in found.items() if concerned}


def _ask_documents(
    connection: Connection, concerned: Concerned, suffix: str
) -> dict[str, psycopg.Cursor[tuple[Any, ...]]]:
    """Asks for the documents that events touch; in a pipeline the answers come later, all at once."""
    return {
        name: connection.cursor(row_factory=tuple_row).execute(
            _composed(SELECT_DOCUMENTS, name, suffix), (array(list({key for _, key in found})),)
        )
        for name, found in concerned.items()
    }


def _fold_views(
    connection: Connection,
    views: Sequence[View],
    concerned: Concerned,
    asked: Mapping[str, psycopg.Cursor[tuple[Any, ...]]],
    frozen: Mapping[str, Mapping[str, Frozen]],
    suffix: str,
    apart: bool,
) -> dict[str, list[Frozen]]:
    """Folds and writes a part at a time, and answers what froze in each view.

    In a pipeline: while the database writes one part, the next is folded here.
    """
    decode = msgspec.json.decode
    stored = {name: dict(cursor.fetchall()) for name, cursor in asked.items()}
    froze: dict[str, list[Frozen]] = {view.name: [] for view in views}
    for part in _parts(concerned):
        for view in views:
            events = part.get(view.name)
            if events:
                texts = stored[view.name]
                documents = {key: decode(texts[key]) for key in {key for _, key in events} if key in texts}
                stopped = frozen.get(view.name, ())
                changed = fold_and_write(connection, view, events, documents, stopped, suffix, apart=apart)
                froze[view.name] += changed.frozen
    return froze


def _parts(concerned: Concerned) -> list[Concerned]:
    """The same in parts of about PART_EVENTS events; all events of a stream are in one of them."""
    count = max(map(len, concerned.values()), default=0) // PART_EVENTS + 1
    if count == 1:
        return [concerned]
    parts: list[Concerned] = [{name: [] for name in concerned} for _ in range(count)]
    for name, found in concerned.items():
        for each in found:
            parts[hash(each[0].stream) % count][name].append(each)
    return parts


def fold_and_write(
    connection: Connection,
    view: View,
    events: Sequence[tuple[Event, str]],
    documents: dict[str, Document],
    frozen: Iterable[str] = (),
    suffix: str = "",
    *,
    apart: bool,
) -> Changes:
    """Folds events into one view, from `documents` as they are, and writes what they change.

    Raises one of REFUSED when a table cannot hold it all; with `apart` the streams that it cannot hold freeze instead.
    """

    def write(changed: Changes) -> None:
        _write_documents(connection, view, changed, suffix)
        if view.facts is not None and changed.facts:
            _write_facts(connection, view.facts, changed.facts, suffix)

    if apart:
        return fold_and_write_apart(connection, view, events, documents, frozen, write)
    changed = fold(view, events, documents, frozen)
    write(changed)
    return changed


def frozen_streams(connection: Connection) -> dict[str, dict[str, Frozen]]:
    """The streams that each view has stopped folding."""
    return _by_view(_select(connection, FROZEN))


def _by_view(frozen: psycopg.Cursor[tuple[Any, ...]]) -> dict[str, dict[str, Frozen]]:
    found: dict[str, dict[str, Frozen]] = {}
    for view, *rest in frozen.fetchall():
        each = Frozen(*rest)
        found.setdefault(view, {})[each.stream] = each
    return found


def record_frozen(connection: Connection, view: str, frozen: Iterable[Frozen]) -> None:
    """Keeps what froze, for `doctor` and for whoever repairs it."""
    for stream, at, error in frozen:
        connection.execute(
            "INSERT INTO views.frozen (view, stream, position, error) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (view, stream) DO UPDATE SET position = excluded.position, error = excluded.error",
            (view, stream, at, error[:1000].replace("\x00", "")),
        )


def _write_documents(connection: Connection, view: View, changed: Changes, suffix: str) -> None:
    gone = [key for key, written in changed.documents.items() if written.document is None]
    kept = [(key, written) for key, written in changed.documents.items() if written.document is not None]
    if gone:
        connection.execute(_composed(DELETE_DOCUMENTS, view.name, suffix), (array(gone),))
    if not kept:
        return
    connection.execute(
        _composed(WRITE_DOCUMENTS, view.name, suffix),
        (
            array([key for key, _ in kept]),
            array([written.stream for _, written in kept]),
            array([written.position for _, written in kept]),
            # JSON never has a line break of its own.
            "\n".join([encoded(written.document) for _, written in kept]),
        ),
    )


def _write_facts(connection: Connection, facts: Facts, rows: Sequence[tuple[Any, ...]], suffix: str) -> None:
    columns = (*FACT_COLUMNS, *facts.columns)
    arrays = [
        array([encoded(value) for value in values] if type == "jsonb" else values)
        for values, (_, type) in zip(zip(*rows, strict=True), columns, strict=True)
    ]
    connection.execute(_insert_facts(facts, suffix), arrays)


@cache
def _composed(text: LiteralString, name: str, suffix: str) -> bytes:
    """A statement on a table, composed once: for a small batch that would be a good part of the work."""
    return sql.SQL(text).format(table(name, suffix)).as_bytes()


@cache
def _insert_facts(facts: Facts, suffix: str) -> bytes:
    columns = (*FACT_COLUMNS, *facts.columns)
    statement = sql.SQL("INSERT INTO {} ({}) SELECT * FROM unnest({})").format(
        table(facts.name, suffix),
        sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(type)) for _, type in columns),
    )
    return statement.as_bytes()


def encoded(value: Any) -> str:
    """JSON, compact."""
    return msgspec.json.encode(value).decode()


def _select(
    connection: Connection, query: LiteralString, params: tuple[Any, ...] | None = None
) -> psycopg.Cursor[tuple[Any, ...]]:
    return connection.cursor(row_factory=tuple_row).execute(query, params)
