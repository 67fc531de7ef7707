"""Who may sign in, and what may they do? The office adds people, changes them, ends their access."""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import structlog
from flask import Blueprint, Response, request, url_for
from psycopg import Connection
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running
from service.api.fields import Code, Given, ListOf, OneOf, Part, Text, refusal
from service.api.tokens import Password
from service.errors import Missing
from service.identity import parties, people, tokens, undeliverable
from service.identity.people import ROLES, EmailTaken, Person
from service.identity.permissions import GUARDED, check, check_person, may, needs, refused_change
from service.web import sessions, visit
from service.web.forms import Form
from service.web.naming import names
from service.web.places import places
from service.web.proposal_form import KINDS
from service.web.rendering import page, say, word
from service.web.sorting import Sort, asked_sort

area = Blueprint("admin", __name__)

NAME, EMAIL = 200, 320
"""Characters at most."""
SHORTEST_PASSWORD = 12
MOST = 50
"""People on a page."""
OTHER = "other"
"""The kind of an organisation that is named without one."""


class Email(Text):
    """An e-mail address: something, @ and a domain."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        found = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*", found):
            raise refusal("email-invalid")
        return found


class OrganisationSchema(Given):
    name = Text(NAME, required=True)
    kind = Code(load_default=OTHER)


class PersonSchema(Given):
    name = Text(NAME, required=True)
    email = Email(EMAIL, required=True)
    roles = ListOf(OneOf(*ROLES), len(ROLES), load_default=list)
    bodies = ListOf(Code(), 100, load_default=list)
    chairs = ListOf(Code(), 100, load_default=list)
    municipalities = ListOf(Text(6), 100, load_default=list)
    organisation = Part(OrganisationSchema, load_default=None)


class NewPasswordSchema(Given):
    password = Password()


@area.get("/admin")
@needs("read-people")
def index() -> Response:
    """Everybody who may sign in, found by name, address or role."""
    check(visit.person(), "read-people")
    words = "".join(each for each in request.args.get("q", "") if each.isprintable())[:NAME]
    role = request.args.get("role")
    role = role if role in ROLES else None
    given = request.args.get("page", "1")
    number = int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 6 and int(given) else 1
    sort = asked_sort(people.SORTS, Sort("name"))
    with visit.parts().pool.connection() as connection:
        found = people.search(
            connection,
            words,
            role,
            after=(number - 1) * MOST,
            most=MOST + 1,
            by=sort.by,
            descending=sort.descending,
        )
        organisations = parties.names(connection, [each.organisation for each in found if each.organisation])

    def address(to: int) -> str:
        return url_for("web.admin.index", q=words or None, role=role, sort=request.args.get("sort"), page=to)

    return page(
        "admin/index.html",
        people=found[:MOST],
        organisations=organisations,
        names=names(visit.parts()),
        words=words,
        role=role,
        roles=ROLES,
        sort=sort,
        previous=address(number - 1) if number > 1 else None,
        next=address(number + 1) if len(found) > MOST else None,
    )


@area.get("/admin/people/new")
@needs("change-people")
def ask() -> Response:
    """The form for somebody new."""
    check(visit.person(), "change-people")
    return _shown(Form(PersonSchema()), None)


@area.post("/admin/people/new")
@needs("change-people")
def add() -> AnyResponse:
    """Adds somebody, who can sign in once a password is set."""
    check(visit.person(), "change-people")
    form = Form.sent(PersonSchema())
    with form.refusals():
        given = form.load()
        _refuse(form, given, None)
        _judge(form, None, _wanted(given))
        if form.ok:
            with visit.parts().pool.connection() as connection, connection.transaction():
                try:
                    added = people.add(
                        connection,
                        email=given["email"],
                        name=given["name"],
                        roles=given["roles"],
                        bodies=given["bodies"],
                        organisation=_organisation(connection, given),
                        chairs=given["chairs"],
                        municipalities=given["municipalities"],
                    )
                except EmailTaken:
                    _say_taken(form)
                else:
                    structlog.get_logger().info("person added", person=added.id, by=visit.person().id)
    if not form.ok:
        return _shown(form, None)
    return visit.kept(url_for("web.admin.show", person=added.id), "admin.added")


@area.get("/admin/people/<person>")
@needs("read-people")
def show(person: str) -> Response:
    """What somebody is, and what can be done about it."""
    check(visit.person(), "read-people")
    known = _known(person)
    return _shown(Form.holding(PersonSchema(), _content(known)), known)


@area.post("/admin/people/<person>")
@needs("change-people")
def change(person: str) -> AnyResponse:
    """Changes what somebody is; who may do nothing any more is signed out."""
    check(visit.person(), "change-people")
    known = _known(person)
    check_person(visit.person(), known)
    form = Form.sent(PersonSchema())
    with form.refusals():
        given = form.load()
        _refuse(form, given, known)
        if form.if_match() not in (None, _version(known)):
            form.status, form.message = 412, say("admin.changed-meanwhile")
        if form.ok:
            with visit.parts().pool.connection() as connection, connection.transaction():
                now = _held(connection, person)
                changed = replace(_wanted(given), id=now.id, organisation=_organisation(connection, given))
                _judge(form, now, changed)
                if now != known:
                    form.status, form.message = 412, say("admin.changed-meanwhile")
                if form.ok:
                    _change(connection, form, changed)
    return (
        visit.kept(url_for("web.admin.show", person=person), "admin.changed")
        if form.ok
        else _shown(form, known)
    )


@area.post("/admin/people/<person>/password")
@needs("change-people")
def set_password(person: str) -> AnyResponse:
    """Gives somebody another password, and signs them out everywhere."""
    check(visit.person(), "change-people")
    known = _known(person)
    check_person(visit.person(), known)
    form = Form.sent(NewPasswordSchema())
    with form.refusals():
        password = str(form.load()["password"])
        if len(password) < SHORTEST_PASSWORD:
            form.status, form.errors["password"] = 400, say("admin.password-short", least=SHORTEST_PASSWORD)
    # A password is never sent back to a page.
    form.values.clear()
    if not form.ok:
        return _shown(Form.holding(PersonSchema(), _content(known)), known, form)
    with running().verifying, visit.parts().pool.connection() as connection, connection.transaction():
        _held(connection, known.id)
        people.set_password(connection, known.id, password)
        sessions.end_all(connection, known.id)
    structlog.get_logger().info("password set", person=known.id, by=visit.person().id)
    return visit.kept(url_for("web.admin.show", person=person), "admin.password-set")


@area.get("/admin/people/<person>/end")
@needs("change-people")
def ask_end(person: str) -> Response:
    """Is every session and token of somebody to end?"""
    check(visit.person(), "change-people")
    known = _known(person)
    check_person(visit.person(), known)
    return page("admin/end.html", who=known, own=known.id == visit.person().id)


@area.post("/admin/people/<person>/end")
@needs("change-people")
def end_access(person: str) -> AnyResponse:
    """Ends every session and token of somebody."""
    check(visit.person(), "change-people")
    with visit.parts().pool.connection() as connection, connection.transaction():
        _end_access(connection, _held(connection, _known(person).id).id)
    structlog.get_logger().info("access ended", person=person, by=visit.person().id)
    return visit.kept(url_for("web.admin.show", person=person), "admin.ended")


@area.post("/admin/people/<person>/deliverable")
@needs("change-people")
def try_address(person: str) -> AnyResponse:
    """Mail goes to somebody's address again, though it was refused."""
    check(visit.person(), "change-people")
    known = _known(person)
    with visit.parts().pool.connection() as connection:
        undeliverable.lift(connection, known.email)
    structlog.get_logger().info("address tried again", person=known.id, by=visit.person().id)
    return visit.kept(url_for("web.admin.show", person=person), "admin.deliverable")


def _known(id: str) -> Person:
    found = None
    if id.isprintable():
        with visit.parts().pool.connection() as connection:
            found = people.get(connection, id)
    if found is None:
        raise Missing("person", id)
    return found


def _held(connection: Connection[Any], id: str) -> Person:
    """Somebody whom this person may change, as they are now; nobody else changes them meanwhile."""
    found = people.get(connection, id, held=True)
    if found is None:
        raise Missing("person", id)
    check_person(visit.person(), found)
    return found


def _wanted(given: dict[str, Any]) -> Person:
    """What somebody is to be, but for who it is and of which organisation."""
    return Person(
        "", given["email"], given["name"], frozenset(given["roles"]), frozenset(given["bodies"]), None,
        frozenset(given["chairs"]), frozenset(given["municipalities"]),
    )  # fmt: skip


def _judge(form: Form, before: Person | None, after: Person) -> None:
    """Says what this person may not make of somebody."""
    why = refused_change(visit.person(), before, after)
    if why is not None:
        form.status, form.errors["roles"] = 403, say(f"admin.{why}")


def _change(connection: Connection[Any], form: Form, changed: Person) -> None:
    try:
        people.change(connection, changed)
    except EmailTaken:
        _say_taken(form)
        return
    if not changed.roles:
        _end_access(connection, changed.id)
    structlog.get_logger().info(
        "person changed", person=changed.id, roles=sorted(changed.roles), by=visit.person().id
    )


def _content(person: Person) -> dict[str, Any]:
    """What somebody is, as the form has it."""
    organisation = None
    if person.organisation is not None:
        with visit.parts().pool.connection() as connection:
            organisation = parties.get(connection, person.organisation)
    return {
        "name": person.name,
        "email": person.email,
        "roles": sorted(person.roles),
        "bodies": sorted(person.bodies),
        "chairs": sorted(person.chairs),
        "municipalities": sorted(person.municipalities),
        "organisation": {"name": organisation.name, "kind": organisation.kind} if organisation else None,
    }


def _refuse(form: Form, given: dict[str, Any], known: Person | None) -> None:
    """What no schema can see is wrong with what somebody is to be."""
    codes = set(names(visit.parts()).bodies) | (known.bodies if known else set())
    if set(given["bodies"]) - codes:
        form.errors["bodies"] = say("admin.body-unknown")
    if "member" in given["roles"] and not given["bodies"]:
        form.errors["bodies"] = say("admin.member-without-body")
    if set(given["chairs"]) - set(given["bodies"]):
        form.errors["chairs"] = say("admin.chair-not-member")
    if set(given["municipalities"]) - set(_municipalities(known)):
        form.errors["municipalities"] = say("admin.municipality-unknown")
    if form.errors:
        form.status = 400


def _municipalities(known: Person | None) -> dict[str, str]:
    """Of which municipalities somebody can be a contact: their names, by code; what one is already stays a choice."""
    found = places(visit.parts()).municipalities
    return found | {code: found.get(code, code) for code in sorted(known.municipalities if known else ())}


def _say_taken(form: Form) -> None:
    form.status, form.errors["email"] = 409, say("admin.email-taken")


def _organisation(connection: Connection[Any], given: dict[str, Any]) -> str | None:
    """The organisation that was named; one of that name that has people already is the same, whatever its kind."""
    organisation = given["organisation"]
    if organisation is None:
        return None
    name, kind = organisation["name"], organisation["kind"]
    return (
        parties.known_parties(connection, kind, name)
        or parties.organisation_named(connection, name)
        or parties.find_or_add(connection, kind, name)
    )


def _end_access(connection: Connection[Any], person: str) -> None:
    sessions.end_all(connection, person)
    tokens.revoke_all(connection, person)


def _version(person: Person) -> int:
    """A number that is another one once this person has been changed: what a form on an old page is known by."""
    plain = repr(
        (
            person.email,
            person.name,
            sorted(person.roles),
            sorted(person.bodies),
            person.organisation,
            sorted(person.chairs),
            sorted(person.municipalities),
        )
    )
    return int.from_bytes(blake2b(plain.encode(), digest_size=7).digest())


def _shown(form: Form, person: Person | None, password: Form | None = None) -> Response:
    called = names(visit.parts())
    known, going_on, secret, refused = [], 0, False, None
    if person is not None:
        with visit.parts().pool.connection() as connection:
            known = tokens.kept(connection, person.id)
            going_on = sessions.going_on(connection, person.id)
            secret = people.has_password(connection, person.id)
            refused = undeliverable.refusal(connection, person.email)
    bodies = sorted(
        {*called.bodies, *(person.bodies | person.chairs if person else ())} - {"applicant"},
        key=lambda code: called.body(code).casefold(),
    )
    status = form.status if password is None else password.status
    guarded = may(visit.person(), "change-guarded-people")
    return page(
        "admin/person.html",
        status,
        form=form,
        password=password or Form(NewPasswordSchema()),
        least=SHORTEST_PASSWORD,
        meanwhile=form.status == 412,
        roles_of=lambda who: ", ".join(word(role) for role in sorted(who.roles)),
        bodies_of=lambda codes: ", ".join(called.body(body) for body in sorted(codes)),
        who=person,
        version=_version(person) if person else None,
        own=person is not None and person.id == visit.person().id,
        closed=not guarded and person is not None and bool(person.roles & GUARDED),
        some_roles=not guarded,
        roles=[
            (role, word(role), say(f"admin.role-{role}")) for role in ROLES if guarded or role not in GUARDED
        ],
        bodies=[(code, called.body(code)) for code in bodies],
        municipalities=list(_municipalities(person).items()),
        municipalities_of=lambda who: places(visit.parts()).names(
            "municipalities", sorted(who.municipalities)
        ),
        kinds=[(kind, say(f"submission.kind-{kind}")) for kind in KINDS],
        tokens=known,
        sessions=going_on,
        has_password=secret,
        refused=refused,
    )
