"""How does somebody get a password of their own? By asking for a link, by the link, or under their account."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Blueprint, Response, request, url_for
from psycopg import Connection
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running
from service.api.fields import Given, Text
from service.api.password_sign_in import PATIENCE, HeldBack, by_password
from service.api.problems import Problem
from service.api.steps_noted import held_back, noted
from service.api.tokens import Password
from service.identity import links, passwords, people, tokens
from service.identity.links import Link
from service.identity.people import Person
from service.identity.permissions import check, needs
from service.messaging import security
from service.web import sessions, visit
from service.web.forms import Form
from service.web.rendering import page, say
from service.web.signing_in import strengthen
from service.web.visit import from_anywhere, public, shown_lately

__all__ = ["area", "judge", "set_password"]

area = Blueprint("choosing_password", __name__)


class AskSchema(Given):
    email = Text(320, required=True)


class ChooseSchema(Given):
    password = Password()


class ChangeSchema(ChooseSchema):
    current = Password()


@area.get("/sign-in/forgot")
@public
def ask() -> Response:
    """Which address?"""
    return page("account/forgot.html", form=Form(AskSchema()), asked=False)


@area.post("/sign-in/forgot")
@public
def mail() -> Response:
    """Mails a link, if there is an account of that address; the page says no more than that."""
    form = Form.sent(AskSchema())
    with form.refusals():
        email = str(form.load()["email"])
        with visit.parts().pool.connection() as connection:
            seconds = held_back(connection, f"link {email}")
            if seconds is None:
                links.ask(connection, email)
            else:
                form.status, form.message = 429, say("sign-in.held-back", minutes=-(-seconds // 60))
    return page("account/forgot.html", form.status, form=form, asked=form.ok)


@area.get("/sign-in/link/<token>")
@public
def show(token: str) -> Response:
    """The form behind a link. Nothing is used up: programs open links to see what is behind them."""
    return _shown(_found(token), Form(ChooseSchema()))


@area.post("/sign-in/link/<token>")
@public
@from_anywhere
def use(token: str) -> Response:
    """The link is used up, and its person has this password.

    What stands in the address is the right to send it; a page that tells nobody where it is tells us neither.
    """
    link = _found(token)
    form = Form.sent(ChooseSchema())
    if link is None:
        return _shown(None, form)
    with form.refusals():
        password = str(form.load()["password"])
        judge(form, password, link.person)
        if form.ok:
            hashed = _hashed(password)
            with visit.parts().pool.connection() as connection, connection.transaction():
                link = links.use(connection, link.id)
                if link is not None:
                    set_password(connection, link.person.id, hashed)
                    noted(connection, link.person.id, "link", True)
    form.values.clear()
    if link is None or not form.ok:
        return _shown(link, form)
    running().callers.forget(link.person.id)
    structlog.get_logger().info("password set", person=link.person.id, by=link.purpose)
    return _hidden(page("account/chosen.html"))


@area.get("/account/password")
@needs("own-account")
@shown_lately
def ask_change() -> Response:
    """The form for another password."""
    check(visit.person(), "own-account")
    return _asked(Form(ChangeSchema()))


@area.post("/account/password")
@needs("own-sign-in")
@shown_lately
def change() -> AnyResponse:
    """Another password, for who knows the present one; every other session ends."""
    person = visit.person()
    check(person, "own-sign-in")
    form = Form.sent(ChangeSchema())
    with form.refusals():
        given = form.load()
        judge(form, given["password"], person)
        if form.ok:
            good = by_password(person.email, given["current"], "anew")
            if isinstance(good, HeldBack):
                form.status, form.message = 429, say("sign-in.held-back", minutes=good.minutes)
            elif good is None:
                form.status, form.errors["current"] = 400, say("account.password-wrong")
        if form.ok:
            hashed = _hashed(given["password"])
            this = visit.session()
            assert this is not None
            with visit.parts().pool.connection() as connection, connection.transaction():
                set_password(connection, person.id, hashed, but=this.id)
                strengthen(connection, this.how)
    form.values.clear()
    if not form.ok:
        return _asked(form)
    running().callers.forget(person.id)
    return visit.kept(url_for("web.account.index"), "account.password-changed")


def judge(form: Form, password: str, person: Person) -> None:
    """What is wrong with this password ends up beside its field."""
    wrong = passwords.fault(password, person)
    if wrong is not None:
        form.status = 400
        form.errors["password"] = say(f"account.password-{wrong}", least=passwords.SHORTEST)


def set_password(connection: Connection[Any], person: str, hashed: str, but: str = "") -> None:
    """From now on this is the password. Who signed in with another has to do so again, `but` for this session."""
    people.set_password_hash(connection, person, hashed)
    sessions.end_all(connection, person, but)
    tokens.end_sign_ins(connection, person)
    links.end_all(connection, person)
    security.tell(connection, person, "password")


def _hashed(password: str) -> str:
    verifying = running().verifying
    if not verifying.acquire(timeout=PATIENCE):
        raise Problem(503, "service-unavailable", headers={"Retry-After": "5"})
    try:
        return people.hash_of(password)
    finally:
        verifying.release()


def _found(token: str) -> Link | None:
    id = links.read(running().settings, token)
    if id is None:
        return None
    with visit.parts().pool.connection() as connection:
        return links.find(connection, id)


def _shown(link: Link | None, form: Form) -> Response:
    if link is None:
        return _hidden(page("account/link_gone.html", 410))
    return _hidden(
        page(
            "account/choose.html", form.status, form=form, link=link, least=passwords.SHORTEST,
            address=request.path,
        )
    )  # fmt: skip


def _hidden(response: Response) -> Response:
    """The same page; where it stands is told to nobody, for the address is as good as a password."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _asked(form: Form) -> Response:
    with visit.parts().pool.connection() as connection:
        has_password = people.has_password(connection, visit.person().id)
    return page(
        "account/password.html", form.status, form=form, has_password=has_password, least=passwords.SHORTEST
    )
