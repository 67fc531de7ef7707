"""Which randvoorwaarden does a proposal not meet? Small named functions, each an objection or nothing.

A function takes the content, the programme and the requirement, and answers True when there is an objection.
A new requirement is one function here and its name in a definition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from domain.events import Content
from domain.programme import Programme, Requirement

__all__ = [
    "CONSEQUENCES",
    "FUNCTIONS",
    "MINIMUM_IS_WHOLE",
    "applicable",
    "cofinancing_total",
    "euros_short",
    "objections",
]

Objects = Callable[[Content, Programme, Requirement], bool]


def cofinancing_total(content: Content) -> Decimal:
    """The money of others, of every status, in euros."""
    return sum((part.amount for part in content.cofinancing), Decimal(0))


def multiplier_at_least(content: Content, programme: Programme, requirement: Requirement) -> bool:
    """Does each requested euro draw out fewer than `minimum` euros of others?"""
    return euros_short(content.requested, cofinancing_total(content), requirement) > 0


def euros_short(requested: Decimal, cofinancing: Decimal, requirement: Requirement) -> Decimal:
    """How much money of others a multiplier still needs; nothing where there is enough."""
    return max(requested * (requirement.minimum or Decimal(1)) - cofinancing, Decimal(0))


def subregions_on_board(content: Content, programme: Programme, requirement: Requirement) -> bool:
    """Is there a municipality concerned of whose subregions none supports the proposal, with evidence?"""
    supporting = {support.subregion for support in content.subregion_support if support.evidence}
    concerned = [m for m in programme.municipalities if m.code in content.municipalities]
    return any(not supporting.intersection(m.subregions) for m in concerned)


def structural_effect_stated(content: Content, programme: Programme, requirement: Requirement) -> bool:
    """Is nothing said about the lasting effect?"""
    return not content.structural_effect


def partners_at_least(content: Content, programme: Programme, requirement: Requirement) -> bool:
    """Do fewer than `minimum` parties take part, the applicant included?"""
    return 1 + len(content.partners) < (requirement.minimum or Decimal(1))


def judged_by_the_reviewer(content: Content, programme: Programme, requirement: Requirement) -> bool:
    """Nothing a rule can see: the reviewer says whether it is met."""
    return False


FUNCTIONS: Mapping[str, Objects] = {
    function.__name__: function
    for function in (
        multiplier_at_least,
        subregions_on_board,
        structural_effect_stated,
        partners_at_least,
        judged_by_the_reviewer,
    )
}


MINIMUM_IS_WHOLE: Mapping[str, bool] = {"multiplier_at_least": False, "partners_at_least": True}
"""The functions that need a `minimum`, and whether it counts whole things."""

CONSEQUENCES = ("refuses-submission", "blocks-review", "assessed")
"""What follows when a requirement is not met; `assessed` leaves it to the reviewer."""


def applicable(content: Content, programme: Programme, consequence: str) -> list[Requirement]:
    """The requirements with this consequence that concern the content, in the programme's order.

    One that is limited to a theme concerns the sub-themes too.
    """
    themes = programme.with_parents(content.themes)
    return [
        requirement
        for requirement in programme.requirements
        if requirement.consequence == consequence
        and (not requirement.themes or themes.intersection(requirement.themes))
    ]


def objections(content: Content, programme: Programme, consequence: str) -> list[Requirement]:
    """The requirements with this consequence that the content does not meet, in the programme's order."""
    return [
        requirement
        for requirement in applicable(content, programme, consequence)
        if FUNCTIONS[requirement.function](content, programme, requirement)
    ]
