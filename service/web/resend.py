"""What if a form comes from a session that is over? Nothing of what was typed is lost: it can be sent again."""

from __future__ import annotations

from flask import Response, request

from service.web.rendering import page

__all__ = ["AGAIN", "resend", "sent_before", "sign_in_to_resend"]

AGAIN = "again."
"""Before the name of a field that is carried along while somebody signs in again."""
NOT_CARRIED = ("csrf", "password", "current", "code")
"""The token is of another session; a password or a code stands on no page."""


def resend() -> Response:
    """Somebody signed in again meanwhile: the same form, to be sent once more."""
    return page("resend.html", 409, to=request.full_path.removesuffix("?"), fields=_fields())


def sign_in_to_resend() -> Response:
    """The session is over: sign in, and then send the same form once more."""
    return page(
        "sign_in.html",
        401,
        to=request.full_path.removesuffix("?"),
        email="",
        expired=True,
        fields=[(AGAIN + name, value) for name, value in _fields()],
    )


def sent_before() -> list[tuple[str, str]]:
    """What was carried along while somebody signed in."""
    return [
        (name.removeprefix(AGAIN), value)
        for name, values in request.form.lists()
        if name.startswith(AGAIN)
        for value in values
    ]


def _fields() -> list[tuple[str, str]]:
    return [
        (name, value) for name, values in request.form.lists() if name not in NOT_CARRIED for value in values
    ]
