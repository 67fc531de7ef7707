"""What can this person do now in a case, and in what capacity? Each act that is a form on a page of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for
from marshmallow import Schema

from projections.view import Document
from service.api.acts_input import (
    award_input,
    completeness_input,
    decision_input,
    resumption_input,
    review_input,
)
from service.api.acts_schema import (
    AwardSchema,
    CompletenessSchema,
    DecisionSchema,
    ResumptionSchema,
    ReviewSchema,
)
from service.commands import CaseCommand
from service.identity.people import Person
from service.identity.permissions import may

__all__ = ["ACTS", "Act", "Possible", "elsewhere", "kind_acts", "possible"]


@dataclass(frozen=True, slots=True)
class Act:
    """An act by its name in the table of permissions.

    It belongs in stages of these `kinds`; `judgement` is the field that holds its outcome, one of `outcomes`.
    """

    name: str
    kinds: tuple[str, ...]
    schema: type[Schema]
    command: Callable[[Mapping[str, Any], date], CaseCommand]
    judgement: str = ""
    outcomes: tuple[str, ...] = ()


ACTS: Mapping[str, Act] = {
    act.name: act
    for act in (
        Act("completeness", ("completeness",), CompletenessSchema, completeness_input, "outcome",
            ("complete", "supplement")),
        Act("review", ("advice",), ReviewSchema, review_input, "advice",
            ("positive", "positive-with-conditions", "negative", "revise")),
        Act("decide", ("decision", "ratification"), DecisionSchema, decision_input, "outcome",
            ("approved", "approved-with-conditions", "rejected", "held-over")),
        Act("award", ("award",), AwardSchema, award_input),
        Act("resume", ("held-over",), ResumptionSchema, resumption_input),
    )
}  # fmt: skip
"""Every act that has its form under /proposals/<id>/acts/."""


@dataclass(frozen=True, slots=True)
class Possible:
    """An act that this person may do now; `waits` is what the case waits for, with its body and capacity."""

    act: Act
    waits: Document

    @property
    def member(self) -> bool:
        """Is it done for a body of which this person is a member?"""
        return self.act.name in ("review", "decide", "award")


def kind_acts(kind: str) -> Act | None:
    """The act with which a stage of this kind is done; None for one that is done elsewhere, such as a supplement."""
    return next((act for act in ACTS.values() if kind in act.kinds), None)


def possible(person: Person, case: Document) -> list[Possible]:
    """The acts that this person may do now, in the order in which the case waits for them."""
    owner = case["owner"]["id"]
    return [
        Possible(act, waits)
        for waits in case["waitingFor"]
        if (act := kind_acts(waits["kind"])) is not None
        and may(person, act.name, owner=owner, body=waits["body"])
    ]


def elsewhere(person: Person, case: Document) -> Sequence[tuple[str, str]]:
    """The acts that have a page in another area: the key of what each is called, and its address."""
    owner, id = case["owner"]["id"], case["id"]
    waits = {waits["kind"] for waits in case["waitingFor"]}
    held = [p["number"] for p in (case["award"] or {}).get("phases", ()) if p["state"] == "held-back"]
    found: list[tuple[str, str, dict[str, Any]]] = []
    if "supplement" in waits and may(person, "revise", owner=owner):
        found.append(("cases.do-revise", "web.supplement.ask", {}))
    for number in held:
        if may(person, "release"):
            found.append(("cases.do-release", "web.money.release", {"number": number}))
        if may(person, "reallocate"):
            found.append(("cases.do-reallocate", "web.money.reallocate", {"number": number}))
    if case["totals"]["awarded"] != "0.00" and may(person, "return"):
        found.append(("cases.do-return", "web.money.give_back", {}))
    ended = not waits or case["totals"]["awarded"] != "0.00" or case["award"] or case["movedIn"]
    if not ended and may(person, "withdraw", owner=owner):
        found.append(("cases.do-withdraw", "web.withdrawal.ask", {}))
    bodies = {each["body"] for each in [*case["reviews"], *case["decisions"], case["award"]] if each}
    if may(person, "classify") or any(may(person, "classify-act", body=body) for body in bodies):
        found.append(("cases.do-classify", "web.classification.ask", {}))
    return [(text, url_for(endpoint, proposal=id, **values)) for text, endpoint, values in found]
