"""How is an act carried out? Load the streams, decide, append; all of it or nothing.

On a version conflict it is loaded and decided again, so people never see a conflict that is none. A request with an
Idempotency-Key is carried out once; a repeat answers what the first one did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from domain import award as money
from domain import case as cases
from domain import envelope as envelopes
from domain import proposal as proposals
from domain.award import Award, Reallocate, Release, Return
from domain.case import Case
from domain.classification import WHOLE, Classify, classify, with_confidentiality
from domain.envelope import AddSource, Envelope, OpenEnvelope, envelope_stream
from domain.errors import Invalid, Refused
from domain.events import Content, Event, PartyId
from domain.programme import Programme
from domain.proposal import CheckCompleteness, Decide, Resume, Review, Submit, Withdraw
from domain.recorded import Capacity, Recorded
from domain.route import Calendar, out_of_turn
from service.errors import KeyReused, Missing, Stale
from service.eventstore import Appended, Beside, Conflict, Meta, Once, Series
from service.identity import parties as vault
from service.identity.parties import Party
from service.identity.people import Person
from service.identity.permissions import Forbidden, acting_as, check
from service.identity.scope import Scope, Subject, scope_of
from service.ids import new_id
from service.proposal_input import PartyInput, ProposalInput, content_of, parties_in
from service.published import all_bodies, latest, programme_of
from service.wiring import Parts

__all__ = [
    "Decision", "Done", "Foreseen", "act", "add_source", "foresee", "once_only", "open_envelope", "refuse_stale",
    "revise", "submit",
]  # fmt: skip

ATTEMPTS = 10
"""How often an act is decided anew when others keep reaching its streams first."""

CaseCommand = (
    CheckCompleteness | Review | Decide | Resume | Withdraw | Award | Release | Reallocate | Return | Classify
)
LEVELED = CheckCompleteness | Review | Decide | Award
"""The acts that can be given a level of confidentiality along with them."""

ACTS: dict[type, str] = {
    CheckCompleteness: "completeness",
    Review: "review",
    Decide: "decide",
    Resume: "resume",
    Withdraw: "withdraw",
    Award: "award",
    Release: "release",
    Reallocate: "reallocate",
    Return: "return",
    Classify: "classify",
}
"""The name of each act in the table of permissions."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an act did: the stream it was about and its version then, and the last position it recorded.

    `history` is that of the stream as the act left it, and `said` what references to this act's words and names say
    (as `service/words.py` takes it), as far as they are known without reading them back.
    """

    stream: str
    version: int
    position: int
    replayed: bool
    history: Sequence[Recorded] | None = None
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be recorded, on streams as they were loaded; `about` is the stream that the answer shows.

    `before` is all that happened there so far, where it was loaded, and `said` the names (with their kind, by id) that
    are known already.
    """

    about: str
    changes: Sequence[tuple[str, Event]]
    versions: dict[str, int]
    effective_on: date
    capacity: Capacity | None
    parties: Sequence[Party] = ()
    series: Series | None = None
    before: Sequence[Recorded] | None = None
    said: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    beside: Beside | None = None


def once_only(parts: Parts, person: Person, once: Once | None, decision: Callable[[], Decision]) -> Done:
    """Decides and records, once for a key, again on a conflict.

    Raises KeyReused when the key was used for another request, and whatever `decision` refuses with.
    """
    command_id = new_id("command")
    for attempt in range(ATTEMPTS):
        try:
            decided = decision()
            meta = Meta(decided.effective_on, person.id, decided.capacity, command_id)
            appended = parts.log.append(
                decided.changes, decided.versions, meta, once, decided.parties, decided.series, decided.beside
            )
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
            continue
        except (Refused, Stale, Missing, Forbidden):
            # The same request may have succeeded before, or just now, and moved the case on: then its answer is ours.
            # Only now that is looked up: nearly every key is a new one, and a repeat that may be decided again is
            # found out by the append.
            if once and (before := parts.log.caused_by(person.id, once.key)):
                return _replayed(parts, before, once)
            raise
        if appended.replayed:
            assert once is not None
            return _replayed(parts, appended, once)
        own = sum(1 for stream, _ in decided.changes if stream == decided.about)
        version = decided.versions.get(decided.about, 0) + own
        if not appended.recorded:
            return Done(decided.about, version, appended.last, replayed=False)
        history = None
        if decided.before is not None:
            added = [recorded for recorded in appended.recorded if recorded.stream == decided.about]
            history = [*decided.before, *added]
        said = {**decided.said, **{str(position): texts for position, texts in appended.texts.items()}}
        return Done(decided.about, version, appended.last, False, history, said)
    raise AssertionError("unreachable")


def _replayed(parts: Parts, before: Appended, once: Once) -> Done:
    if not once.is_of(before.request):
        raise KeyReused(once.key)
    return _as_it_was(parts, before)


def done_before(parts: Parts, person: Person, key: str) -> Done | None:
    """What this person did under this key, whatever was asked with it; None when it was not used."""
    before = parts.log.caused_by(person.id, key)
    return _as_it_was(parts, before) if before is not None else None


def _as_it_was(parts: Parts, before: Appended) -> Done:
    history = parts.log.load(before.stream, before.last)
    return Done(before.stream, history[-1].version, before.last, replayed=True)


def submit(
    parts: Parts,
    person: Person,
    programme_code: str,
    given: ProposalInput,
    effective_on: date | None = None,
    once: Once | None = None,
) -> Done:
    """A proposal comes in; it is bound to the programme version in force."""
    stream = new_id("proposal")

    def decision() -> Decision:
        check(person, "submit")
        calendar = parts.calendar()
        programme = latest(parts, programme_code)
        if programme is None:
            raise Invalid("unknown-programme", "/programme", value=programme_code)
        parties = PartyNames(parts, given, person)
        content = content_of(given, programme, parties.id)
        by_secretariat = "secretary" in person.roles
        owner = _owner(parts, person, given, content)
        counts_on = effective_on or calendar.today
        series = Series(programme.reference_prefix, counts_on.year)
        command = Submit(content, owner, series.next, counts_on, by_secretariat)
        events = proposals.submit(command, programme, calendar)
        capacity = acting_as(person, "submit")
        return Decision(
            stream, _on(stream, events), {}, counts_on, capacity, parties.new, series, (), parties.said
        )

    return once_only(parts, person, once, decision)


def _owner(parts: Parts, person: Person, given: ProposalInput, content: Content) -> PartyId:
    """Who may follow a case: the submitter's organisation, or the submitter, or whom the secretariat recorded it for.

    The last is known by its name, however the kind was filled in: its people are to find their case.
    """
    if "secretary" not in person.roles:
        return person.organisation or person.id
    with parts.pool.connection() as connection:
        return vault.organisation_named(connection, given.applicant.name) or content.applicant


def revise(
    parts: Parts,
    person: Person,
    proposal: str,
    given: ProposalInput,
    effective_on: date | None = None,
    once: Once | None = None,
    if_match: int | None = None,
) -> Done:
    """The applicant supplements the proposal; the secretariat records what came to it by post."""

    def decision() -> Decision:
        case, programme, calendar, before = _load(parts, person, proposal)
        check(person, "revise", owner=case.owner)
        refuse_stale(case.version, if_match)
        parties = PartyNames(parts, given, person)
        content = content_of(given, programme, parties.id)
        command = proposals.Revise(content, effective_on or calendar.today)
        events = proposals.revise(command, case, programme, calendar)
        capacity = acting_as(person, "revise", owner=case.owner)
        versions = {proposal: case.version}
        return Decision(
            proposal,
            _on(proposal, events),
            versions,
            command.effective_on,
            capacity,
            parties.new,
            before=before,
            said=parties.said,
        )

    return once_only(parts, person, once, decision)


def act(
    parts: Parts,
    person: Person,
    proposal: str,
    command: CaseCommand,
    once: Once | None = None,
    if_match: int | None = None,
) -> Done:
    """Any act on a case but its submission and revision."""
    seen = _load(parts, person, proposal)
    loaded: Loaded | None = seen

    def decision() -> Decision:
        nonlocal loaded
        case, programme, calendar, before = loaded or _load(parts, person, proposal)
        loaded = None  # decided on once: should it have moved on, it is read again
        body = _body_of(command, case, programme)
        capacity = _checked(person, command, case, body)
        refuse_stale(case.version, if_match)
        changes, versions = _decide(parts, person, command, case, programme, calendar)
        return Decision(proposal, changes, versions, command.effective_on, capacity, before=before)

    hot = _hot_streams(command, seen.case)
    if not hot:
        return once_only(parts, person, once, decision)
    # Who may not act does not wait for the envelope either.
    body = _body_of(command, seen.case, seen.programme)
    _checked(person, command, seen.case, body)
    with parts.locked(hot):
        loaded = None
        return once_only(parts, person, once, decision)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What an act would do: the events it would record on its case, in which role, and the case as it is before."""

    case: Case
    programme: Programme
    capacity: Capacity | None
    events: Sequence[Event]


def foresee(
    parts: Parts, person: Person, proposal: str, command: CaseCommand, if_match: int | None = None
) -> Foreseen:
    """What `act` would record if it were done now, decided by the same rules; nothing is recorded.

    Refuses whatever `act` refuses.
    """
    case, programme, calendar, _ = _load(parts, person, proposal)
    body = _body_of(command, case, programme)
    capacity = _checked(person, command, case, body)
    refuse_stale(case.version, if_match)
    changes, _ = _decide(parts, person, command, case, programme, calendar)
    return Foreseen(case, programme, capacity, [event for stream, event in changes if stream == proposal])


def _checked(person: Person, command: CaseCommand, case: Case, body: str | None) -> Capacity | None:
    """In which role this person does it. Raises Forbidden for who may not, nor give it the level that goes along."""
    act = ACTS[type(command)]
    if isinstance(command, Classify) and command.about != WHOLE:
        act = "classify-act"
    check(person, act, owner=case.owner, body=body)
    if isinstance(command, LEVELED) and command.confidentiality is not None:
        check(person, "classify-act", owner=case.owner, body=body)
    return acting_as(person, act, owner=case.owner, body=body)


def _body_of(command: CaseCommand, case: Case, programme: Programme) -> str | None:
    """The body that this act is for, refused when the programme does not know it."""
    if isinstance(command, Review | Decide):
        proposals.refuse_unknown_body(command.body, programme)
        return command.body
    if isinstance(command, Classify):
        return case.acts.get(command.about)
    if isinstance(command, Award):
        return next((stage.body for stage in programme.stages if stage.kind == "award"), None)
    return None


def _hot_streams(command: CaseCommand, case: Case) -> set[str]:
    """The envelope that this act is about: many acts at once would only conflict there."""
    if isinstance(command, Award):
        return {envelope_stream(command.envelope)}
    if isinstance(command, Release | Reallocate | Return) and case.envelope:
        return {envelope_stream(case.envelope)}
    return set()


Changes = tuple[Sequence[tuple[str, Event]], dict[str, int]]


def _decide(
    parts: Parts, person: Person, command: CaseCommand, case: Case, programme: Programme, calendar: Calendar
) -> Changes:
    """What it records, on streams at these versions; the level that was given along with it right behind the act."""
    changes, versions = _decided(parts, person, command, case, programme, calendar)
    if isinstance(command, LEVELED):
        changes = with_confidentiality(changes, command.confidentiality, case, calendar.today)
    return changes, versions


def _decided(
    parts: Parts, person: Person, command: CaseCommand, case: Case, programme: Programme, calendar: Calendar
) -> Changes:
    versions = {case.proposal: case.version}
    match command:
        case CheckCompleteness():
            events = proposals.check_completeness(command, case, programme, calendar)
        case Review():
            events = proposals.review(command, case, programme, calendar)
        case Decide():
            events = proposals.decide(command, case, programme, calendar)
        case Resume():
            events = proposals.resume(command, case, programme, calendar)
        case Withdraw():
            events = proposals.withdraw(command, case, calendar)
        case Classify():
            events = classify(command, case, calendar.today)
        case Award():
            envelope = load_envelope(parts, command.envelope)
            if envelope is None:
                raise Invalid("unknown-envelope", "/envelope", value=command.envelope)
            versions[envelope_stream(envelope.code)] = envelope.version
            return money.award(command, case, programme, envelope, calendar), versions
        case _:
            return _move(parts, person, command, case, calendar, versions)
    return _on(case.proposal, events), versions


def _move(
    parts: Parts,
    person: Person,
    command: Release | Reallocate | Return,
    case: Case,
    calendar: Calendar,
    versions: dict[str, int],
) -> tuple[Sequence[tuple[str, Event]], dict[str, int]]:
    envelope = load_envelope(parts, case.envelope) if case.envelope else None
    if envelope is None:
        raise out_of_turn(case)
    versions[envelope_stream(envelope.code)] = envelope.version
    if isinstance(command, Release):
        return money.release(command, case, envelope, calendar), versions
    if isinstance(command, Return):
        return money.return_money(command, case, envelope, calendar), versions
    to = cases.fold(parts.log.load(command.to))
    if to is None or not _scope(parts, person).sees(Subject.of_case(to)):
        raise Invalid("unknown-proposal", "/to", value=command.to)
    versions[to.proposal] = to.version
    programme = programme_of(parts, to.programme, to.programme_version)
    return money.reallocate(command, case, to, programme, envelope, calendar), versions


def open_envelope(parts: Parts, person: Person, command: OpenEnvelope, once: Once | None = None) -> Done:
    """Make money available for awards."""
    stream = envelope_stream(command.code)

    def decision() -> Decision:
        check(person, "open-envelope")
        if command.programme is not None and latest(parts, command.programme) is None:
            raise Invalid("unknown-programme", "/programme", value=command.programme)
        envelope = load_envelope(parts, command.code)
        events = envelopes.open_envelope(command, envelope, parts.calendar().today, all_bodies(parts))
        capacity = acting_as(person, "open-envelope")
        return Decision(stream, _on(stream, events), {}, command.effective_on, capacity)

    return once_only(parts, person, once, decision)


def add_source(
    parts: Parts,
    person: Person,
    code: str,
    command: AddSource,
    once: Once | None = None,
    if_match: int | None = None,
) -> Done:
    """Top an envelope up."""
    stream = envelope_stream(code)

    def decision() -> Decision:
        envelope = load_envelope(parts, code)
        if envelope is None:
            raise Missing("envelope", code)
        check(person, "add-source")
        refuse_stale(envelope.version, if_match)
        events = envelopes.add_source(command, envelope, parts.calendar().today)
        capacity = acting_as(person, "add-source")
        return Decision(
            stream, _on(stream, events), {stream: envelope.version}, command.effective_on, capacity
        )

    with parts.locked({stream}):
        return once_only(parts, person, once, decision)


def load_envelope(parts: Parts, code: str) -> Envelope | None:
    """The envelope as it is now, or None."""
    stream = envelope_stream(code)
    envelope, last = parts.envelopes.get(code, (None, ""))
    history = parts.log.load(stream, after_version=envelope.version - 1 if envelope else 0)
    if envelope is not None:
        if history and history[0].command_id == last:
            del history[0]
        else:
            # A database that was restored, or a standby that took over, may not have what we remember.
            envelope, history = None, parts.log.load(stream)
    for recorded in history:
        envelope, last = envelopes.evolve(envelope, recorded), recorded.command_id
    if envelope is not None:
        parts.envelopes[code] = (envelope, last)
    return envelope


def refuse_stale(version: int, if_match: int | None) -> None:
    """Refuses to act on another version than the caller has seen."""
    if if_match is not None and if_match != version:
        raise Stale(version)


class Loaded(NamedTuple):
    """A case, its history, and by what it is decided on."""

    case: Case
    programme: Programme
    calendar: Calendar
    history: Sequence[Recorded]


def _load(parts: Parts, person: Person, proposal: str) -> Loaded:
    history = parts.log.load(proposal)
    case = cases.fold(history)
    if case is None or not _scope(parts, person).sees(Subject.of_case(case)):
        raise Missing("proposal", proposal)
    programme = programme_of(parts, case.programme, case.programme_version)
    return Loaded(case, programme, parts.calendar(), history)


def _scope(parts: Parts, person: Person) -> Scope:
    return scope_of(person, parts.calendar().today)


def _on(stream: str, events: Sequence[Event]) -> list[tuple[str, Event]]:
    return [(stream, event) for event in events]


class PartyNames:
    """The ids of the parties a proposal names; those nobody named before are kept with the act.

    `said` is what `service/words.py` makes of them and of who sends it in.
    """

    def __init__(self, parts: Parts, given: ProposalInput, person: Person) -> None:
        self.new: list[Party] = []
        self.said: dict[str, tuple[str, str]] = {person.id: (person.name, "person")}
        self._ids: dict[tuple[str, str], PartyId] = {}
        with parts.pool.connection() as connection:
            wanted = [(party.kind, party.name) for party in parties_in(given)]
            for party in vault.known_among(connection, wanted, also=person.organisation):
                self._know(party)

    def id(self, party: PartyInput) -> PartyId:
        """The id of a party by name and kind."""
        known = self._ids.get((party.kind, party.name))
        if known is None:
            self.new.append(vault.new(party.kind, party.name))
            self._know(self.new[-1])
            known = self.new[-1].id
        return known

    def _know(self, party: Party) -> None:
        self._ids[party.kind, party.name] = party.id
        self.said[party.id] = (party.name, party.kind)
