"""Where is the money of a case? Its award by phase, what moved in and out, what was released and returned."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from domain.events import (
    AmountHeld,
    Awarded,
    MoneyMovedIn,
    MoneyMovedOut,
    MoneyReturned,
    Phase,
    PhaseReleased,
)
from domain.recorded import Recorded
from projections.plain import ZERO, day, money
from projections.view import Document
from projections.words import ref

__all__ = ["awarded", "moved_in", "moved_out", "released", "returned"]


def awarded(after: Document, recorded: Recorded, event: Awarded) -> None:
    """An award in phases."""
    after["award"] = {
        "stage": event.stage,
        "body": event.body,
        "envelope": event.envelope,
        "amount": money(event.amount),
        "provisional": event.provisional,
        "revision": event.revision,
        "contentHash": event.content_hash,
        "programmeVersion": event.programme_version,
        "phases": [_phase(recorded, index, phase) for index, phase in enumerate(event.phases)],
    }
    _total(after)


def _phase(recorded: Recorded, index: int, phase: Phase) -> dict[str, Any]:
    """A new phase. `released` is what became free of what was held back; `committed` what is free now."""
    held = bool(phase.release_condition)
    return {
        "number": phase.number,
        "amount": money(phase.amount),
        "releaseCondition": ref(recorded, f"phases.{index}.release_condition", phase.release_condition),
        "heldBack": money(phase.amount if held else ZERO),
        "committed": money(ZERO if held else phase.amount),
        "released": money(ZERO),
        "releasedOn": None,
        "movedOut": money(ZERO),
        "movedTo": [],
        "returned": money(ZERO),
        "state": "held-back" if held else "free",
    }


def released(after: Document, recorded: Recorded, event: PhaseReleased) -> None:
    """What a phase held back is free."""
    phase = _of(after, event.number)
    if phase is not None:
        _book(phase, held_back=-event.amount, committed=event.amount, released=event.amount)
        phase["releasedOn"] = day(recorded.effective_on)
        phase["releaseGrounds"] = ref(recorded, "grounds", event.grounds)
        _restate(phase)
    _total(after)


def moved_out(after: Document, recorded: Recorded, event: MoneyMovedOut) -> None:
    """Held-back money of a phase went to another case."""
    phase = _of(after, event.number)
    if phase is not None:
        _book(phase, held_back=-event.amount, movedOut=event.amount)
        phase["movedTo"] = [
            *phase["movedTo"],
            {
                "proposal": event.to,
                "amount": money(event.amount),
                "effectiveOn": day(recorded.effective_on),
                "grounds": ref(recorded, "grounds", event.grounds),
            },
        ]
        _restate(phase)
    _total(after)


def moved_in(after: Document, recorded: Recorded, event: MoneyMovedIn) -> None:
    """Money of another case's phase came here."""
    moved = {
        "envelope": event.envelope,
        "amount": money(event.amount),
        "committed": money(event.amount),
        "returned": money(ZERO),
        "from": event.from_proposal,
        "fromPhase": event.from_phase,
        "effectiveOn": day(recorded.effective_on),
    }
    after["movedIn"] = [*after["movedIn"], moved]
    _total(after)


def returned(after: Document, recorded: Recorded, event: MoneyReturned) -> None:
    """Money went back to the envelope."""
    for part in event.parts:
        if part.number == 0:
            _return_moved_in(after, part)
            continue
        phase = _of(after, part.number)
        if phase is not None:
            back = part.held_back + part.committed
            _book(phase, held_back=-part.held_back, committed=-part.committed, returned=back)
            _restate(phase)
    after["returned"] = money(Decimal(after["returned"]) + event.amount)
    _total(after)


def _return_moved_in(after: Document, part: AmountHeld) -> None:
    """The part 0 is money moved in, what came last first."""
    wanted = part.committed
    entries = []
    for entry in reversed(after["movedIn"]):
        taken = min(wanted, Decimal(entry["committed"]))
        wanted -= taken
        entries.append(
            {
                **entry,
                "committed": money(Decimal(entry["committed"]) - taken),
                "returned": money(Decimal(entry["returned"]) + taken),
            }
        )
    after["movedIn"] = entries[::-1]


def _of(after: Document, number: int) -> dict[str, Any] | None:
    """The phase with this number, in a copy that may be changed."""
    award = after["award"]
    if award is None:
        return None
    phases = [dict(phase) if phase["number"] == number else phase for phase in award["phases"]]
    after["award"] = {**award, "phases": phases}
    return next((phase for phase in phases if phase["number"] == number), None)


def _book(
    phase: dict[str, Any],
    held_back: Decimal = ZERO,
    committed: Decimal = ZERO,
    released: Decimal = ZERO,
    movedOut: Decimal = ZERO,
    returned: Decimal = ZERO,
) -> None:
    changes = {
        "heldBack": held_back,
        "committed": committed,
        "released": released,
        "movedOut": movedOut,
        "returned": returned,
    }
    for name, change in changes.items():
        if change:
            phase[name] = money(Decimal(phase[name]) + change)


def _restate(phase: dict[str, Any]) -> None:
    """held-back; free (from the start) or released; returned, when nothing of a free or released phase is left;
    never-released, when all that was held back moved or went back."""
    if Decimal(phase["heldBack"]):
        phase["state"] = "held-back"
    elif Decimal(phase["committed"]):
        phase["state"] = "released" if phase["releasedOn"] else "free"
    elif phase["releasedOn"] or not phase["releaseCondition"]:
        phase["state"] = "returned"
    else:
        phase["state"] = "never-released"


def _total(after: Document) -> None:
    """What the case has now: committed and held back, together what is awarded to it; and what it gave back."""
    phases = after["award"]["phases"] if after["award"] else []
    committed = sum((Decimal(part["committed"]) for part in (*phases, *after["movedIn"])), ZERO)
    held_back = sum((Decimal(phase["heldBack"]) for phase in phases), ZERO)
    after["totals"] = {
        "awarded": money(committed + held_back),
        "committed": money(committed),
        "heldBack": money(held_back),
        "returned": after["returned"],
    }
