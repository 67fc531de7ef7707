"""Where is somebody signed in on the pages? Their own sessions, to see and to end."""

from __future__ import annotations

from typing import Any

from service.api.answers import Answer, utc
from service.api.answers_schema import Shape, instant, listed, text
from service.api.blueprint import Resource
from service.api.context import Call
from service.errors import Missing
from service.identity.permissions import check, needs
from service.messaging import security
from service.web import sessions
from service.web.sessions import Kept

api = Resource("sessions", "Where you are signed in on the pages")


class SessionSchema(Shape):
    id = text("To end it by")
    created_at = instant()
    last_used_at = instant("To the minute")
    how = text(f"How you signed in: {', '.join(sessions.HOW)}")
    browser = text("Such as firefox; empty when it is not known")
    device = text("Such as windows; empty when it is not known")


class SessionsSchema(Shape):
    items = listed(SessionSchema)


@api.question("/sessions", shows=SessionsSchema)
@needs("own-account")
def list_sessions(call: Call, given: dict[str, Any]) -> Answer:
    """Your sessions on the pages, the one that was used last first"""
    check(call.person, "own-account")
    with call.parts.pool.connection() as connection:
        found = sessions.kept(connection, call.person.id)
    return Answer({"items": [_shown(each) for each in found]})


@api.change("/sessions/<session:session>", shows=None, method="DELETE")
@needs("own-access")
def end_session(call: Call, given: dict[str, Any], session: str) -> Answer:
    """End a session of yours; you are told by mail"""
    check(call.person, "own-access", owner=call.person.id)
    with call.parts.pool.connection() as connection, connection.transaction():
        if not sessions.end_one(connection, call.person.id, session):
            raise Missing("session", session)
        security.tell(connection, call.person.id, "sessions-ended")
    return Answer({})


@api.change("/sessions", shows=None, method="DELETE")
@needs("own-sign-in")
def end_sessions(call: Call, given: dict[str, Any]) -> Answer:
    """End all of your sessions; you are told by mail"""
    check(call.person, "own-sign-in")
    with call.parts.pool.connection() as connection, connection.transaction():
        if sessions.end_all(connection, call.person.id):
            security.tell(connection, call.person.id, "sessions-ended")
    return Answer({})


def _shown(each: Kept) -> dict[str, str]:
    return {
        "id": each.id,
        "createdAt": utc(each.created_at),
        "lastUsedAt": utc(each.seen_at),
        "how": each.how,
        "browser": each.browser,
        "device": each.device,
    }
