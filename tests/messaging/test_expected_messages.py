"""Who gets which message on the way of a case? The whole route, one row a message: nobody else, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import pytest

from domain.award import Award, Reallocate, Release, Return
from domain.events import Phase
from domain.proposal import CheckCompleteness, Decide, Resume, Review, Withdraw
from projections.notices import KINDS
from service import commands
from service.messaging import preferences
from service.settings import Settings
from tests.commands.office import DAY, proposal_input
from tests.messaging.staff import APPLICANT, PARTNER, Staff, staff_of


class Row(NamedTuple):
    """A message: the act, the kind, who gets it, as what; whether by law, and the letter that goes with it."""

    act: str
    kind: str
    who: str
    relation: str
    by_law: str = ""
    letter: str = ""


def table(text: str) -> list[Row]:
    """The rows of a table."""
    lines = [line.strip().strip("|").split("|") for line in text.strip().splitlines()]
    return [Row(*(cell.strip() for cell in line)) for line in lines]


# The case that is awarded. The auditor watches it from the moment that it came in.
AWARDED = table(
    """
    | submission   | receipt    | submitter | submitter    | by law | receipt    |
    | submission   | receipt    | colleague | submitter    | by law | receipt    |
    | submission   | named      | partner   | partner      |        |            |
    | submission   | named      | contact   | municipality |        |            |
    | submission   | turn       | secretary | secretariat  |        |            |
    | submission   | turn       | clerk     | secretariat  |        |            |
    | supplement   | supplement | submitter | submitter    | by law | supplement |
    | supplement   | supplement | colleague | submitter    | by law | supplement |
    | supplement   | supplement | auditor   | watcher      |        |            |
    | revision     | turn       | secretary | secretariat  |        |            |
    | revision     | turn       | clerk     | secretariat  |        |            |
    | revision     | revised    | auditor   | watcher      |        |            |
    | complete     | turn       | taskforce | body         |        |            |
    | complete     | turn       | chair     | body         |        |            |
    | complete     | turn       | auditor   | watcher      |        |            |
    | review       | advised    | submitter | submitter    |        |            |
    | review       | advised    | colleague | submitter    |        |            |
    | review       | advised    | auditor   | watcher      |        |            |
    | review       | turn       | poho      | body         |        |            |
    | held over    | decided    | submitter | submitter    |        |            |
    | held over    | decided    | colleague | submitter    |        |            |
    | held over    | decided    | partner   | partner      |        |            |
    | held over    | decided    | contact   | municipality |        |            |
    | held over    | decided    | auditor   | watcher      |        |            |
    | held over    | turn       | secretary | secretariat  |        |            |
    | held over    | turn       | clerk     | secretariat  |        |            |
    | resumption   | resumed    | submitter | submitter    |        |            |
    | resumption   | resumed    | colleague | submitter    |        |            |
    | resumption   | resumed    | auditor   | watcher      |        |            |
    | resumption   | turn       | poho      | body         |        |            |
    | decision     | decided    | submitter | submitter    |        |            |
    | decision     | decided    | colleague | submitter    |        |            |
    | decision     | decided    | partner   | partner      |        |            |
    | decision     | decided    | contact   | municipality |        |            |
    | decision     | decided    | auditor   | watcher      |        |            |
    | decision     | turn       | board     | body         |        |            |
    | award        | awarded    | submitter | submitter    | by law | award      |
    | award        | awarded    | colleague | submitter    | by law | award      |
    | award        | awarded    | partner   | partner      |        |            |
    | award        | awarded    | contact   | municipality |        |            |
    | award        | awarded    | treasurer | treasurer    |        |            |
    | award        | awarded    | auditor   | watcher      |        |            |
    | release      | money      | submitter | submitter    |        |            |
    | release      | money      | colleague | submitter    |        |            |
    | release      | money      | bookkeeper| treasurer    |        |            |
    | release      | money      | auditor   | watcher      |        |            |
    | move         | money      | submitter | submitter    |        |            |
    | move         | money      | colleague | submitter    |        |            |
    | move         | money      | bookkeeper| treasurer    |        |            |
    | move         | money      | auditor   | watcher      |        |            |
    | return       | money      | submitter | submitter    |        |            |
    | return       | money      | colleague | submitter    |        |            |
    | return       | money      | bookkeeper| treasurer    |        |            |
    | return       | money      | auditor   | watcher      |        |            |
    """
)

# The case to which money is moved instead of an award of its own; the second treasurer has come by then.
RECEIVING = table(
    """
    | move         | awarded    | submitter | submitter    | by law | award      |
    | move         | awarded    | colleague | submitter    | by law | award      |
    | move         | awarded    | partner   | partner      |        |            |
    | move         | awarded    | contact   | municipality |        |            |
    | move         | awarded    | bookkeeper| treasurer    |        |            |
    """
)

# Recorded by a secretary for an applicant; asked by the taskforce to say more; rejected.
REJECTED = table(
    """
    | submission   | receipt    | submitter | submitter    | by law | receipt    |
    | submission   | receipt    | colleague | submitter    | by law | receipt    |
    | submission   | named      | partner   | partner      |        |            |
    | submission   | named      | contact   | municipality |        |            |
    | submission   | turn       | clerk     | secretariat  |        |            |
    | complete     | turn       | taskforce | body         |        |            |
    | complete     | turn       | chair     | body         |        |            |
    | revise       | supplement | submitter | submitter    | by law | supplement |
    | revise       | supplement | colleague | submitter    | by law | supplement |
    | revision     | revised    | secretary | secretariat  |        |            |
    | revision     | revised    | clerk     | secretariat  |        |            |
    | revision     | turn       | taskforce | body         |        |            |
    | revision     | turn       | chair     | body         |        |            |
    | revision     | named      | elsewhere | municipality |        |            |
    | review       | advised    | submitter | submitter    |        |            |
    | review       | advised    | colleague | submitter    |        |            |
    | review       | turn       | poho      | body         |        |            |
    | rejection    | decided    | submitter | submitter    | by law | refusal    |
    | rejection    | decided    | colleague | submitter    | by law | refusal    |
    | rejection    | decided    | partner   | partner      |        |            |
    | rejection    | decided    | contact   | municipality |        |            |
    | rejection    | decided    | elsewhere | municipality |        |            |
    """
)

# Withdrawn while the taskforce has it: by the applicant, who needs not be told.
WITHDRAWN = table(
    """
    | submission   | receipt    | submitter | submitter    | by law | receipt    |
    | submission   | receipt    | colleague | submitter    | by law | receipt    |
    | submission   | named      | partner   | partner      |        |            |
    | submission   | named      | contact   | municipality |        |            |
    | submission   | turn       | secretary | secretariat  |        |            |
    | submission   | turn       | clerk     | secretariat  |        |            |
    | complete     | turn       | taskforce | body         |        |            |
    | complete     | turn       | chair     | body         |        |            |
    | withdrawal   | withdrawn  | colleague | submitter    |        |            |
    | withdrawal   | withdrawn  | partner   | partner      |        |            |
    | withdrawal   | withdrawn  | secretary | secretariat  |        |            |
    | withdrawal   | withdrawn  | clerk     | secretariat  |        |            |
    | withdrawal   | withdrawn  | taskforce | body         |        |            |
    | withdrawal   | withdrawn  | chair     | body         |        |            |
    """
)


class Walk:
    """Acts one after the other, each by its name, with what each of them led to."""

    def __init__(self, staff: Staff) -> None:
        self.staff = staff
        self.names: dict[int, str] = {}

    def did(self, name: str, done: commands.Done) -> commands.Done:
        """An act was done: all that was recorded since the last goes by this name."""
        first = max(self.names, default=0)
        self.names.update(dict.fromkeys(range(first + 1, done.position + 1), name))
        return done

    def act(self, name: str, who: str, proposal: str, command: commands.CaseCommand) -> None:
        """An act on a case."""
        self.did(name, self.staff.act(who, proposal, command))

    def submit(self, who: str) -> str:
        """A proposal comes in."""
        given = proposal_input(
            100_000, APPLICANT.name, applicant=APPLICANT, partners=(PARTNER,), municipalities=("Helmond",)
        )
        done = commands.submit(self.staff.parts, self.staff[who], "regionale-herstelaanpak", given, DAY)
        self.did("submission", done)
        return done.stream

    def revise(self, proposal: str, *municipalities: str) -> None:
        """The submitter supplements it; perhaps with other municipalities."""
        given = proposal_input(
            100_000,
            APPLICANT.name,
            applicant=APPLICANT,
            partners=(PARTNER,),
            municipalities=("Helmond", *municipalities),
        )
        done = commands.revise(self.staff.parts, self.staff["submitter"], proposal, given, DAY)
        self.did("revision", done)

    def rows(self, proposal: str) -> list[Row]:
        """What the walk led to."""
        return [
            Row(
                self.names[message.position],
                message.kind,
                message.who,
                message.relation,
                "by law" if message.required else "",
                message.letter,
            )
            for message in self.staff.messages(proposal)
        ]


@pytest.fixture
def walk(settings: Settings) -> Iterator[Walk]:
    with staff_of(settings) as staff:
        yield Walk(staff)


def to_award(walk: Walk) -> str:
    """Another proposal, that waits for its award; of what led there nothing is told here."""
    proposal = walk.submit("submitter")
    walk.act("", "secretary", proposal, CheckCompleteness("complete", "", None, DAY))
    walk.act("", "taskforce", proposal, Review("taskforce", "positive", "Goed.", (), DAY))
    walk.act("", "poho", proposal, Decide("poho", "approved", "Goed.", (), DAY))
    walk.staff.skip()
    return proposal


def same(found: list[Row], expected: list[Row]) -> None:
    """Nothing is missing, nothing is too much, and nothing comes twice."""
    assert sorted(found) == sorted(expected)


def awarded(walk: Walk) -> tuple[str, str]:
    """A case along the whole route, and one that gets some of its money."""
    other = to_award(walk)
    staff = walk.staff
    proposal = walk.submit("submitter")
    staff.fold()
    preferences.watch(staff.connection, staff["auditor"].id, proposal)
    walk.act("supplement", "secretary", proposal, CheckCompleteness("supplement", "Begroting?", None, DAY))
    walk.revise(proposal)
    walk.act("complete", "secretary", proposal, CheckCompleteness("complete", "", None, DAY))
    walk.act("review", "taskforce", proposal, Review("taskforce", "positive", "Goed.", (), DAY))
    walk.act("held over", "poho", proposal, Decide("poho", "held-over", "Eerst overleg.", (), DAY))
    walk.act("resumption", "secretary", proposal, Resume(DAY))
    decide = Decide("poho", "approved-with-conditions", "Goed.", ("Elk jaar verslag.",), DAY)
    walk.act("decision", "poho", proposal, decide)
    phases = (Phase(1, Decimal(50_000), ""), *(Phase(n, Decimal(25_000), "Na verslag.") for n in (2, 3)))
    walk.act("award", "board", proposal, Award("herstelaanpak", Decimal(100_000), False, phases, DAY))
    staff.fold(limit=7)
    staff.add("bookkeeper", "treasurer")
    walk.act("release", "treasurer", proposal, Release(2, "Verslag is er.", DAY))
    walk.act("move", "treasurer", proposal, Reallocate(3, other, Decimal(5_000), "Niet nodig.", DAY))
    walk.act("return", "treasurer", proposal, Return(Decimal(1_000), "Het kostte minder.", DAY))
    staff.fold()
    return proposal, other


def test_a_case_that_is_awarded(walk: Walk) -> None:
    proposal, other = awarded(walk)
    same(walk.rows(proposal), AWARDED)
    same(walk.rows(other), RECEIVING)
    owner = walk.staff.called["submitter"].organisation
    assert walk.staff.letters(proposal) == [(kind, owner) for kind in ("receipt", "supplement", "award")]
    assert walk.staff.letters(other) == [("award", owner)]


def test_a_case_that_is_rejected(walk: Walk) -> None:
    proposal = walk.submit("secretary")
    walk.act("complete", "secretary", proposal, CheckCompleteness("complete", "", None, DAY))
    walk.act("revise", "taskforce", proposal, Review("taskforce", "revise", "Zeg meer.", (), DAY))
    walk.revise(proposal, "Asten")
    walk.act("review", "taskforce", proposal, Review("taskforce", "negative", "Past niet.", (), DAY))
    walk.act("rejection", "poho", proposal, Decide("poho", "rejected", "Past niet.", (), DAY))
    walk.staff.fold()
    same(walk.rows(proposal), REJECTED)
    assert [letter for letter, _ in walk.staff.letters(proposal)] == ["receipt", "supplement", "refusal"]


def test_a_case_that_is_withdrawn(walk: Walk) -> None:
    proposal = walk.submit("submitter")
    walk.act("complete", "clerk", proposal, CheckCompleteness("complete", "", None, DAY))
    walk.act("withdrawal", "submitter", proposal, Withdraw("Geen tijd.", DAY))
    walk.staff.fold()
    same(walk.rows(proposal), WITHDRAWN)
    assert [letter for letter, _ in walk.staff.letters(proposal)] == ["receipt"]


def test_every_message_of_a_walk_is_mailed_as_its_kind_says(walk: Walk) -> None:
    awarded(walk)
    for message in walk.staff.messages():
        at_once = message.required or KINDS[message.kind].mail == "at-once"
        assert message.mail == ("waiting" if at_once else "collected"), message


def test_a_walk_is_told_the_same_whatever_the_batches_are(walk: Walk) -> None:
    awarded(walk)
    told = []
    for limit in (1, 5, 1_000):
        walk.staff.connection.execute("DELETE FROM ledger.deliveries")
        walk.staff.connection.execute("DELETE FROM ledger.notices")
        walk.staff.connection.execute("UPDATE ledger.position SET position = 0")
        walk.staff.fold(limit)
        told.append(walk.staff.messages())
    assert told[0] == told[1] == told[2]
    assert len(told[0]) > len(AWARDED) + len(RECEIVING)
