"""How does somebody sign in and out? And what is remembered of how pages are shown and work?"""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running
from service.api.password_sign_in import HeldBack, by_password
from service.demo.people import DEMO_PEOPLE, PASSWORD
from service.identity.oidc.clients import Client
from service.identity.oidc.refusal import NotAccepted
from service.identity.permissions import needs
from service.texts import LANGUAGES
from service.web import cookies, second_step, sessions, visit
from service.web.rendering import page, say
from service.web.resend import AGAIN, TYPED_BY, sent_before
from service.web.visit import before_second_factor, inside, public

area = Blueprint("sign_in", __name__)

YEAR = 365 * 24 * 60 * 60


@area.get("/sign-in")
@public
def ask() -> AnyResponse:
    """The form; who is signed in already goes on."""
    to = inside(request.args.get("next"))
    if visit.session() is not None:
        return redirect(to, 303)
    # Who signed out here is told that they are still signed in where they came from.
    left = running().elsewhere.get(request.args.get("left", ""))
    return page("sign_in.html", to=to, email="", fields=[], people=demo_people(), left=left and left.provider)


@area.post("/sign-in")
@public
def sign_in() -> AnyResponse:
    """Starts a session; who filled in a form that came too late can then send it again."""
    to = inside(request.form.get("next"))
    email, password = request.form.get("email", ""), request.form.get("password", "")
    found = running()
    demo = request.form.get("demo")
    if demo and found.settings.demo and demo in {person.email for person in DEMO_PEOPLE}:
        email, password = demo, PASSWORD
    person = by_password(email, password)
    if person is None or isinstance(person, HeldBack):
        # What came too late and was carried along stays with the form.
        fields = [(AGAIN + name, value) for name, value in sent_before()]
        if person is None:
            status, wrong = 400, say("sign-in.wrong")
        else:
            status, wrong = 429, say("sign-in.held-back", minutes=person.minutes)
        again = page(
            "sign_in.html", status, to=to, email=email[:320], wrong=wrong, fields=fields,
            typed_by=request.form.get(TYPED_BY, ""), people=demo_people(),
        )  # fmt: skip
        if person is not None:
            again.headers["Retry-After"] = str(person.seconds)
        return again
    return second_step.come_in(person, to)


@area.post("/sign-out")
@needs("own-account")
@before_second_factor
def sign_out() -> AnyResponse:
    """Ends the session, here and in the database."""
    with visit.parts().pool.connection() as connection:
        sessions.end(connection, cookies.read(cookies.SESSION))
    left = running().elsewhere.get(cookies.read(cookies.SIGNED_IN_WITH))
    to = url_for("web.sign_in.ask", left=left.provider.code if left is not None and _can_end(left) else None)
    response = redirect(to, 303)
    cookies.take_back(response, cookies.SESSION)
    cookies.take_back(response, cookies.SIGNED_IN_WITH)
    # What was typed, in every tab and also without our script; the cookies of how pages look stay.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _can_end(client: Client) -> bool:
    """Does this provider have a place to sign out? A provider that does not answer keeps nobody in here."""
    try:
        return client.metadata().end_session is not None
    except NotAccepted:
        return False


@area.get("/language/<code:chosen>")
@public
def choose_language(chosen: str) -> AnyResponse:
    """From now on in this language."""
    return _remember(cookies.LANGUAGE, chosen if chosen in LANGUAGES else "")


@area.get("/theme/<code:chosen>")
@public
def choose_theme(chosen: str) -> AnyResponse:
    """From now on light, dark, or as the device has it."""
    return _remember(cookies.THEME, chosen if chosen in visit.THEMES else "")


@area.get("/shortcuts/<code:chosen>")
@public
def choose_shortcuts(chosen: str) -> AnyResponse:
    """From now on letters on the keyboard lead to pages, or not."""
    return _remember(cookies.SHORTCUTS, "off" if chosen == "off" else "")


def _remember(name: str, value: str) -> AnyResponse:
    response = redirect(inside(request.args.get("next")), 303)
    if value:
        cookies.give(response, name, value, YEAR)
    else:
        cookies.take_back(response, name)
    return response


def demo_people() -> list[tuple[str, str]]:
    """Who is one click away: in a demonstration everybody, elsewhere nobody."""
    if not running().settings.demo:
        return []
    return [(person.email, person.name) for person in DEMO_PEOPLE]
