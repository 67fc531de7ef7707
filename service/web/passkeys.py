"""How do I sign in without a password? With a passkey: added under my account, chosen on the sign-in page."""

from __future__ import annotations

import json

from flask import Blueprint, Response, abort, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running
from service.api.fields import Given, Text
from service.api.steps_noted import noted
from service.errors import Missing
from service.identity import passkeys
from service.identity.passkeys import NotAccepted, Place, log_refusal
from service.identity.permissions import check, needs
from service.messaging import security
from service.web import visit
from service.web.account import account_crumbs
from service.web.asking_first import ask_first
from service.web.forms import Form
from service.web.rendering import page, say
from service.web.resend import TYPED_BY, sent_before
from service.web.showing import asked
from service.web.signing_in import begin, go_on, shown_anew
from service.web.visit import before_second_factor, inside, public, shown_lately

__all__ = ["area"]

area = Blueprint("passkeys", __name__)

JSON = "application/json"


class AddSchema(Given):
    name = Text(100, required=True)
    credential = Text(passkeys.LONGEST, required=True)


@area.get("/account/passkeys")
@needs("own-account")
@before_second_factor
def index() -> Response:
    """My passkeys, and the form for another."""
    check(visit.person(), "own-account")
    return _shown(Form.holding(AddSchema(), {"name": request.args.get("name", "")[:100]}))


@area.post("/account/passkeys/options")
@needs("own-sign-in")
@before_second_factor
@shown_lately
def ask_to_add() -> Response:
    """What the browser is to make."""
    person = visit.person()
    check(person, "own-sign-in")
    where = passkeys.place(running().settings)
    if where is None:
        said = {"detail": say("account.passkeys-not-here")}
        return Response(json.dumps(said), 400, content_type=JSON)
    with visit.parts().pool.connection() as connection:
        return Response(passkeys.options_to_add(connection, where, person), content_type=JSON)


@area.post("/account/passkeys")
@needs("own-sign-in")
@before_second_factor
@shown_lately
def add() -> AnyResponse:
    """A passkey that the browser just made."""
    person = visit.person()
    check(person, "own-sign-in")
    where = passkeys.place(running().settings)
    form = Form.sent(AddSchema())
    with form.refusals():
        given = form.load()
        try:
            if where is None:
                raise NotAccepted("not-here", person.id)
            challenge = _challenge("add", given["credential"], person.id)
            with visit.parts().pool.connection() as connection, connection.transaction():
                passkeys.add(connection, where, person, given["name"], given["credential"], challenge)
                security.tell(connection, person.id, "passkey-added")
        except NotAccepted as refused:
            log_refusal(refused)
            known = refused.code if refused.code in ("too-many", "known-already") else "refused"
            form.status, form.message = 400, say(f"account.passkey-{known}", most=passkeys.MOST)
    form.values.pop("credential", None)
    if "credential" in form.errors:
        form.errors.pop("credential")
        form.status, form.message = 400, say("account.passkey-refused")
    if not form.ok:
        return _shown(form)
    return visit.kept(url_for("web.passkeys.index"), "account.passkey-added")


@area.get("/account/passkeys/<passkey:passkey>/remove")
@needs("own-access")
def ask_remove(passkey: str) -> Response:
    """Is this passkey to open nothing any more?"""
    person = visit.person()
    check(person, "own-access", owner=person.id)
    with visit.parts().pool.connection() as connection:
        found = next((each for each in passkeys.kept(connection, person.id) if each.id == passkey), None)
    if found is None:
        raise Missing("passkey", passkey)
    title = say("account.passkey-sure", name=found.name)
    return ask_first(
        title, say("account.passkey-sure-what"), say("account.passkey-remove"),
        crumbs=account_crumbs("passkeys", title), back=url_for("web.passkeys.index"), keep=say("account.passkey-keep"),
    )  # fmt: skip


@area.post("/account/passkeys/<passkey:passkey>/remove")
@needs("own-access")
@shown_lately
def remove(passkey: str) -> AnyResponse:
    """This passkey opens nothing any more."""
    person = visit.person()
    check(person, "own-access", owner=person.id)
    with visit.parts().pool.connection() as connection, connection.transaction():
        if not passkeys.remove(connection, person.id, passkey):
            raise Missing("passkey", passkey)
        security.tell(connection, person.id, "passkey-removed")
    return visit.kept(url_for("web.passkeys.index"), "account.passkey-removed")


@area.post("/sign-in/passkey/options")
@public
def ask_to_sign_in() -> Response:
    """What the browser is to ask for. It names nobody."""
    where = _place()
    with visit.parts().pool.connection() as connection:
        return Response(passkeys.options_to_sign_in(connection, where), content_type=JSON)


@area.post("/sign-in/passkey")
@public
def sign_in() -> AnyResponse:
    """A session for whose passkey it is: it stands for password and code, as its owner unlocked it."""
    where, to = _place(), inside(request.form.get("next"))
    person = _whose(where)
    if person is None:
        return page("account/passkey_refused.html", 400, to=to)
    with visit.parts().pool.connection() as connection:
        begin(connection, person, "passkey")
    return go_on(to)


@area.post("/account/confirm/passkey")
@needs("own-account")
@before_second_factor
def show() -> AnyResponse:
    """Who is signed in shows once more who they are, by a passkey of theirs."""
    check(visit.person(), "own-account")
    where, to = passkeys.place(running().settings), inside(request.form.get("next"))
    if where is None or _whose(where, visit.person().id) is None:
        wrong = say("account.passkey-refused")
        return asked(to, sent_before(), request.form.get(TYPED_BY, ""), wrong, 400)
    with visit.parts().pool.connection() as connection, connection.transaction():
        shown_anew(connection)
    return go_on(to)


def _whose(where: Place, only: str | None = None) -> str | None:
    """The id of whose passkey answered, `only` this person's; None when it is not accepted. Either way it is noted."""
    answer = request.form.get("credential", "")
    try:
        challenge = _challenge("sign-in", answer, None)
        with visit.parts().pool.connection() as connection:
            person = passkeys.sign_in(connection, where, answer, challenge)
            if only not in (None, person):
                raise NotAccepted("another-person", person)
            noted(connection, person, "passkey", True)
    except NotAccepted as refused:
        log_refusal(refused)
        with visit.parts().pool.connection() as connection, connection.transaction():
            noted(connection, refused.person, "passkey", False)
            if refused.code == "copied" and refused.person is not None:
                security.tell(connection, refused.person, "passkey-copied")
        return None
    return person


def _challenge(purpose: str, answer: str, person: str | None) -> bytes:
    """The challenge that was answered. It is gone whatever comes of the answer. Raises NotAccepted."""
    with visit.parts().pool.connection() as connection:
        challenge = passkeys.take_challenge(connection, purpose, answer, person)
    if challenge is None:
        raise NotAccepted("challenge", person)
    return challenge


def _place() -> Place:
    where = passkeys.place(running().settings)
    if where is None:
        abort(404)
    return where


def _shown(form: Form) -> Response:
    person = visit.person()
    with visit.parts().pool.connection() as connection:
        found = passkeys.kept(connection, person.id)
    return page(
        "account/passkeys.html",
        form.status,
        form=form,
        passkeys=found,
        possible=passkeys.place(running().settings) is not None,
    )
