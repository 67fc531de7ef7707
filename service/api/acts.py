"""What can be done with a case? Each act is a sub-resource: a POST that answers the case as the act left it."""

from __future__ import annotations

from datetime import date
from typing import Any

from domain.award import Reallocate, Release, Return
from domain.proposal import Withdraw
from service import commands
from service.api.acts_input import (
    award_input,
    classification_input,
    completeness_input,
    decision_input,
    resumption_input,
    review_input,
)
from service.api.acts_schema import (
    AwardSchema,
    ClassificationSchema,
    CompletenessSchema,
    DecisionSchema,
    ReallocationSchema,
    ReleaseSchema,
    ResumptionSchema,
    ReturnSchema,
    ReviewSchema,
    WithdrawalSchema,
)
from service.api.answers_schema import CaseSchema
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.proposals_schema import EXAMPLE, RevisionSchema, proposal_input
from service.commands import CaseCommand, Done
from service.identity.permissions import needs

api = Resource("acts", "What is done with a case, from the completeness check to the money")

CASE = "/proposals/<case:proposal>"


def _on(call: Call, given: dict[str, Any]) -> date:
    """The date an act counts: today, in the region, when nobody says otherwise."""
    day: date | None = given["effective_on"]
    return day or call.parts.calendar().today


def _act(call: Call, proposal: str, command: CaseCommand) -> Done:
    return commands.act(call.parts, call.person, proposal, command, call.once, call.if_match)


@api.act(
    f"{CASE}/completeness",
    CompletenessSchema,
    shows=CaseSchema,
    example={"outcome": "supplement", "remarks": "De begroting ontbreekt.", "dueOn": "2020-11-20"},
)
@needs("completeness")
def check_completeness(call: Call, given: dict[str, Any], proposal: str) -> Done:
    """Find a proposal complete, or ask for a supplement"""
    return _act(call, proposal, completeness_input(given, _on(call, given)))


@api.act(f"{CASE}/revisions", RevisionSchema, shows=CaseSchema, example=EXAMPLE)
@needs("revise")
def revise(call: Call, given: dict[str, Any], proposal: str) -> Done:
    """Supplement a proposal: the whole of it as it is now"""
    return commands.revise(
        call.parts,
        call.person,
        proposal,
        proposal_input(given),
        given["effective_on"],
        call.once,
        call.if_match,
    )


@api.act(
    f"{CASE}/reviews",
    ReviewSchema,
    shows=CaseSchema,
    example={
        "body": "taskforce",
        "advice": "positive-with-conditions",
        "grounds": "Past bij het thema en levert snel iets op.",
        "conditions": ["Betrek ook kleine bedrijven."],
        "effectiveOn": "2020-11-16",
    },
)
@needs("review")
def review(call: Call, given: dict[str, Any], proposal: str) -> Done:
    """Advise on a proposal, for a body"""
    return _act(call, proposal, review_input(given, _on(call, given)))


@api.act(
    f"{CASE}/decisions",
    DecisionSchema,
    shows=CaseSchema,
    example={"body": "poho", "outcome": "approved", "grounds": "Conform het advies."},
)
@needs("decide")
def decide(call: Call, given: dict[str, Any], proposal: str) -> Done:
    """Decide on a proposal, for a body"""
    return _act(call, proposal, decision_input(given, _on(call, given)))


@api.act(f"{CASE}/resumption", ResumptionSchema, shows=CaseSchema, example={"effectiveOn": "2021-01-18"})
@needs("resume")
def resume(call: Call, given: dict[str, Any], proposal: str) -> Done:
    """Take a held-over case up again"""
    return _act(call, proposal, resumption_input(given, _on(call, given)))


@api.act(
    f"{CASE}/awards",
    AwardSchema,
    shows=CaseSchema,
    example={
        "envelope": "herstelaanpak",
        "amount": "300000.00",
        "provisional": True,
        "phases": [
            {"amount": "150000.00"},
            {"amount": "150000.00", "releaseCondition": "Na de tussenrapportage."},
        ],
        "effectiveOn": "2021-02-08",
    },
)
@needs("award")
def award(call: Call, given: dict[str, Any], proposal: str) -> Done:
    """Give money from an envelope, in one or more phases"""
    return _act(call, proposal, award_input(given, _on(call, given)))


@api.act(
    f"{CASE}/phases/<int:number>/release",
    ReleaseSchema,
    shows=CaseSchema,
    example={"grounds": "De tussenrapportage is er."},
)
@needs("release")
def release_phase(call: Call, given: dict[str, Any], proposal: str, number: int) -> Done:
    """Free what a phase of an award holds back"""
    return _act(call, proposal, Release(number, given["grounds"], _on(call, given)))


@api.act(
    f"{CASE}/phases/<int:number>/reallocation",
    ReallocationSchema,
    shows=CaseSchema,
    example={
        "to": "proposal-01890a5d-ac96-774b-bcce-b302099a8057",
        "amount": "85000.00",
        "grounds": "Fase 2 gaat niet door.",
    },
)
@needs("reallocate")
def reallocate_phase(call: Call, given: dict[str, Any], proposal: str, number: int) -> Done:
    """Move held-back money of a phase to another proposal"""
    command = Reallocate(number, given["to"], given["amount"], given["grounds"], _on(call, given))
    return _act(call, proposal, command)


@api.act(
    f"{CASE}/return",
    ReturnSchema,
    shows=CaseSchema,
    example={"amount": "65000.00", "grounds": "Niet nodig gebleken."},
)
@needs("return")
def return_money(call: Call, given: dict[str, Any], proposal: str) -> Done:
    """Give money back to the envelope, what is held back first"""
    return _act(call, proposal, Return(given["amount"], given["grounds"], _on(call, given)))


@api.act(
    f"{CASE}/withdrawal",
    WithdrawalSchema,
    shows=CaseSchema,
    example={"grounds": "De aanvrager ziet ervan af."},
)
@needs("withdraw")
def withdraw(call: Call, given: dict[str, Any], proposal: str) -> Done:
    """Take a proposal back, before money came to it"""
    return _act(call, proposal, Withdraw(given["grounds"], _on(call, given)))


@api.act(
    f"{CASE}/confidentiality",
    ClassificationSchema,
    shows=CaseSchema,
    example={"level": "confidential", "ground": "woo-5-1-1-c", "until": "2027-12-31"},
)
@needs("classify", "classify-act")
def classify(call: Call, given: dict[str, Any], proposal: str) -> Done:
    """Set who may know of a proposal, or read the words of one act on it

    The whole proposal: by the secretariat. An act: by the secretariat, and by members of the body that did it.
    """
    return _act(call, proposal, classification_input(given, call.parts.calendar().today))
