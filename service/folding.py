"""What do these events change in the views? Documents and facts in memory, nothing written.

The live fold, a rebuild and a repair all go through here, so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from domain.recorded import Recorded, stream_kind
from projections.view import Document, View

__all__ = ["Changes", "Frozen", "Unreadable", "Written", "fold", "group_by_kind", "touched"]


class Unreadable(NamedTuple):
    """An event in the log that this version of the service cannot read."""

    position: int
    stream: str
    error: str


class Written(NamedTuple):
    """A document as it is after these events (None: it goes), and the last of them that touched it."""

    stream: str
    position: int
    document: Document | None


class Frozen(NamedTuple):
    """A stream that a view cannot fold beyond this event."""

    stream: str
    position: int
    error: str


@dataclass
class Changes:
    """What events change in one view. Facts are rows of position, effective on, stream and the view's own columns."""

    documents: dict[str, Written] = field(default_factory=dict)
    facts: list[tuple[Any, ...]] = field(default_factory=list)
    frozen: list[Frozen] = field(default_factory=list)


Event = Recorded | Unreadable


def group_by_kind(events: Iterable[Event]) -> dict[str, list[Event]]:
    """The events by the kind of their stream, each kind in order."""
    by_kind: dict[str, list[Event]] = {}
    for event in events:
        by_kind.setdefault(stream_kind(event.stream), []).append(event)
    return by_kind


def touched(view: View, by_kind: dict[str, list[Event]]) -> list[tuple[Event, str]]:
    """The events that concern a view, each with the key of its document (of its stream, when that cannot be told)."""
    key_of = view.key
    found: list[tuple[Event, str]] = []
    for kind in view.kinds:
        for event in by_kind.get(kind, ()):
            key = event.stream if isinstance(event, Unreadable) else key_of(event)
            if key is not None:
                found.append((event, key))
    return found


def fold(
    view: View,
    events: Sequence[tuple[Event, str]],
    documents: dict[str, Document],
    frozen: Iterable[str] = (),
) -> Changes:
    """What these events change, from `documents` as they are. Streams in `frozen` are left alone.

    An event that cannot be folded freezes its stream: what it changed before stays, what follows is left out. This must
    hold for whatever is wrong with an event or a view, so any exception counts.
    """
    changes = Changes()
    stopped = set(frozen)
    now: dict[str, Document | None] = dict(documents)
    last: dict[str, Recorded] = {}
    evolve, facts = view.evolve, view.facts
    for event, key in events:
        if stopped and event.stream in stopped:
            continue
        if isinstance(event, Unreadable):
            stopped.add(event.stream)
            changes.frozen.append(Frozen(event.stream, event.position, event.error))
            continue
        before = now.get(key)
        try:
            after = evolve(before, event)
            rows = facts.rows(before, after, event) if facts is not None else ()
        except Exception as error:
            stopped.add(event.stream)
            changes.frozen.append(
                Frozen(event.stream, event.position, f"{event.name}: {type(error).__name__}: {error}")
            )
            continue
        if after is not before:
            now[key] = after
            last[key] = event
        if rows:
            changes.facts += [(event, *row) for row in rows]
    changes.documents = {key: Written(event.stream, event.position, now[key]) for key, event in last.items()}
    if facts is not None and facts.last_of_command:
        changes.facts = list({(row[0].stream, row[0].command_id): row for row in changes.facts}.values())
    changes.facts = [(row[0].position, row[1], row[0].stream, *row[2:]) for row in changes.facts]
    return changes
