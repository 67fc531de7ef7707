"""Random walks over the domain: whatever `decide` allows, as acts ready to be recorded.

The same walks serve the tests and the measurements.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from domain import award as money
from domain import case as cases
from domain import envelope as envelopes
from domain import proposal as acts
from domain.case import Case
from domain.definition import to_definition
from domain.envelope import Envelope, envelope_stream
from domain.errors import Refused
from domain.events import Cofinancing, Content, Event, Phase, ProgrammePublished, Source, SubregionSupport
from domain.programme import Body, Municipality, Name, Programme, Stage, Subregion, Theme
from domain.recorded import Capacity, Recorded
from domain.route import Calendar
from service.eventstore import Log, Meta
from service.ids import new_id

START = date(2020, 1, 6)
BODIES = ("taskforce", "poho", "db", "ab", "raad")
THEMES = tuple(f"theme-{n}" for n in range(10))
SUBREGIONS = ("peel", "kempen", "stedelijk", "a2")
MUNICIPALITIES = tuple(f"GM{n:04d}" for n in range(700, 721))
PARTIES = tuple(f"party-{n}" for n in range(40))
WORDS = [
    "plan",
    "voor",
    "betere",
    "banen",
    "en",
    "scholing",
    "van",
    "jongeren",
    "in",
    "de",
    "regio",
    "met",
    "digitale",
    "innovatie",
]


def name(text: str) -> Name:
    """The same name in both languages."""
    return Name(text, text)


def stage(code: str, kind: str, *bodies: str) -> Stage:
    """A stage with a term of ten working days."""
    return Stage(code, kind, name(code), bodies, "besluit" if kind == "award" else "advies", 10)


def programme(code: str, *stages: Stage) -> Programme:
    """A programme with this route and everything else alike."""
    return Programme(
        code=code,
        version=1,
        name=name(code),
        reference_prefix=code[:3].upper(),
        secretariat="secretariat",
        themes=tuple(Theme(each, name(each)) for each in THEMES),
        bodies=tuple(Body(each, name(each)) for each in BODIES),
        subregions=tuple(Subregion(each, each) for each in SUBREGIONS),
        municipalities=tuple(Municipality(each, each, (SUBREGIONS[0],)) for each in MUNICIPALITIES),
        stages=stages,
        requirements=(),
        envelopes=(),
        tenders=(),
        term=10,
    )


PROGRAMMES = {
    each.code: each
    for each in (
        programme(
            "herstel",
            stage("completeness", "completeness", "secretariat"),
            stage("review", "advice", "taskforce"),
            stage("decision", "decision", "poho"),
            stage("award", "award", "db"),
        ),
        programme(
            "fonds",
            stage("completeness", "completeness", "secretariat"),
            stage("decision", "decision", "db"),
            stage("ratification", "ratification", "ab", "raad"),
            stage("award", "award", "db"),
        ),
    )
}
ENVELOPES = {"herstel-1": "herstel", "herstel-2": "herstel", "fonds-1": "fonds"}


@dataclass(frozen=True)
class Act:
    """What one command records."""

    changes: list[tuple[str, Event]]
    effective_on: date
    by: str


@dataclass
class Walk:
    """The world as far as the walk has come; `cases_at_once` are open side by side."""

    random: random.Random
    cases_at_once: int = 8
    amount: Decimal = Decimal("2000000.00")
    cases: dict[str, Case] = field(default_factory=dict)
    envelopes: dict[str, Envelope] = field(default_factory=dict)
    awarded: list[str] = field(default_factory=list)
    day: date = START
    serial: int = 0
    pace: float = 0.2
    """How likely it is that a day passes before an act."""

    def acts(self) -> Iterator[Act]:
        """Acts without end, each allowed by the domain after those before."""
        for each in PROGRAMMES.values():
            published = ProgrammePublished(each.code, 1, to_definition(each))
            yield self._did([(f"programme-{each.code}", published)])
        for code, of in ENVELOPES.items():
            opening = envelopes.OpenEnvelope(
                code,
                self.words(2),
                "db",
                of,
                (Source(self.words(3), self.amount), Source("", Decimal("0.50"))),
                self.day,
            )
            opened = envelopes.open_envelope(opening, None, self.day, frozenset(BODIES))
            yield self._did([(envelope_stream(code), event) for event in opened])
        while True:
            self.day += timedelta(days=self.random.random() < self.pace)
            try:
                changes = self._change()
            except Refused:
                continue
            if changes:
                yield self._did(changes)

    def _did(self, changes: list[tuple[str, Event]], on: date | None = None) -> Act:
        effective_on = on or self.day
        for stream, event in changes:
            case, envelope = self.cases.get(stream), self.envelopes.get(stream)
            version = (case or envelope).version + 1 if case or envelope else 1  # type: ignore[union-attr]
            at = datetime(2020, 1, 1, tzinfo=UTC)
            recorded = Recorded(0, stream, version, at, effective_on, "person-1", None, "", None, event)
            if stream.startswith("proposal-"):
                after = cases.evolve(case, recorded)
                assert after is not None
                self.cases[stream] = after
                if after.awarded and not (case and case.awarded):
                    self.awarded.append(stream)
            elif stream.startswith("envelope-"):
                changed = envelopes.evolve(envelope, recorded)
                assert changed is not None
                self.envelopes[stream] = changed
        self._forget({stream for stream, _ in changes})
        return Act(changes, effective_on, f"person-{self.random.randrange(6)}")

    def _forget(self, streams: set[str]) -> None:
        """Cases to which nothing more happens."""
        for stream in streams & self.cases.keys():
            if not self.cases[stream].open and not self.cases[stream].awarded:
                del self.cases[stream]
        if len(self.awarded) > 50:
            oldest = self.cases[self.awarded[0]]
            if not oldest.open:
                del self.cases[self.awarded.pop(0)]

    def _change(self) -> list[tuple[str, Event]]:
        calendar = Calendar(self.day, frozenset())
        waiting = [case for case in self.cases.values() if case.open]
        choice = self.random.random()
        if (len(waiting) < self.cases_at_once and choice < 0.5) or not waiting:
            self.serial += 1
            chosen = PROGRAMMES[self.random.choice(list(PROGRAMMES))]
            stream = new_id("proposal")
            reference = f"{chosen.reference_prefix}-2020-{self.serial:04d}"
            command = acts.Submit(self.content(), self.random.choice(PARTIES), reference, self.day)
            return [(stream, event) for event in acts.submit(command, chosen, calendar)]
        if choice < 0.54 and self.awarded:
            return self._money(calendar)
        if choice < 0.545:
            envelope = self.random.choice(list(self.envelopes.values()))
            source = envelopes.AddSource(Source(self.words(3), self.amount), self.day)
            return [
                (envelope_stream(envelope.code), event)
                for event in envelopes.add_source(source, envelope, self.day)
            ]
        case = self.random.choice(waiting)
        return self._step(case, calendar)

    def _step(self, case: Case, calendar: Calendar) -> list[tuple[str, Event]]:
        chosen = PROGRAMMES[case.programme]
        waits = self.random.choice(case.open)
        pick = self.random.choice
        if self.random.random() < 0.02 and not case.awarded:
            return self._of(case, acts.withdraw(acts.Withdraw(self.words(5), self.day), case, calendar))
        if waits.kind == "completeness":
            outcome = pick(["complete", "complete", "complete", "supplement"])
            check = acts.CheckCompleteness(outcome, self.words(6), None, self.day)
            return self._of(case, acts.check_completeness(check, case, chosen, calendar))
        if waits.kind == "supplement":
            return self._of(case, acts.revise(acts.Revise(self.content(), self.day), case, chosen, calendar))
        if waits.kind == "held-over":
            return self._of(case, acts.resume(acts.Resume(self.day), case, chosen, calendar))
        if waits.kind == "advice":
            advice = pick(["positive", "positive-with-conditions", "negative", "revise", "positive"])
            conditions: tuple[str, ...] = (
                (self.words(4), self.words(4)) if advice == "positive-with-conditions" else ()
            )
            review = acts.Review(waits.body, advice, self.words(12), conditions, self.day)
            return self._of(case, acts.review(review, case, chosen, calendar))
        if waits.kind in ("decision", "ratification"):
            outcomes = ["approved"] * 6 + ["approved-with-conditions", "rejected"]
            outcome = pick([*outcomes, "held-over"] if waits.kind == "decision" else outcomes)
            conditions = (self.words(4),) if outcome == "approved-with-conditions" else ()
            decide = acts.Decide(waits.body, outcome, self.words(10), conditions, self.day)
            return self._of(case, acts.decide(decide, case, chosen, calendar))
        return self._award(case, chosen, calendar)

    def _award(self, case: Case, chosen: Programme, calendar: Calendar) -> list[tuple[str, Event]]:
        envelope = self.random.choice([e for e in self.envelopes.values() if e.programme == case.programme])
        amount = case.content.requested
        half = amount / 2
        phases = (
            (Phase(1, half, ""), Phase(2, amount - half, self.words(5))) if self.random.random() < 0.5 else ()
        )
        command = money.Award(envelope.code, amount, True, phases, self.day)
        return money.award(command, case, chosen, envelope, calendar)

    def _money(self, calendar: Calendar) -> list[tuple[str, Event]]:
        case = self.cases.get(self.random.choice(self.awarded))
        if case is None or case.envelope is None:
            return []
        envelope = self.envelopes[envelope_stream(case.envelope)]
        choice = self.random.random()
        if choice < 0.4:
            return money.release(money.Release(2, self.words(4), self.day), case, envelope, calendar)
        if choice < 0.6:
            back = money.Return(Decimal(self.random.randrange(1, 900)) * 10, self.words(4), self.day)
            return money.return_money(back, case, envelope, calendar)
        to = self.random.choice(list(self.cases.values()))
        move = money.Reallocate(
            2, to.proposal, Decimal(self.random.randrange(1, 900)) * 10, self.words(4), self.day
        )
        return money.reallocate(move, case, to, PROGRAMMES[to.programme], envelope, calendar)

    @staticmethod
    def _of(case: Case, events: list[Event]) -> list[tuple[str, Event]]:
        return [(case.proposal, event) for event in events]

    def words(self, count: int) -> str:
        """A few words of Dutch."""
        return " ".join(self.random.choices(WORDS, k=count))

    def content(self) -> Content:
        """What a proposal says."""
        pick = self.random
        requested = Decimal(pick.randrange(10_000, 400_000)).quantize(Decimal("0.01"))
        return Content(
            title=self.words(5),
            summary=self.words(30),
            themes=tuple(pick.sample(THEMES, pick.choice((1, 1, 2)))),
            applicant=pick.choice(PARTIES),
            partners=tuple(pick.sample(PARTIES, pick.randrange(3))),
            municipalities=tuple(pick.sample(MUNICIPALITIES, pick.randrange(1, 5))),
            requested=requested,
            cofinancing=tuple(
                Cofinancing(pick.choice(PARTIES), requested / 2, pick.choice(("promised", "granted", "own")))
                for _ in range(pick.randrange(1, 4))
            ),
            period_start=date(2020, 1, 1),
            period_end=date(2022, 1, 1),
            effect=self.words(20),
            structural_effect=self.words(20),
            subregion_support=tuple(
                SubregionSupport(each, self.words(6))
                for each in pick.sample(SUBREGIONS, pick.randrange(1, 3))
            ),
            goals=tuple(self.words(6) for _ in range(pick.randrange(3))),
        )


def append(
    log: Log, acts: Iterator[Act], events: int, progress: Callable[[int], None] = lambda _: None
) -> int:
    """Records acts through the log until it has at least this many events more; answers the last position."""
    versions: dict[str, int] = {}
    last, until = 0, None
    for act in acts:
        meta = Meta(act.effective_on, act.by, Capacity("member", "db"), new_id("command"))
        streams = {stream for stream, _ in act.changes}
        for stream in streams - versions.keys():
            history = log.load(stream)
            versions[stream] = history[-1].version if history else 0
        appended = log.append(act.changes, {stream: versions[stream] for stream in streams}, meta)
        for stream, _ in act.changes:
            versions[stream] += 1
        last = appended.last
        until = until if until is not None else appended.first - 1 + events
        progress(last)
        if last >= until:
            break
    return last
