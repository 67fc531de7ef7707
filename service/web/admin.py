"""Who may sign in, and what may they do? The office adds people, changes them, ends their access."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Blueprint, Response, request, url_for
from psycopg import Connection
from werkzeug.wrappers import Response as AnyResponse

from service import erasing
from service.api import people as shared
from service.api.context import running
from service.api.fields import Given
from service.api.passwords import set_password as change_password
from service.api.people import NAME, ErasureSchema, NewPersonSchema, PersonSchema, known
from service.api.tokens import Password
from service.errors import Missing, Stale
from service.identity import links, parties, passwords, people, second_factor, tokens, undeliverable
from service.identity.changing import By
from service.identity.people import ORGANISATION_ROLES, ROLES, EmailTaken, Person
from service.identity.permissions import GUARDED, acting_as, check, check_person, may, needs
from service.messaging import security
from service.web import sessions, visit
from service.web.asking_first import ask_first
from service.web.choosing_password import judge
from service.web.event_words import happened, stream_name
from service.web.forms import Form
from service.web.identity_links import linked
from service.web.naming import names
from service.web.places import places
from service.web.proposal_form import KINDS
from service.web.rendering import page, say, word
from service.web.showing import show_first
from service.web.sorting import Sort, asked_sort
from service.web.visit import shown_lately

area = Blueprint("admin", __name__)

MOST = 50
"""People on a page."""


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
    return _shown(Form(NewPersonSchema()), None)


@area.post("/admin/people/new")
@needs("change-people")
def add() -> AnyResponse:
    """Adds somebody, who can sign in once a password is set."""
    check(visit.person(), "change-people")
    form = Form.sent(NewPersonSchema())
    with form.refusals():
        given = form.load()
        try:
            added = shared.add(visit.parts(), visit.person(), given, form.once())
        except EmailTaken:
            _say_taken(form)
        else:
            structlog.get_logger().info("person added", person=added.id, by=visit.person().id)
    if not form.ok:
        return _shown(form, None)
    notice = "admin.added-invited" if given["invite"] else "admin.added"
    return visit.kept(url_for("web.admin.show", person=added.id), notice)


@area.get("/admin/people/<person>")
@needs("read-people")
def show(person: str) -> Response:
    """What somebody is, and what can be done about it."""
    check(visit.person(), "read-people")
    who = known(visit.parts(), person)
    return _shown(Form.holding(PersonSchema(), _content(who)), who)


@area.post("/admin/people/<person>")
@needs("change-people")
def change(person: str) -> AnyResponse:
    """Changes what somebody is; who may do nothing any more is signed out.

    By the address somebody signs in, and gets a link for another password: see `shown_lately`.
    """
    check(visit.person(), "change-people")
    who = known(visit.parts(), person)
    check_person(visit.person(), who)
    form = Form.sent(PersonSchema())
    with form.refusals():
        given = form.load()
        this = visit.session()
        if given["email"].lower() != who.email.lower() and not (this is not None and this.fresh):
            return show_first()
        try:
            shared.change(visit.parts(), visit.person(), who, given, form.if_match())
        except EmailTaken:
            _say_taken(form)
        except Stale:
            form.status, form.message = 412, say("admin.changed-meanwhile")
            who = known(visit.parts(), person)
        else:
            structlog.get_logger().info("person changed", person=person, by=visit.person().id)
    if not form.ok:
        return _shown(form, who)
    return visit.kept(url_for("web.admin.show", person=person), "admin.changed")


@area.post("/admin/people/<person>/password")
@needs("change-people")
@shown_lately
def set_password(person: str) -> AnyResponse:
    """Gives somebody another password, and signs them out everywhere."""
    check(visit.person(), "change-people")
    who = known(visit.parts(), person)
    check_person(visit.person(), who)
    form = Form.sent(NewPasswordSchema())
    with form.refusals():
        password = str(form.load()["password"])
        judge(form, password, who)
    # A password is never sent back to a page.
    form.values.clear()
    if not form.ok:
        return _shown(Form.holding(PersonSchema(), _content(who)), who, form)
    with running().verifying:
        hashed = people.hash_of(password)
    with visit.parts().pool.connection() as connection, connection.transaction():
        _hold(connection, who.id)
        change_password(connection, who.id, hashed)
    running().callers.forget(who.id)
    structlog.get_logger().info("password set", person=who.id, by=visit.person().id)
    return visit.kept(url_for("web.admin.show", person=person), "admin.password-set")


@area.post("/admin/people/<person>/invite")
@needs("change-people")
@shown_lately
def invite(person: str) -> AnyResponse:
    """Mails somebody a link to choose a password themselves."""
    check(visit.person(), "change-people")
    who = known(visit.parts(), person)
    with visit.parts().pool.connection() as connection, connection.transaction():
        _hold(connection, who.id)
        links.invite(connection, who)
    structlog.get_logger().info("person invited", person=who.id, by=visit.person().id)
    return visit.kept(url_for("web.admin.show", person=person), "admin.invited")


@area.post("/admin/people/<person>/second-factor")
@needs("change-people")
@shown_lately
def reset_second_factor(person: str) -> AnyResponse:
    """No code is asked any more of somebody who lost the app and the recovery codes."""
    check(visit.person(), "change-people")
    who = known(visit.parts(), person)
    with visit.parts().pool.connection() as connection, connection.transaction():
        _hold(connection, who.id)
        if second_factor.remove(connection, who.id):
            sessions.end_all(connection, who.id)
            security.tell(connection, who.id, "factor-reset")
    structlog.get_logger().info("second factor reset", person=who.id, by=visit.person().id)
    return visit.kept(url_for("web.admin.show", person=person), "admin.factor-reset-done")


@area.get("/admin/people/<person>/end")
@needs("change-people")
def ask_end(person: str) -> Response:
    """Is every session and token of somebody to end?"""
    check(visit.person(), "change-people")
    who = known(visit.parts(), person)
    check_person(visit.person(), who)
    title, back = say("admin.end-sure", name=who.name), url_for("web.admin.show", person=who.id)
    what = say("admin.end-what")
    return ask_first(
        title, f"{what} {say('admin.end-own')}" if who.id == visit.person().id else what, say("admin.end"),
        crumbs=[(say("admin.title"), url_for("web.admin.index")), (who.name, back), (say("admin.end"), None)],
        back=back, keep=say("admin.end-not"),
    )  # fmt: skip


@area.post("/admin/people/<person>/end")
@needs("change-people")
def end_access(person: str) -> AnyResponse:
    """Ends every session and token of somebody."""
    check(visit.person(), "change-people")
    shared.end_access_of(visit.parts(), visit.person(), person)
    structlog.get_logger().info("access ended", person=person, by=visit.person().id)
    return visit.kept(url_for("web.admin.show", person=person), "admin.ended")


@area.get("/admin/people/<person>/erasure")
@needs("erase-person")
def ask_erasure(person: str) -> Response:
    """What erasing somebody takes away, and what stays; nothing is erased yet."""
    check(visit.person(), "erase-person")
    return _erasure(Form(ErasureSchema()), known(visit.parts(), person))


@area.post("/admin/people/<person>/erasure")
@needs("erase-person")
def erase(person: str) -> AnyResponse:
    """Erases somebody, once the ground and that it is meant were said."""
    check(visit.person(), "erase-person")
    who = known(visit.parts(), person)
    form = Form.sent(ErasureSchema())
    sure = form.values.pop("sure", [])
    done = None
    with form.refusals():
        given = form.load()
        if sure != ["true"]:
            form.status, form.errors["sure"] = 400, say("admin.erase-not-sure")
        else:
            by = By(visit.person().id, acting_as(visit.person(), "erase-person"))
            done = erasing.erase(visit.parts(), by, person, given["ground"])
    if done is None:
        return _erasure(form, who)
    return page(
        "admin/erased.html",
        done=done,
        mentions=erasing.mentions_for(visit.parts(), visit.person(), done.mentions),
        address=lambda each: _case_address(each.stream),
        called=lambda each: stream_name(each.stream),
    )


@area.post("/admin/people/<person>/deliverable")
@needs("change-people")
def try_address(person: str) -> AnyResponse:
    """Mail goes to somebody's address again, though it was refused."""
    check(visit.person(), "change-people")
    who = known(visit.parts(), person)
    with visit.parts().pool.connection() as connection:
        undeliverable.lift(connection, who.email)
    structlog.get_logger().info("address tried again", person=who.id, by=visit.person().id)
    return visit.kept(url_for("web.admin.show", person=person), "admin.deliverable")


def _erasure(form: Form, who: Person) -> Response:
    found = erasing.plan(visit.parts(), who.id)
    return page(
        "admin/erase.html",
        form.status,
        form=form,
        who=who,
        plan=found,
        own=who.id == visit.person().id,
        grounds=[(ground, say(f"admin.ground-{ground}")) for ground in erasing.GROUNDS],
        others=[name for name in found.said if name not in (who.name, who.email)],
    )


def _case_address(stream: str) -> str | None:
    """Where an administrator who may read cases reads this one."""
    case = stream.startswith("proposal-") and may(visit.person(), "read-cases")
    return url_for("web.cases.show", proposal=stream) if case else None


def _hold(connection: Connection[Any], id: str) -> None:
    """Nobody else changes somebody meanwhile, whom this person may still change."""
    found = people.get(connection, id, held=True)
    if found is None:
        raise Missing("person", id)
    check_person(visit.person(), found)


def _content(person: Person) -> dict[str, Any]:
    """What somebody is, as the form has it."""
    with visit.parts().pool.connection() as connection:
        return shared.content(connection, visit.scope(), person)


def _municipalities(person: Person | None) -> dict[str, str]:
    """Of which municipalities somebody can be a contact: their names, by code; what one is already stays a choice."""
    found = places(visit.parts()).municipalities
    return found | {code: found.get(code, code) for code in sorted(person.municipalities if person else ())}


def _say_taken(form: Form) -> None:
    form.status, form.errors["email"] = 409, say("admin.email-taken")


def _shown(form: Form, person: Person | None, password: Form | None = None) -> Response:
    called = names(visit.parts())
    known, going_on, secret, refused, factor, history, elsewhere = [], 0, False, None, False, [], []
    if person is not None:
        with visit.parts().pool.connection() as connection:
            known = tokens.kept(connection, person.id)
            going_on = sessions.going_on(connection, person.id)
            secret = people.has_password(connection, person.id)
            refused = undeliverable.refusal(connection, person.email)
            factor = second_factor.is_on(connection, person.id)
            elsewhere = linked(connection, person)
            history = happened(connection, visit.scope(), visit.parts().log.load(person.id), called)
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
        least=passwords.SHORTEST,
        meanwhile=form.status == 412,
        roles_of=lambda who: ", ".join(word(role) for role in sorted(who.roles)),
        bodies_of=lambda codes: ", ".join(called.body(body) for body in sorted(codes)),
        who=person,
        version=shared.version(person) if person else None,
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
        organisation_roles=[
            (role, say(f"admin.organisation-role-{role}"), say(f"admin.organisation-role-{role}-what"))
            for role in ORGANISATION_ROLES
        ],
        seat_rows=len(person.bodies) + 1 if person else 1,
        history=history,
        kinds=[(kind, say(f"submission.kind-{kind}")) for kind in KINDS],
        tokens=known,
        sessions=going_on,
        has_password=secret,
        refused=refused,
        linked=elsewhere,
        factor=factor,
    )
