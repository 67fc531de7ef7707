"""Which requirements does a case look to meet? As the rules see it in what the views have, before anybody judged it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from domain.events import Cofinancing, Content, SubregionSupport
from domain.programme import Programme, Requirement
from domain.requirements import CONSEQUENCES, objections
from projections.view import Document

__all__ = ["content_in", "unmet"]

SAID = "said"
"""Stands for words: the rules ask only whether there are any."""


def content_in(document: Document) -> Content:
    """What a case says as rules read it, from its document with references or with their words filled in."""
    content = document["content"]
    return Content(
        title=_said(content["title"]),
        summary=_said(content["summary"]),
        themes=tuple(content["themes"]),
        applicant=_id(content["applicant"]),
        partners=tuple(_id(partner) for partner in content["partners"]),
        municipalities=tuple(content["municipalities"]),
        requested=Decimal(content["requested"]),
        cofinancing=tuple(
            Cofinancing(_id(part["source"]), Decimal(part["amount"]), part["status"])
            for part in content["cofinancing"]
        ),
        period_start=date.fromisoformat(content["period"]["start"]),
        period_end=date.fromisoformat(content["period"]["end"]),
        effect=_said(content["effect"]),
        structural_effect=_said(content["structuralEffect"]),
        subregion_support=tuple(
            SubregionSupport(support["subregion"], _said(support["evidence"]))
            for support in content["subregionSupport"]
        ),
        goals=tuple(_said(goal) for goal in content["goals"]),
    )


def unmet(document: Document, programme: Programme) -> list[Requirement]:
    """The requirements of its programme that a case does not seem to meet, the gravest consequence first."""
    content = content_in(document)
    return [rule for consequence in CONSEQUENCES for rule in objections(content, programme, consequence)]


def _said(words: object) -> str:
    return SAID if words else ""


def _id(party: Document) -> str:
    return str(party.get("$party") or party.get("id") or "")
