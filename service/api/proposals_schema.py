"""What does somebody send who submits a proposal, or supplements one?"""

from __future__ import annotations

from typing import Any

from service.api.fields import Code, Day, Given, ListOf, Money, OneOf, Part, Plain, Text, refusal
from service.proposal_input import CofinancingInput, PartyInput, ProposalInput, SupportInput

__all__ = ["EXAMPLE", "RevisionSchema", "SubmissionSchema", "proposal_input"]

TITLE, SUMMARY, LONG, NAME = 200, 5_000, 10_000, 200
"""Characters at most."""

PARTNER = "organisation"
"""The kind of a partner who is named without one."""


class PartySchema(Given):
    name = Text(NAME, required=True)
    kind = Code(required=True, doc="What kind of party, such as company, foundation or municipality")


class Partner(Plain):
    """A partner: a name, or an object with a name and a kind."""

    def __init__(self) -> None:
        name = {"type": "string", "minLength": 1, "maxLength": NAME}
        kind = {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": Code.MOST}
        party = {
            "type": "object",
            "properties": {"name": name, "kind": kind},
            "required": ["name", "kind"],
            "additionalProperties": False,
        }
        self.party, self.name_alone = PartySchema(), Text(NAME)
        super().__init__(metadata={"oneOf": [name, party]})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if isinstance(value, str):
            return {"name": self.name_alone.deserialize(value), "kind": PARTNER}
        if not isinstance(value, dict):
            raise refusal("not-an-object")
        party: dict[str, Any] = self.party.load(value)
        return party


class CofinancingSchema(Given):
    source = Text(NAME, required=True, doc="Who gives it")
    amount = Money(required=True)
    status = OneOf("promised", "granted", "own", required=True)


class PeriodSchema(Given):
    start = Day(required=True)
    end = Day(required=True)


class SubregionSupportSchema(Given):
    subregion = Text(NAME, required=True, doc="By name or code")
    evidence = Text(LONG, required=True, lines=True, doc="What shows that it stands behind the proposal")


class RevisionSchema(Given):
    title = Text(TITLE, required=True)
    summary = Text(SUMMARY, required=True, lines=True)
    themes = ListOf(Code(), 20, least=1, required=True, doc="Codes of themes of the programme")
    applicant = Part(PartySchema, required=True)
    partners = ListOf(Partner(), 50, load_default=list)
    municipalities = ListOf(
        Text(NAME), 100, load_default=list, doc="By name, or by the code of Statistics Netherlands"
    )
    requested = Money(required=True)
    cofinancing = ListOf(Part(CofinancingSchema), 50, load_default=list)
    period = Part(PeriodSchema, required=True)
    effect = Text(LONG, least=0, lines=True, load_default="")
    structural_effect = Text(LONG, least=0, lines=True, load_default="")
    subregion_support = ListOf(Part(SubregionSupportSchema), 50, load_default=list)
    goals = ListOf(Text(1_000, lines=True), 50, load_default=list)
    effective_on = Day(load_default=None, allow_none=True, doc="The date it counts; today when left out")


class SubmissionSchema(RevisionSchema):
    programme = Code(required=True)


def proposal_input(given: dict[str, Any]) -> ProposalInput:
    """What was sent, as the commands take it."""
    return ProposalInput(
        title=given["title"],
        summary=given["summary"],
        themes=tuple(given["themes"]),
        applicant=PartyInput(**given["applicant"]),
        partners=tuple(PartyInput(**partner) for partner in given["partners"]),
        municipalities=tuple(given["municipalities"]),
        requested=given["requested"],
        cofinancing=tuple(CofinancingInput(**part) for part in given["cofinancing"]),
        period_start=given["period"]["start"],
        period_end=given["period"]["end"],
        effect=given["effect"],
        structural_effect=given["structural_effect"],
        subregion_support=tuple(SupportInput(**support) for support in given["subregion_support"]),
        goals=tuple(given["goals"]),
    )


EXAMPLE: dict[str, Any] = {
    "title": "Digitale werkplaats voor het mkb",
    "summary": "Bedrijven leren met elkaar en met scholen hoe zij digitaal kunnen werken.",
    "themes": ["digitaliseren-mkb"],
    "applicant": {"name": "Stichting Voorbeeld", "kind": "foundation"},
    "partners": ["Voorbeeldcollege"],
    "municipalities": ["Eindhoven", "Helmond"],
    "requested": "200000.00",
    "cofinancing": [{"source": "Stichting Voorbeeld", "amount": "250000.00", "status": "own"}],
    "period": {"start": "2021-01-01", "end": "2022-12-31"},
    "effect": "Honderd bedrijven werken anders.",
    "structuralEffect": "De werkplaats gaat verder zonder subsidie.",
    "subregionSupport": [{"subregion": "Stedelijk Gebied", "evidence": "Brief van 1 oktober 2020"}],
    "goals": ["Honderd bedrijven in twee jaar"],
    "effectiveOn": "2020-11-01",
}
