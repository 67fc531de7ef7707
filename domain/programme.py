"""What is a programme? Its themes, bodies, route, requirements, money and terms: data that decisions read.

`domain/definition.py` reads one from a definition and says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

__all__ = [
    "APPLICANT",
    "Body",
    "Criterion",
    "Municipality",
    "Name",
    "NoticeRule",
    "PlannedEnvelope",
    "Programme",
    "Requirement",
    "Stage",
    "Subregion",
    "Tender",
    "Theme",
]

APPLICANT = "applicant"
"""The body a case waits for while the applicant must supplement it."""

REMINDER, ESCALATION = 2, 5
"""Working days before and after the end of a term, in a programme that says nothing of it."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name in both languages."""

    nl: str
    en: str


@dataclass(frozen=True, slots=True)
class Theme:
    code: str
    name: Name
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """Who acts. Objections go to `address`, the lines of a postal address, or to `email`; empty: there is none."""

    code: str
    name: Name
    address: tuple[str, ...] = ()
    email: str = ""


@dataclass(frozen=True, slots=True)
class Subregion:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Municipality:
    """`code` is that of Statistics Netherlands (GM0772); it may belong to several subregions."""

    code: str
    name: str
    subregions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Criterion:
    """What an adviser scores, from `minimum` to `maximum` in whole points."""

    code: str
    name: Name
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Requirement:
    """A randvoorwaarde: `function` names one in `domain/requirements.py`.

    `consequence` of not meeting it: refuses-submission, blocks-review or assessed (by the reviewer).
    `themes` limits it to proposals in one of these or their sub-themes; `minimum` is the function's number.
    """

    code: str
    name: Name
    function: str
    consequence: str
    minimum: Decimal | None = None
    themes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the route. `kind`: completeness, advice, decision, ratification or award.

    `bodies` has one body, except for a ratification: there each answers and `needed` must approve (all of
    them when None). `capacity` is the legal one (voorbereiding, advies, besluit), `term` is in working days.
    """

    code: str
    kind: str
    name: Name
    bodies: tuple[str, ...]
    capacity: str
    term: int
    criteria: tuple[Criterion, ...] = ()
    needed: int | None = None

    @property
    def body(self) -> str:
        """The one body of this stage (the first of a ratification)."""
        return self.bodies[0]


@dataclass(frozen=True, slots=True)
class Tender:
    """Submissions count when effective from `opens` to `closes`, both included."""

    code: str
    name: Name
    opens: date
    closes: date


@dataclass(frozen=True, slots=True)
class PlannedEnvelope:
    """The money a programme expects; it exists only once a body has opened it."""

    code: str
    name: Name
    amount: Decimal


@dataclass(frozen=True, slots=True)
class NoticeRule:
    """What a programme adds to a kind of notice: who else hears it, and when it is time for it.

    `to` are relations to the case, `bodies` those whose members hear it too. `reminder` and `escalation` are working
    days: so long before the end of a term it is told, and so long after.
    """

    kind: str
    to: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()
    reminder: int | None = None
    escalation: int | None = None


@dataclass(frozen=True, slots=True)
class Programme:
    """One published version of a programme."""

    code: str
    version: int
    name: Name
    reference_prefix: str
    secretariat: str
    themes: tuple[Theme, ...]
    bodies: tuple[Body, ...]
    subregions: tuple[Subregion, ...]
    municipalities: tuple[Municipality, ...]
    stages: tuple[Stage, ...]
    requirements: tuple[Requirement, ...]
    envelopes: tuple[PlannedEnvelope, ...]
    tenders: tuple[Tender, ...]
    term: int
    notices: tuple[NoticeRule, ...] = ()

    @property
    def reminder(self) -> int:
        """Working days before the end of a term on which its reminder is sent."""
        return next((rule.reminder for rule in self.notices if rule.reminder is not None), REMINDER)

    @property
    def escalation(self) -> int:
        """Working days after the end of a term on which it is brought before who can do something about it."""
        return next((rule.escalation for rule in self.notices if rule.escalation is not None), ESCALATION)

    def rule_of(self, kind: str) -> NoticeRule | None:
        """What this programme adds to a kind of notice, if anything."""
        return next((rule for rule in self.notices if rule.kind == kind), None)

    def stage(self, code: str) -> Stage:
        """The stage with this code; KeyError when the route has none."""
        for stage in self.stages:
            if stage.code == code:
                return stage
        raise KeyError(code)

    def stage_after(self, code: str | None) -> Stage | None:
        """The stage that follows `code` (None: the first), or None at the end of the route."""
        if code is None:
            return self.stages[0] if self.stages else None
        codes = [stage.code for stage in self.stages]
        following = codes.index(code) + 1
        return self.stages[following] if following < len(codes) else None

    def tender_on(self, day: date) -> Tender | None:
        """The tender open on this day, if any."""
        return next((tender for tender in self.tenders if tender.opens <= day <= tender.closes), None)

    def with_parents(self, themes: Iterable[str]) -> frozenset[str]:
        """These themes and those they are part of."""
        parents = {theme.code: theme.parent for theme in self.themes}
        found: set[str] = set()
        for theme in themes:
            step: str | None = theme
            while step is not None and step not in found:
                found.add(step)
                step = parents.get(step)
        return frozenset(found)

    def body(self, code: str) -> Body | None:
        """The body with this code, if it is listed."""
        return next((body for body in self.bodies if body.code == code), None)

    def unreachable(self) -> tuple[Body, ...]:
        """The bodies that take decisions in law, but have no address to send an objection to."""
        deciding = {code for stage in self.stages if stage.capacity == "besluit" for code in stage.bodies}
        return tuple(
            body for body in self.bodies if body.code in deciding and not (body.address or body.email)
        )

    def body_codes(self) -> frozenset[str]:
        """Every body that can have a case waiting, the secretariat and the applicant included."""
        return frozenset({APPLICANT, self.secretariat, *(body.code for body in self.bodies)})
