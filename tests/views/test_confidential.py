"""Do all ways to ask agree on who sees which case? And do sums with and without what is confidential add up?"""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pytest

from domain.events import ConfidentialitySet
from domain.recorded import NOW, Moment, Recorded
from projections.view import Document
from service import figures, reading
from service.eventstore import Log, Meta
from service.identity.people import Person
from service.identity.scope import Subject, everything, outside, scope_of, subjects
from service.listing import Filters, proposals
from service.words import fill
from tests.views.conftest import Connection, fold_all

TODAY = date(2026, 11, 20)
ALL = everything(TODAY)
LEVELS = [
    ("confidential", "woo-5-1-1-c", None),
    ("confidential", "woo-5-2", TODAY),
    ("confidential", "woo-5-2", date(2026, 11, 19)),
    ("internal", "", None),
    ("public", "", None),
]


@pytest.fixture
def leveled(log: Log, database: Connection, folded: list[Recorded]) -> list[Document]:
    """The walk, and then levels for half of its cases and for some acts; each case as it stands."""
    chance = random.Random(11)
    cases = [row[0] for row in database.execute("SELECT document FROM views.status").fetchall()]
    for case in cases:
        acts = [each["version"] for each in (*case["reviews"], *case["decisions"])]
        abouts = [0] if chance.random() < 0.5 else []
        abouts += [each for each in acts if chance.random() < 0.6]
        version = case["version"]
        for about in abouts:
            level, ground, until = chance.choice(LEVELS)
            event = ConfidentialitySet(about, level, ground, until, f"om {about}")
            log.append(
                [(case["id"], event)],
                {case["id"]: version},
                Meta(TODAY, "person-1", None, f"c-{version}-{about}"),
            )
            version += 1
    fold_all(database)
    return [
        row[0] for row in database.execute("SELECT document FROM views.status ORDER BY key DESC").fetchall()
    ]


def somebody(chance: random.Random, cases: list[Document]) -> Person:
    """Anybody: any roles, any bodies, one's own cases or none, those of a municipality or none."""
    roles = chance.sample(
        ["submitter", "secretary", "member", "treasurer", "auditor", "admin", "integration"],
        chance.randint(1, 2),
    )
    bodies = chance.sample(
        ["secretariat", "taskforce", "poho", "db", "ab", "elsewhere"], chance.randint(0, 2)
    )
    owner = chance.choice([None, chance.choice(cases)["owner"]["$party"]])
    places = chance.choice([[], chance.choice(cases)["content"]["municipalities"][:1]])
    return Person(
        "person-x", "", "", frozenset(roles), frozenset(bodies), owner, municipalities=frozenset(places)
    )


def test_lists_sums_and_single_cases_agree_on_who_sees_what(
    database: Connection, leveled: list[Document]
) -> None:
    chance = random.Random(12)
    told = 0
    for _ in range(60):
        scope = scope_of(somebody(chance, leveled), TODAY)
        seen = [case for case in leveled if scope.sees(Subject.of(case))]
        hidden = {case["id"] for case in leveled if scope.hides(Subject.of(case))}
        for moment in (NOW, Moment(100_000)):
            assert proposals(database, scope, Filters(), moment, limit=500).items == seen
        assert set(scope.hidden(database)) == hidden
        known = subjects(database, [case["id"] for case in leveled])
        assert {id for id, subject in known.items() if scope.sees(subject)} == {case["id"] for case in seen}
        for case in chance.sample(leveled, 3):
            expected = scope.sees(Subject.of(case))
            assert (reading.status(database, case["id"], scope) is not None) is expected
            assert (reading.status_now(database, case["id"], scope) is not None) is expected
            assert (reading.timeline(database, case["id"], scope) is not None) is expected
        query = f"SELECT stream FROM views.queue WHERE {scope.streams('stream')}"
        waiting = {row[0] for row in database.execute(query.encode(), scope.params).fetchall()}
        assert waiting == {case["id"] for case in seen if case["waitingFor"]}
        told += bool(hidden)
    assert told > 20


@pytest.mark.slow
def test_words_of_confidential_acts_are_for_who_may_read_them_and_for_nobody_else(
    database: Connection, leveled: list[Document]
) -> None:
    chance = random.Random(13)
    withheld = 0
    for _ in range(60):
        scope = scope_of(somebody(chance, leveled), TODAY)
        for case in leveled:
            mine = scope.reads_words_of(Subject.of(case))
            for act in (*case["reviews"], *case["decisions"]):
                level = act["confidentiality"]
                secret = (
                    level is not None
                    and level["level"] == "confidential"
                    and level["until"] in (None, "2026-11-20")
                )
                whole, said = fill(act["grounds"], database, ALL), fill(act["grounds"], database, scope)
                assert said == (None if secret and not mine else whole)
                withheld += whole is not None and said is None
    assert withheld > 20


def test_why_something_is_confidential_is_for_who_may_read_it_too(
    log: Log, database: Connection, leveled: list[Document]
) -> None:
    remarks = [
        (r.stream, f"{r.position}/remarks")
        for r in log.read(0, 10_000)
        if isinstance(r.event, ConfidentialitySet)
    ]
    assert len(remarks) > 10
    for _, place in remarks:
        assert fill({"$words": place}, database, ALL)
        assert fill({"$words": place}, database, outside(TODAY)) is None


@pytest.mark.parametrize("moment", [NOW, Moment(300), Moment(None, date(2020, 6, 1))])
def test_sums_with_and_without_add_up(database: Connection, leveled: list[Document], moment: Moment) -> None:
    chance = random.Random(14)
    ids = [case["id"] for case in leveled]
    whole = figures.portfolio(database, moment)
    for _ in range(15):
        hidden = chance.sample(ids, chance.randint(0, len(ids)))
        rest = [id for id in ids if id not in hidden]
        parts = [figures.portfolio(database, moment, hidden=each) for each in (hidden, rest)]
        assert added(*(each["total"] for each in parts)) == added(whole["total"])
        for dimension, name in (
            ("themes", "theme"),
            ("municipalities", "municipality"),
            ("subregions", "subregion"),
        ):
            for entry in whole[dimension]:
                own = [each for part in parts for each in part[dimension] if each[name] == entry[name]]
                assert added(*own) == added(entry)
        assert figures.total(database, moment, hidden) == parts[0]["total"]


def test_an_envelope_has_given_all_that_it_gave_whoever_looks(
    database: Connection, leveled: list[Document]
) -> None:
    chance = random.Random(15)
    ids = [case["id"] for case in leveled]
    for budget in figures.budgets(database):
        whole = figures.budget(database, budget["code"])
        assert whole is not None
        for _ in range(10):
            hidden = set(chance.sample(ids, chance.randint(0, len(ids))))
            seen = figures.budget(database, budget["code"], hidden=sorted(hidden))
            assert seen is not None
            assert {k: v for k, v in seen.items() if k != "perProposal"} == {
                k: v for k, v in whole.items() if k != "perProposal"
            }
            assert not hidden & set(seen["perProposal"])
            for name in ("committed", "heldBack"):
                assert money(seen["perProposal"], name) == money(whole["perProposal"], name)


def money(shares: dict[str, dict[str, str]], name: str) -> int:
    return sum(cents(share[name]) for share in shares.values())


def cents(amount: str) -> int:
    return int(amount.replace(".", ""))


def added(*several: Document) -> list[int]:
    """The measures of these together, in cents."""
    names = ("requested", "awarded", "committed", "heldBack")
    sums: list[Any] = [sum(each["proposals"] for each in several)]
    sums += [sum(cents(each[name]) for each in several) for name in names]
    return [*sums, sum(cents(each["cofinancing"]["total"]) for each in several)]
