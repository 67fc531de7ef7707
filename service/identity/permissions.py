"""May this person do this act on this case? One table: the act, and who may do it, by role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.recorded import Capacity
from service.identity.people import Person

__all__ = [
    "GUARDED", "TABLE", "Forbidden", "Rule", "acting_as", "check", "check_person", "limit", "may", "refused_change",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """This role may: everywhere, on its `own` cases, or for a `body` it is a member of.

    One's own are those of one's organisation, and of oneself where somebody applies without one.
    """

    role: str
    own: bool = False
    body: bool = False


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
    # acts on what cases need
    "publish": (SECRETARY, ADMIN),
    "open-envelope": (TREASURER,),
    "add-source": (TREASURER,),
    "change-people": (SECRETARY, ADMIN),
    "change-guarded-people": (ADMIN,),
    "newsletter": (SECRETARY,),
    "subscribe": (INTEGRATION, AUDITOR, ADMIN),
    "subscribe-others": (ADMIN,),
    "resend": (SECRETARY, ADMIN),
    "post-letters": (SECRETARY,),
    # reading; the programmes are open to all, signed in or not
    "read-case": (APPLICANT, SECRETARY, A_MEMBER, TREASURER, AUDITOR),
    "read-cases": (SUBMITTER, SECRETARY, A_MEMBER, TREASURER, AUDITOR),
    "read-queue": (MEMBER, SECRETARY),
    "read-envelopes": SIGNED_IN,
    "read-portfolio": SIGNED_IN,
    "read-events": (AUDITOR, INTEGRATION),
    "read-people": (SECRETARY, ADMIN),
    "read-deliveries": (SECRETARY, ADMIN),
}
"""Act -> who may. `read-cases` asks for the list: whose cases are in it follows from `read-case`.

What a subscription tells is for who may `read-events`: of such a person it is, whoever may set it up."""


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


def may(person: Person, act: str, *, owner: str | None = None, body: str | None = None) -> bool:
    """May this person do this act, on a case of this owner (a party id), for this body?"""
    return any(_allows(rule, person, owner, body) for rule in TABLE[act])


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
        if _allows(rule, person, owner, body):
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


def _allows(rule: Rule, person: Person, owner: str | None, body: str | None) -> bool:
    if rule.role not in person.roles:
        return False
    if rule.own:
        return owner is not None and owner in (person.organisation, person.id)
    if rule.body:
        return body is not None and body in person.bodies
    return True
