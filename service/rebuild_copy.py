"""How does the bulk of a rebuild go? A range of streams, each folded whole, copied into the tables beside.

Runs in a process of its own: what it is given and what it answers can be sent there.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from projections.view import Document, Facts, View
from service.folding import Changes, Frozen, Written, fold, group_by_kind, touched
from service.viewstore import LOG_COLUMNS, decoded, encoded
from service.viewtables import BESIDE, table

__all__ = ["copy_streams"]

Connection = psycopg.Connection[Any]

CHUNK = 5_000
"""Events folded at a time; what is held in memory is about this much."""

STREAM, COMMAND = 1, 6
"""Where in a row of the log these are."""


@dataclass
class Unfinished:
    """Of the stream that the last chunk ended in: its documents so far, by view and key, and where it froze."""

    stream: str = ""
    documents: dict[str, dict[str, Written]] = field(default_factory=dict)
    frozen: dict[str, list[str]] = field(default_factory=dict)


def copy_streams(
    database_url: str, views: Sequence[View], part: tuple[str | None, str | None], up_to: int
) -> dict[str, list[Frozen]]:
    """Folds the streams from one name up to another (None: no bound), as they were at a position.

    Answers what froze, by view. The tables beside must be there, empty and without indexes.
    """
    gc.set_threshold(200_000, 20, 100)
    frozen: dict[str, list[Frozen]] = {view.name: [] for view in views}
    with (
        psycopg.connect(database_url, application_name="besluitspoor rebuild reads") as reader,
        psycopg.connect(
            database_url, autocommit=True, application_name="besluitspoor rebuild writes"
        ) as writer,
    ):
        writer.execute("SET synchronous_commit = off")
        unfinished = Unfinished()
        for rows, last in _chunks(reader, part, up_to):
            unfinished = _copy_chunk(writer, views, rows, last, unfinished, frozen)
    return frozen


def _chunks(
    reader: Connection, part: tuple[str | None, str | None], up_to: int
) -> Iterator[tuple[list[tuple[Any, ...]], bool]]:
    """The rows of a range in stream order, a chunk at a time that ends with a command; and whether it is the last."""
    first, behind = part
    where = ["notification_id <= %s"]
    params: list[Any] = [up_to]
    if first is not None:
        where.append("originator_id >= %s")
        params.append(first)
    if behind is not None:
        where.append("originator_id < %s")
        params.append(behind)
    query = f"SELECT {LOG_COLUMNS} FROM log.events WHERE {' AND '.join(where)}"
    query += " ORDER BY originator_id, originator_version"
    with reader.cursor("streams", row_factory=tuple_row) as cursor:
        cursor.execute(query, params, binary=True)
        kept: list[tuple[Any, ...]] = []
        while rows := cursor.fetchmany(CHUNK):
            rows = kept + rows
            tail = rows[-1][STREAM], rows[-1][COMMAND]
            cut = len(rows)
            while cut and (rows[cut - 1][STREAM], rows[cut - 1][COMMAND]) == tail:
                cut -= 1
            kept = rows[cut:]
            if cut:
                yield rows[:cut], False
        yield kept, True


def _copy_chunk(
    writer: Connection,
    views: Sequence[View],
    rows: list[tuple[Any, ...]],
    last: bool,
    unfinished: Unfinished,
    frozen: dict[str, list[Frozen]],
) -> Unfinished:
    """Folds and copies a chunk, but for the documents of the stream it ends in, which may go on in the next."""
    by_kind = group_by_kind(decoded(rows))
    following = Unfinished("" if last or not rows else rows[-1][STREAM])
    for view in views:
        before = unfinished.documents.get(view.name, {})
        known: dict[str, Document] = {
            key: written.document for key, written in before.items() if written.document is not None
        }
        changes = fold(view, touched(view, by_kind), known, unfinished.frozen.get(view.name, ()))
        frozen[view.name] += changes.frozen
        documents = {**before, **changes.documents}
        following.documents[view.name] = {
            key: written for key, written in documents.items() if written.stream == following.stream
        }
        following.frozen[view.name] = [
            stream
            for stream in (*unfinished.frozen.get(view.name, ()), *(each.stream for each in changes.frozen))
            if stream == following.stream
        ]
        done = {key: written for key, written in documents.items() if written.stream != following.stream}
        _copy_documents(writer, view, done)
        if view.facts is not None:
            _copy_facts(writer, view.facts, changes)
    return following


def _copy_documents(writer: Connection, view: View, documents: dict[str, Written]) -> None:
    lines = [
        f"{_field(key)}\t{_field(stream)}\t{position}\t{_field(encoded(document))}\n"
        for key, (stream, position, document) in documents.items()
        if document is not None
    ]
    _copy(writer, view.name, ("key", "stream", "position", "document"), lines)


def _copy_facts(writer: Connection, facts: Facts, changes: Changes) -> None:
    json = [3 + index for index, (_, type) in enumerate(facts.columns) if type == "jsonb"]
    lines = []
    for row in changes.facts:
        values = list(row)
        for index in json:
            values[index] = encoded(values[index])
        lines.append("\t".join([_field(value) for value in values]) + "\n")
    columns = ("position", "effective_on", "stream", *(name for name, _ in facts.columns))
    _copy(writer, facts.name, columns, lines)


def _field(value: str | int | bool | None) -> str:
    """A value in the text form of COPY."""
    if isinstance(value, str):
        if value.isprintable() and "\\" not in value:
            return value
        return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return "\\N" if value is None else str(value)


def _copy(writer: Connection, name: str, columns: Iterable[str], lines: list[str]) -> None:
    if not lines:
        return
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        table(name, BESIDE), sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    )
    with writer.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write("".join(lines))
