"""How much of an envelope is committed, held back and left: state, evolve, and what may happen to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from domain.amounts import refuse_no_amount
from domain.dates import refuse_future
from domain.errors import Invalid, Refused
from domain.events import (
    EnvelopeOpened,
    Event,
    FundsMoved,
    FundsReleased,
    FundsReserved,
    FundsReturned,
    Source,
    SourceAdded,
)
from domain.recorded import Recorded

__all__ = [
    "AddSource",
    "Envelope",
    "OpenEnvelope",
    "add_source",
    "envelope_stream",
    "evolve",
    "fold",
    "open_envelope",
]

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class OpenEnvelope:
    """Make money available."""

    code: str
    name: str
    body: str
    programme: str | None
    sources: tuple[Source, ...]
    effective_on: date


@dataclass(frozen=True, slots=True)
class AddSource:
    """Top an envelope up."""

    source: Source
    effective_on: date


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope as far as it has come, in euros. `changes` are (effective on, change of what is left), by date."""

    code: str
    version: int
    programme: str | None
    body: str
    opened_on: date
    amount: Decimal = ZERO
    committed: Decimal = ZERO
    held_back: Decimal = ZERO
    changes: tuple[tuple[date, Decimal], ...] = ()
    opened_at: int = 0
    """The position of the event that opened it: where its name is found."""

    @property
    def left(self) -> Decimal:
        """What may still be awarded, of all that is known."""
        return self.amount - self.committed - self.held_back

    def left_from(self, day: date) -> Decimal:
        """What may be taken effective on `day` so that on no date from then on more is taken than there is."""
        running, least = ZERO, None
        for effective_on, change in self.changes:
            if effective_on > day and least is None:
                least = running
            running += change
            if effective_on > day and least is not None:
                least = min(least, running)
        return running if least is None else min(least, running)


def envelope_stream(code: str) -> str:
    """The stream of an envelope."""
    return f"envelope-{code}"


def fold(history: Iterable[Recorded]) -> Envelope | None:
    """The envelope after this history, or None when it was never opened."""
    envelope: Envelope | None = None
    for recorded in history:
        envelope = evolve(envelope, recorded)
    return envelope


def evolve(envelope: Envelope | None, recorded: Recorded) -> Envelope | None:
    """The envelope after one more event."""
    event = recorded.event
    if isinstance(event, EnvelopeOpened):
        opened = Envelope(
            event.code,
            recorded.version,
            event.programme,
            event.body,
            recorded.effective_on,
            opened_at=recorded.position,
        )
        return _changed(opened, recorded, amount=sum((s.amount for s in event.sources), ZERO))
    if envelope is None:
        return None
    match event:
        case SourceAdded():
            return _changed(envelope, recorded, amount=event.source.amount)
        case FundsReserved():
            return _changed(envelope, recorded, committed=event.committed, held_back=event.held_back)
        case FundsReleased() | FundsMoved():
            return _changed(envelope, recorded, committed=event.amount, held_back=-event.amount)
        case FundsReturned():
            return _changed(
                envelope, recorded, committed=-event.from_committed, held_back=-event.from_held_back
            )
        case _:
            return replace(envelope, version=recorded.version)


def _changed(
    envelope: Envelope,
    recorded: Recorded,
    amount: Decimal = ZERO,
    committed: Decimal = ZERO,
    held_back: Decimal = ZERO,
) -> Envelope:
    return replace(
        envelope,
        version=recorded.version,
        amount=envelope.amount + amount,
        committed=envelope.committed + committed,
        held_back=envelope.held_back + held_back,
        changes=_added(envelope.changes, recorded.effective_on, amount - committed - held_back),
    )


def _added(
    changes: tuple[tuple[date, Decimal], ...], day: date, change: Decimal
) -> tuple[tuple[date, Decimal], ...]:
    """The changes with one more, kept by date and one entry a date: an envelope sees few dates and many awards."""
    if not change:
        return changes
    if changes and changes[-1][0] == day:
        return (*changes[:-1], (day, changes[-1][1] + change))
    if not changes or changes[-1][0] < day:
        return (*changes, (day, change))
    sums = dict(changes)
    sums[day] = sums.get(day, ZERO) + change
    return tuple(sorted(sums.items()))


def open_envelope(
    command: OpenEnvelope, envelope: Envelope | None, today: date, bodies: frozenset[str]
) -> list[Event]:
    """A body makes money available. Refuses a second opening, an unknown body, a future date."""
    if command.body not in bodies:
        raise Invalid("unknown-body", "/body", body=command.body, known=sorted(bodies))
    refuse_future(command.effective_on, today)
    for index, source in enumerate(command.sources):
        refuse_no_amount(source.amount, f"/sources/{index}/amount")
    if envelope is not None:
        raise Refused("envelope-exists", envelope=command.code)
    return [EnvelopeOpened(command.code, command.name, command.body, command.programme, command.sources)]


def add_source(command: AddSource, envelope: Envelope, today: date) -> list[Event]:
    """More money comes in. Refuses a date in the future or before the envelope was opened."""
    refuse_future(command.effective_on, today)
    refuse_before_opening(envelope, command.effective_on)
    refuse_no_amount(command.source.amount, "/amount")
    return [SourceAdded(command.source)]


def refuse_before_opening(envelope: Envelope, effective_on: date) -> None:
    """Refuses a date on which the envelope was not there yet."""
    if effective_on < envelope.opened_on:
        raise Invalid(
            "before-envelope-opened",
            "/effectiveOn",
            envelope=envelope.code,
            openedOn=envelope.opened_on,
            effectiveOn=effective_on,
        )
