"""Which accounts elsewhere does somebody sign in with? The administrator links one by its code, and unlinks it."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Blueprint, Response, request, url_for
from psycopg import Connection
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running
from service.errors import Missing
from service.identity import identities, people
from service.identity.identities import Identity, Stranger
from service.identity.people import Person
from service.identity.permissions import check, check_person, needs
from service.web import sessions, visit
from service.web.asking_first import ask_first
from service.web.rendering import page, say
from service.web.visit import shown_lately

__all__ = ["area", "linked"]

area = Blueprint("identity_links", __name__)

LONGEST = 40
"""Of a code, however somebody types it."""


@area.get("/admin/people/<person>/link")
@needs("change-people")
def ask(person: str) -> Response:
    """Who is told which code, and is that really this person?"""
    check(visit.person(), "change-people")
    known = _known(person)
    check_person(visit.person(), known)
    typed = request.args.get("code", "")[:LONGEST]
    with visit.parts().pool.connection() as connection, connection.transaction():
        found = identities.stranger(connection, typed) if typed else None
        same = identities.strangers(connection, known.email)
    return _shown(known, typed, found, same, refused=bool(typed) and found is None)


@area.post("/admin/people/<person>/link")
@needs("change-people")
@shown_lately
def link(person: str) -> AnyResponse:
    """From now on this person signs in with the account that has this code."""
    check(visit.person(), "change-people")
    known = _known(person)
    check_person(visit.person(), known)
    typed = request.form.get("account", "")[:LONGEST]
    with visit.parts().pool.connection() as connection, connection.transaction():
        _hold(connection, person)
        found = identities.stranger(connection, typed)
        if found is None:
            return _shown(known, typed, None, identities.strangers(connection, known.email), refused=True)
        identities.link(connection, found.issuer, found.subject, known.id, visit.person().id)
    structlog.get_logger().info("identity linked", person=known.id, by=visit.person().id)
    return visit.kept(url_for("web.admin.show", person=person), "elsewhere.linked")


@area.get("/admin/people/<person>/links/<identity>/end")
@needs("change-people")
def ask_end(person: str, identity: str) -> Response:
    """Is this account to be unlinked?"""
    check(visit.person(), "change-people")
    known = _known(person)
    check_person(visit.person(), known)
    with visit.parts().pool.connection() as connection:
        every = identities.of_person(connection, known.id)
    found = next((each for each in every if each.id == identity), None)
    if found is None:
        raise Missing("identity", identity)
    title = say("elsewhere.unlink-sure", provider=_called(found.issuer), name=known.name)
    back = url_for("web.admin.show", person=known.id)
    crumbs = [(say("admin.title"), url_for("web.admin.index")), (known.name, back), (title, None)]
    return ask_first(
        title, say("elsewhere.unlink-what", name=known.name), say("elsewhere.unlink"),
        crumbs=crumbs, back=back, keep=say("elsewhere.unlink-not"),
    )  # fmt: skip


@area.post("/admin/people/<person>/links/<identity>/end")
@needs("change-people")
@shown_lately
def end(person: str, identity: str) -> AnyResponse:
    """From now on this person does not sign in with this account any more, and is signed out everywhere."""
    check(visit.person(), "change-people")
    known = _known(person)
    with visit.parts().pool.connection() as connection, connection.transaction():
        _hold(connection, person)
        ended = identity.isprintable() and identities.end(connection, identity, known.id)
        if ended:
            sessions.end_all(connection, known.id)
    if not ended:
        raise Missing("identity", identity)
    structlog.get_logger().info("identity unlinked", person=known.id, identity=identity, by=visit.person().id)
    return visit.kept(url_for("web.admin.show", person=person), "elsewhere.unlinked")


def linked(connection: Connection[Any], person: Person) -> list[tuple[Identity, str, str | None]]:
    """The accounts elsewhere of somebody: each with what its provider is called, and who linked it."""
    found = identities.of_person(connection, person.id)
    by = people.names(connection, [each.linked_by for each in found if each.linked_by])
    return [(each, _called(each.issuer), by.get(each.linked_by or "")) for each in found]


def _known(id: str) -> Person:
    found = None
    if id.isprintable():
        with visit.parts().pool.connection() as connection:
            found = people.get(connection, id)
    if found is None:
        raise Missing("person", id)
    return found


def _hold(connection: Connection[Any], id: str) -> None:
    """Nobody else changes somebody meanwhile, whom this person may still change."""
    found = people.get(connection, id, held=True)
    if found is None:
        raise Missing("person", id)
    check_person(visit.person(), found)


def _called(issuer: str) -> str:
    """What a provider is called; its address when it is no longer among the settings."""
    provider = running().elsewhere.by_issuer(issuer)
    return provider.name[visit.language()] if provider is not None else issuer


def _shown(
    person: Person, typed: str, found: Stranger | None, same: list[Stranger], *, refused: bool
) -> Response:
    return page(
        "identity_links/link.html",
        400 if refused else 200,
        who=person,
        typed=typed,
        refused=refused,
        found=found,
        same=[] if found else [(each, _called(each.issuer)) for each in same],
        provider=_called(found.issuer) if found else "",
    )
