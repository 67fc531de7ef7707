"""Where am I signed in? Each session, since when and in what browser; to end one or all others."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.errors import Missing
from service.identity.permissions import check, needs
from service.messaging import security
from service.web import sessions, visit
from service.web.rendering import page, say
from service.web.sessions import Kept

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


@area.post("/account/sessions/<session:session>/end")
@needs("own-access")
def end(session: str) -> AnyResponse:
    """Ends one of my sessions; the one that looks too, if that is the one."""
    check(visit.person(), "own-access", owner=visit.person().id)
    with visit.parts().pool.connection() as connection, connection.transaction():
        if not sessions.end_one(connection, visit.person().id, session):
            raise Missing("session", session)
        security.tell(connection, visit.person().id, "sessions-ended")
    return visit.kept(url_for("web.account_sessions.index"), "account.session-ended")


@area.post("/account/sessions/end-others")
@needs("own-account")
def end_others() -> AnyResponse:
    """Ends all of them but the one that looks."""
    person, this = visit.person(), visit.session()
    check(person, "own-account")
    assert this is not None
    with visit.parts().pool.connection() as connection, connection.transaction():
        if sessions.end_all(connection, person.id, this.id):
            security.tell(connection, person.id, "sessions-ended")
    return visit.kept(url_for("web.account_sessions.index"), "account.sessions-ended")


def _browser(each: Kept) -> str:
    browser = say(f"account.browser-{each.browser}") if each.browser else say("account.browser-unknown")
    device = say(f"account.device-{each.device}") if each.device else ""
    return say("account.browser-on", browser=browser, device=device) if device else browser
