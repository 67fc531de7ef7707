"""Which fields has the form of a proposal, in which steps, and what is wrong in each of them so far?

Judged as the submission will be: by the schema of the API, and by the rules of the programme as far as they can be
told from what is filled in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError

from domain.errors import Invalid
from domain.events import Content
from domain.programme import Municipality, Programme, Requirement, Subregion, Theme
from domain.proposal import FIELDS, check_content
from domain.requirements import CONSEQUENCES, objections
from service.proposal_input import CofinancingInput, PartyInput, ProposalInput, SupportInput, content_of
from service.web.drafts import Typed
from service.web.forms import Form
from service.web.live_budget import read_amount, unfinished
from service.web.naming import name_of
from service.web.rendering import has_text, money, say

__all__ = [
    "KINDS", "PARTNER_KINDS", "STEPS", "Judged", "Options", "add_row", "as_typed", "consequence_of",
    "explained", "judge", "options", "remove_row", "step_of", "with_step",
]  # fmt: skip

STEPS: Mapping[str, tuple[str, ...]] = {
    "what": ("title", "summary", "themes", "period"),
    "who": ("applicant", "partners", "municipalities", "effectiveOn"),
    "money": ("requested", "cofinancing"),
    "effect": ("effect", "structuralEffect", "goals", "subregionSupport"),
    "check": ("programme",),
}
"""The steps in their order, each with the fields of the API's body that it asks for."""

KINDS = ("company", "foundation", "association", "government", "knowledge-institute", "sole-trader", "other")
"""What an applicant can be, on the form; the API takes any code."""
PARTNER_KINDS = tuple(kind for kind in KINDS if kind != "other")
"""The same for a partner; who is none of these is an organisation."""

MOST_ROWS = 50


@dataclass(frozen=True)
class Options:
    """What can be chosen in the programme. `themes`: each with its parts; `places`: municipalities by subregion."""

    themes: list[tuple[Theme, list[Theme]]]
    places: list[tuple[Subregion | None, list[Municipality]]]
    subregions: tuple[Subregion, ...]


def options(programme: Programme) -> Options:
    """What can be chosen. A municipality of several subregions stands under the first of them."""
    tops = [theme for theme in programme.themes if theme.parent is None]
    themes = [(top, _below(programme, top.code)) for top in tops]
    places: list[tuple[Subregion | None, list[Municipality]]] = [
        (subregion, [m for m in programme.municipalities if m.subregions[:1] == (subregion.code,)])
        for subregion in programme.subregions
    ]
    alone = [m for m in programme.municipalities if not m.subregions]
    return Options(themes, [*places, (None, alone)] if alone else places, programme.subregions)


def _below(programme: Programme, code: str) -> list[Theme]:
    """The themes that are part of this one, at any depth, in the order of the programme."""
    return [t for t in programme.themes if t.code != code and code in programme.with_parents([t.code])]


def step_of(name: str) -> str:
    """The step in which a field stands."""
    first = name.partition(".")[0]
    return next((step for step, names in STEPS.items() if first in names), "check")


def with_step(values: Typed, step: str, sent: Mapping[str, list[str]]) -> Typed:
    """What is filled in, with everything of this step as it was sent now."""
    kept = {name: each for name, each in values.items() if step_of(name) != step}
    return {**kept, **{name: list(each) for name, each in sent.items() if _field_in(name, step)}}


def _field_in(name: str, step: str) -> bool:
    return name.partition(".")[0] in STEPS[step]


def add_row(values: Typed, name: str, first: str) -> Typed:
    """One more blank row in a list; `first` is its first field, or nothing where a row is one field."""
    row = max(Form(Schema(), values).rows(name, 0), default=-1) + 1
    if row >= MOST_ROWS:
        return values
    return {**values, ".".join(filter(None, (name, str(row), first))): [""]}


def remove_row(values: Typed, name: str, row: int) -> Typed:
    """The list without this row; the others keep their numbers."""
    gone = f"{name}.{row}"
    return {key: each for key, each in values.items() if key != gone and not key.startswith(f"{gone}.")}


def as_typed(content: Mapping[str, Any], programme: Programme) -> Typed:
    """The fields of the form that hold the content of a case, as the API answers it."""
    given = {
        name: content[name]
        for name in ("title", "summary", "themes", "municipalities", "requested", "period", "effect")
    }
    given["structuralEffect"] = content["structuralEffect"]
    given["applicant"] = _party(content["applicant"])
    typed = {name: list(each) for name, each in Form.holding(Schema(), given).values.items()}
    rows: dict[str, list[dict[str, Any]]] = {
        "partners": [{**_party(partner), "kind": _partner_kind(partner)} for partner in content["partners"]],
        "cofinancing": [{**part, "source": part["source"]["name"]} for part in content["cofinancing"]],
    }
    for name, each in rows.items():
        for number, row in enumerate(each):
            for key, value in row.items():
                typed[f"{name}.{number}.{key}"] = [value or ""]
    for number, goal in enumerate(content["goals"]):
        typed[f"goals.{number}"] = [goal or ""]
    places = [subregion.code for subregion in programme.subregions]
    for support in content["subregionSupport"]:
        row_number = places.index(support["subregion"])
        typed[f"subregionSupport.{row_number}.subregion"] = [support["subregion"]]
        typed[f"subregionSupport.{row_number}.evidence"] = [support["evidence"] or ""]
    return typed


def _party(party: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": party["name"], "kind": party["kind"]}


def _partner_kind(party: Mapping[str, Any]) -> str:
    return "" if party["kind"] == "organisation" else party["kind"] or ""


@dataclass
class Judged:
    """What is wrong so far, by step and field; `content` as far as it can be told; `open`: requirements not met."""

    errors: dict[str, dict[str, str]] = field(default_factory=lambda: {step: {} for step in STEPS})
    content: Content | None = None
    open: dict[str, list[Requirement]] = field(default_factory=dict)
    unfinished: bool = False
    """Is the money that a multiplier is worked out from not complete yet?"""

    @property
    def count(self) -> int:
        """How many problems in all."""
        return sum(map(len, self.errors.values()))

    def undecided(self, requirement: Requirement) -> bool:
        """Can nothing be said of this requirement, because what it is judged by is not complete?"""
        return self.unfinished and requirement.function == "multiplier_at_least"

    def unmet(self, requirement: Requirement) -> bool:
        """Is this requirement not met, as far as a rule can see?"""
        return requirement in self.open.get(requirement.consequence, [])


def judge(form: Form, programme: Programme) -> Judged:
    """What stands between this form and its submission. Leaves the form with every error in it."""
    found = Judged()
    given: dict[str, Any] = {}
    with form.refusals():
        try:
            given = form.load()
        except ValidationError as error:
            given = error.valid_data if isinstance(error.valid_data, dict) else {}
            raise
    with form.refusals():
        found.content = content_of(_so_far(given), programme, lambda party: f"{party.kind} {party.name}")
        check_content(found.content, programme)
    # The live budget says nothing of a multiplier then either.
    found.unfinished = unfinished(form) > 0 or read_amount(form.value("requested")) is None
    if found.content is not None:
        for consequence in CONSEQUENCES:
            unmet = objections(found.content, programme, consequence)
            found.open[consequence] = [each for each in unmet if not found.undecided(each)]
        for requirement in found.open["refuses-submission"]:
            with form.refusals():
                raise _unmet(requirement)
    for name, said in form.errors.items():
        found.errors[step_of(name)][name] = said
    return found


def _unmet(requirement: Requirement) -> Invalid:
    """What a submission is refused with; only the first of several is."""
    return Invalid(
        "requirement-not-met",
        FIELDS.get(requirement.function, ""),
        requirement=requirement.code,
        minimum=requirement.minimum,
        names={"nl": requirement.name.nl, "en": requirement.name.en},
    )


NO_DAY = date(2000, 1, 1)


def _so_far(given: dict[str, Any]) -> ProposalInput:
    """What is filled in well; what is not stands as if nothing were asked, so that no rule stumbles over it."""
    period = given.get("period") or {}
    whole = "start" in period and "end" in period
    applicant = given.get("applicant") or {}
    return ProposalInput(
        title=given.get("title", ""),
        summary=given.get("summary", ""),
        themes=tuple(given.get("themes", ())),
        applicant=PartyInput(applicant.get("name", ""), applicant.get("kind", "")),
        partners=tuple(PartyInput(**each) for each in _whole(given, "partners", "name", "kind")),
        municipalities=tuple(given.get("municipalities", ())),
        requested=given.get("requested", Decimal(0)),
        cofinancing=tuple(
            CofinancingInput(**each) for each in _whole(given, "cofinancing", "source", "amount", "status")
        ),
        period_start=period["start"] if whole else NO_DAY,
        period_end=period["end"] if whole else NO_DAY,
        effect=given.get("effect", ""),
        structural_effect=given.get("structural_effect", ""),
        subregion_support=tuple(
            SupportInput(**each) for each in _whole(given, "subregion_support", "subregion", "evidence")
        ),
        goals=tuple(given.get("goals", ())),
    )


def _whole(given: dict[str, Any], name: str, *keys: str) -> Iterable[dict[str, Any]]:
    """The rows of a list in which nothing is missing."""
    return [row for row in given.get(name, ()) if isinstance(row, dict) and set(keys) <= set(row)]


def explained(requirement: Requirement) -> str:
    """What a requirement asks, in plain words; its name alone where nobody has put its rule into words."""
    key = f"submission.rule-{requirement.function}"
    if not has_text(key):
        return name_of(requirement.name)
    minimum = requirement.minimum if requirement.minimum is not None else Decimal(1)
    return say(key, minimum=money(minimum), count=int(minimum))


def consequence_of(requirement: Requirement) -> str:
    """What follows when it is not met."""
    return say(f"submission.consequence-{requirement.consequence}")
