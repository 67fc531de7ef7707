"""What is known of one case: its state, and how each event changes it.

`evolve` never refuses and consults no programme, clock or rule, so history always loads, whatever the rules are now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from domain.confidentiality import Confidentiality
from domain.events import (
    Awarded,
    CompletenessChecked,
    ConfidentialitySet,
    Content,
    Decided,
    MoneyMovedIn,
    MoneyMovedOut,
    MoneyReturned,
    PhaseReleased,
    ProposalResumed,
    ProposalRevised,
    ProposalSubmitted,
    ProposalWithdrawn,
    RetentionApplied,
    Reviewed,
    StageClosed,
    StageOpened,
    TextRedacted,
)
from domain.programme import APPLICANT
from domain.recorded import Recorded

__all__ = ["Case", "OpenStage", "PhaseMoney", "content_hash", "evolve", "fold"]

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class OpenStage:
    """What the case waits for."""

    stage: str
    kind: str
    body: str
    capacity: str
    due_on: date


@dataclass(frozen=True, slots=True)
class PhaseMoney:
    """Where the money of one phase is, in euros; phase 0 is money moved in from another proposal."""

    number: int
    held_back: Decimal
    committed: Decimal


@dataclass(frozen=True, slots=True)
class Case:
    """A proposal as far as it has come."""

    proposal: str
    version: int
    programme: str
    programme_version: int
    reference: str
    owner: str
    content: Content
    revision: int
    last_effective_on: date
    content_at: int = 0
    """The position of the event that holds the present content: where its words are found."""
    open: tuple[OpenStage, ...] = ()
    asked_by: str | None = None
    """The stage that asked for the supplement, and opens again after it."""
    held_over_in: str | None = None
    ratified: dict[str, str] = field(default_factory=dict)
    """What bodies have answered in the ratification that is going on, by body."""
    ended: str | None = None
    """rejected or withdrawn, once the route has ended without money."""
    envelope: str | None = None
    phases: tuple[PhaseMoney, ...] = ()
    route: tuple[str, ...] = ()
    """The bodies that it waits or waited for."""
    acts: dict[int, str] = field(default_factory=dict)
    """The acts that can have a level of their own, by the version of their event: the body, empty for money's."""
    confidentiality: dict[int, Confidentiality] = field(default_factory=dict)
    """The levels that were set, by what they are about: 0 for the whole, else the version of an act."""

    @property
    def awarded(self) -> bool:
        """Has money come to it?"""
        return self.envelope is not None

    def phase(self, number: int) -> PhaseMoney | None:
        """The money of a phase, or None when the award has no such phase."""
        return next((phase for phase in self.phases if phase.number == number), None)

    def secret_on(self, day: date) -> bool:
        """Is the whole of it confidential on this day?"""
        whole = self.confidentiality.get(0)
        return whole is not None and whole.secret_on(day)

    def content_hash(self) -> str:
        """What a decision on the present revision is bound to."""
        return content_hash(self.content)


def content_hash(content: Content) -> str:
    """SHA-256 (hex) over the content as recorded: digests where there were words, so it survives a redaction.

    What holds its default is left out: a field added later does not change the hash of what was decided on before.
    """
    plain = json.dumps(_without_defaults(content), default=str, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def _without_defaults(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_without_defaults(each) for each in value]
    if is_dataclass(value):
        given = [(f, getattr(value, f.name)) for f in fields(value)]
        return {f.name: _without_defaults(v) for f, v in given if f.default is MISSING or v != f.default}
    return value


WORDED = (CompletenessChecked, Reviewed, Decided, Awarded, PhaseReleased, MoneyMovedOut, MoneyReturned)
"""The acts of which the words can have a level of their own. What an applicant writes goes with the proposal."""


def fold(history: Iterable[Recorded]) -> Case | None:
    """The case after this history, or None when there is none."""
    case: Case | None = None
    for recorded in history:
        case = evolve(case, recorded)
    return case


def evolve(case: Case | None, recorded: Recorded) -> Case | None:
    """The case after one more event; anything before its submission leaves None."""
    event = recorded.event
    if isinstance(event, ProposalSubmitted):
        return Case(
            proposal=recorded.stream,
            version=recorded.version,
            programme=event.programme,
            programme_version=event.programme_version,
            reference=event.reference,
            owner=event.owner,
            content=event.content,
            revision=1,
            last_effective_on=recorded.effective_on,
            content_at=recorded.position,
        )
    if case is None:
        return None
    if isinstance(event, ConfidentialitySet):
        # It says nothing of what happened: what did may still be recorded with an earlier date.
        level = Confidentiality(event.level, event.ground, event.until)
        levels = {**case.confidentiality, event.about: level}
        return replace(case, version=recorded.version, confidentiality=levels)
    if isinstance(event, WORDED):
        case = replace(case, acts={**case.acts, recorded.version: getattr(event, "body", "")})
    if isinstance(event, TextRedacted | RetentionApplied):
        # No step of the case: an act of an earlier date may still be recorded after it.
        return replace(case, version=recorded.version)
    case = replace(
        case,
        version=recorded.version,
        last_effective_on=max(case.last_effective_on, recorded.effective_on),
    )
    match event:
        case ProposalRevised():
            return replace(case, content=event.content, revision=event.revision, content_at=recorded.position)
        case StageOpened():
            opened = OpenStage(event.stage, event.kind, event.body, event.capacity, event.due_on)
            return replace(case, open=(*case.open, opened), route=_with(case.route, event.body))
        case StageClosed():
            return _closed(case, event)
        case Decided():
            if any(s.kind == "ratification" and s.stage == event.stage for s in case.open):
                return replace(case, ratified={**case.ratified, event.body: event.outcome})
            return case
        case ProposalResumed():
            return replace(case, held_over_in=None)
        case ProposalWithdrawn():
            return replace(case, ended="withdrawn")
        case Awarded():
            phases = tuple(
                PhaseMoney(p.number, p.amount, ZERO)
                if p.release_condition
                else PhaseMoney(p.number, ZERO, p.amount)
                for p in event.phases
            )
            return replace(case, envelope=event.envelope, phases=phases)
        case PhaseReleased():
            return _moved(case, event.number, held_back=-event.amount, committed=event.amount)
        case MoneyMovedOut():
            return _moved(case, event.number, held_back=-event.amount)
        case MoneyMovedIn():
            return _moved(replace(case, envelope=event.envelope), 0, committed=event.amount)
        case MoneyReturned():
            for part in event.parts:
                case = _moved(case, part.number, held_back=-part.held_back, committed=-part.committed)
            return case
        case _:
            return case


def _with(route: tuple[str, ...], body: str) -> tuple[str, ...]:
    return route if body in route or body == APPLICANT else (*route, body)


def _closed(case: Case, event: StageClosed) -> Case:
    left = tuple(s for s in case.open if not (s.stage == event.stage and s.body == event.body))
    going_on = any(s.stage == event.stage for s in left)
    case = replace(case, open=left, ratified=case.ratified if going_on else {})
    if event.outcome in ("supplement", "revise"):
        return replace(case, asked_by=event.stage)
    if event.outcome == "held-over":
        return replace(case, held_over_in=event.stage)
    if event.outcome in ("rejected", "not-ratified"):
        return replace(case, ended="rejected")
    return case


def _moved(case: Case, number: int, held_back: Decimal = ZERO, committed: Decimal = ZERO) -> Case:
    before = case.phase(number) or PhaseMoney(number, ZERO, ZERO)
    after = PhaseMoney(number, before.held_back + held_back, before.committed + committed)
    others = [phase for phase in case.phases if phase.number != number]
    return replace(case, phases=tuple(sorted((*others, after), key=lambda phase: phase.number)))
