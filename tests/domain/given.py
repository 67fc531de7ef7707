"""A world to tell stories in: programmes, people, a calendar that stands still, and acts recorded one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache

from domain import award as money
from domain import case as cases
from domain import envelope as envelopes
from domain import proposal as acts
from domain.case import Case
from domain.classification import Classify, classify
from domain.confidentiality import Confidentiality
from domain.envelope import Envelope, envelope_stream
from domain.events import Cofinancing, Content, Event, Phase, Source, StageOpened, SubregionSupport
from domain.programme import Body, Programme, Stage
from domain.recorded import Capacity, Recorded
from domain.route import Calendar
from service.calendar import dutch_holidays
from service.programmes import read_bundled

TODAY = date(2026, 11, 20)
"""A Friday."""

DIRECT = ""
"""The release condition of a phase that is free at once."""


Amount = int | str | Decimal


def euros(amount: Amount) -> Decimal:
    """An amount with its cents; a Decimal stays as it is."""
    return amount if isinstance(amount, Decimal) else Decimal(amount).quantize(Decimal("0.01"))


@cache
def herstelaanpak() -> Programme:
    """The regional recovery approach as it is published: review, decision, award."""
    return read_bundled("regionale-herstelaanpak-1")


@cache
def stimuleringsfonds() -> Programme:
    """The stimulus fund as it is published: tenders, an advice with scores, decision, award."""
    return read_bundled("stimuleringsfonds-1")


@cache
def samenwerkingsakkoord(councils: int = 21, needed: int | None = None) -> Programme:
    """A programme of which so many municipal councils each ratify, after an advice and before a decision."""
    base = herstelaanpak()
    bodies = tuple(f"council-{number}" for number in range(1, councils + 1))
    ratification = Stage(
        "ratification", "ratification", base.name, bodies, capacity="besluit", term=30, needed=needed
    )
    return replace(
        base,
        code="samenwerkingsakkoord",
        reference_prefix="SWA",
        requirements=(),
        bodies=(*base.bodies, *(Body(code, base.name) for code in bodies)),
        stages=(base.stage("completeness"), ratification, base.stage("decision"), base.stage("award")),
    )


def content(requested: Amount = 100_000, **changes: object) -> Content:
    """A proposal that meets every requirement of both programmes; `theme` differs, so it is named."""
    whole = Content(
        title="Digitaal Fit",
        summary="Winkeliers leren verkopen op het web.",
        themes=("opleiden",),
        applicant="party-1",
        partners=("party-2",),
        municipalities=("GM0743", "GM0772"),
        requested=euros(requested),
        cofinancing=(Cofinancing("party-2", euros(requested), "promised"),),
        period_start=date(2026, 1, 1),
        period_end=date(2027, 12, 31),
        effect="Tweehonderd winkels verkopen op het web.",
        structural_effect="Het blijft bij de ondernemersvereniging.",
        subregion_support=(
            SubregionSupport("de-peel", "Brief van het Peelberaad."),
            SubregionSupport("stedelijk-gebied", "Verslag van 3 maart."),
        ),
        goals=("200 winkels",),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def for_the_fund(requested: Amount = 100_000, **changes: object) -> Content:
    """A proposal for the stimulus fund."""
    return content(requested, **{"themes": ("energie",), **changes})


SCORES = {
    "effectiviteit": 8,
    "efficiency": 7,
    "langetermijnimpact-en-draagvlak": 6,
    "economisch-toegevoegde-waarde": 9,
}


@dataclass
class World:
    """What has been recorded so far, and what it comes to. Each act is decided by the domain, then recorded.

    Acts count on `today` unless they say otherwise; an act that is refused raises and records nothing.
    """

    programmes: dict[str, Programme] = field(
        default_factory=lambda: {p.code: p for p in (herstelaanpak(), stimuleringsfonds())}
    )
    today: date = TODAY
    history: list[Recorded] = field(default_factory=list)
    cases: dict[str, Case] = field(default_factory=dict)
    envelopes: dict[str, Envelope] = field(default_factory=dict)

    @property
    def calendar(self) -> Calendar:
        """Today, and the days on which nobody works."""
        return Calendar(self.today, dutch_holidays())

    def record(self, changes: Iterable[tuple[str, Event]], on: date | None = None) -> list[Event]:
        """What one act did, as the log keeps it; answers its events."""
        events = []
        command = f"command-{len(self.history)}"
        for stream, event in changes:
            recorded = Recorded(
                position=len(self.history) + 1,
                stream=stream,
                version=self._next_version(stream),
                recorded_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=len(self.history)),
                effective_on=on or self.today,
                by="person-1",
                capacity=Capacity("secretary"),
                command_id=command,
                cause=None,
                event=event,
            )
            self.history.append(recorded)
            self._evolve(recorded)
            events.append(event)
        return events

    def _next_version(self, stream: str) -> int:
        known = self.cases.get(stream) or self.envelopes.get(stream.removeprefix("envelope-"))
        return known.version + 1 if known else 1

    def _evolve(self, recorded: Recorded) -> None:
        if recorded.kind == "proposal":
            case = cases.evolve(self.cases.get(recorded.stream), recorded)
            assert case is not None
            self.cases[recorded.stream] = case
        elif recorded.kind == "envelope":
            code = recorded.stream.removeprefix("envelope-")
            envelope = envelopes.evolve(self.envelopes.get(code), recorded)
            assert envelope is not None
            self.envelopes[code] = envelope

    def events_of(self, stream: str) -> list[Recorded]:
        """The history of one stream."""
        return [recorded for recorded in self.history if recorded.stream == stream]

    def programme(self, proposal: str) -> Programme:
        """The programme a case is bound to."""
        return self.programmes[self.cases[proposal].programme]

    # From submission to decision

    def submit(
        self,
        programme: str = "regionale-herstelaanpak",
        given: Content | None = None,
        on: date | None = None,
        by_secretariat: bool = False,
    ) -> str:
        """A proposal comes in; answers its stream."""
        stream = f"proposal-{len(self.cases) + 1}"
        chosen = self.programmes[programme]
        reference = f"{chosen.reference_prefix}-2026-{len(self.cases) + 1:04d}"
        submitted = given or (for_the_fund() if programme == "stimuleringsfonds" else content())
        command = acts.Submit(submitted, "party-1", reference, on or self.today, by_secretariat)
        self.record([(stream, event) for event in acts.submit(command, chosen, self.calendar)], on)
        return stream

    def _act(
        self, proposal: str, decide: Callable[..., list[Event]], command: object, on: date | None
    ) -> list[Event]:
        events = decide(command, self.cases[proposal], self.programme(proposal), self.calendar)
        return self.record([(proposal, event) for event in events], on)

    def check(
        self,
        proposal: str,
        outcome: str = "complete",
        remarks: str = "",
        due_on: date | None = None,
        on: date | None = None,
    ) -> list[Event]:
        """The secretariat checks whether the proposal is complete."""
        command = acts.CheckCompleteness(outcome, remarks, due_on, on or self.today)
        return self._act(proposal, acts.check_completeness, command, on)

    def revise(self, proposal: str, given: Content | None = None, on: date | None = None) -> list[Event]:
        """The applicant supplements."""
        revised = given or replace(self.cases[proposal].content, summary="Aangevuld.")
        return self._act(proposal, acts.revise, acts.Revise(revised, on or self.today), on)

    def review(
        self,
        proposal: str,
        advice: str = "positive",
        grounds: str = "Past in het spoor.",
        conditions: tuple[str, ...] = (),
        body: str | None = None,
        scores: Mapping[str, int] | None = None,
        assessments: Mapping[str, bool] | None = None,
        on: date | None = None,
    ) -> list[Event]:
        """A body advises; by default the one whose turn it is, with the scores that are asked for."""
        fund = self.cases[proposal].programme == "stimuleringsfonds"
        command = acts.Review(
            body or ("adviesgroep" if fund else "taskforce"),
            advice,
            grounds,
            conditions,
            on or self.today,
            (SCORES if fund else {}) if scores is None else scores,
            assessments or {},
        )
        return self._act(proposal, acts.review, command, on)

    def decide(
        self,
        proposal: str,
        outcome: str = "approved",
        grounds: str = "Gehoord het advies.",
        conditions: tuple[str, ...] = (),
        body: str | None = None,
        on: date | None = None,
    ) -> list[Event]:
        """A body decides; by default the one whose turn it is."""
        fund = self.cases[proposal].programme == "stimuleringsfonds"
        command = acts.Decide(
            body or ("db" if fund else "poho"), outcome, grounds, conditions, on or self.today
        )
        return self._act(proposal, acts.decide, command, on)

    def resume(self, proposal: str, on: date | None = None) -> list[Event]:
        """A held-over case is taken up again."""
        return self._act(proposal, acts.resume, acts.Resume(on or self.today), on)

    def withdraw(self, proposal: str, on: date | None = None) -> list[Event]:
        """The applicant takes the proposal back."""
        command = acts.Withdraw("Geen capaciteit.", on or self.today)
        events = acts.withdraw(command, self.cases[proposal], self.calendar)
        return self.record([(proposal, event) for event in events], on)

    def classify(
        self,
        proposal: str,
        level: str = "confidential",
        ground: str = "",
        about: int = 0,
        until: date | None = None,
    ) -> list[Event]:
        """The level of the whole, or of the act at a version; a confidential one has a ground anyhow."""
        given = Confidentiality(level, ground or ("woo-5-1-1-c" if level == "confidential" else ""), until)
        command = Classify(about, given, "Zie de brief.", self.today)
        events = classify(command, self.cases[proposal], self.today)
        return self.record([(proposal, event) for event in events])

    # Money

    def open_envelope(
        self,
        code: str = "herstelaanpak",
        amounts: Sequence[Amount] = (1_200_000, 800_000),
        programme: str | None = None,
        on: date | None = None,
    ) -> list[Event]:
        """A body makes money available, from so many sources."""
        sources = tuple(Source(f"Bron {n}", euros(amount)) for n, amount in enumerate(amounts, 1))
        command = envelopes.OpenEnvelope(code, "Herstelaanpak", "ab", programme, sources, on or self.today)
        events = envelopes.open_envelope(
            command, self.envelopes.get(code), self.today, frozenset({"ab", "db"})
        )
        return self.record([(envelope_stream(code), event) for event in events], on)

    def add_source(
        self, code: str = "herstelaanpak", amount: Amount = 500_000, on: date | None = None
    ) -> list[Event]:
        """More money comes in."""
        command = envelopes.AddSource(Source("Aanvulling", euros(amount)), on or self.today)
        events = envelopes.add_source(command, self.envelopes[code], self.today)
        return self.record([(envelope_stream(code), event) for event in events], on)

    def award(
        self,
        proposal: str,
        amount: Amount | None = None,
        phases: Sequence[tuple[Amount, str]] = (),
        envelope: str = "herstelaanpak",
        provisional: bool = True,
        on: date | None = None,
    ) -> list[Event]:
        """Money from an envelope, by default all that was requested; phases as (amount, release condition)."""
        case = self.cases[proposal]
        given = tuple(Phase(n, euros(part), condition) for n, (part, condition) in enumerate(phases, 1))
        whole = case.content.requested if amount is None else euros(amount)
        command = money.Award(envelope, whole, provisional, given, on or self.today)
        changes = money.award(
            command, case, self.programme(proposal), self.envelopes[envelope], self.calendar
        )
        return self.record(changes, on)

    def _envelope_of(self, proposal: str) -> Envelope:
        return self.envelopes[self.cases[proposal].envelope or "herstelaanpak"]

    def release(self, proposal: str, phase: int, on: date | None = None) -> list[Event]:
        """The release condition of a phase is met."""
        command = money.Release(phase, "Voortgang gemeld.", on or self.today)
        changes = money.release(command, self.cases[proposal], self._envelope_of(proposal), self.calendar)
        return self.record(changes, on)

    def reallocate(
        self, proposal: str, phase: int, to: str, amount: Amount, on: date | None = None
    ) -> list[Event]:
        """Held-back money goes to another proposal."""
        command = money.Reallocate(phase, to, euros(amount), "Fase 2 is niet nodig.", on or self.today)
        changes = money.reallocate(
            command,
            self.cases[proposal],
            self.cases[to],
            self.programme(to),
            self._envelope_of(proposal),
            self.calendar,
        )
        return self.record(changes, on)

    def give_back(self, proposal: str, amount: Amount, on: date | None = None) -> list[Event]:
        """Money goes back to the envelope."""
        command = money.Return(euros(amount), "Het kostte minder.", on or self.today)
        changes = money.return_money(
            command, self.cases[proposal], self._envelope_of(proposal), self.calendar
        )
        return self.record(changes, on)

    # Walks

    def to_decision(self, given: Content | None = None, on: date | None = None, programme: str = "") -> str:
        """A proposal that waits for its decision."""
        proposal = self.to_review(given, on, programme)
        self.review(proposal, on=on)
        return proposal

    def to_review(self, given: Content | None = None, on: date | None = None, programme: str = "") -> str:
        """A complete proposal, that waits for its advice."""
        proposal = self.submit(
            programme or "regionale-herstelaanpak", given, on, by_secretariat=on is not None
        )
        self.check(proposal, on=on)
        return proposal

    def to_award(
        self, requested: Amount = 100_000, on: date | None = None, programme: str = "", **changes: object
    ) -> str:
        """An approved proposal, that waits for its award."""
        fund = programme == "stimuleringsfonds"
        given = for_the_fund(requested, **changes) if fund else content(requested, **changes)
        proposal = self.to_decision(given, on, programme)
        self.decide(proposal, on=on)
        return proposal

    # What it comes to

    def waits_for(self, proposal: str) -> list[tuple[str, str]]:
        """What a case waits for: stages with their bodies."""
        return [(stage.stage, stage.body) for stage in self.cases[proposal].open]

    def money_left(self, code: str = "herstelaanpak") -> tuple[Decimal, Decimal, Decimal]:
        """Committed, held back and left of an envelope, of all that is known."""
        envelope = self.envelopes[code]
        return envelope.committed, envelope.held_back, envelope.left

    def envelope_on(self, day: date, code: str = "herstelaanpak") -> Envelope | None:
        """An envelope as it was true on a day."""
        return envelopes.fold(r for r in self.events_of(envelope_stream(code)) if r.effective_on <= day)


def opened(events: Iterable[Event]) -> list[StageOpened]:
    """The stages that an act opened."""
    return [event for event in events if isinstance(event, StageOpened)]
