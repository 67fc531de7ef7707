"""The programmes that come with the service: their routes, terms, money and places are as the field has them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from domain.definition import from_definition, to_definition
from domain.programme import Programme
from service.programmes import bundled, read_bundled


@pytest.fixture(scope="module")
def recovery() -> Programme:
    return read_bundled("regionale-herstelaanpak-1")


@pytest.fixture(scope="module")
def fund() -> Programme:
    return read_bundled("stimuleringsfonds-1")


def route(programme: Programme) -> list[tuple[str, str, str, int]]:
    """The route: kind, body, legal capacity and term of each stage."""
    return [(stage.kind, stage.body, stage.capacity, stage.term) for stage in programme.stages]


def test_every_bundled_definition_is_named_after_its_programme_and_version() -> None:
    programmes = {name: read_bundled(name) for name in bundled()}
    assert list(programmes) == ["regionale-herstelaanpak-1", "stimuleringsfonds-1"]
    assert all(name == f"{programme.code}-{programme.version}" for name, programme in programmes.items())
    assert len({programme.reference_prefix for programme in programmes.values()}) == len(programmes)
    assert all(from_definition(to_definition(programme)) == programme for programme in programmes.values())


def test_the_taskforce_reviews_the_pho_decides_the_db_awards_ten_working_days_each(
    recovery: Programme,
) -> None:
    assert route(recovery) == [
        ("completeness", "secretariat", "voorbereiding", 10),
        ("advice", "taskforce", "advies", 10),
        # The PHO decides in the route; in law that is an advice.
        ("decision", "poho", "advies", 10),
        ("award", "db", "besluit", 10),
    ]
    assert not any(stage.criteria for stage in recovery.stages)
    assert recovery.tender_on(date(2020, 12, 7)) is None
    assert not recovery.tenders


def test_the_recovery_programme_has_its_themes_and_bodies(recovery: Programme) -> None:
    assert {theme.code: theme.parent for theme in recovery.themes} == {
        "opleiden": None,
        "digitaliseren": None,
        "digitaliseren-onderwijs": "digitaliseren",
        "digitaliseren-mkb": "digitaliseren",
        "kennis-delen-en-samenwerken": None,
        "vitale-kernen": "kennis-delen-en-samenwerken",
        "overheid-als-vliegwiel": "kennis-delen-en-samenwerken",
    }
    assert recovery.body_codes() == {"applicant", "secretariat", "taskforce", "poho", "db", "ab"}


def test_the_recovery_programme_has_its_requirements_each_with_its_consequence(recovery: Programme) -> None:
    assert [(rule.code, rule.function, rule.consequence, rule.minimum) for rule in recovery.requirements] == [
        ("multiplier", "multiplier_at_least", "refuses-submission", Decimal(1)),
        ("subregionale-aanhaking", "subregions_on_board", "blocks-review", None),
        ("structureel-effect", "structural_effect_stated", "assessed", None),
        ("schaalbare-meerwaarde", "judged_by_the_reviewer", "assessed", None),
    ]
    assert recovery.requirements[3].themes == ("digitaliseren-mkb",)
    assert [(envelope.code, envelope.amount) for envelope in recovery.envelopes] == [
        ("herstelaanpak", Decimal(2_000_000))
    ]


def test_the_fund_goes_another_way_the_advisory_group_scores_the_db_decides_and_awards(
    fund: Programme,
) -> None:
    assert route(fund) == [
        ("completeness", "secretariat", "voorbereiding", 10),
        ("advice", "adviesgroep", "advies", 30),
        ("decision", "db", "besluit", 20),
        ("award", "db", "besluit", 5),
    ]
    assert [criterion.code for criterion in fund.stages[1].criteria] == [
        "effectiviteit",
        "efficiency",
        "langetermijnimpact-en-draagvlak",
        "economisch-toegevoegde-waarde",
    ]
    assert all((criterion.minimum, criterion.maximum) == (1, 10) for criterion in fund.stages[1].criteria)


@pytest.mark.parametrize(
    ("day", "tender"),
    [
        (date(2021, 1, 1), None),
        (date(2021, 4, 1), "2021-04"),
        (date(2021, 4, 2), None),
        (date(2021, 6, 30), None),
        (date(2021, 10, 1), "2021-10"),
        (date(2021, 10, 2), "2022-01"),
        (date(2026, 11, 22), "2027-01"),
        (date(2028, 1, 2), None),
    ],
)
def test_the_fund_takes_proposals_in_tenders_that_close(
    fund: Programme, day: date, tender: str | None
) -> None:
    found = fund.tender_on(day)
    assert (found.code if found else None) == tender


def test_a_tender_of_the_fund_is_open_on_every_day_of_2026_and_2027(fund: Programme) -> None:
    days = (date(2026, 1, 1) + timedelta(days=number) for number in range(730))
    assert all(fund.tender_on(day) for day in days)


@pytest.mark.parametrize("name", ["regionale-herstelaanpak-1", "stimuleringsfonds-1"])
def test_both_know_the_21_municipalities_and_their_subregions(name: str) -> None:
    programme = read_bundled(name)
    members = {
        subregion.name: sum(subregion.code in place.subregions for place in programme.municipalities)
        for subregion in programme.subregions
    }
    assert len(programme.municipalities) == 21
    # Helmond and Oirschot are counted in two subregions.
    assert members == {"Stedelijk Gebied": 9, "De Kempen": 5, "De Peel": 6, "A2-gemeenten": 3}
    assert {place.name: place.subregions for place in programme.municipalities}["Helmond"] == (
        "de-peel",
        "stedelijk-gebied",
    )
