"""Who looks at this page, in which language, and what have they seen? Known of every page before it is made."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app, g, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running
from service.commands import Done
from service.identity.people import Person
from service.identity.scope import Scope, scope_of
from service.keyed import sign, signatures
from service.texts import DEFAULT, LANGUAGES
from service.web import cookies, sessions
from service.web.sessions import Session
from service.wiring import Parts

__all__ = [
    "before_second_factor", "begins", "come_in", "csrf_matches", "csrf_token", "done", "from_anywhere", "how_far",
    "inside", "is_reader", "kept", "language", "mark_of", "once", "parts", "person", "public", "reader", "scope",
    "seen", "session", "shortcuts", "shown_lately", "speak", "theme", "this_page", "typed_by",
]  # fmt: skip

THEMES = ("light", "dark")
PURPOSE = b"besluitspoor reader 1\n"
"""So that what marks a reader is good for nothing else that the secret signs."""
MARK = 16
"""Bytes of such a mark: nobody has the same as somebody else."""
F = TypeVar("F", bound=Callable[..., Any])


def public(view: F) -> F:
    """Marks a page that is open to who did not sign in too."""
    view.public = True  # type: ignore[attr-defined]
    return view


def from_anywhere(view: F) -> F:
    """Marks a form that may be sent from elsewhere: what is in its address is the right to send it, not the session."""
    view.from_anywhere = True  # type: ignore[attr-defined]
    return view


def before_second_factor(view: F) -> F:
    """Marks a page for who has to set up a second factor first, and may see nothing else until then."""
    view.before_second_factor = True  # type: ignore[attr-defined]
    return view


def shown_lately(view: F) -> F:
    """Marks what changes with what somebody signs in: they show who they are first, when that is a while ago."""
    view.shown_lately = True  # type: ignore[attr-defined]
    return view


def parts() -> Parts:
    """The running parts of this process."""
    return running().parts


def session() -> Session | None:
    """The session of who looks; None for nobody who signed in."""
    found: Session | None = g.get("session")
    return found


def come_in(found: Session | None) -> None:
    """This request belongs to this session: the one of its cookie, or the one that was just begun."""
    g.session = found


def person() -> Person:
    """Who looks. Only for pages that are not public."""
    found = session()
    assert found is not None
    return found.person


def scope() -> Scope:
    """What exists for who looks. Only for pages that are not public."""
    return scope_of(person(), parts().calendar().today)


def how_far() -> str:
    """How far the views and the inboxes are, as this process knows: another text whenever one of them moved."""
    clock = parts().clock
    clock.wait_for(0, 0)  # at its first question a process has only begun to listen
    return f"{clock.position}.{clock.inboxes}"


def begins() -> None:
    """From here on it is looked up what the page shows: what happens later, an open page hears of."""
    g.seen = how_far()


def seen() -> str:
    """How far everything was when this page began; empty for one that follows nothing."""
    found: str = g.get("seen", "")
    return found


def mark_of(person: str) -> str:
    """What stands for the person with this id on pages: always the same, and it says nothing of who it is."""
    return sign(running().settings, PURPOSE + person.encode())[:MARK].hex()


def reader() -> str:
    """The mark of who looks; empty for nobody who signed in."""
    found = session()
    return mark_of(found.person.id) if found is not None else ""


def is_reader(mark: str) -> bool:
    """Is this the mark of who looks, or was it before the secret of the service changed?"""
    found = session()
    if found is None:
        return mark == ""
    made = signatures(running().settings, PURPOSE + found.person.id.encode())
    return mark in [each[:MARK].hex() for each in made]


def typed_by() -> str:
    """The mark of who was shown the form that was sent, however long ago; empty where that is not known."""
    return request.form.get("csrf", "").partition(".")[2]


def language() -> str:
    """In which language: as chosen on the pages, else as the browser asks, else Dutch."""
    known: str | None = g.get("language")
    if known is None:
        chosen = cookies.read(cookies.LANGUAGE)
        best = request.accept_languages.best_match(LANGUAGES, default=DEFAULT) or DEFAULT
        # Every text on a page asks.
        g.language = known = chosen if chosen in LANGUAGES else best
    return known


def speak(language: str) -> None:
    """This page is for somebody who reads this language, whatever the browser asks."""
    g.language = language


def theme() -> str:
    """Light or dark as chosen on the pages; empty to follow the device."""
    chosen = cookies.read(cookies.THEME)
    return chosen if chosen in THEMES else ""


def shortcuts() -> bool:
    """Do letters on the keyboard lead to pages? Unless somebody turned that off."""
    return cookies.read(cookies.SHORTCUTS) != "off"


def done(act: Done, to: str, notice: str = "shell.recorded") -> AnyResponse:
    """An act was recorded: go on to this page, which has seen it and says so."""
    found = session()
    assert found is not None
    with parts().pool.connection() as connection:
        sessions.saw(connection, found, act.position, notice)
    return redirect(to, 303)


def kept(to: str, notice: str) -> AnyResponse:
    """Something was changed that stands outside the log: go on to this page, which says so."""
    found = session()
    assert found is not None
    with parts().pool.connection() as connection:
        sessions.saw(connection, found, found.position, notice)
    return redirect(to, 303)


def csrf_token() -> str:
    """What a form carries to show that it came from here: masked anew each time, so that compression tells nothing.

    Behind it stands whose form it is, which is still known when the session is over.
    """
    found = session()
    if found is None:
        return ""
    secret = found.csrf.encode()
    mask = secrets.token_bytes(len(secret))
    return f"{base64.urlsafe_b64encode(mask + _xor(mask, secret)).decode()}.{reader()}"


def this_page() -> str:
    """The address of this page, to come back to; the start page for one that counts once, or that a form led to."""
    view = current_app.view_functions.get(request.endpoint or "")
    if request.method != "GET" or getattr(view, "once", False):
        return "/"
    return request.full_path.removesuffix("?")


def once(view: F) -> F:
    """Marks a page whose address counts once: nothing leads back to it."""
    view.once = True  # type: ignore[attr-defined]
    return view


def inside(address: str | None) -> str:
    """An address on this site, as it was asked for; the start page in place of any other."""
    # What begins with one slash has no host; browsers read a backslash as a slash, and skip what cannot be seen.
    strange = not address or "\\" in address or any(ord(letter) < 32 for letter in address)
    if not address or strange or not address.startswith("/") or address.startswith("//"):
        return "/"
    return address


def csrf_matches() -> bool:
    """Does the form that was sent carry the token of this session?"""
    found = session()
    try:
        given = base64.urlsafe_b64decode(request.form.get("csrf", "").partition(".")[0])
    except ValueError:
        return False
    if found is None or len(given) != 2 * len(found.csrf):
        return False
    half = len(given) // 2
    return secrets.compare_digest(_xor(given[:half], given[half:]), found.csrf.encode())


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
