"""An event as stored: where it stands in the log, when it was recorded, when it counts, who did it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from domain.events import Event, PersonId

__all__ = ["Capacity", "Moment", "NOW", "Recorded", "known_and_true", "stream_kind"]


@dataclass(frozen=True, slots=True)
class Capacity:
    """In which role a person acted, for which body, on which seat, in whose place."""

    role: str
    body: str | None = None
    seat: str | None = None
    substitute_for: PersonId | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in the log.

    `position` counts all events from 1 without gaps, `version` those of its stream from 1. `recorded_at` is UTC by the
    database's clock, `effective_on` the date it counts, `by` a person id. Events of one act share `command_id`.
    """

    position: int
    stream: str
    version: int
    recorded_at: datetime
    effective_on: date
    by: PersonId
    capacity: Capacity | None
    command_id: str
    cause: str | None
    event: Event

    @property
    def kind(self) -> str:
        """The kind of its stream, for example `proposal`."""
        return stream_kind(self.stream)

    @property
    def name(self) -> str:
        """The name the event is stored under."""
        return type(self.event).__name__


@dataclass(frozen=True, slots=True)
class Moment:
    """What was known at `position` (None: now) of what was effective on or before `effective_on` (None: all)."""

    position: int | None = None
    effective_on: date | None = None

    @property
    def is_now(self) -> bool:
        """Does this name the present, so that a live view may answer?"""
        return self.position is None and self.effective_on is None


NOW = Moment()


def stream_kind(stream: str) -> str:
    """The kind of a stream by its name: `proposal-<id>` gives `proposal`."""
    return stream.partition("-")[0]


def known_and_true(history: list[Recorded], moment: Moment) -> list[Recorded]:
    """The part of a history that counts at a moment, in the order in which it counts."""
    known = [r for r in history if moment.position is None or r.position <= moment.position]
    if moment.effective_on is None:
        return known
    counting = [r for r in known if r.effective_on <= moment.effective_on]
    return sorted(counting, key=lambda r: (r.effective_on, r.position))
