"""How does a program help somebody to a password? By a mailed link, asked for and used; or by changing one's own.

The pages do the same with what is here: `service/web/choosing_password.py`.
"""

from __future__ import annotations

from typing import Any

import structlog
from flask import Response, request
from psycopg import Connection

from service.api.answers import Answer, written
from service.api.answers_schema import Shape, whole
from service.api.blueprint import Resource
from service.api.context import Call, running
from service.api.fields import Given, Text
from service.api.openapi import CallDoc
from service.api.password_sign_in import PATIENCE, HeldBack, by_password
from service.api.problems import Fault, Problem
from service.api.steps_noted import held_back, noted
from service.api.tokens import Password
from service.identity import links, passwords, people, tokens
from service.identity.links import Link
from service.identity.people import Person
from service.identity.permissions import check, needs
from service.known_words import known_words
from service.messaging import security
from service.web import sessions

__all__ = [
    "ChangePasswordSchema", "ChoosePasswordSchema", "LinkAskedSchema", "asked", "hashed", "set_password", "used",
]  # fmt: skip

api = Resource("passwords", "A password of one's own")


class LinkAskedSchema(Given):
    email = Text(320, required=True)


class ChoosePasswordSchema(Given):
    password = Password()


class ByLinkSchema(ChoosePasswordSchema):
    link = Text(200, required=True, doc="What the address in the mail ends with, behind /sign-in/link/")


class ChangePasswordSchema(ChoosePasswordSchema):
    current = Password()


class AskedShape(Shape):
    minutes = whole("How long a link is good, if one was mailed")


def ask_link() -> Response:
    """Ask for a link by mail to choose a password with

    The answer is the same whether the address is known here or not. Who asks too often is told to wait (429).
    """
    given = _given(link_asked)
    seconds = asked(given["email"])
    if seconds is not None:
        raise Problem(
            429, "sign-in-held-back", headers={"Retry-After": str(seconds)}, minutes=-(-seconds // 60)
        )
    return written({"minutes": int(links.RESET.total_seconds()) // 60}, 202)


def choose_by_link() -> Response:
    """Choose a password with a link that was mailed; it is good once"""
    given = _given(by_link)
    id = links.read(running().settings, given["link"])
    with running().parts.pool.connection() as connection:
        link = links.find(connection, id) if id is not None else None
    if link is None:
        raise Problem(410, "link-gone")
    _refuse_poor(given["password"], link.person)
    if not used(link, given["password"]):
        raise Problem(410, "link-gone")
    return Response(status=204)


link_asked, by_link, nothing = LinkAskedSchema(), ByLinkSchema(), Given()

api.routed(
    "/password-links",
    "POST",
    ask_link,
    CallDoc(operation="ask_link", shows=AskedShape, status=202, body=True, public=True, refuses=(429,)),
    api.arguments(link_asked, example={"email": "submitter@example.org"}),
)
api.routed(
    "/password-links/choice",
    "POST",
    choose_by_link,
    CallDoc(operation="choose_by_link", shows=None, status=204, body=True, public=True, refuses=(410,)),
    api.arguments(by_link, example={"link": "link-…", "password": "vier gele fietsen"}),
)


@api.change(
    "/people/me/password",
    ChangePasswordSchema,
    shows=None,
    example={"current": "vier gele fietsen", "password": "vijf rode fietsen"},
    method="PUT",
)
@needs("own-sign-in")
def change_password(call: Call, given: dict[str, Any]) -> Answer:
    """Choose another password for oneself

    Every session ends, and every token that came from signing in, this one too. You are told by mail.
    """
    check(call.person, "own-sign-in")
    _refuse_poor(given["password"], call.person)
    good = by_password(call.person.email, given["current"], "anew")
    if isinstance(good, HeldBack):
        raise Problem(
            429, "sign-in-held-back", headers={"Retry-After": str(good.seconds)}, minutes=good.minutes
        )
    if good is None:
        raise Problem(400, "invalid-input", Fault("password-not-yours", "/current"))
    new = hashed(given["password"])
    with call.parts.pool.connection() as connection, connection.transaction():
        set_password(connection, call.person.id, new)
    running().callers.forget(call.person.id)
    return Answer({})


def asked(email: str) -> int | None:
    """Mails a link, if there is an account of that address; or seconds until one may ask again from there."""
    with running().parts.pool.connection() as connection:
        seconds = held_back(connection, f"link {email}")
        if seconds is None:
            links.ask(connection, email)
    return seconds


def used(link: Link, password: str) -> bool:
    """The link is used up, and its person has this password; unless somebody else was first."""
    new = hashed(password)
    with running().parts.pool.connection() as connection, connection.transaction():
        found = links.use(connection, link.id)
        if found is None:
            return False
        set_password(connection, link.person.id, new)
        noted(connection, link.person.id, "link", True)
    running().callers.forget(link.person.id)
    structlog.get_logger().info("password set", person=link.person.id, by=link.purpose)
    return True


def set_password(connection: Connection[Any], person: str, new: str, but: str = "") -> None:
    """From now on this is the password. Who signed in with another has to do so again, `but` for this session."""
    people.set_password_hash(connection, person, new)
    sessions.end_all(connection, person, but)
    tokens.end_sign_ins(connection, person)
    links.end_all(connection, person)
    security.tell(connection, person, "password")


def hashed(password: str) -> str:
    """What is kept of this password. Raises a 503 problem when too many are waiting for that."""
    verifying = running().verifying
    if not verifying.acquire(timeout=PATIENCE):
        raise Problem(503, "service-unavailable", headers={"Retry-After": "5"})
    try:
        return people.hash_of(password)
    finally:
        verifying.release()


def _refuse_poor(password: str, person: Person) -> None:
    wrong = passwords.fault(password, person, known_words(running().parts))
    if wrong is not None:
        facts = {"least": passwords.SHORTEST}
        raise Problem(400, "invalid-input", Fault(f"password-{wrong}", "/password", facts=facts))


def _given(schema: Given) -> dict[str, Any]:
    if request.query_string:
        api.ARGUMENTS_PARSER.parse(nothing, request, location="query")
    found: dict[str, Any] = api.ARGUMENTS_PARSER.parse(schema, request, location="json")
    return found
