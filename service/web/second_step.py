"""Who gave the right password gives a code: then only is there a session."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running
from service.api.steps_noted import noted
from service.identity import second_factor
from service.identity.people import Person
from service.messaging import security
from service.web import cookies, half_way, visit
from service.web.rendering import page, say
from service.web.resend import AGAIN, TYPED_BY, sent_before
from service.web.signing_in import begin, go_on
from service.web.visit import inside, public

__all__ = ["area", "asked", "come_in"]

area = Blueprint("second_step", __name__)


def come_in(person: Person, to: str) -> AnyResponse:
    """The password was right: a session, or first the page that asks for a code."""
    with visit.parts().pool.connection() as connection:
        step = second_factor.is_on(connection, person.id)
        token = half_way.begin(connection, person.id) if step else begin(connection, person.id, "password")
    if not step:
        return go_on(to)
    response = asked(to)
    cookies.give(response, cookies.STEP, token, half_way.LASTS)
    return response


def asked(to: str, wrong: str = "", status: int = 200) -> Response:
    """The page that asks for a code."""
    fields = [(AGAIN + name, value) for name, value in sent_before()]
    typed_by = request.form.get(TYPED_BY, "")
    return page("account/code.html", status, to=to, wrong=wrong, fields=fields, typed_by=typed_by)


@area.get("/sign-in/code")
@public
def ask() -> AnyResponse:
    """The page alone has nothing to go on: it begins with the password."""
    return redirect(url_for("web.sign_in.ask"), 303)


@area.post("/sign-in/code")
@public
def check() -> AnyResponse:
    """A good code begins the session; with a wrong one there are a few more tries."""
    to = inside(request.form.get("next"))
    with visit.parts().pool.connection() as connection:
        person = half_way.who(connection, cookies.read(cookies.STEP))
        outcome = (
            second_factor.check(connection, running().settings, person, request.form.get("code", "")[:100])
            if person is not None
            else "late"
        )
        if person is not None and outcome in ("good", "recovery"):
            half_way.end(connection, person)
            noted(connection, person, "code", True)
            if outcome == "recovery":
                security.tell(connection, person, "recovery-used")
            begin(connection, person, "password-and-code")
        elif person is not None:
            noted(connection, person, "code", False)
    if outcome in ("good", "recovery"):
        response = go_on(to)
        cookies.take_back(response, cookies.STEP)
        return response
    structlog.get_logger().warning("second step refused", person=person, why=outcome)
    return asked(to, say(f"account.code-{outcome}"), 400)
