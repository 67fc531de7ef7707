"""Which randvoorwaarden a proposal does not meet, and whom each of them concerns."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.definition import from_definition
from domain.events import Cofinancing, Content, SubregionSupport
from domain.programme import Municipality, Name, Programme, Requirement, Subregion
from domain.requirements import FUNCTIONS, MINIMUM_IS_WHOLE, applicable, objections

NAME = Name("Eis", "Requirement")
CONTENT = Content(
    title="Digitaal Fit",
    summary="Winkeliers leren verkopen op het web.",
    themes=("digitaliseren-mkb",),
    applicant="party-1",
    partners=("party-2",),
    municipalities=("GM0743",),
    requested=Decimal("85000.00"),
    cofinancing=(
        Cofinancing("party-2", Decimal("60000.00"), "promised"),
        Cofinancing("party-1", Decimal("25000.00"), "own"),
    ),
    period_start=date(2026, 1, 1),
    period_end=date(2026, 12, 31),
    effect="200 winkels verkopen op het web.",
    structural_effect="Het blijft bij de ondernemersvereniging.",
    subregion_support=(SubregionSupport("de-peel", "Brief van het Peelberaad."),),
    goals=("200 winkels",),
)


def programme(*requirements: Requirement) -> Programme:
    """A programme with these requirements, two themes under another, three municipalities."""
    name = {"nl": "Naam", "en": "Name"}
    themes = ("digitaliseren", None), ("digitaliseren-mkb", "digitaliseren"), ("opleiden", None)
    empty = from_definition(
        {
            "code": "herstel",
            "version": 1,
            "name": name,
            "reference_prefix": "HS",
            "secretariat": "db",
            "themes": [{"code": code, "name": name} | ({"parent": of} if of else {}) for code, of in themes],
        }
    )
    return replace(
        empty,
        requirements=requirements,
        subregions=(Subregion("de-peel", "De Peel"), Subregion("stedelijk-gebied", "Stedelijk Gebied")),
        municipalities=(
            Municipality("GM0743", "Asten", ("de-peel",)),
            Municipality("GM0794", "Helmond", ("de-peel", "stedelijk-gebied")),
            Municipality("GM0772", "Eindhoven", ("stedelijk-gebied",)),
        ),
    )


def objects(content: Content, function: str, minimum: Decimal | None = None) -> bool:
    """Does a requirement with this function object?"""
    requirement = Requirement("eis", NAME, function, "assessed", minimum)
    return bool(objections(content, programme(requirement), "assessed"))


@pytest.mark.parametrize(
    ("minimum", "requested", "expected"),
    [
        ("1", "85000.00", False),
        ("1", "85000.01", True),
        ("1.5", "56666.66", False),
        ("1.5", "56666.67", True),
    ],
)
def test_each_euro_must_draw_out_enough_of_others(minimum: str, requested: str, expected: bool) -> None:
    content = replace(CONTENT, requested=Decimal(requested))
    assert objects(content, "multiplier_at_least", Decimal(minimum)) is expected


def test_no_cofinancing_is_no_multiplier() -> None:
    assert objects(replace(CONTENT, cofinancing=()), "multiplier_at_least", Decimal(1))


CENTS = st.decimals(Decimal("0.01"), Decimal("99999999.99"), places=2)


@given(requested=CENTS, parts=st.lists(CENTS, max_size=4), more=CENTS, minimum=st.decimals(1, 5, places=2))
def test_more_cofinancing_never_makes_an_objection(
    requested: Decimal, parts: list[Decimal], more: Decimal, minimum: Decimal
) -> None:
    def with_parts(amounts: list[Decimal]) -> Content:
        cofinancing = tuple(Cofinancing("party-2", amount, "promised") for amount in amounts)
        return replace(CONTENT, requested=requested, cofinancing=cofinancing)

    if not objects(with_parts(parts), "multiplier_at_least", minimum):
        assert not objects(with_parts([*parts, more]), "multiplier_at_least", minimum)


@pytest.mark.parametrize(
    ("municipalities", "supporting", "expected"),
    [
        (("GM0743",), ("de-peel",), False),
        (("GM0743",), (), True),
        (("GM0743",), ("stedelijk-gebied",), True),
        # Helmond lies in two subregions: one of them is enough.
        (("GM0794",), ("stedelijk-gebied",), False),
        (("GM0743", "GM0772"), ("de-peel",), True),
        (("GM0743", "GM0772"), ("de-peel", "stedelijk-gebied"), False),
        ((), (), False),
    ],
)
def test_every_municipality_needs_a_subregion_on_board(
    municipalities: tuple[str, ...], supporting: tuple[str, ...], expected: bool
) -> None:
    support = tuple(SubregionSupport(code, "Een brief.") for code in supporting)
    content = replace(CONTENT, municipalities=municipalities, subregion_support=support)
    assert objects(content, "subregions_on_board") is expected


def test_support_without_evidence_is_no_support() -> None:
    content = replace(CONTENT, subregion_support=(SubregionSupport("de-peel", ""),))
    assert objects(content, "subregions_on_board")


@pytest.mark.parametrize(("said", "expected"), [("Het blijft.", False), ("", True)])
def test_a_lasting_effect_must_be_stated(said: str, expected: bool) -> None:
    assert objects(replace(CONTENT, structural_effect=said), "structural_effect_stated") is expected


@pytest.mark.parametrize(("partners", "expected"), [((), True), (("party-2",), False)])
def test_the_applicant_counts_as_a_party(partners: tuple[str, ...], expected: bool) -> None:
    assert objects(replace(CONTENT, partners=partners), "partners_at_least", Decimal(2)) is expected


def test_what_only_a_reviewer_sees_is_never_objected_to_by_a_rule() -> None:
    assert not objects(replace(CONTENT, structural_effect=""), "judged_by_the_reviewer")


def test_only_objections_with_the_consequence_asked_for_in_the_order_of_the_programme() -> None:
    unmet = [
        Requirement("b", NAME, "structural_effect_stated", "blocks-review"),
        Requirement("c", NAME, "structural_effect_stated", "assessed"),
        Requirement("a", NAME, "structural_effect_stated", "blocks-review"),
    ]
    content = replace(CONTENT, structural_effect="")
    found = objections(content, programme(*unmet), "blocks-review")
    assert [requirement.code for requirement in found] == ["b", "a"]
    assert not objections(content, programme(*unmet), "refuses-submission")


@pytest.mark.parametrize(
    ("limited_to", "themes", "concerned"),
    [
        ((), ("opleiden",), True),
        (("digitaliseren-mkb",), ("digitaliseren-mkb", "opleiden"), True),
        (("digitaliseren-mkb",), ("opleiden",), False),
        (("digitaliseren-mkb",), ("digitaliseren",), False),
        # A requirement for a theme holds for its sub-themes.
        (("digitaliseren",), ("digitaliseren-mkb",), True),
    ],
)
def test_a_requirement_concerns_its_themes_and_their_sub_themes(
    limited_to: tuple[str, ...], themes: tuple[str, ...], concerned: bool
) -> None:
    requirement = Requirement("eis", NAME, "judged_by_the_reviewer", "assessed", themes=limited_to)
    found = applicable(replace(CONTENT, themes=themes), programme(requirement), "assessed")
    assert bool(found) is concerned


def test_a_function_is_named_after_what_it_asks() -> None:
    assert all(name == function.__name__ and function.__doc__ for name, function in FUNCTIONS.items())
    assert set(MINIMUM_IS_WHOLE) <= set(FUNCTIONS)
