"""Is it still them? Asked once more before what somebody signs in with changes, in any way that they could sign in.

What they were sending goes along, and can be sent after that: see `resend.py`.
"""

from __future__ import annotations

import json

from flask import Blueprint, Response, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running
from service.api.password_sign_in import HeldBack, by_password
from service.api.steps_noted import code_outcome
from service.demo.people import DEMO_PEOPLE, PASSWORD
from service.identity import identities, passkeys, people, second_factor
from service.identity.permissions import check, needs
from service.web import visit
from service.web.rendering import page, say
from service.web.resend import AGAIN, TYPED_BY, carried, sent_before
from service.web.second_step import asks_code
from service.web.signing_in import go_on, shown_anew
from service.web.visit import before_second_factor, inside, once

__all__ = ["area", "asked", "code_fault", "show_first"]

area = Blueprint("showing", __name__)


@area.get("/account/confirm")
@needs("own-account")
@before_second_factor
@once
def ask() -> AnyResponse:
    """The page that asks; who showed it a moment ago goes on."""
    check(visit.person(), "own-account")
    to, found = inside(request.args.get("next")), visit.session()
    if found is not None and found.fresh:
        return redirect(to, 303)
    return asked(to, [], "")


@area.post("/account/confirm")
@needs("own-account")
@before_second_factor
def show() -> AnyResponse:
    """The password, and the code of who has a second factor: as when signing in, and counted as there."""
    person, to = visit.person(), inside(request.form.get("next"))
    check(person, "own-account")
    good = by_password(person.email, request.form.get("password", ""), "anew")
    if isinstance(good, HeldBack):
        again = _again(to, say("sign-in.held-back", minutes=good.minutes), 429)
        again.headers["Retry-After"] = str(good.seconds)
        return again
    wrong = say("account.password-wrong") if good is None else None
    with visit.parts().pool.connection() as connection:
        factor = second_factor.is_on(connection, person.id)
    if wrong is None and factor:
        wrong = code_fault(request.form.get("code", ""))
    if wrong is not None:
        return _again(to, wrong)
    with visit.parts().pool.connection() as connection, connection.transaction():
        shown_anew(connection)
    return go_on(to)


def show_first() -> AnyResponse:
    """In place of what was asked: the page that asks who it is, and leads on to it."""
    to = request.full_path.removesuffix("?")
    if request.method == "GET":
        return redirect(url_for("web.showing.ask", next=to), 303)
    if request.accept_mimetypes.best == "application/json":
        # A script asks: it goes to the page itself.
        said = {"detail": say("account.confirm-first"), "anew": True}
        return Response(json.dumps(said), 401, content_type="application/json")
    fields = carried()
    if not fields and not _is_page(request.path):
        # A button alone, on another page: it is there to be pressed again.
        fields = [("again", "")]
    return asked(to, fields, visit.typed_by(), status=401)


def asked(
    to: str, fields: list[tuple[str, str]], typed_by: str, wrong: str = "", status: int = 200
) -> Response:
    """The page that asks, in each way that this person can sign in; with the form that is carried along."""
    person, found = visit.person(), running()
    with visit.parts().pool.connection() as connection:
        has_password = people.has_password(connection, person.id)
        factor = second_factor.is_on(connection, person.id)
        has_passkey = bool(passkeys.place(found.settings) and passkeys.kept(connection, person.id))
        issuers = {each.issuer for each in identities.of_person(connection, person.id)}
    offered = [each for each in found.elsewhere.all() if each.issuer in issuers]
    return page(
        "account/confirm.html",
        status,
        to=to,
        fields=[(AGAIN + name, value) for name, value in fields],
        typed_by=typed_by,
        wrong=wrong,
        has_password=has_password,
        factor=factor,
        has_passkey=has_passkey,
        offered=offered,
        with_code={each.code for each in offered if factor and asks_code(each, person)},
        demo_password=PASSWORD
        if found.settings.demo and person.email in {each.email for each in DEMO_PEOPLE}
        else "",
    )


def code_fault(code: str) -> str | None:
    """What is wrong with this as the second factor of who looks, in words; None when it is right. Tries count."""
    outcome = code_outcome(visit.person().id, code)
    return None if outcome in ("good", "recovery") else say(f"account.code-{outcome}")


def _is_page(path: str) -> bool:
    return current_app.url_map.bind("localhost").test(path, "GET")


def _again(to: str, wrong: str, status: int = 400) -> Response:
    return asked(to, sent_before(), request.form.get(TYPED_BY, ""), wrong, status)
