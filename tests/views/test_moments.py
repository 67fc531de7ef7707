"""At any moment, named in any way: do the answers equal a plain fold of the log from zero?"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.errors import Invalid
from domain.events import EnvelopeOpened, FundsMoved, FundsReleased, FundsReserved, FundsReturned, SourceAdded
from domain.recorded import Moment, Recorded, known_and_true
from projections import budget as budgets
from projections.plain import money
from projections.portfolio import MEASURES, PORTFOLIO
from projections.status import evolve
from projections.timeline import timeline
from projections.view import Document
from service import figures, reading
from service.identity.permissions import Reach
from service.identity.scope import everything
from service.listing import Filters, proposals
from service.moments import moment
from tests.views.conftest import Connection

MOMENTS = 200
ALL = everything(date(2020, 2, 3))


def by_stream(records: list[Recorded], at: Moment) -> dict[str, list[Recorded]]:
    """What counts of each stream at a moment."""
    streams: dict[str, list[Recorded]] = {}
    for recorded in records:
        streams.setdefault(recorded.stream, []).append(recorded)
    return {stream: known_and_true(history, at) for stream, history in streams.items()}


def cases(records: list[Recorded], at: Moment) -> dict[str, Document]:
    """Every case at a moment, newest first."""
    found = {}
    for stream, history in sorted(by_stream(records, at).items(), reverse=True):
        if stream.startswith("proposal-"):
            document = None
            for recorded in history:
                document = evolve(document, recorded)
            if document is not None:
                found[stream] = document
    return found


def plain_moment(records: list[Recorded], way: str, value: Any) -> int | None:
    """The position that a moment means, looked for among all events."""
    if way == "position":
        while value and value < len(records) and records[value].command_id == records[value - 1].command_id:
            value -= 1
        return int(value)
    if way == "instant":
        return max((r.position for r in records if r.recorded_at <= value), default=0)
    return None


def random_moments(records: list[Recorded], count: int) -> Iterator[tuple[str, Any]]:
    chance = random.Random(11)
    for number in range(count):
        recorded = chance.choice(records)
        match ("position", "instant", "date")[number % 3]:
            case "position":
                yield "position", chance.randrange(len(records) + 1)
            case "instant":
                yield "instant", recorded.recorded_at + timedelta(microseconds=chance.randrange(-2, 3))
            case "date":
                yield "date", recorded.effective_on + timedelta(days=chance.randrange(-1, 2))


def asked(database: Connection, way: str, value: Any) -> Moment:
    match way:
        case "position":
            return moment(database, at_position=value)
        case "instant":
            return moment(database, as_of=value)
        case _:
            return moment(database, effective_on=value)


@pytest.mark.slow
def test_random_moments_named_each_way(database: Connection, folded: list[Recorded]) -> None:
    chance = random.Random(5)
    for way, value in random_moments(folded, MOMENTS):
        at = asked(database, way, value)
        assert at == Moment(plain_moment(folded, way, value), value if way == "date" else None)
        check(database, folded, at, chance)


def test_what_was_known_then_of_what_was_true_then(database: Connection, folded: list[Recorded]) -> None:
    chance = random.Random(6)
    for _ in range(40):
        known = chance.choice(folded).recorded_at
        day = chance.choice(folded).effective_on
        at = moment(database, as_of=known, effective_on=day)
        assert at.effective_on == day
        check(database, folded, at, chance)


def check(database: Connection, records: list[Recorded], at: Moment, chance: random.Random) -> None:
    """Everything that can be asked at this moment, beside the plain fold."""
    expected = cases(records, at)
    everything = [stream for stream in {r.stream for r in records} if stream.startswith("proposal-")]
    stream = chance.choice(everything)
    assert reading.status(database, stream, ALL, at) == expected.get(stream)
    history = by_stream(records, at)[stream]
    assert reading.timeline(database, stream, ALL, at) == (timeline(history) if stream in expected else None)
    check_list(database, expected, at, chance)
    check_budgets(database, records, at)
    check_portfolio(database, records, at)


def check_list(
    database: Connection, expected: dict[str, Document], at: Moment, chance: random.Random
) -> None:
    some = chance.choice(list(expected.values())) if expected else None
    filters = Filters(
        programme=chance.choice([None, "herstel", "fonds"]),
        status=chance.choice([None, some["status"] if some else "review"]),
        body=chance.choice([None, None, "db", "applicant"]),
        theme=chance.choice([None, some["content"]["themes"][0] if some else "theme-1"]),
    )
    owner = chance.choice([None, None, some["owner"]["$party"] if some else "party-1"])
    scope = ALL if owner is None else replace(ALL, open=Reach(owners=frozenset({owner})))
    wanted = [
        document
        for document in expected.values()
        if belongs(document, filters) and owner in (None, document["owner"]["$party"])
    ]
    found: list[Document] = []
    page = proposals(database, scope, filters, at, limit=3)
    while True:
        found += page.items
        if page.next is None:
            break
        page = proposals(database, scope, filters, at, cursor=page.next, limit=3)
    assert found == wanted


def belongs(document: Document, filters: Filters) -> bool:
    return (
        filters.programme in (None, document["programme"])
        and filters.status in (None, document["status"])
        and (filters.body is None or filters.body in [waits["body"] for waits in document["waitingFor"]])
        and (filters.theme is None or filters.theme in document["content"]["themes"])
    )


def check_budgets(database: Connection, records: list[Recorded], at: Moment) -> None:
    expected = []
    for stream, history in sorted(by_stream(records, at).items()):
        if stream.startswith("envelope-"):
            document = None
            for recorded in history:
                document = budgets.evolve(document, recorded)
            if document is not None:
                expected.append({**document, "perProposal": per_proposal(history)})
    found = figures.budgets(database, at)
    assert found == [{key: each[key] for key in each if key != "perProposal"} for each in expected]
    for document in expected:
        assert figures.budget(database, document["code"], at) == document


def per_proposal(history: list[Recorded]) -> dict[str, dict[str, str]]:
    """Committed and held back by proposal, written out once more."""
    sums: dict[str, list[Decimal]] = {}

    def book(proposal: str, committed: Decimal, held_back: Decimal) -> None:
        entry = sums.setdefault(proposal, [Decimal("0.00"), Decimal("0.00")])
        entry[0] += committed
        entry[1] += held_back

    for recorded in history:
        match recorded.event:
            case FundsReserved(proposal, committed, held_back):
                book(proposal, committed, held_back)
            case FundsReleased(proposal, amount):
                book(proposal, amount, -amount)
            case FundsMoved(giver, taker, amount):
                book(giver, Decimal(0), -amount)
                book(taker, amount, Decimal(0))
            case FundsReturned(proposal, committed, held_back):
                book(proposal, -committed, -held_back)
            case EnvelopeOpened() | SourceAdded():
                pass
    return {
        proposal: {"committed": money(committed), "heldBack": money(held_back)}
        for proposal, (committed, held_back) in sorted(sums.items())
    }


def check_portfolio(database: Connection, records: list[Recorded], at: Moment) -> None:
    shown = figures.portfolio(database, at)
    expected = cases(records, at)
    total = Decimal(0)
    by_theme: dict[str, Decimal] = {}
    by_municipality: dict[str, int] = {}
    committed = held_back = Decimal(0)
    for document in expected.values():
        content = document["content"]
        total += Decimal(content["requested"])
        for theme in content["themes"]:
            by_theme[theme] = by_theme.get(theme, Decimal(0)) + Decimal(content["requested"])
        for municipality in content["municipalities"]:
            by_municipality[municipality] = by_municipality.get(municipality, 0) + 1
        committed += Decimal(document["totals"]["committed"])
        held_back += Decimal(document["totals"]["heldBack"])
    assert shown["total"]["proposals"] == len(expected)
    assert shown["total"]["requested"] == money(total)
    assert (shown["total"]["committed"], shown["total"]["heldBack"]) == (money(committed), money(held_back))
    assert {each["theme"]: each["requested"] for each in shown["themes"]} == {
        theme: money(amount) for theme, amount in by_theme.items()
    }
    assert {each["municipality"]: each["proposals"] for each in shown["municipalities"]} == by_municipality
    assert shown["countsFully"] is True
    assert PORTFOLIO.facts is not None
    assert [name for name, _ in PORTFOLIO.facts.columns][4:] == list(MEASURES)


def test_now_is_the_same_as_the_last_position(database: Connection, folded: list[Recorded]) -> None:
    last = moment(database, at_position=len(folded))
    assert figures.portfolio(database) == figures.portfolio(database, last)
    assert figures.budgets(database) == figures.budgets(database, last)
    for status in (None, "awarded", "review", "rejected"):
        filters = Filters(status=status)
        assert proposals(database, ALL, filters).items == proposals(database, ALL, filters, last).items


def test_a_date_means_its_end_in_the_region(database: Connection, folded: list[Recorded]) -> None:
    amsterdam = ZoneInfo("Europe/Amsterdam")
    today = folded[-1].recorded_at.astimezone(amsterdam).date()
    assert moment(database, as_of=today).position == len(folded)
    assert (
        moment(
            database, as_of=folded[0].recorded_at.astimezone(amsterdam).date() - timedelta(days=1)
        ).position
        == 0
    )
    assert moment(database, as_of=datetime(2199, 1, 1, tzinfo=UTC)).position == len(folded)


def test_moments_that_name_nothing_are_refused(database: Connection, folded: list[Recorded]) -> None:
    with pytest.raises(Invalid, match="moments-excluded"):
        moment(database, as_of=date(2024, 1, 1), at_position=3)
    with pytest.raises(Invalid, match="position-unknown") as refused:
        moment(database, at_position=len(folded) + 1)
    assert refused.value.facts == {"head": len(folded)}
    assert moment(database) == Moment()
