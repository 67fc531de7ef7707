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
    "GUARDED", "READING", "STATES", "TABLE", "Barred", "BeyondToken", "Forbidden", "Reach", "Rule", "acting_as",
    "admit", "check", "check_change", "check_guarded", "check_person", "in_turn", "may", "needs", "reach",
    "refused_change",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Rule:
    """This role may: everywhere, on its `own` cases, for a `body` it is a member of, on cases on whose `route` such a
    body is or was, or on cases in a `municipality` whose contact it is.

    One's own are those of one's organisation, and of oneself where somebody applies without one. `writes`: not who only
    reads along in their organisation; `manager`: only who manages the people of it.
    """

    role: str
    own: bool = False
    body: bool = False
    route: bool = False
    municipality: bool = False
    writes: bool = False
    manager: bool = False


SUBMITTER = Rule("submitter")
WRITER = Rule("submitter", writes=True)
OWNER = Rule("submitter", own=True)
APPLICANT = Rule("submitter", own=True, writes=True)
CONTACT = Rule("submitter", municipality=True)
MANAGER = Rule("submitter", manager=True)
SECRETARY = Rule("secretary")
A_MEMBER = Rule("member")
MEMBER = Rule("member", body=True)
ON_ROUTE = Rule("member", route=True)
TREASURER = Rule("treasurer")
AUDITOR = Rule("auditor")
ADMIN = Rule("admin")
INTEGRATION = Rule("integration")

SIGNED_IN = (SUBMITTER, SECRETARY, A_MEMBER, TREASURER, AUDITOR, ADMIN, INTEGRATION)

TABLE: Mapping[str, tuple[Rule, ...]] = {
    # acts on a case
    "submit": (WRITER, SECRETARY),
    "completeness": (SECRETARY,),
    # by the secretariat: what came by post, of who has no account
    "revise": (APPLICANT, SECRETARY),
    "review": (MEMBER,),
    "decide": (MEMBER,),
    "resume": (SECRETARY,),
    "award": (MEMBER,),
    "release": (TREASURER,),
    "reallocate": (TREASURER,),
    "return": (TREASURER,),
    "withdraw": (APPLICANT, SECRETARY),
    "classify": (SECRETARY,),
    "classify-act": (SECRETARY, MEMBER),
    "redact": (SECRETARY,),
    "read-retention": (SECRETARY, ADMIN),
    "apply-retention": (SECRETARY,),
    "own-draft": (APPLICANT, Rule("secretary", own=True)),
    # acts on what cases need
    "publish": (SECRETARY, ADMIN),
    "open-envelope": (TREASURER,),
    "add-source": (TREASURER,),
    "change-people": (SECRETARY, ADMIN),
    "change-guarded-people": (ADMIN,),
    "erase-person": (ADMIN,),
    "manage-organisation": (MANAGER,),
    "newsletter": (SECRETARY,),
    "subscribe": (INTEGRATION, AUDITOR, ADMIN),
    "own-subscription": (Rule("integration", own=True), Rule("auditor", own=True), ADMIN),
    "own-secret": (Rule("integration", own=True), Rule("auditor", own=True)),
    "subscribe-others": (ADMIN,),
    "resend": (SECRETARY, ADMIN),
    "post-letters": (SECRETARY,),
    # what is one's own: the start page, preferences, what one signs in with, messages; a session, token or passkey
    "own-account": SIGNED_IN,
    "own-sign-in": SIGNED_IN,
    "own-access": tuple(Rule(rule.role, own=True) for rule in SIGNED_IN),
    "own-messages": tuple(Rule(rule.role, own=True) for rule in SIGNED_IN),
    # reading; the API shows programmes to all, signed in or not
    "read-case": (OWNER, CONTACT, SECRETARY, A_MEMBER, TREASURER, AUDITOR),
    "read-confidential": (OWNER, SECRETARY, ON_ROUTE, AUDITOR),
    "read-confidential-words": (SECRETARY, ON_ROUTE, AUDITOR),
    "read-cases": (SUBMITTER, SECRETARY, A_MEMBER, TREASURER, AUDITOR),
    "read-every-case": (SECRETARY, A_MEMBER, TREASURER, AUDITOR),
    "read-organisation": (SUBMITTER,),
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
    "own-data": SIGNED_IN,
    "read-mail": (SECRETARY,),
}
"""Act -> who may. `read-cases` asks for the list: whose cases are in it follows from `read-case`.

`classify` is the level of a whole case, `classify-act` that of one act, by the body that did it. Who reads a case that
is confidential must be allowed `read-case` and `read-confidential`; what bodies wrote in a confidential act is for
`read-confidential-words`, which the applicant has not. Everybody else finds no such case: `service/identity/scope.py`.

What a subscription tells is for who may `read-events`: of such a person it is, whoever may set it up."""

READING = frozenset(act for act in TABLE if act.startswith("read-")) | {
    "replay-case", "own-messages", "own-subscription",
}  # fmt: skip
"""What a token for reading is for; it is never for more than a GET, so these change nothing."""

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


class BeyondToken(Exception):
    """The person may do this act, but not with this token: it is for less."""

    def __init__(self, act: str) -> None:
        super().__init__(act)
        self.act = act


class Barred(Exception):
    """Who changes people may not make this of somebody; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


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
    within = [act for act in acts if not _beyond(person, act)]
    if acts and not within:
        raise BeyondToken(next(iter(acts)))
    if not any(rule.role in person.roles for act in within for rule in TABLE[act]):
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
    municipalities: Collection[str] = (),
) -> bool:
    """May this person do this act, on a case of this owner (a party id), for this body, on a route of these bodies, in
    these municipalities?"""
    return not _beyond(person, act) and any(
        _allows(rule, person, owner, body, route, municipalities) for rule in TABLE[act]
    )


def check(person: Person, act: str, *, owner: str | None = None, body: str | None = None) -> None:
    """Raises Forbidden, saying who may, when this person may not; BeyondToken when the token is for other things."""
    if _beyond(person, act):
        raise BeyondToken(act)
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


def check_change(by: Person, before: Person | None, after: Person) -> None:
    """Raises Barred where who changes people may not make this one so."""
    if (why := refused_change(by, before, after)) is not None:
        raise Barred(why)


def check_person(by: Person, whom: Person) -> None:
    """Raises Forbidden where this person may not change that one, set their password or end their access."""
    check(by, "change-people")
    check_guarded(by, whom)


def check_guarded(by: Person, whom: Person) -> None:
    """Raises Forbidden where that one has a guarded role and this person is not who may change anything of them."""
    if whom.roles & GUARDED:
        check(by, "change-guarded-people")


def acting_as(
    person: Person, act: str, *, owner: str | None = None, body: str | None = None
) -> Capacity | None:
    """In which role, and for which body, this person does this act; None who may not do it."""
    if _beyond(person, act):
        return None
    for rule in TABLE[act]:
        if _allows(rule, person, owner, body, ()):
            return Capacity(rule.role, body, person.seat(body)) if rule.body else Capacity(rule.role)
    return None


@dataclass(frozen=True, slots=True)
class Reach:
    """On which cases somebody may do an act: on all of them, on those of these owners, on the route of these bodies, in
    these municipalities."""

    everything: bool = False
    owners: frozenset[str] = frozenset()
    bodies: frozenset[str] = frozenset()
    municipalities: frozenset[str] = frozenset()


def reach(person: Person, act: str) -> Reach:
    """The same table asked the other way round: not may this person on that case, but on which cases at all."""
    everything, owners, bodies, municipalities = False, frozenset[str](), frozenset[str](), frozenset[str]()
    for rule in TABLE[act]:
        if not _holds(rule, person) or rule.body:
            continue
        if rule.own:
            owners |= {id for id in (person.organisation, person.id) if id}
        elif rule.route:
            bodies |= person.bodies
        elif rule.municipality:
            municipalities |= person.municipalities
        else:
            everything = True
    return Reach(everything, owners, bodies, municipalities)


def _beyond(person: Person, act: str) -> bool:
    """Does this person come with a token that is not for this act?"""
    return person.limited_to is not None and act not in person.limited_to


def _rights(person: Person) -> tuple[object, ...]:
    """What somebody may do follows from this."""
    role = person.organisation_role if person.organisation is not None else None
    return person.roles, person.bodies, person.seats, person.organisation, role


def _holds(rule: Rule, person: Person) -> bool:
    """Is this a rule for this person, whatever it is about?"""
    if rule.role not in person.roles:
        return False
    if rule.writes and person.organisation is not None and person.organisation_role == "reader":
        return False
    return not rule.manager or (person.organisation is not None and person.organisation_role == "manager")


def _allows(
    rule: Rule,
    person: Person,
    owner: str | None,
    body: str | None,
    route: Collection[str],
    municipalities: Collection[str] = (),
) -> bool:
    if not _holds(rule, person):
        return False
    if rule.municipality:
        return not person.municipalities.isdisjoint(municipalities)
    if rule.own:
        return owner is not None and owner in (person.organisation, person.id)
    if rule.body:
        return body is not None and body in person.bodies
    if rule.route:
        return not person.bodies.isdisjoint(route)
    return True
