"""A judgement is bound to what was judged: the revision, a hash of its content, the version of the rules."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal

import pytest

from domain.case import content_hash
from domain.events import (
    Awarded,
    Cofinancing,
    CompletenessChecked,
    Content,
    Decided,
    Reviewed,
    SubregionSupport,
)
from tests.domain.given import World, content

Judgement = CompletenessChecked | Reviewed | Decided | Awarded


def judgements(world: World, proposal: str) -> list[Judgement]:
    """Every event that judges the content."""
    return [r.event for r in world.events_of(proposal) if isinstance(r.event, Judgement)]


def test_every_judgement_is_bound_to_the_content_it_judged() -> None:
    world = World()
    world.open_envelope()
    first = content()
    proposal = world.submit(given=first)
    world.check(proposal)
    world.review(proposal, "revise", "De effecten zijn te vaag.")
    second = content(effect="Vierhonderd winkels.")
    world.revise(proposal, second)
    world.review(proposal)
    world.decide(proposal)
    world.award(proposal)
    assert [(type(j), j.revision, j.content_hash) for j in judgements(world, proposal)] == [
        (CompletenessChecked, 1, content_hash(first)),
        (Reviewed, 1, content_hash(first)),
        (Reviewed, 2, content_hash(second)),
        (Decided, 2, content_hash(second)),
        (Awarded, 2, content_hash(second)),
    ]
    assert content_hash(first) != content_hash(second)


def test_a_judgement_names_the_version_of_the_programme() -> None:
    world = World()
    world.programmes = {code: replace(programme, version=3) for code, programme in world.programmes.items()}
    world.open_envelope()
    proposal = world.to_award()
    world.award(proposal)
    versions = [
        j.programme_version for j in judgements(world, proposal) if not isinstance(j, CompletenessChecked)
    ]
    assert versions == [3, 3, 3]


OTHER: dict[str, object] = {
    "title": "Anders",
    "summary": "Anders",
    "themes": ("digitaliseren",),
    "applicant": "party-9",
    "partners": (),
    "municipalities": ("GM0743",),
    "requested": Decimal("100000.01"),
    "cofinancing": (Cofinancing("party-2", Decimal("100000.00"), "granted"),),
    "period_start": date(2026, 1, 2),
    "period_end": date(2028, 1, 1),
    "effect": "Anders",
    "structural_effect": "Anders",
    "subregion_support": (SubregionSupport("de-peel", "Anders"),),
    "goals": (),
}


@pytest.mark.parametrize("field", [field.name for field in fields(Content)])
def test_the_hash_sees_every_field(field: str) -> None:
    assert content_hash(replace(content(), **{field: OTHER[field]})) != content_hash(content())  # type: ignore[arg-type]


def test_the_hash_tells_apart_what_merely_reads_alike() -> None:
    split = content(goals=("een", "twee"))
    joined = content(goals=("een,twee",))
    assert content_hash(split) != content_hash(joined)


def test_a_field_added_later_leaves_the_hash_of_what_was_there_before() -> None:
    @dataclass(frozen=True, slots=True)
    class LaterContent(Content):
        partners_abroad: tuple[str, ...] = ()
        location: str | None = None

    before = content()
    given = {field.name: getattr(before, field.name) for field in fields(Content)}
    assert content_hash(LaterContent(**given)) == content_hash(before)
    assert content_hash(LaterContent(**given, location="Helmond")) != content_hash(before)


def test_the_hash_of_today_stays_the_hash() -> None:
    # Stored with every judgement: where this changes, what was decided can no longer be shown to be what was submitted.
    assert content_hash(content()) == "6e8ac2251b4c705b5c6357942bc45186313e05aea975d152b024658d7d76bcaf"
