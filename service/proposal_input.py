"""What did somebody fill in? Names as people write them, turned into the codes and ids that events carry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from domain.errors import Invalid
from domain.events import Cofinancing, Content, PartyId, SubregionSupport
from domain.programme import Programme

__all__ = [
    "CofinancingInput",
    "PartyInput",
    "ProposalInput",
    "SupportInput",
    "content_of",
    "parties_in",
    "plain",
]


@dataclass(frozen=True, slots=True)
class PartyInput:
    """A party by name, and its kind (company, municipality, ...)."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class CofinancingInput:
    """Money of others: the source by name; `status` is promised, granted or own."""

    source: str
    amount: Decimal
    status: str


@dataclass(frozen=True, slots=True)
class SupportInput:
    """A subregion by name or code, and what shows its support."""

    subregion: str
    evidence: str


@dataclass(frozen=True, slots=True)
class ProposalInput:
    """A proposal as filled in, checked for form but not yet against its programme."""

    title: str
    summary: str
    themes: tuple[str, ...]
    applicant: PartyInput
    partners: tuple[PartyInput, ...]
    municipalities: tuple[str, ...]
    requested: Decimal
    cofinancing: tuple[CofinancingInput, ...]
    period_start: date
    period_end: date
    effect: str
    structural_effect: str
    subregion_support: tuple[SupportInput, ...]
    goals: tuple[str, ...]


COFINANCIER = "cofinancier"
"""The kind under which a source of co-financing is kept that is known by name only."""


def content_of(
    given: ProposalInput, programme: Programme, party_id: Callable[[PartyInput], PartyId]
) -> Content:
    """The content that events carry: municipalities and subregions by code, parties by id.

    Raises Invalid for a name the programme's region does not know.
    """
    municipalities = {m.code: (m.code, m.name) for m in programme.municipalities}
    subregions = {s.code: (s.code, s.name) for s in programme.subregions}
    known_names = {"municipality": municipalities, "subregion": subregions}

    def code(kind: str, written: str, field: str) -> str:
        for known, spellings in known_names[kind].items():
            if plain(written) in {plain(spelling) for spelling in spellings}:
                return known
        names = [spellings[1] for spellings in known_names[kind].values()]
        raise Invalid(f"unknown-{kind}", field, value=written, known=names)

    return Content(
        title=given.title,
        summary=given.summary,
        themes=_once(given.themes),
        applicant=party_id(given.applicant),
        partners=_once(party_id(partner) for partner in given.partners),
        municipalities=_once(
            code("municipality", name, f"/municipalities/{n}") for n, name in enumerate(given.municipalities)
        ),
        requested=given.requested,
        cofinancing=tuple(
            Cofinancing(party_id(PartyInput(part.source, COFINANCIER)), part.amount, part.status)
            for part in given.cofinancing
        ),
        period_start=given.period_start,
        period_end=given.period_end,
        effect=given.effect,
        structural_effect=given.structural_effect,
        subregion_support=tuple(
            SubregionSupport(code("subregion", s.subregion, f"/subregionSupport/{n}/subregion"), s.evidence)
            for n, s in enumerate(given.subregion_support)
        ),
        goals=given.goals,
    )


def parties_in(given: ProposalInput) -> set[PartyInput]:
    """Every party that it names."""
    cofinanciers = {PartyInput(part.source, COFINANCIER) for part in given.cofinancing}
    return {given.applicant, *given.partners} | cofinanciers


@lru_cache(maxsize=10_000)  # The names of a region are compared with those in every proposal.
def plain(name: str) -> str:
    """A name without the differences people do not mean: case, spaces, hyphens and points."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
