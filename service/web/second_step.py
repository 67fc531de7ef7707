"""Who gave the right password, or came from a provider that may ask no more, gives a code: then there is a session."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running
from service.api.steps_noted import noted
from service.identity import second_factor
from service.identity.oidc.on_their_way import Waiting
from service.identity.oidc.providers import Provider
from service.identity.people import Person
from service.messaging import security
from service.web import cookies, half_way, sessions, visit
from service.web.rendering import page, say
from service.web.resend import AGAIN, TYPED_BY, sent_before
from service.web.signing_in import begin, go_on, go_on_with
from service.web.visit import inside, public

__all__ = ["area", "asks_code", "come_in", "come_in_from"]

area = Blueprint("second_step", __name__)


def come_in(person: Person, to: str) -> AnyResponse:
    """The password was right: a session, or first the page that asks for a code."""
    return _come_in(person, to, sent_before(), request.form.get(TYPED_BY, ""))


def come_in_from(provider: Provider, person: Person, waiting: Waiting) -> AnyResponse:
    """The same for who comes from a provider. Which level it is to have checked decides, and then no code is asked.

    Of a provider without levels it is not known whether it asks more than a password. So there our own code is asked of
    whom it has to be asked, and of nobody else.
    """
    how = "elsewhere" if provider.levels else "elsewhere-unchecked"
    return _come_in(
        person,
        waiting.goes_to,
        waiting.fields,
        waiting.typed_by,
        how,
        provider.code,
        asks=asks_code(provider, person),
    )


def asks_code(provider: Provider, person: Person) -> bool:
    """Is our own code asked of this person, if there is one, after this provider?"""
    return not provider.levels and second_factor.is_needed(running().settings, person)


def _come_in(
    person: Person,
    to: str,
    fields: list[tuple[str, str]],
    typed_by: str,
    how: str = "password",
    provider: str = "",
    *,
    asks: bool = True,
) -> AnyResponse:
    with visit.parts().pool.connection() as connection:
        step = asks and second_factor.is_on(connection, person.id)
        if step:
            token = half_way.begin(connection, person.id, provider)
        else:
            token = begin(connection, person.id, how, provider)
    if not step:
        return go_on_with(to, fields, typed_by)
    response = _asked(to, fields, typed_by)
    cookies.give(response, cookies.STEP, token, half_way.LASTS)
    return response


def _asked(
    to: str, fields: list[tuple[str, str]], typed_by: str, wrong: str = "", status: int = 200
) -> Response:
    """The page that asks for a code."""
    again = [(AGAIN + name, value) for name, value in fields]
    return page("account/code.html", status, to=to, wrong=wrong, fields=again, typed_by=typed_by)


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
        known = half_way.who(connection, cookies.read(cookies.STEP))
        person = known.person if known is not None else None
        outcome = (
            second_factor.check(connection, running().settings, person, request.form.get("code", "")[:100])
            if person is not None
            else "late"
        )
        if known is not None and person is not None and outcome in ("good", "recovery"):
            half_way.end(connection, person)
            noted(connection, person, "code", True)
            if outcome == "recovery":
                security.tell(connection, person, "recovery-used")
            how = "elsewhere-unchecked" if known.provider else "password"
            begin(connection, person, sessions.WITH_CODE[how], known.provider)
        elif person is not None:
            noted(connection, person, "code", False)
    if outcome in ("good", "recovery"):
        response = go_on(to)
        cookies.take_back(response, cookies.STEP)
        return response
    structlog.get_logger().warning("second step refused", person=person, why=outcome)
    return _asked(to, sent_before(), request.form.get(TYPED_BY, ""), say(f"account.code-{outcome}"), 400)
