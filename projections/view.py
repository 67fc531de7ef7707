"""What is a view? A key and a pure fold, with the columns, indexes and facts its questions need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.recorded import Recorded

__all__ = ["Column", "Document", "Facts", "View", "stream_of"]

Document = dict[str, Any]
"""A view's document: JSON types only, money as decimal strings, dates as ISO text, words and names by reference."""


@dataclass(frozen=True)
class Column:
    """A narrow column beside a document, computed by the database: a name, an SQL type, an expression over `document`.

    Filters read these instead of unpacking every document. A column that never changes may be indexed freely; an index
    over one that does makes every write of a document dearer.
    """

    name: str
    type: str
    expression: str


@dataclass(frozen=True)
class Facts:
    """Append-only rows beside a view, so that a sum or a list as of any moment is one query.

    Each row has `position`, `effective_on` and `stream`, and then `columns`: pairs of a name and an SQL type (text,
    bigint, date, boolean or jsonb). `rows` answers what one event adds, from the document before and after it: tuples
    of the ISO date on which the row counts and then a value for each column. `indexes` are what follows USING.
    With `last_of_command` only the last row that a command gives a stream is kept, for no moment lies within a command.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    rows: Callable[[Document | None, Document | None, Recorded], list[tuple[Any, ...]]]
    indexes: tuple[str, ...] = ()
    last_of_command: bool = False


@dataclass(frozen=True)
class View:
    """One question's documents.

    `kinds` are the kinds of stream it folds; every key belongs to exactly one stream; `key` answers None for an event
    that does not concern it. `evolve` answers the new document and leaves the old one as it was, or answers None to
    remove it. A change of `version` rebuilds the view beside the old one. `indexes` are what follows USING.
    """

    name: str
    version: int
    kinds: frozenset[str]
    key: Callable[[Recorded], str | None]
    evolve: Callable[[Document | None, Recorded], Document | None]
    columns: tuple[Column, ...] = ()
    indexes: tuple[str, ...] = ()
    facts: Facts | None = None


def stream_of(recorded: Recorded) -> str:
    """The key of a view that has one document a stream."""
    return recorded.stream
