"""What when the database refuses what a view writes? Its stream freezes before that command, the rest is written.

The usual way writes everything of a batch at once; this one comes after it, when something in a batch was refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

import psycopg

from projections.view import Document, View
from service.folding import Changes, Event, Frozen, fold

__all__ = ["REFUSED", "fold_and_write_apart"]

Write = Callable[[Changes], None]

REFUSED: tuple[type[Exception], ...] = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.StatementTooComplex,
    # What goes wrong here, in the making of a statement: half a character, a row that is too short.
    ValueError,
    TypeError,
)
"""It lies in the documents and facts themselves: to try again does not help."""


def fold_and_write_apart(
    connection: psycopg.Connection[Any],
    view: View,
    events: Sequence[tuple[Event, str]],
    documents: dict[str, Document],
    frozen: Iterable[str],
    write: Write,
) -> Changes:
    """Folds and writes what the database takes; what it refuses is looked for by halves, and its stream freezes.

    Within the caller's transaction and not in a pipeline, since each attempt has a savepoint.
    """
    changed = fold(view, events, documents, frozen)
    streams = list(
        dict.fromkeys(
            [each.stream for each in changed.documents.values()] + [row[2] for row in changed.facts]
        )
    )
    for stream in _refused(connection, changed, streams, write):
        own = [(event, key) for event, key in events if event.stream == stream]
        changed.frozen = [each for each in changed.frozen if each.stream != stream]
        changed.frozen += _write_commands(connection, view, own, documents, write)
    return changed


def _refused(
    connection: psycopg.Connection[Any], changed: Changes, streams: Sequence[str], write: Write
) -> list[str]:
    """Writes all but the streams it answers, of which something is refused."""
    if not streams or _written(connection, _only(changed, streams), write) is None:
        return []
    if len(streams) == 1:
        return list(streams)
    half = len(streams) // 2
    return [
        stream
        for part in (streams[:half], streams[half:])
        for stream in _refused(connection, changed, part, write)
    ]


def _write_commands(
    connection: psycopg.Connection[Any],
    view: View,
    events: Sequence[tuple[Event, str]],
    documents: dict[str, Document],
    write: Write,
) -> list[Frozen]:
    """Writes what the commands of one stream change, up to the one that is refused; answers why that is."""
    now = dict(documents)
    for _, command in groupby(events, lambda each: getattr(each[0], "command_id", None)):
        own = list(command)
        changed = fold(view, own, now)
        reason = _written(connection, changed, write)
        if reason is not None:
            first = own[0][0]
            return [Frozen(first.stream, first.position, reason)]
        if changed.frozen:
            return changed.frozen
        for key, written in changed.documents.items():
            if written.document is None:
                now.pop(key, None)
            else:
                now[key] = written.document
    return []


def _written(connection: psycopg.Connection[Any], changed: Changes, write: Write) -> str | None:
    """Why this is refused, in one line; None when it has been written."""
    try:
        with connection.transaction():
            write(changed)
    except REFUSED as error:
        # Only the first line: what the database adds may quote a whole row.
        reason = (str(error).strip().splitlines() or [""])[0]
        return f"refused by the database: {type(error).__name__}: {reason}"
    return None


def _only(changed: Changes, streams: Sequence[str]) -> Changes:
    wanted = set(streams)
    return Changes(
        {key: each for key, each in changed.documents.items() if each.stream in wanted},
        [row for row in changed.facts if row[2] in wanted],
    )
