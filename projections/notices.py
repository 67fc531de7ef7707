"""Who hears what? From an event, the case as it was then and its programme: notices, each to relations of the case.

A notice holds codes, amounts and references to words and names: they are filled in when a message is made of it. Who
stands in a relation to a case (which people are members of a body, say) is looked up when it is sent.

No moment lies within a command: "then" is when all that its command recorded was there, so that a request for a
supplement knows its term, and a rejection that it ended the route.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from domain.case import Case, OpenStage
from domain.envelope import Envelope
from domain.events import (
    Awarded,
    CompletenessChecked,
    Decided,
    EnvelopeOpened,
    Event,
    MoneyMovedIn,
    MoneyMovedOut,
    MoneyReturned,
    NewsletterApproved,
    PhaseReleased,
    ProgrammePublished,
    ProposalResumed,
    ProposalRevised,
    ProposalSubmitted,
    ProposalWithdrawn,
    Reviewed,
    SourceAdded,
    StageOpened,
)
from domain.programme import APPLICANT, Programme
from domain.recorded import Recorded
from projections.plain import ZERO, day, money
from projections.view import Document
from projections.words import WORDS, party, ref, refs

__all__ = [
    "KINDS",
    "RELATIONS",
    "TERMS",
    "URGENCIES",
    "Kind",
    "Notice",
    "To",
    "notices",
    "of_nobody",
    "of_term",
    "unreached",
]

URGENCIES = ("high", "normal", "low")
"""High: something is asked of the reader, or a term runs; low: good to know."""

RELATIONS = (
    "submitter",  # the people of the organisation that submitted (a party id), or who did so without one (a person id)
    "partner",  # the people of a party that takes part, by id
    "municipality",  # the contacts of a municipality, by code
    "secretariat",  # everybody in the role of secretary
    "body",  # the members of a body, by code
    "chair",  # the chairs of a body, by code
    "treasurer",
    "auditor",
    "admin",
    "watcher",  # who follows a stream, by its name
    "council",  # the addresses of a municipality's council, by code
    "subscriber",  # the program of somebody, by the id of the subscription
)
"""In what somebody may stand to a case; a person in several of them hears a thing once, as the first of these."""


@dataclass(frozen=True, slots=True)
class To:
    """A relation, and of what: an organisation, a body ... `required`: by law, so it can't be turned off."""

    relation: str
    of: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell. `letter` names the letter that goes with it to those who must be told by law."""

    kind: str
    urgency: str
    to: tuple[To, ...]
    facts: Document
    letter: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of notice. `mail`: how it is mailed to who chose nothing: at-once, daily, weekly or off."""

    name: str
    mail: str


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("receipt", "at-once"),  # your proposal came in
        Kind("named", "at-once"),  # you, or your municipality, are named in a proposal
        Kind("turn", "at-once"),  # a case waits for your body
        Kind("supplement", "at-once"),  # something is asked of you
        Kind("revised", "daily"),  # the applicant answered
        Kind("advised", "daily"),  # a body advised
        Kind("decided", "at-once"),  # a body decided
        Kind("resumed", "daily"),  # a held-over case is taken up again
        Kind("awarded", "at-once"),  # money was awarded
        Kind("money", "daily"),  # a phase was released, moved or given back
        Kind("withdrawn", "at-once"),
        Kind("term-near", "at-once"),  # a term ends soon
        Kind("term-passed", "at-once"),  # a term has passed
        Kind("term-escalated", "at-once"),  # a term passed long ago
        Kind("unreached", "at-once"),  # what the law requires reached nobody: somebody must post it
        Kind("envelope", "daily"),  # an envelope was opened or topped up
        Kind("programme", "daily"),  # a programme came into force
        Kind("newsletter", "at-once"),  # for the councils
        Kind("digest", "at-once"),  # what was collected, in one message
        Kind("event", "at-once"),  # for programs: the event itself
        Kind("test", "at-once"),  # for programs: does it work?
    )
}

TERMS = ("term-near", "term-passed", "term-escalated")
"""What a term can be told of, the least grave first."""

OWN_DESK = ("completeness", "held-over")
"""The kinds of stage in which the secretariat acts, whoever is a member of the body that it is called by."""


@dataclass(frozen=True, slots=True)
class At:
    """Where something happened: the event, the case as its command left it and as it was before, its programme."""

    recorded: Recorded
    case: Case
    before: Case | None
    programme: Programme | None


def notices(
    recorded: Recorded,
    case: Case | Envelope | None,
    programme: Programme | None,
    before: Case | None = None,
) -> tuple[Notice, ...]:
    """What is to be told of an event, and to whom; nothing for most events.

    `case` is the case as the command of this event left it, `before` as it was before that (None: not there yet); of an
    event on an envelope the envelope. `programme` is the version the case is bound to, with what it adds.
    """
    event = recorded.event
    told: Iterable[Notice] = ()
    if isinstance(case, Case):
        tell = OF_CASE.get(type(event))
        told = tell(At(recorded, case, before, programme), event) if tell is not None else ()
        return tuple(_with_additions(notice, case, programme) for notice in told)
    match event:
        case EnvelopeOpened():
            amount = sum((source.amount for source in event.sources), ZERO)
            told = [_envelope(recorded, event.code, recorded.position, "opened", amount)]
        case SourceAdded() if isinstance(case, Envelope):
            told = [_envelope(recorded, case.code, case.opened_at, "topped-up", event.source.amount)]
        case ProgrammePublished():
            facts = {
                "programme": event.code,
                "programmeVersion": event.version,
                "version": event.version,
                "effectiveOn": day(recorded.effective_on),
            }
            to = (To("secretariat"), To("treasurer"), To("auditor"), To("watcher", recorded.stream))
            told = [_with_additions(Notice("programme", "low", to, facts), None, programme)]
        case NewsletterApproved():
            facts = {
                "programme": event.programme,
                "firstDay": day(event.first_day),
                "lastDay": day(event.last_day),
                "effectiveOn": day(recorded.effective_on),
            }
            councils = tuple(To("council", edition.municipality) for edition in event.editions)
            told = [Notice("newsletter", "normal", councils, facts)]
        case _:
            pass
    return tuple(told)


def of_term(kind: str, stage: OpenStage, case: Case, programme: Programme | None, days: int) -> Notice:
    """What is to be told of a term (`kind` is one of TERMS) that ends in so many working days, or ended as long ago.

    Near and passed: who must act. Passed: the chair of the body too. Escalated: the secretariat as well.
    """
    to = _whose_turn(stage, case)
    of_body = stage.body != APPLICANT and stage.kind not in OWN_DESK
    if kind != "term-near" and of_body:
        to = (*to, To("chair", stage.body))
    if kind == "term-escalated" and To("secretariat") not in to:
        to = (*to, To("secretariat"))
    facts = {
        "owner": case.owner,
        "reference": case.reference,
        "programme": case.programme,
        "programmeVersion": case.programme_version,
        "title": _title(case),
        "applicant": party(case.content.applicant),
        "effectiveOn": day(stage.due_on),
        **_stage(stage),
        "workingDays": days,
    }
    return _with_additions(Notice(kind, "high", to, facts), case, programme)


def unreached(notice: Notice) -> Notice:
    """What the secretariat is told when a notice that the law requires reaches nobody of who submitted.

    By law too: what is not posted was not told. `letter` is what to post; where none is made, somebody writes one.
    """
    facts = {**notice.facts, "letter": notice.letter or "decision"}
    return Notice("unreached", "high", (To("secretariat", required=True),), facts, notice.letter)


def of_nobody(notice: Notice) -> Notice:
    """A notice of a term of the applicant of whom nobody can sign in: the secretariat hears it instead."""
    known = To("secretariat") in notice.to
    to = notice.to if known else (*notice.to, To("secretariat"))
    return replace(notice, to=to, facts={**notice.facts, "nobody": True})


def _with_additions(notice: Notice, case: Case | None, programme: Programme | None) -> Notice:
    """The notice with those that the programme adds to it."""
    rule = programme.rule_of(notice.kind) if programme is not None else None
    if rule is None:
        return notice
    added: list[To] = []
    for relation in rule.to:
        match relation:
            case "submitter" if case is not None:
                added.append(_submitter(case))
            case "partner" if case is not None:
                added += _partners(case)
            case "municipality" if case is not None:
                added += _municipalities(case)
            case "body" | "chair":
                if notice.facts.get("body") not in (None, APPLICANT):
                    added.append(To(relation, notice.facts["body"]))
            case "secretariat" | "treasurer" | "auditor" | "admin":
                added.append(To(relation))
            case _:
                pass
    added += [To("body", body) for body in rule.bodies]
    known = {(to.relation, to.of) for to in notice.to}
    to = (*notice.to, *(each for each in added if (each.relation, each.of) not in known))
    return Notice(notice.kind, notice.urgency, to, notice.facts, notice.letter)


# Relations of a case


def _submitter(case: Case, *, required: bool = False) -> To:
    return To("submitter", case.owner, required)


def _partners(case: Case) -> tuple[To, ...]:
    """The parties that take part, beside who submitted."""
    parties = dict.fromkeys((case.content.applicant, *case.content.partners))
    return tuple(To("partner", each) for each in parties if each != case.owner)


def _municipalities(case: Case) -> tuple[To, ...]:
    return tuple(To("municipality", each) for each in case.content.municipalities)


def _watchers(case: Case) -> To:
    return To("watcher", case.proposal)


def _whose_turn(stage: OpenStage, case: Case) -> tuple[To, ...]:
    """Who must act in an open stage."""
    if stage.body == APPLICANT:
        return (_submitter(case),)
    if stage.kind in OWN_DESK:
        return (To("secretariat"),)
    return (To("body", stage.body),)


# Facts


def _title(case: Case) -> Document | None:
    return {WORDS: f"{case.content_at}/content.title"} if case.content.title else None


def _facts(at: At, **more: Any) -> Document:
    """What every notice of a case says, and more; whose it is tells later who may still read of it."""
    return {
        "owner": at.case.owner,
        "reference": at.case.reference,
        "programme": at.case.programme,
        "programmeVersion": at.case.programme_version,
        "title": _title(at.case),
        "applicant": party(at.case.content.applicant),
        "effectiveOn": day(at.recorded.effective_on),
        **more,
    }


def _stage(stage: OpenStage) -> Document:
    return {
        "stage": stage.stage,
        "stageKind": stage.kind,
        "body": stage.body,
        "dueOn": day(stage.due_on),
    }


def _waiting(case: Case, body: str | None = None) -> OpenStage | None:
    """What the case waits for, of this body where one is named."""
    return next((stage for stage in case.open if body in (None, stage.body)), None)


def _due_on(stage: OpenStage | None) -> str | None:
    return day(stage.due_on) if stage is not None else None


# What each event of a case tells


def _submitted(at: At, event: ProposalSubmitted) -> Iterable[Notice]:
    first = _waiting(at.case)
    facts = _facts(at, body=first.body if first else None, dueOn=_due_on(first))
    yield Notice("receipt", "normal", (_submitter(at.case, required=True),), facts, letter="receipt")
    to = (*_partners(at.case), *_municipalities(at.case))
    yield Notice("named", "low", to, _facts(at))


def _opened(at: At, event: StageOpened) -> Iterable[Notice]:
    """A turn; what is asked of the applicant is told by the event that asks it."""
    if event.body == APPLICANT:
        return
    stage = OpenStage(event.stage, event.kind, event.body, event.capacity, event.due_on)
    to = (*_whose_turn(stage, at.case), _watchers(at.case))
    facts = _facts(at, **_stage(stage), capacity=stage.capacity)
    if at.before is not None and at.case.revision > at.before.revision:
        # It is not new to them: the applicant answered what they asked.
        facts["revision"] = at.case.revision
    yield Notice("turn", "high", to, facts)


def _asked(at: At, stage: str, body: str, remarks: Document | None) -> Iterable[Notice]:
    """The applicant must supplement the proposal: by law that is told, with what is missing and by when."""
    due_on = _due_on(_waiting(at.case, APPLICANT))
    facts = _facts(at, stage=stage, body=body, remarks=remarks, dueOn=due_on)
    to = (_submitter(at.case, required=True), _watchers(at.case))
    yield Notice("supplement", "high", to, facts, letter="supplement")


def _checked(at: At, event: CompletenessChecked) -> Iterable[Notice]:
    """That it is complete shows from whose turn it is then."""
    if event.outcome == "supplement":
        yield from _asked(at, event.stage, event.body, ref(at.recorded, "remarks", event.remarks))


def _reviewed(at: At, event: Reviewed) -> Iterable[Notice]:
    grounds = ref(at.recorded, "grounds", event.grounds)
    if event.advice == "revise":
        yield from _asked(at, event.stage, event.body, grounds)
        return
    facts = _facts(at, stage=event.stage, body=event.body, advice=event.advice, grounds=grounds)
    yield Notice("advised", "normal", (_submitter(at.case), _watchers(at.case)), facts)


def _revised(at: At, event: ProposalRevised) -> Iterable[Notice]:
    to = (To("secretariat"), _watchers(at.case))
    yield Notice("revised", "normal", to, _facts(at, revision=event.revision))
    if at.before is None:
        return
    known = {*_partners(at.before), *_municipalities(at.before)}
    new = tuple(each for each in (*_partners(at.case), *_municipalities(at.case)) if each not in known)
    if new:
        yield Notice("named", "low", new, _facts(at))


def _decided(at: At, event: Decided) -> Iterable[Notice]:
    """A decision that ends the route must be told by law; while other bodies still have to answer it is a step."""
    facts = _facts(
        at,
        stage=event.stage,
        body=event.body,
        outcome=event.outcome,
        grounds=ref(at.recorded, "grounds", event.grounds),
        conditions=refs(at.recorded, "conditions", event.conditions),
    )
    if any(stage.stage == event.stage for stage in at.case.open):
        yield Notice("decided", "low", (_submitter(at.case), _watchers(at.case)), facts)
        return
    ends = not at.case.open
    to = (
        _submitter(at.case, required=ends),
        *_partners(at.case),
        *_municipalities(at.case),
        _watchers(at.case),
    )
    letter = "refusal" if at.case.ended == "rejected" else None
    yield Notice("decided", "normal", to, facts, letter)


def _resumed(at: At, event: ProposalResumed) -> Iterable[Notice]:
    stage = _waiting(at.case)
    facts = _facts(at, stage=event.stage, body=stage.body if stage else None)
    yield Notice("resumed", "normal", (_submitter(at.case), _watchers(at.case)), facts)


def _award(
    at: At, body: str | None, envelope: str, amount: Decimal, provisional: bool, phases: int
) -> Notice:
    facts = _facts(
        at, body=body, envelope=envelope, amount=money(amount), provisional=provisional, phases=phases
    )
    to = (
        _submitter(at.case, required=True),
        *_partners(at.case),
        *_municipalities(at.case),
        To("treasurer"),
        _watchers(at.case),
    )
    return Notice("awarded", "normal", to, facts, letter="award")


def _awarded(at: At, event: Awarded) -> Iterable[Notice]:
    yield _award(at, event.body, event.envelope, event.amount, event.provisional, len(event.phases))


def _money(at: At, what: str, amount: Decimal, number: int = 0) -> Notice:
    """`number` is the phase that it is about; 0 where it is about none, or several."""
    to = (_submitter(at.case), To("treasurer"), _watchers(at.case))
    return Notice("money", "normal", to, _facts(at, what=what, amount=money(amount), number=number))


def _released(at: At, event: PhaseReleased) -> Iterable[Notice]:
    yield _money(at, "released", event.amount, event.number)


def _moved_out(at: At, event: MoneyMovedOut) -> Iterable[Notice]:
    yield _money(at, "moved-out", event.amount, event.number)


def _moved_in(at: At, event: MoneyMovedIn) -> Iterable[Notice]:
    """Money that comes to a case that waited for its award is that award."""
    waited = None
    if at.before is not None and not at.before.awarded:
        waited = next((stage for stage in at.before.open if stage.kind == "award"), None)
    if waited is not None:
        yield _award(at, waited.body, event.envelope, event.amount, False, 1)
    else:
        yield _money(at, "moved-in", event.amount)


def _returned(at: At, event: MoneyReturned) -> Iterable[Notice]:
    yield _money(at, "returned", event.amount)


def _withdrawn(at: At, event: ProposalWithdrawn) -> Iterable[Notice]:
    """Who had it on their table hears that it is gone; who submitted it, for the secretariat can do this for them."""
    waiting = at.before.open if at.before is not None else ()
    turns = dict.fromkeys(to for stage in waiting for to in _whose_turn(stage, at.case))
    to = dict.fromkeys(
        (_submitter(at.case), *_partners(at.case), To("secretariat"), *turns, _watchers(at.case))
    )
    yield Notice(
        "withdrawn", "normal", tuple(to), _facts(at, grounds=ref(at.recorded, "grounds", event.grounds))
    )


def _envelope(recorded: Recorded, code: str, named_at: int, what: str, amount: Decimal) -> Notice:
    facts = {
        "what": what,
        "code": code,
        "name": {WORDS: f"{named_at}/name"},
        "amount": money(amount),
        "effectiveOn": day(recorded.effective_on),
    }
    return Notice("envelope", "low", (To("treasurer"), To("watcher", recorded.stream)), facts)


OF_CASE: dict[type[Event], Callable[[At, Any], Iterable[Notice]]] = {
    ProposalSubmitted: _submitted,
    ProposalRevised: _revised,
    StageOpened: _opened,
    CompletenessChecked: _checked,
    Reviewed: _reviewed,
    Decided: _decided,
    ProposalResumed: _resumed,
    Awarded: _awarded,
    PhaseReleased: _released,
    MoneyMovedOut: _moved_out,
    MoneyMovedIn: _moved_in,
    MoneyReturned: _returned,
    ProposalWithdrawn: _withdrawn,
}
"""What each event of a case tells."""
