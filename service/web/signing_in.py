"""How does a session begin, and how does its cookie get another value? For every way of signing in."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request
from psycopg import Connection
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running
from service.identity.second_factor import is_needed
from service.web import cookies, sessions, visit
from service.web.browsers import browser_of
from service.web.rendering import page
from service.web.resend import TYPED_BY, not_yours, sent_before
from service.web.sessions import Session

__all__ = [
    "begin", "give_cookie", "go_on", "go_on_with", "renew", "shown_anew", "still_needed",
    "strengthen",
]  # fmt: skip


def begin(connection: Connection[Any], person: str, how: str, provider: str = "") -> str:
    """Starts a session for this person, in place of the one there was: what the cookie is to hold, which it will.

    `provider`: the code of the one where they signed in, for who came from elsewhere.
    """
    old = cookies.read(cookies.SESSION)
    if old:
        sessions.end(connection, old)
    token = sessions.start(connection, person, how, *browser_of(request.headers.get("User-Agent", "")))
    visit.come_in(sessions.find(connection, token))
    g.new_cookie, g.provider = token, provider
    return token


def go_on(to: str) -> AnyResponse:
    """Somebody is signed in: on to this page, or first to what they were sending when a session ended."""
    return go_on_with(to, sent_before(), request.form.get(TYPED_BY, ""))


def go_on_with(to: str, fields: list[tuple[str, str]], typed_by: str) -> AnyResponse:
    """The same, for who was away in between: with the form that was kept meanwhile, and the mark of who typed it."""
    if not fields:
        return redirect(to, 303)
    if not visit.is_reader(typed_by):
        return not_yours()
    return page("resend.html", to=to, fields=fields)


def renew() -> None:
    """The cookie of this session gets another value with this answer, if it is time."""
    found = visit.session()
    if found is None or not found.due:
        return
    with visit.parts().pool.connection() as connection:
        token = sessions.rotate(connection, found)
        if token is not None:
            g.new_cookie = token


def still_needed(found: Session) -> bool:
    """Must this person set up a second factor before anything else? Their role asks one, and there is none."""
    return found.how in sessions.WITH_CODE and is_needed(running().settings, found.person)


def strengthen(connection: Connection[Any], how: str) -> None:
    """Who looks has shown more of who they are: the cookie gets another value, and the old one is good no more."""
    found = visit.session()
    assert found is not None
    token = sessions.strengthen(connection, found, how)
    if token is not None:
        g.new_cookie = token
        visit.come_in(sessions.find(connection, token))


def shown_anew(connection: Connection[Any]) -> None:
    """Who looks showed once more who they are, as they would to sign in."""
    found = visit.session()
    assert found is not None
    sessions.showed(connection, found)
    strengthen(connection, found.how)


def give_cookie(response: AnyResponse) -> AnyResponse:
    """The answer, with the cookie that there is to give. One that ends the session keeps it ended."""
    token = g.pop("new_cookie", None)
    if token is not None and not cookies.is_given(response, cookies.SESSION):
        cookies.give(response, cookies.SESSION, token)
    provider = g.pop("provider", None)
    if provider:
        cookies.give(response, cookies.SIGNED_IN_WITH, provider)
    elif provider is not None:
        cookies.take_back(response, cookies.SIGNED_IN_WITH)
    return response
