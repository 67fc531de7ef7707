"""What was typed comes to the body that the API takes; what is wrong stands beside the field where it was typed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from domain.errors import Invalid, Refused
from service.api.acts_schema import AwardSchema, ReviewSchema
from service.api.proposals_schema import EXAMPLE, SubmissionSchema
from service.app import create_app
from service.errors import Stale
from service.settings import Settings
from service.web.forms import Form, amount


@pytest.fixture(scope="module")
def app() -> Any:
    return create_app(Settings("host=nowhere", "", b"x" * 32))


@pytest.fixture(autouse=True)
def request_context(app: Any) -> Iterator[None]:
    with app.test_request_context("/"):
        yield


def form(schema: Any, *fields: tuple[str, str]) -> Form:
    return Form(schema(), dict(MultiDict(fields).lists()))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("200000", "200000"),
        ("200.000", "200000"),
        ("€ 1.234.567,89", "1234567.89"),
        ("1,234,567.89", "1234567.89"),
        ("1234,5", "1234.5"),
        ("1234.50", "1234.50"),
        ("2.000,-", "2000"),
        ("200,000", "200000"),
        ("12.34.56", "12.34.56"),
        ("-5", "-5"),
        ("veel", "veel"),
    ],
)
def test_an_amount_is_understood_as_people_write_it(typed: str, meant: str) -> None:
    assert amount(typed) == meant


@given(st.integers(1, 10**12 - 1), st.integers(0, 99))
def test_every_amount_in_every_notation_is_the_same_amount(euros: int, cents: int) -> None:
    exact = f"{euros}.{cents:02}"
    english = f"{euros:,}.{cents:02}"
    dutch = english.translate(str.maketrans(",.", ".,"))
    assert amount(exact) == amount(dutch) == amount(f"€ {dutch}") == amount(english) == exact


def test_a_proposal_goes_into_a_form_and_comes_out_the_same() -> None:
    whole = {"programme": "regionale-herstelaanpak", **EXAMPLE}
    assert SubmissionSchema().load(Form.holding(SubmissionSchema(), whole).body()) == SubmissionSchema().load(
        whole
    )


def test_what_is_blank_is_left_out_and_a_blank_row_is_no_row() -> None:
    found = form(
        AwardSchema,
        ("envelope", "herstelaanpak"),
        ("amount", "300.000"),
        ("effectiveOn", ""),
        ("phases.0.amount", "150.000"),
        ("phases.1.amount", "  "),
        ("phases.1.releaseCondition", ""),
        ("phases.4.amount", "150.000"),
        ("phases.4.releaseCondition", "Na het verslag\r\nen de jaarrekening"),
        ("provisional", "on"),
    )
    assert found.body() == {
        "envelope": "herstelaanpak",
        "amount": "300000",
        "provisional": True,
        "phases": [
            {"amount": "150000"},
            {"amount": "150000", "releaseCondition": "Na het verslag\nen de jaarrekening"},
        ],
    }
    assert found.rows("phases") == [0, 1, 4]
    assert found.rows("phases", 5) == [0, 1, 4, 5, 6]


def test_scores_are_numbers_and_answers_are_yes_or_no() -> None:
    found = form(
        ReviewSchema,
        ("body", "adviesgroep"),
        ("advice", "positive"),
        ("scores.impact", "8"),
        ("scores.quality", "zeven"),
        ("scores.empty", ""),
        ("assessments.structural", "true"),
        ("assessments.other", "false"),
        ("conditions", "Een"),
        ("conditions", ""),
        ("conditions.1", "Twee"),
    )
    body = found.body()
    assert body["scores"] == {"impact": 8, "quality": "zeven"}
    assert body["assessments"] == {"structural": True, "other": False}
    assert body["conditions"] == ["Een", "Twee"]


def test_what_is_wrong_stands_beside_the_row_where_it_was_typed() -> None:
    found = form(
        AwardSchema, ("amount", "100"), ("phases.2.releaseCondition", "Later"), ("phases.7.amount", "veel")
    )
    with found.refusals():
        found.load()
    assert set(found.errors) == {"envelope", "phases.2.amount", "phases.7.amount"}
    assert (found.ok, found.status) == (False, 400)
    assert found.value("phases.7.amount") == "veel"


def test_characters_that_nobody_can_see_are_refused_where_they_were_typed() -> None:
    found = form(
        AwardSchema, ("envelope", "a"), ("amount", "100"), ("phases.3.releaseCondition", "Na\x00 afloop")
    )
    with found.refusals():
        found.load()
    assert set(found.errors) == {"phases.3.releaseCondition"}


def test_what_is_wrong_with_one_that_is_ticked_is_said_beside_them_all() -> None:
    found = form(SubmissionSchema, ("themes", "digitaliseren-mkb"), ("themes", "Geen Code"))
    with found.refusals():
        found.load()
    assert "themes" in found.errors


def test_a_field_that_the_schema_does_not_know_is_refused() -> None:
    found = form(AwardSchema, ("envelope", "herstelaanpak"), ("amount", "100"), ("ammount", "100"))
    with found.refusals():
        found.load()
    assert set(found.errors) == {"ammount"}


@pytest.mark.parametrize(
    ("error", "status", "beside"),
    [
        (Invalid("unknown-theme", "/themes/0", value="x", known=["a"]), 400, True),
        (Refused("case-ended", reference="RHA-2020-0001", outcome="rejected"), 409, False),
        (Stale(4), 412, False),
    ],
)
def test_what_is_refused_is_said_in_words(error: Exception, status: int, beside: bool) -> None:
    found = form(SubmissionSchema, ("themes", "x"))
    found.body()
    with found.refusals():
        raise error
    assert found.status == status
    assert bool(found.errors) is beside
    assert (found.message is None) is beside
    assert not found.ok


@given(
    st.dictionaries(
        st.sampled_from(
            ["title", "summary", "requested", "effect", "applicant.name", "goals.0", "partners.1.name"]
        ),
        st.text(max_size=40),
    )
)
def test_whatever_is_typed_is_still_there_when_it_is_refused(typed: dict[str, str]) -> None:
    found = Form(SubmissionSchema(), {name: [text] for name, text in typed.items()})
    with found.refusals():
        found.load()
    assert not found.ok
    assert {name: found.value(name) for name in typed} == typed
