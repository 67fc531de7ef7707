"""What may happen to money: award, release, move, return. Each fact is booked on the case and on its envelope.

Every function answers the events by stream; all of them are recorded together or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from domain.amounts import refuse_no_amount
from domain.case import ZERO, Case, PhaseMoney
from domain.confidentiality import Confidentiality
from domain.dates import refuse_before, refuse_future
from domain.envelope import Envelope, envelope_stream, refuse_before_opening
from domain.errors import Invalid, Refused
from domain.events import (
    AmountHeld,
    Awarded,
    Event,
    FundsMoved,
    FundsReleased,
    FundsReserved,
    FundsReturned,
    MoneyMovedIn,
    MoneyMovedOut,
    MoneyReturned,
    Phase,
    PhaseReleased,
)
from domain.programme import Programme
from domain.route import Calendar, close, open_after, out_of_turn, turn

__all__ = ["Award", "Reallocate", "Release", "Return", "award", "reallocate", "release", "return_money"]

Changes = list[tuple[str, Event]]
"""Events with the stream each belongs to, in the order in which they are recorded."""


@dataclass(frozen=True, slots=True)
class Award:
    """Give money from an envelope, in phases that count from 1; without phases all of it is free at once."""

    envelope: str
    amount: Decimal
    provisional: bool
    phases: tuple[Phase, ...]
    effective_on: date
    confidentiality: Confidentiality | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """The release condition of a phase is met."""

    phase: int
    grounds: str
    effective_on: date


@dataclass(frozen=True, slots=True)
class Reallocate:
    """Move held-back money of a phase to another proposal."""

    phase: int
    to: str
    amount: Decimal
    grounds: str
    effective_on: date


@dataclass(frozen=True, slots=True)
class Return:
    """Give money back to the envelope: held-back money first, the last phase first."""

    amount: Decimal
    grounds: str
    effective_on: date


def award(
    command: Award, case: Case, programme: Programme, envelope: Envelope, calendar: Calendar
) -> Changes:
    """The awarding body gives money. Refuses more than is left on any date from then on."""
    stage = turn(case, ("award",), command.effective_on, calendar)
    refuse_no_amount(command.amount, "/amount")
    for index, phase in enumerate(command.phases):
        refuse_no_amount(phase.amount, f"/phases/{index}/amount")
    given = command.phases or (Phase(1, command.amount, ""),)
    phases = tuple(replace(phase, number=number) for number, phase in enumerate(given, 1))
    if _sum(phases) != command.amount:
        raise Invalid("phases-do-not-add-up", "/phases", amount=command.amount, sum=_sum(phases))
    _refuse_foreign(envelope, case)
    refuse_before_opening(envelope, command.effective_on)
    left = envelope.left_from(command.effective_on)
    if command.amount > left:
        raise Refused("envelope-exhausted", envelope=envelope.code, left=left, amount=command.amount)
    _refuse_more_than_requested(command.amount, case, "/amount")
    held_back = sum((phase.amount for phase in phases if phase.release_condition), ZERO)
    awarded = Awarded(
        stage=stage.stage,
        body=stage.body,
        envelope=envelope.code,
        amount=command.amount,
        provisional=command.provisional,
        phases=phases,
        revision=case.revision,
        content_hash=case.content_hash(),
        programme_version=case.programme_version,
    )
    return [
        (case.proposal, awarded),
        (case.proposal, close(stage, "awarded")),
        *_on(case, open_after(stage.stage, case.content, programme, command.effective_on, calendar)),
        (envelope_stream(envelope.code), FundsReserved(case.proposal, command.amount - held_back, held_back)),
    ]


def release(command: Release, case: Case, envelope: Envelope, calendar: Calendar) -> Changes:
    """What a phase still holds back becomes free."""
    phase = _held_phase(case, command.phase, command.effective_on, calendar)
    return [
        (case.proposal, PhaseReleased(phase.number, phase.held_back, command.grounds)),
        (envelope_stream(envelope.code), FundsReleased(case.proposal, phase.held_back)),
    ]


def reallocate(
    command: Reallocate, case: Case, to: Case, programme: Programme, envelope: Envelope, calendar: Calendar
) -> Changes:
    """Held-back money goes to a proposal that waits for its award, or was awarded from the same envelope.

    `programme` is that of the receiving case: where this is its award, its route goes on.
    """
    phase = _held_phase(case, command.phase, command.effective_on, calendar)
    refuse_no_amount(command.amount, "/amount")
    if to.proposal == case.proposal:
        raise Invalid("reallocation-to-itself", "/to")
    if command.amount > phase.held_back:
        raise Refused(
            "more-than-held-back", phase=phase.number, heldBack=phase.held_back, amount=command.amount
        )
    _refuse_foreign(envelope, to)
    moved_in = MoneyMovedIn(
        envelope=envelope.code,
        amount=command.amount,
        from_proposal=case.proposal,
        from_phase=phase.number,
        revision=to.revision,
        content_hash=to.content_hash(),
        programme_version=to.programme_version,
    )
    received: list[Event] = [moved_in]
    if to.awarded:
        if to.envelope != envelope.code:
            raise Refused("award-from-other-envelope", reference=to.reference, envelope=to.envelope)
        refuse_before(command.effective_on, to.last_effective_on)
        already = sum((p.held_back + p.committed for p in to.phases), ZERO)
        _refuse_more_than_requested(already + command.amount, to, "/amount")
    else:
        stage = turn(to, ("award",), command.effective_on, calendar)
        _refuse_more_than_requested(command.amount, to, "/amount")
        received.append(close(stage, "reallocated"))
        received += open_after(stage.stage, to.content, programme, command.effective_on, calendar)
    return [
        (case.proposal, MoneyMovedOut(phase.number, command.amount, to.proposal, command.grounds)),
        *_on(to, received),
        (envelope_stream(envelope.code), FundsMoved(case.proposal, to.proposal, command.amount)),
    ]


def return_money(command: Return, case: Case, envelope: Envelope, calendar: Calendar) -> Changes:
    """Money goes back to the envelope, what was held back first."""
    _refuse_unawarded(case, command.effective_on, calendar)
    refuse_no_amount(command.amount, "/amount")
    parts = _taken(case.phases, command.amount)
    from_held_back = sum((part.held_back for part in parts), ZERO)
    from_committed = sum((part.committed for part in parts), ZERO)
    if from_held_back + from_committed < command.amount:
        raise Refused(
            "more-than-awarded",
            reference=case.reference,
            left=from_held_back + from_committed,
            amount=command.amount,
        )
    return [
        (case.proposal, MoneyReturned(command.amount, command.grounds, parts)),
        (envelope_stream(envelope.code), FundsReturned(case.proposal, from_committed, from_held_back)),
    ]


def _taken(phases: Sequence[PhaseMoney], amount: Decimal) -> tuple[AmountHeld, ...]:
    """Out of which phases an amount comes: held-back money first, the last phase first."""
    wanted = amount
    held: dict[int, Decimal] = {}
    committed: dict[int, Decimal] = {}
    for taken, of in ((held, "held_back"), (committed, "committed")):
        for phase in sorted(phases, key=lambda p: -p.number):
            taken[phase.number] = min(wanted, getattr(phase, of))
            wanted -= taken[phase.number]
    return tuple(
        AmountHeld(phase.number, held[phase.number], committed[phase.number])
        for phase in phases
        if held[phase.number] or committed[phase.number]
    )


def _held_phase(case: Case, number: int, effective_on: date, calendar: Calendar) -> PhaseMoney:
    _refuse_unawarded(case, effective_on, calendar)
    phase = case.phase(number) if number > 0 else None
    if phase is None:
        known = [p.number for p in case.phases if p.number > 0]
        raise Refused("no-such-phase", reference=case.reference, phase=number, known=known)
    if not phase.held_back:
        raise Refused("phase-holds-nothing-back", reference=case.reference, phase=number)
    return phase


def _refuse_unawarded(case: Case, effective_on: date, calendar: Calendar) -> None:
    refuse_future(effective_on, calendar.today)
    if not case.awarded:
        raise out_of_turn(case)
    refuse_before(effective_on, case.last_effective_on)


def _refuse_foreign(envelope: Envelope, case: Case) -> None:
    if envelope.programme not in (None, case.programme):
        raise Refused("envelope-of-other-programme", envelope=envelope.code, programme=envelope.programme)


def _refuse_more_than_requested(amount: Decimal, case: Case, field: str) -> None:
    if amount > case.content.requested:
        raise Invalid("more-than-requested", field, amount=amount, requested=case.content.requested)


def _on(case: Case, events: list[Event]) -> Changes:
    return [(case.proposal, event) for event in events]


def _sum(phases: Sequence[Phase]) -> Decimal:
    return sum((phase.amount for phase in phases), ZERO)
