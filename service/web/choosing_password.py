"""How does somebody get a password of their own? By asking for a link, by the link, or under their account."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running
from service.api.password_sign_in import HeldBack, by_password
from service.api.passwords import (
    ChangePasswordSchema,
    ChoosePasswordSchema,
    LinkAskedSchema,
    asked,
    hashed,
    set_password,
    used,
)
from service.identity import links, passwords, people
from service.identity.links import Link
from service.identity.people import Person
from service.identity.permissions import check, needs
from service.known_words import known_words
from service.texts import catalog
from service.web import visit
from service.web.forms import Form
from service.web.rendering import page, say
from service.web.signing_in import strengthen
from service.web.visit import from_anywhere, public, shown_lately

__all__ = ["area", "judge"]

area = Blueprint("choosing_password", __name__)


@area.get("/sign-in/forgot")
@public
def ask() -> Response:
    """Which address?"""
    return page("account/forgot.html", form=Form(LinkAskedSchema()), asked=False)


@area.post("/sign-in/forgot")
@public
def mail() -> Response:
    """Mails a link, if there is an account of that address; the page says no more than that."""
    form = Form.sent(LinkAskedSchema())
    with form.refusals():
        seconds = asked(str(form.load()["email"]))
        if seconds is not None:
            form.status, form.message = 429, say("sign-in.held-back", minutes=-(-seconds // 60))
    return page("account/forgot.html", form.status, form=form, asked=form.ok)


@area.get("/sign-in/link/<token>")
@public
def show(token: str) -> Response:
    """The form behind a link. Nothing is used up: programs open links to see what is behind them."""
    return _shown(_found(token), Form(ChoosePasswordSchema()))


@area.post("/sign-in/link/<token>")
@public
@from_anywhere
def use(token: str) -> Response:
    """The link is used up, and its person has this password.

    What stands in the address is the right to send it; a page that tells nobody where it is tells us neither.
    """
    link = _found(token)
    form = Form.sent(ChoosePasswordSchema())
    if link is None:
        return _shown(None, form)
    with form.refusals():
        password = str(form.load()["password"])
        judge(form, password, link.person)
        if form.ok and not used(link, password):
            link = None
    form.values.clear()
    if link is None or not form.ok:
        return _shown(link, form)
    return _hidden(page("account/chosen.html"))


@area.get("/account/password")
@needs("own-account")
@shown_lately
def ask_change() -> Response:
    """The form for another password."""
    check(visit.person(), "own-account")
    return _asked(Form(ChangePasswordSchema()))


@area.post("/account/password")
@needs("own-sign-in")
@shown_lately
def change() -> AnyResponse:
    """Another password, for who knows the present one; every other session ends."""
    person = visit.person()
    check(person, "own-sign-in")
    form = Form.sent(ChangePasswordSchema())
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
            new = hashed(given["password"])
            this = visit.session()
            assert this is not None
            with visit.parts().pool.connection() as connection, connection.transaction():
                set_password(connection, person.id, new, but=this.id)
                strengthen(connection, this.how)
    form.values.clear()
    if not form.ok:
        return _asked(form)
    running().callers.forget(person.id)
    return visit.kept(url_for("web.account.index"), "account.password-changed")


def judge(form: Form, password: str, person: Person) -> None:
    """What is wrong with this password ends up beside its field."""
    wrong = passwords.fault(password, person, known_words(visit.parts()))
    if wrong is not None:
        form.status = 400
        form.errors["password"] = catalog(visit.language()).say(
            f"password-{wrong}", {"least": passwords.SHORTEST}
        )


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
