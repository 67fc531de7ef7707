"""Is the demo's data right in itself? Dates that may be, keys of their own, and every assumption marked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from service.calendar import dutch_holidays
from service.demo.days import period, working_days_before
from service.demo.story import Step, opening, retold, story

HOLIDAYS = dutch_holidays()
SUNDAY = date(2026, 11, 22)


@pytest.fixture(params=[SUNDAY, date(2027, 1, 1), date(2026, 5, 5), date(2028, 2, 29)])
def began(request: pytest.FixtureRequest) -> date:
    """A day on which the demo may be replayed for the first time: a Sunday, a holiday, and others."""
    day: date = request.param
    return day


def test_dates_are_working_days_never_after_the_beginning_and_in_order(began: date) -> None:
    last: dict[str, date] = {}
    for step in story(began, HOLIDAYS):
        assert step.on <= began
        assert step.on.weekday() < 5, step
        assert step.on not in HOLIDAYS, step
        assert step.on >= last.get(step.case, step.on), step
        last[step.case] = step.on


def test_each_step_has_a_key_of_its_own_that_a_header_can_carry(began: date) -> None:
    keys = [step.key for step in story(began, HOLIDAYS)]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[\x21-\x7e]{1,100}", key) for key in keys)


def test_the_first_step_is_the_same_whenever_the_demo_began() -> None:
    assert story(SUNDAY, HOLIDAYS)[0] == story(date(2028, 2, 29), HOLIDAYS)[0] == opening()


def test_the_last_step_shows_that_the_demo_is_complete(began: date) -> None:
    assert story(began, HOLIDAYS)[-1].path == "/envelopes/stimuleringsfonds/sources"


def test_only_the_real_awards_take_from_the_real_envelope() -> None:
    real = {case["key"] for case in retold()["cases"]}
    takers = {step.case for step in story(SUNDAY, HOLIDAYS) if step.body.get("envelope") == "herstelaanpak"}
    assert takers < real


@pytest.mark.parametrize("case", retold()["cases"] + retold()["envelopes"], ids=lambda case: case["key"])
def test_every_field_and_act_is_either_known_or_assumed(case: dict[str, Any]) -> None:
    known, assumed = case["facts"], case["assumed"]
    assert not set(known) & set(assumed)
    for item in _items(case):
        as_known = [name for name in known if _within(item, name)]
        as_assumed = [name for name in assumed if _within(item, name)]
        assert len(as_known) + len(as_assumed) == 1, (item, as_known, as_assumed)
    for name in [*known, *assumed]:
        assert any(_within(item, name) for item in _items(case)), f"there is no {name}"


def _within(item: str, name: str) -> bool:
    return item == name or item.startswith(f"{name}.")


def _items(case: dict[str, Any]) -> Iterator[str]:
    """Every single thing the case says, by the path of its name."""
    if "open" in case:
        yield "effectiveOn"
        yield from _leaves(case["open"])
        return
    yield from _leaves(case["proposal"])
    for step in case["steps"]:
        said = {name: value for name, value in step.items() if name not in ("act", "on")}
        yield from (f"{step['act']}.{leaf}" for leaf in _leaves({**said, "effectiveOn": step["on"]}))


def _leaves(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _leaves(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, each in enumerate(value):
            yield from _leaves(each, f"{path}.{index}")
    else:
        yield path


def test_a_reader_of_a_case_sees_what_is_assumed_or_that_it_is_invented() -> None:
    real = {case["key"]: case for case in retold()["cases"]}
    submissions = [step for step in story(SUNDAY, HOLIDAYS) if step.path == "/proposals"]
    for step in submissions:
        summary = str(step.body["summary"])
        if step.case in real:
            assert real[step.case]["assumption"] in summary
            assert "metropoolregioeindhoven.nl/" in summary
        else:
            assert summary.endswith("Dit voorstel is verzonnen, als voorbeeld.")


def test_assumed_money_proof_and_grounds_say_so_themselves() -> None:
    for case in retold()["cases"]:
        assert all("aanname" in part["source"] for part in case["proposal"]["cofinancing"])
        assert case["proposal"]["subregionSupport"].startswith("Aanname")
        for step in case["steps"]:
            if step["act"] in ("completeness", "reviews"):
                assert "Aanname" in step.get("grounds", step.get("remarks"))


def test_nobody_is_named_by_a_personal_address() -> None:
    assert not [step for step in story(SUNDAY, HOLIDAYS) if "@" in str(step.body)]


def test_each_act_is_done_by_who_may() -> None:
    def who(path: str) -> set[str]:
        return {step.who for step in story(SUNDAY, HOLIDAYS) if step.path.endswith(path)}

    assert who("/reviews") == {"taskforce", "adviesgroep"}
    assert who("/decisions") == {"poho", "db"}
    assert who("/awards") == {"db"}
    assert who("/revisions") == {"submitter"}
    assert who("/proposals") == {"submitter", "secretary"}
    assert who("/reallocation") == who("/return") == who("/release") == who("/envelopes") == {"treasurer"}


def test_a_revision_sends_the_whole_proposal_with_what_changed() -> None:
    steps = [step for step in story(SUNDAY, HOLIDAYS) if step.case == "webwinkelhulp"]
    submitted, revised = steps[0].body, _one(steps, "/revisions").body
    differing = {name for name in revised if revised[name] != submitted.get(name)}
    assert differing == {"subregionSupport", "effectiveOn"}


def _one(steps: list[Step], path: str) -> Step:
    (found,) = [step for step in steps if step.path.endswith(path)]
    return found


def test_working_days_are_counted_back_from_the_last_working_day() -> None:
    assert working_days_before(SUNDAY, 0, frozenset()) == date(2026, 11, 20)
    assert working_days_before(SUNDAY, 5, frozenset()) == date(2026, 11, 13)
    assert working_days_before(date(2026, 12, 28), 1, HOLIDAYS) == date(2026, 12, 24)


def test_a_project_takes_whole_months() -> None:
    assert period(date(2026, 11, 22), 12) == {"start": date(2027, 1, 1), "end": date(2027, 12, 31)}
    for day in (date(2026, 1, 31) + timedelta(days=n) for n in range(400)):
        days = period(day, 6)
        assert days["start"].day == 1
        assert (days["end"] + timedelta(days=1)).day == 1
