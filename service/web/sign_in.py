"""How does somebody sign in and out? And in which language, and how light, are the pages shown?"""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running
from service.api.password_sign_in import HeldBack, by_password
from service.demo.people import DEMO_PEOPLE, PASSWORD
from service.identity.permissions import needs
from service.texts import LANGUAGES
from service.web import sessions, visit
from service.web.rendering import page, say
from service.web.resend import AGAIN, TYPED_BY, not_yours, sent_before
from service.web.visit import COOKIE, inside, public

area = Blueprint("sign_in", __name__)

YEAR = 365 * 24 * 60 * 60


@area.get("/sign-in")
@public
def ask() -> AnyResponse:
    """The form; who is signed in already goes on."""
    to = inside(request.args.get("next"))
    if visit.session() is not None:
        return redirect(to, 303)
    return page("sign_in.html", to=to, email="", fields=[], people=_demo_people())


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
            typed_by=request.form.get(TYPED_BY, ""), people=_demo_people(),
        )  # fmt: skip
        if person is not None:
            again.headers["Retry-After"] = str(person.seconds)
        return again
    with found.parts.pool.connection() as connection:
        old = request.cookies.get(COOKIE)
        if old:
            sessions.end(connection, old)
        token = sessions.start(connection, person.id)
        fields = sent_before()
        if fields:
            # The session that was just begun is the one that the form is to be sent in.
            visit.come_in(sessions.find(connection, token))
    response: AnyResponse
    if not fields:
        response = redirect(to, 303)
    elif request.form.get(TYPED_BY) == visit.mark_of(person.id):
        response = page("resend.html", to=to, fields=fields)
    else:
        response = not_yours()
    response.set_cookie(COOKIE, token, httponly=True, samesite="Lax", secure=request.is_secure)
    return response


@area.post("/sign-out")
@needs("own-account")
def sign_out() -> AnyResponse:
    """Ends the session, here and in the database."""
    with visit.parts().pool.connection() as connection:
        sessions.end(connection, request.cookies.get(COOKIE, ""))
    response = redirect(url_for("web.sign_in.ask"), 303)
    response.delete_cookie(COOKIE)
    return response


@area.get("/language/<code:chosen>")
@public
def choose_language(chosen: str) -> AnyResponse:
    """From now on in this language."""
    return _remember(visit.LANGUAGE, chosen if chosen in LANGUAGES else "")


@area.get("/theme/<code:chosen>")
@public
def choose_theme(chosen: str) -> AnyResponse:
    """From now on light, dark, or as the device has it."""
    return _remember(visit.THEME, chosen if chosen in visit.THEMES else "")


def _remember(name: str, value: str) -> AnyResponse:
    response = redirect(inside(request.args.get("next")), 303)
    if value:
        response.set_cookie(
            name, value, max_age=YEAR, httponly=True, samesite="Lax", secure=request.is_secure
        )
    else:
        response.delete_cookie(name)
    return response


def _demo_people() -> list[tuple[str, str]]:
    """Who is one click away: in a demonstration everybody, elsewhere nobody."""
    if not running().settings.demo:
        return []
    return [(person.email, person.name) for person in DEMO_PEOPLE]
