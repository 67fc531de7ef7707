"""Where am I signed in? Each session, since when and in what browser; to end one or all others."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.errors import Missing
from service.identity.permissions import check, needs
from service.messaging import security
from service.web import sessions, visit
from service.web.account import account_crumbs
from service.web.asking_first import ask_first
from service.web.rendering import page, say
from service.web.sessions import Kept
from service.web.visit import shown_lately

area = Blueprint("account_sessions", __name__)


@area.get("/account/sessions")
@needs("own-account")
def index() -> Response:
    """My sessions; the one that looks is marked."""
    check(visit.person(), "own-account")
    with visit.parts().pool.connection() as connection:
        found = sessions.kept(connection, visit.person().id)
    this = visit.session()
    return page(
        "account/sessions.html", sessions=found, this=this.id if this is not None else "", browser=_browser
    )


@area.get("/account/sessions/<session:session>/end")
@needs("own-access")
def ask_end(session: str) -> Response:
    """Is this session of mine to end?"""
    person, this = visit.person(), visit.session()
    check(person, "own-access", owner=person.id)
    with visit.parts().pool.connection() as connection:
        found = next((each for each in sessions.kept(connection, person.id) if each.id == session), None)
    if found is None:
        raise Missing("session", session)
    own = this is not None and this.id == session
    title = say("account.session-sure", browser=_browser(found))
    return _ask(title, "session-sure-own" if own else "session-sure-what", "session-end")


@area.get("/account/sessions/end-others")
@needs("own-sign-in")
def ask_end_others() -> Response:
    """Are all of them to end but the one that looks?"""
    check(visit.person(), "own-sign-in")
    return _ask(say("account.sessions-sure"), "sessions-sure-what", "sessions-end")


@area.post("/account/sessions/<session:session>/end")
@needs("own-access")
@shown_lately
def end(session: str) -> AnyResponse:
    """Ends one of my sessions; the one that looks too, if that is the one."""
    check(visit.person(), "own-access", owner=visit.person().id)
    with visit.parts().pool.connection() as connection, connection.transaction():
        if not sessions.end_one(connection, visit.person().id, session):
            raise Missing("session", session)
        security.tell(connection, visit.person().id, "sessions-ended")
    return visit.kept(url_for("web.account_sessions.index"), "account.session-ended")


@area.post("/account/sessions/end-others")
@needs("own-sign-in")
@shown_lately
def end_others() -> AnyResponse:
    """Ends all of them but the one that looks."""
    person, this = visit.person(), visit.session()
    check(person, "own-sign-in")
    assert this is not None
    with visit.parts().pool.connection() as connection, connection.transaction():
        if sessions.end_all(connection, person.id, this.id):
            security.tell(connection, person.id, "sessions-ended")
    return visit.kept(url_for("web.account_sessions.index"), "account.sessions-ended")


def _ask(title: str, what: str, button: str) -> Response:
    return ask_first(
        title, say(f"account.{what}"), say(f"account.{button}"), crumbs=account_crumbs("sessions", title),
        back=url_for("web.account_sessions.index"), keep=say("account.session-keep"),
    )  # fmt: skip


def _browser(each: Kept) -> str:
    browser = say(f"account.browser-{each.browser}") if each.browser else say("account.browser-unknown")
    device = say(f"account.device-{each.device}") if each.device else ""
    return say("account.browser-on", browser=browser, device=device) if device else browser
