"""What are our cookies called, and how are they given? One place for all of them.

Where the service is reached over HTTPS a name begins with `__Host-`: browsers then take the cookie from this host
alone, over HTTPS alone, for all of its pages. Over plain HTTP, as of a demo on localhost, they refuse such a name.
"""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running

__all__ = [
    "LANGUAGE", "SESSION", "SHORTCUTS", "SIGNED_IN_WITH", "STEP", "THEME", "give", "is_given", "name_of", "read",
    "take_back",
]  # fmt: skip

SESSION = "besluitspoor"
STEP = "besluitspoor-step"
"""Of who is half way in: the password was right, a code is still asked."""
SIGNED_IN_WITH = "signed-in-with"
"""Says which provider somebody came from: to tell them that they are still signed in there."""
LANGUAGE, THEME, SHORTCUTS = "language", "theme", "shortcuts"
"""What somebody chose of how pages are and work: not of a person, so it stays when they sign out."""


def name_of(cookie: str) -> str:
    """What browsers know this cookie by."""
    return f"__Host-{cookie}" if _over_https() else cookie


def read(cookie: str) -> str:
    """What the browser holds of this cookie; empty when it holds nothing."""
    return request.cookies.get(name_of(cookie), "")


def give(response: AnyResponse, cookie: str, value: str, lasts: int | None = None) -> None:
    """The browser keeps this, for so many seconds or until it is closed, out of reach of scripts and other sites."""
    response.set_cookie(
        name_of(cookie), value, max_age=lasts, path="/", httponly=True, samesite="Lax", secure=_secure()
    )


def take_back(response: AnyResponse, cookie: str) -> None:
    """The browser forgets this cookie."""
    response.delete_cookie(name_of(cookie), path="/", httponly=True, samesite="Lax", secure=_secure())


def is_given(response: AnyResponse, cookie: str) -> bool:
    """Does this answer give the cookie, or take it back?"""
    return any(each.startswith(f"{name_of(cookie)}=") for each in response.headers.getlist("Set-Cookie"))


def _over_https() -> bool:
    return running().settings.public_url.lower().startswith("https://")


def _secure() -> bool:
    return _over_https() or request.is_secure
