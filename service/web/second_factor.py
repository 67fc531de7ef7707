"""How do I set up the second step of signing in? A QR code for an app, a code to confirm it, codes to fall back on."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running
from service.api.second_factors import CodeSchema, confirmed, renewed, turned_off
from service.identity import second_factor
from service.identity.people import Person
from service.identity.permissions import check, needs
from service.web import qr, sessions, visit
from service.web.forms import Form
from service.web.rendering import page, say
from service.web.showing import code_fault
from service.web.signing_in import strengthen
from service.web.visit import before_second_factor, shown_lately

area = Blueprint("second_factor", __name__)


@area.get("/account/second-factor")
@needs("own-account")
@before_second_factor
def index() -> Response:
    """How it stands, and what comes next."""
    check(visit.person(), "own-account")
    return _shown()


@area.post("/account/second-factor/begin")
@needs("own-sign-in")
@before_second_factor
@shown_lately
def begin() -> AnyResponse:
    """There is a secret to put into an app; nothing is asked of anybody yet."""
    person = visit.person()
    check(person, "own-sign-in")
    with visit.parts().pool.connection() as connection:
        second_factor.begin(connection, running().settings, person.id)
    return redirect(url_for("web.second_factor.index"), 303)


@area.get("/account/second-factor/code.svg")
@needs("own-account")
@before_second_factor
def picture() -> AnyResponse:
    """The QR code of a secret that is still to be confirmed; after that nobody sees it again."""
    person = visit.person()
    check(person, "own-account")
    secret = _secret(person)
    if secret is None:
        return redirect(url_for("web.second_factor.index"), 303)
    return Response(qr.svg(second_factor.address_for_app(person, secret)), content_type="image/svg+xml")


@area.post("/account/second-factor/confirm")
@needs("own-sign-in")
@before_second_factor
@shown_lately
def confirm() -> AnyResponse:
    """A code shows that the app has it: from now on one is asked. The recovery codes stand on this page only."""
    person = visit.person()
    check(person, "own-sign-in")
    form = Form.sent(CodeSchema())
    codes: list[str] | None = None
    this = visit.session()
    assert this is not None
    with form.refusals():
        code = form.load()["code"]
        with visit.parts().pool.connection() as connection, connection.transaction():
            codes = confirmed(connection, person, code, but=this.id)
            if codes is None:
                form.status, form.errors["code"] = 400, say("account.code-wrong")
            else:
                strengthen(connection, sessions.WITH_CODE.get(this.how, this.how))
    form.values.clear()
    if codes is None:
        return _shown(confirm=form)
    return page("account/recovery_codes.html", codes=codes)


@area.post("/account/second-factor/codes")
@needs("own-sign-in")
@shown_lately
def renew_codes() -> AnyResponse:
    """Ten other recovery codes, for who shows a code of the app."""
    person = visit.person()
    form = _with_code()
    if not form.ok:
        return _shown(renew=form)
    with visit.parts().pool.connection() as connection, connection.transaction():
        codes = renewed(connection, person)
    return page("account/recovery_codes.html", codes=codes)


@area.post("/account/second-factor/off")
@needs("own-sign-in")
@shown_lately
def turn_off() -> AnyResponse:
    """No code is asked any more, of who shows one. Who has to have one sets up another at once."""
    person = visit.person()
    form = _with_code()
    if not form.ok:
        return _shown(off=form)
    this = visit.session()
    assert this is not None
    with visit.parts().pool.connection() as connection, connection.transaction():
        turned_off(connection, person)
        without = {with_code: how for how, with_code in sessions.WITH_CODE.items()}
        strengthen(connection, without.get(this.how, this.how))
    return visit.kept(url_for("web.second_factor.index"), "account.factor-is-off")


def _with_code() -> Form:
    """The form that was sent, refused unless its code is a good one."""
    check(visit.person(), "own-sign-in")
    form = Form.sent(CodeSchema())
    with form.refusals():
        code = form.load()["code"]
        wrong = code_fault(code)
        if wrong is not None:
            form.status, form.errors["code"] = 400, wrong
    form.values.clear()
    return form


def _secret(person: Person) -> str | None:
    with visit.parts().pool.connection() as connection:
        return second_factor.to_confirm(connection, running().settings, person.id)


def _shown(**sent: Form) -> Response:
    person = visit.person()
    with visit.parts().pool.connection() as connection:
        state = second_factor.state(connection, person.id)
    secret = _secret(person) if state.begun else None
    forms: dict[str, Any] = {
        f"{name}_form": sent.get(name) or Form(CodeSchema()) for name in ("begin", "confirm", "renew", "off")
    }
    return page(
        "account/second_factor.html",
        next(iter(sent.values())).status if sent else 200,
        state=state,
        needed=second_factor.is_needed(running().settings, person),
        words=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)) if secret else "",
        **forms,
    )
