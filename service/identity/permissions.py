"""May this person do this act on this case? One table: the act, who may do it in which relation, and in which state.

The code asks it, the page `/permissions` and `docs/permissions.md` are made from it, and tests walk every address with
it. What stands in no line of it, nobody may.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from domain.recorded import Capacity
from service.identity.people import Person

__all__ = [
    "GUARDED", "STATES", "TABLE", "Forbidden", "Rule", "acting_as", "admit", "check", "check_person", "in_turn",
    "limit", "may", "needs", "refused_change",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Rule:
    """This role may: everywhere, on its `own` cases, for a `body` it is a member of, or on cases on whose `route` such
    a body is or was.

    One's own are those of one's organisation, and of oneself where somebody applies without one.
    """

    role: str
    own: bool = False
    body: bool = False
    route: bool = False


SUBMITTER = Rule("submitter")
APPLICANT = Rule("submitter", own=True)
SECRETARY = Rule("secretary")
A_MEMBER = Rule("member")
MEMBER = Rule("member", body=True)
TREASURER = Rule("treasurer")
AUDITOR = Rule("auditor")
ADMIN = Rule("admin")
INTEGRATION = Rule("integration")

SIGNED_IN = (SUBMITTER, SECRETARY, A_MEMBER, TREASURER, AUDITOR, ADMIN, INTEGRATION)

TABLE: Mapping[str, tuple[Rule, ...]] = {
    # acts on a case
    "submit": (SUBMITTER, SECRETARY),
    "completeness": (SECRETARY,),
    "revise": (APPLICANT,),
    "review": (MEMBER,),
    "decide": (MEMBER,),
    "resume": (SECRETARY,),
    "award": (MEMBER,),
    "release": (TREASURER,),
    "reallocate": (TREASURER,),
    "return": (TREASURER,),
    "withdraw": (APPLICANT, SECRETARY),
    "own-draft": (Rule("submitter", own=True), Rule("secretary", own=True)),
    # acts on what cases need
    "publish": (SECRETARY, ADMIN),
    "open-envelope": (TREASURER,),
    "add-source": (TREASURER,),
    "change-people": (SECRETARY, ADMIN),
    "change-guarded-people": (ADMIN,),
    "newsletter": (SECRETARY,),
    "subscribe": (INTEGRATION, AUDITOR, ADMIN),
    "own-subscription": (Rule("integration", own=True), Rule("auditor", own=True), ADMIN),
    "own-secret": (Rule("integration", own=True), Rule("auditor", own=True)),
    "subscribe-others": (ADMIN,),
    "resend": (SECRETARY, ADMIN),
    "post-letters": (SECRETARY,),
    # what is one's own: the start page, preferences, sessions, messages
    "own-account": SIGNED_IN,
    "own-messages": tuple(Rule(rule.role, own=True) for rule in SIGNED_IN),
    # reading; the API shows programmes to all, signed in or not
    "read-case": (APPLICANT, SECRETARY, A_MEMBER, TREASURER, AUDITOR),
    "read-cases": (SUBMITTER, SECRETARY, A_MEMBER, TREASURER, AUDITOR),
    "read-every-case": (SECRETARY, A_MEMBER, TREASURER, AUDITOR),
    "read-queue": (MEMBER, SECRETARY),
    "read-terms": (A_MEMBER, SECRETARY),
    "read-programmes": SIGNED_IN,
    "read-newsletters": SIGNED_IN,
    "read-envelopes": SIGNED_IN,
    "read-portfolio": SIGNED_IN,
    "read-events": (AUDITOR, INTEGRATION),
    "read-people": (SECRETARY, ADMIN),
    "replay-case": (AUDITOR,),
    "read-sign-ins": (ADMIN,),
    "read-deliveries": (SECRETARY, ADMIN),
    "read-mail": (SECRETARY,),
}
"""Act -> who may. `read-cases` asks for the list: whose cases are in it follows from `read-case`.

What a subscription tells is for who may `read-events`: of such a person it is, whoever may set it up."""

UNDER_WAY = ("completeness", "supplement", "review", "decision", "ratification", "held-over", "award")

STATES: Mapping[str, tuple[str, ...]] = {
    "completeness": ("completeness",),
    "revise": ("supplement",),
    "review": ("review",),
    "decide": ("decision", "ratification"),
    "resume": ("held-over",),
    "award": ("award",),
    "release": ("awarded",),
    "reallocate": ("awarded",),
    "return": ("awarded",),
    "withdraw": UNDER_WAY,
}
"""Act -> the statuses of a case in which it can be done; an act that is not named here is not bound to any.

The rules themselves are the domain's: a test holds this against what it refuses."""


GUARDED = frozenset({"admin", "auditor", "integration"})
"""The roles of who keeps an eye on the others, or reads the whole log: who has one, or gets one, is for administrators.
"""


class Forbidden(Exception):
    """This person may not do this; `roles` may, the `body` being that of which one has to be a member."""

    def __init__(self, act: str, roles: tuple[str, ...], body: str | None = None) -> None:
        super().__init__(act, roles, body)
        self.act = act
        self.roles = roles
        self.body = body


def needs(*acts: str) -> Callable[[F], F]:
    """Marks what answers an address: who asks must be allowed one of these acts of TABLE at least, in some relation.

    What is not marked, and not open to all, is answered to nobody. Which case or body it is about is checked inside.
    """

    def mark(view: F) -> F:
        view.needs = acts  # type: ignore[attr-defined]
        return view

    return mark


def admit(person: Person, acts: Collection[str]) -> None:
    """Raises Forbidden when this person may do none of these acts in any relation: that needs no look at a case."""
    if not any(rule.role in person.roles for act in acts for rule in TABLE[act]):
        act = next(iter(acts), "")
        roles = tuple(dict.fromkeys(rule.role for each in acts for rule in TABLE[each]))
        raise Forbidden(act, roles)


def in_turn(act: str, status: str) -> bool:
    """Can this act be done on a case with this status, by whoever may?"""
    return act not in STATES or status in STATES[act]


def may(
    person: Person,
    act: str,
    *,
    owner: str | None = None,
    body: str | None = None,
    route: Collection[str] = (),
) -> bool:
    """May this person do this act, on a case of this owner (a party id), for this body, on a route of these bodies?"""
    return any(_allows(rule, person, owner, body, route) for rule in TABLE[act])


def check(person: Person, act: str, *, owner: str | None = None, body: str | None = None) -> None:
    """Raises Forbidden, saying who may, when this person may not."""
    if not may(person, act, owner=owner, body=body):
        rules = TABLE[act]
        roles = tuple(rule.role for rule in rules)
        raise Forbidden(act, roles, body if any(rule.body for rule in rules) else None)


def refused_change(by: Person, before: Person | None, after: Person) -> str | None:
    """Why may who changes people not make this one so? None where they may; `before` is None for somebody new.

    Nobody but an administrator gives or takes a guarded role, or changes who has one, or what they may do themselves;
    and an administrator stays one until another takes that away.
    """
    own = before is not None and before.id == by.id
    if may(by, "change-guarded-people"):
        return "own-admin" if own and "admin" not in after.roles else None
    if before is not None and before.roles & GUARDED:
        return "person-guarded"
    if after.roles & GUARDED:
        return "role-guarded"
    if own and before is not None and _rights(before) != _rights(after):
        return "own-rights"
    return None


def check_person(by: Person, whom: Person) -> None:
    """Raises Forbidden where this person may not change that one, set their password or end their access."""
    check(by, "change-people")
    if whom.roles & GUARDED:
        check(by, "change-guarded-people")


def acting_as(
    person: Person, act: str, *, owner: str | None = None, body: str | None = None
) -> Capacity | None:
    """In which role, and for which body, this person does this act; None who may not do it."""
    for rule in TABLE[act]:
        if _allows(rule, person, owner, body, ()):
            return Capacity(rule.role, body if rule.body else None)
    return None


def limit(person: Person) -> str | None:
    """Whose cases this person sees in a list: None is everybody's, else the id of the owner."""
    if may(person, "read-case"):
        return None
    return person.organisation or person.id


def _rights(person: Person) -> tuple[object, ...]:
    """What somebody may do follows from this."""
    return person.roles, person.bodies, person.organisation


def _allows(rule: Rule, person: Person, owner: str | None, body: str | None, route: Collection[str]) -> bool:
    if rule.role not in person.roles:
        return False
    if rule.own:
        return owner is not None and owner in (person.organisation, person.id)
    if rule.body:
        return body is not None and body in person.bodies
    if rule.route:
        return not person.bodies.isdisjoint(route)
    return True
