"""Whatever is accepted, in whatever order and on whatever dates: the money stays right."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import cache

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain import case as cases
from domain import envelope as envelopes
from domain.envelope import Envelope, envelope_stream
from domain.errors import Refused
from domain.recorded import Moment, known_and_true
from tests.domain.given import DIRECT, World

FIRST = date(2026, 11, 2)
LAST = 18
"""Days from the first to today."""

REQUESTED = 30_000
ENVELOPE = envelope_stream("herstelaanpak")

AMOUNTS = st.integers(1, 12).map(lambda number: Decimal(number * 2_500))
LATER = st.sampled_from([0, 0, 0, 1, 3, -1, -4])
"""So many days after the last act of the case (or before it: then it is refused)."""
CASES = st.integers(0, 3).map(lambda number: f"proposal-{number + 1}")
PHASES = st.sampled_from([2, 2, 2, 1])


@cache
def beginning() -> World:
    """Two cases with money, of which a half is held back, and two that wait for theirs."""
    world = World()
    world.open_envelope(amounts=(70_000,), on=FIRST)
    for number in range(4):
        world.to_award(REQUESTED, on=FIRST + timedelta(days=2 * number))
    for case, day in (("proposal-1", 0), ("proposal-2", 4)):
        phases = [(10_000, DIRECT), (10_000, "later")]
        world.award(case, 20_000, phases=phases, on=FIRST + timedelta(days=day))
    return world


class Money(RuleBasedStateMachine):
    """Acts on four cases and one envelope, each on a date of its own; what is refused changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        first = beginning()
        self.world = World(
            history=list(first.history), cases=dict(first.cases), envelopes=dict(first.envelopes)
        )

    def attempt(self, act: str, case: str, *args: object, later: int, **how: object) -> None:
        """An act that may be refused; then nothing was recorded."""
        before = len(self.world.history)
        day = self.world.cases[case].last_effective_on + timedelta(days=later)
        try:
            getattr(self.world, act)(case, *args, on=day, **how)
        except Refused:
            assert len(self.world.history) == before

    @rule(case=CASES, amount=AMOUNTS, held=st.sampled_from([0, 2, 2, 4]), later=LATER)
    def award(self, case: str, amount: Decimal, held: int, later: int) -> None:
        back = amount * held / 4
        phases = [(part, condition) for part, condition in ((amount - back, DIRECT), (back, "later")) if part]
        self.attempt("award", case, amount, phases=phases, later=later)

    @rule(case=CASES, phase=PHASES, later=LATER)
    def release(self, case: str, phase: int, later: int) -> None:
        self.attempt("release", case, phase, later=later)

    @rule(case=CASES, phase=PHASES, to=CASES, amount=AMOUNTS, later=LATER)
    def reallocate(self, case: str, phase: int, to: str, amount: Decimal, later: int) -> None:
        self.attempt("reallocate", case, phase, to, amount, later=later)

    @rule(case=CASES, amount=AMOUNTS, later=LATER)
    def give_back(self, case: str, amount: Decimal, later: int) -> None:
        self.attempt("give_back", case, amount, later=later)

    @rule(amount=AMOUNTS, day=st.integers(0, LAST))
    def add_source(self, amount: Decimal, day: int) -> None:
        self.world.add_source(amount=amount, on=FIRST + timedelta(days=day))

    @invariant()
    def what_is_taken_never_exceeds_what_there_is_on_any_date(self) -> None:
        lefts = []
        for day, envelope in reversed(self.true_on_each_date()):
            assert envelope.committed >= 0
            assert envelope.held_back >= 0
            assert envelope.committed + envelope.held_back <= envelope.amount
            assert envelope.left == envelope.amount - envelope.committed - envelope.held_back
            # What may be taken from a day on is the least that is left on any day from then on.
            lefts.append(envelope.left)
            assert self.world.envelopes["herstelaanpak"].left_from(day) == min(lefts)

    def true_on_each_date(self) -> list[tuple[date, Envelope]]:
        """The envelope as it was true at the end of each date on which something counts."""
        moment = Moment(effective_on=date.max)
        counting = known_and_true(self.world.events_of(ENVELOPE), moment)
        found: dict[date, Envelope] = {}
        envelope: Envelope | None = None
        for recorded in counting:
            envelope = envelopes.evolve(envelope, recorded)
            assert envelope is not None
            found[recorded.effective_on] = envelope
        return list(found.items())

    @invariant()
    def what_the_envelope_says_is_what_its_cases_have(self) -> None:
        envelope = self.world.envelopes["herstelaanpak"]
        phases = [phase for case in self.world.cases.values() for phase in case.phases]
        assert sum(phase.held_back for phase in phases) == envelope.held_back
        assert sum(phase.committed for phase in phases) == envelope.committed
        assert all(phase.held_back >= 0 and phase.committed >= 0 for phase in phases)

    @invariant()
    def no_case_has_more_than_it_asked_for(self) -> None:
        for case in self.world.cases.values():
            assert sum(phase.held_back + phase.committed for phase in case.phases) <= REQUESTED

    def teardown(self) -> None:
        """History loads again as it was; within a case dates never go back, so it counts in the order of the log."""
        assert envelopes.fold(self.world.events_of(ENVELOPE)) == self.world.envelopes["herstelaanpak"]
        for case in self.world.cases.values():
            stream = self.world.events_of(case.proposal)
            assert cases.fold(stream) == case
            assert known_and_true(stream, Moment(effective_on=date.max)) == stream


TestMoney = Money.TestCase
TestMoney.settings = settings(
    max_examples=60,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # Twenty acts read well as they are, and making them fewer takes minutes.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
