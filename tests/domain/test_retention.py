"""Words of a case are kept for so many years after it ended, and go only after that."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from domain import case as cases
from domain.definition import DefinitionErrors, from_definition, read_definition, to_definition
from domain.errors import Refused
from domain.events import RetentionApplied, TextRedacted
from domain.programme import Retention
from domain.recorded import Recorded
from domain.redaction import gone
from domain.retention import Ended, apply_retention, ended, parties_of
from projections import status
from service.programmes import bundled, read_bundled
from tests.domain.test_redaction import DAY, HISTORY, recorded
from tests.domain.test_replay import HISTORIES

TERMS = Retention(awarded=7, rejected=5, withdrawn=1)


def ends(histories: list[list[Recorded]]) -> dict[str, Ended]:
    """How each of the stories ended, one of each kind."""
    found = {}
    for history in histories:
        if history[0].kind == "proposal":
            case = cases.fold(history)
            assert case is not None
            end = ended(case, TERMS)
            if end is not None:
                assert not case.open
                assert not any(phase.held_back for phase in case.phases)
                found[end.how] = end
    return found


def test_a_case_ends_by_an_award_a_refusal_or_a_withdrawal_each_with_its_years() -> None:
    found = ends(HISTORIES)
    assert {how: end.years for how, end in found.items() if how != "approved"} == {
        "awarded": 7, "rejected": 5, "withdrawn": 1,
    }  # fmt: skip


def test_what_waits_for_somebody_or_holds_money_back_has_not_ended() -> None:
    going_on = 0
    for history in HISTORIES:
        for length in range(1, len(history) + 1) if history[0].kind == "proposal" else ():
            case = cases.fold(history[:length])
            if case is not None and (case.open or any(phase.held_back for phase in case.phases)):
                assert ended(case, TERMS) is None
                with pytest.raises(Refused) as refused:
                    apply_retention(case, TERMS, date(2100, 1, 1), 3)
                assert refused.value.code == "retention-not-ended"
                going_on += 1
    assert going_on > 3


@pytest.mark.parametrize(
    ("on", "years", "due"),
    [
        (date(2021, 5, 3), 7, date(2028, 5, 3)),
        (date(2020, 2, 29), 1, date(2021, 3, 1)),
        (date(2020, 2, 29), 4, date(2024, 2, 29)),
    ],
)
def test_the_day_on_which_it_is_over(on: date, years: int, due: date) -> None:
    assert Ended("awarded", on, years).due_on == due


def test_nothing_goes_before_its_day_and_nothing_twice() -> None:
    case = cases.fold(HISTORY)
    assert case is not None
    case = replace(case, ended="rejected", last_effective_on=date(2020, 1, 10))
    with pytest.raises(Refused) as refused:
        apply_retention(case, TERMS, date(2025, 1, 9), 3)
    assert (refused.value.code, refused.value.facts["dueOn"]) == ("retention-not-due", date(2025, 1, 10))
    assert apply_retention(case, TERMS, date(2025, 1, 10), 3) == [
        RetentionApplied("rejected", date(2020, 1, 10), 5)
    ]
    with pytest.raises(Refused) as refused:
        apply_retention(case, TERMS, date(2025, 1, 10), 0)
    assert refused.value.code == "retention-nothing-kept"


def test_all_texts_before_it_are_gone_each_on_its_own_ground() -> None:
    history = [
        *HISTORY,
        recorded(3, TextRedacted(2, ("grounds",), "woo", "digest")),
        recorded(4, RetentionApplied("rejected", DAY, 5)),
    ]
    found = gone(history)
    assert found["2/grounds"] == "woo"
    assert {found["1/content.title"], found["2/conditions.0"], found["3/remarks"]} == {"retention"}
    document = None
    for each in history:
        document = status.evolve(document, each)
    assert document is not None
    assert (document["retention"]["ended"], document["retention"]["years"]) == ("rejected", 5)
    before, after = cases.fold(history[:3]), cases.fold(history)
    assert before is not None
    assert after is not None
    assert replace(after, version=3) == before


def test_everybody_whom_a_revision_names_is_known() -> None:
    content = HISTORY[0].event.content  # type: ignore[union-attr]
    named = {HISTORY[0].event.owner, content.applicant, *content.partners}  # type: ignore[union-attr]
    assert parties_of(HISTORY) == named | {part.source for part in content.cofinancing}


@pytest.mark.parametrize("name", bundled())
def test_a_definition_says_the_years_and_an_old_one_has_the_usual(name: str) -> None:
    programme = read_bundled(name)
    written = to_definition(programme)
    assert "retention" not in written
    assert from_definition(written).retention == Retention()
    other = replace(programme, retention=Retention(awarded=10))
    assert to_definition(other)["retention"] == {"awarded": 10}
    assert from_definition(to_definition(other)) == other
    assert read_definition(to_definition(other), file="x.toml", region=None) == other


@pytest.mark.parametrize(
    ("retention", "key"),
    [
        (7, "retention"),
        ({"awarded": 0}, "retention.awarded"),
        ({"rejected": "five"}, "retention.rejected"),
        ({"withdrawn": 101}, "retention.withdrawn"),
        ({"approved": 3}, "retention.approved"),
    ],
)
def test_what_is_no_number_of_years_is_said_with_its_place(retention: object, key: str) -> None:
    written = {**to_definition(read_bundled(next(iter(bundled())))), "retention": retention}
    with pytest.raises(DefinitionErrors) as errors:
        read_definition(written, file="x.toml", region=None)
    assert [problem.key for problem in errors.value.problems] == [key]
