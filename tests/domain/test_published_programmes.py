"""What the log keeps of a published programme gives the same programme back, now and for versions written earlier."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.definition import from_definition, read_definition, to_definition
from domain.definition_rules import NOTICE_KINDS
from domain.programme import (
    Body,
    Criterion,
    Municipality,
    Name,
    NoticeRule,
    PlannedEnvelope,
    Programme,
    Requirement,
    Stage,
    Subregion,
    Tender,
    Theme,
)

CODES = st.from_regex(r"[a-z0-9]{1,4}(-[a-z0-9]{1,4}){0,2}", fullmatch=True).filter(
    lambda code: code not in ("applicant", "supplement", "held-over")
)
WORDS = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20)
NAMES = st.builds(Name, WORDS, WORDS)
EMAILS = st.sampled_from(["", "db@example.org", "bezwaar+db@mrë.example.org"])
TERMS = st.integers(1, 1000)
AMOUNTS = st.decimals(Decimal("0.01"), Decimal("999999999999.99"), places=2)


def unique(draw: st.DrawFn, most: int, least: int = 0) -> list[str]:
    """Some codes, each once."""
    return draw(st.lists(CODES, min_size=least, max_size=most, unique=True))


@st.composite
def routes(draw: st.DrawFn, bodies: list[str], secretariat: str) -> tuple[Stage, ...]:
    """Routes that can be walked."""
    middle = draw(st.lists(st.sampled_from(["advice", "decision", "ratification"]), max_size=3))
    kinds = [
        *draw(st.sampled_from([[], ["completeness"]])),
        *middle,
        draw(st.sampled_from(["decision", "ratification"])),
    ]
    kinds += draw(st.sampled_from([[], ["award"]]))
    codes = draw(st.lists(CODES, min_size=len(kinds), max_size=len(kinds), unique=True))
    return tuple(
        draw(stages(code, kind, bodies, secretariat)) for code, kind in zip(codes, kinds, strict=True)
    )


@st.composite
def stages(draw: st.DrawFn, code: str, kind: str, bodies: list[str], secretariat: str) -> Stage:
    """Stages of a kind."""
    asked: tuple[str, ...] = (secretariat if kind == "completeness" else draw(st.sampled_from(bodies)),)
    needed: int | None = None
    if kind == "ratification":
        asked = tuple(draw(st.lists(st.sampled_from(bodies), min_size=1, unique=True)))
        needed = draw(st.none() | st.integers(1, len(asked)))
    lowest = draw(st.integers(0, 5))
    criteria = unique(draw, 3) if kind == "advice" else []
    return Stage(
        code=code,
        kind=kind,
        name=draw(NAMES),
        bodies=asked,
        capacity={"completeness": "voorbereiding", "advice": "advies", "award": "besluit"}.get(kind)
        or draw(st.sampled_from(["advies", "besluit"])),
        term=draw(TERMS),
        criteria=tuple(
            Criterion(criterion, draw(NAMES), lowest, lowest + draw(st.integers(1, 9)))
            for criterion in criteria
        ),
        needed=needed,
    )


@st.composite
def requirements(draw: st.DrawFn, code: str, themes: list[str]) -> Requirement:
    """Requirements of every function that needs no subregion."""
    function = draw(
        st.sampled_from(
            ["multiplier_at_least", "partners_at_least", "structural_effect_stated", "judged_by_the_reviewer"]
        )
    )
    minimum: Decimal | None = None
    if function == "multiplier_at_least":
        minimum = draw(st.decimals(Decimal("0.01"), 100, places=2))
    elif function == "partners_at_least":
        minimum = Decimal(draw(st.integers(1, 20)))
    consequence = "assessed"
    if function != "judged_by_the_reviewer":
        consequence = draw(st.sampled_from(["refuses-submission", "blocks-review", "assessed"]))
    limited = tuple(draw(st.lists(st.sampled_from(themes), unique=True, max_size=2)))
    return Requirement(code, draw(NAMES), function, consequence, minimum, limited)


@st.composite
def notice_rules(draw: st.DrawFn, bodies: list[str]) -> tuple[NoticeRule, ...]:
    """Additions to some kinds of notice, each to one at most."""
    return tuple(
        NoticeRule(
            kind,
            tuple(
                draw(
                    st.lists(st.sampled_from(["secretariat", "treasurer", "admin"]), min_size=1, unique=True)
                )
            ),
            tuple(draw(st.lists(st.sampled_from(bodies), unique=True))),
            reminder=draw(st.none() | TERMS) if kind == "term-near" else None,
            escalation=draw(st.none() | TERMS) if kind == "term-escalated" else None,
        )
        for kind in draw(st.lists(st.sampled_from(NOTICE_KINDS), unique=True, max_size=3))
    )


@st.composite
def programmes(draw: st.DrawFn) -> Programme:
    """Programmes that may be published."""
    bodies = unique(draw, 4, least=1)
    themes = unique(draw, 4, least=1)
    subregions = unique(draw, 3)
    cuts = [
        date(2026, 1, 1) + timedelta(days=n) for n in sorted(draw(st.sets(st.integers(0, 700), max_size=6)))
    ]
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    secretariat = draw(st.sampled_from(bodies))
    return Programme(
        code=draw(CODES),
        version=draw(st.integers(1, 99)),
        name=draw(NAMES),
        reference_prefix=draw(st.from_regex(r"[A-Z]{2,5}", fullmatch=True)),
        secretariat=secretariat,
        themes=tuple(
            Theme(code, draw(NAMES), draw(st.sampled_from([None, *themes[:index]])))
            for index, code in enumerate(themes)
        ),
        bodies=tuple(
            Body(code, draw(NAMES), tuple(draw(st.lists(WORDS, max_size=6))), draw(EMAILS)) for code in bodies
        ),
        subregions=tuple(Subregion(code, draw(WORDS)) for code in subregions),
        municipalities=tuple(
            Municipality(f"GM{number:04}", draw(WORDS), tuple(subregions[: draw(st.integers(0, 3))]))
            for number in draw(st.sets(st.integers(0, 9999), max_size=3))
        ),
        stages=draw(routes(bodies, secretariat)),
        requirements=tuple(draw(requirements(code, themes)) for code in unique(draw, 3)),
        envelopes=tuple(PlannedEnvelope(code, draw(NAMES), draw(AMOUNTS)) for code in unique(draw, 2)),
        tenders=tuple(
            Tender(code, draw(NAMES), opens, closes)
            for code, (opens, closes) in zip(unique(draw, 3), spans, strict=False)
        ),
        term=draw(TERMS),
        notices=draw(notice_rules(bodies)),
    )


@settings(max_examples=60, deadline=None)
@given(programmes())
def test_a_programme_survives_the_log(programme: Programme) -> None:
    stored = json.loads(json.dumps(to_definition(programme)))
    assert from_definition(stored) == programme


@settings(max_examples=60, deadline=None)
@given(programmes())
def test_what_the_log_keeps_is_itself_a_definition(programme: Programme) -> None:
    assert read_definition(to_definition(programme), file="f", region=None) == programme


OLDEST: dict[str, Any] = {
    "code": "herstel",
    "version": 1,
    "name": {"nl": "Herstel", "en": "Recovery"},
    "reference_prefix": "HS",
    "secretariat": "db",
    "bodies": [{"code": "db", "name": {"nl": "DB", "en": "Board"}}],
    "themes": [{"code": "mkb", "name": {"nl": "Mkb", "en": "Businesses"}}],
    "stages": [
        {
            "code": "decision",
            "kind": "decision",
            "name": {"nl": "Besluit", "en": "Decision"},
            "body": "db",
            "capacity": "besluit",
        }
    ],
    "requirements": [{"code": "x", "name": {"nl": "X", "en": "X"}, "function": "structural_effect_stated"}],
}
"""The least that was ever stored: whatever came later has a default."""


def test_the_least_that_was_ever_stored_still_loads() -> None:
    programme = from_definition(OLDEST)
    assert programme.term == programme.stages[0].term == 10
    assert programme.requirements[0].consequence == "assessed"
    assert (programme.tenders, programme.envelopes, programme.municipalities) == ((), (), ())
    assert (programme.notices, programme.reminder, programme.escalation) == ((), 2, 5)
    assert (programme.bodies[0].address, programme.bodies[0].email) == ((), "")
    assert programme.unreachable() == programme.bodies
    assert from_definition(to_definition(programme)) == programme


def test_what_was_published_is_not_judged_again() -> None:
    stored = OLDEST | {
        "requirements": [
            OLDEST["requirements"][0] | {"function": "a_rule_of_old", "minimum": "1", "added_later": True}
        ]
    }
    assert from_definition(stored).requirements[0].function == "a_rule_of_old"
