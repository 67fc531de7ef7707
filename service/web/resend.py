"""What if a form comes from a session that is over? Nothing of what was typed is lost: it can be sent again.

By who typed it, that is: whoever else signs in in that browser neither sees it nor sends it.
"""

from __future__ import annotations

from flask import Response, request

from service.web import visit
from service.web.rendering import page

__all__ = ["AGAIN", "TYPED_BY", "carried", "not_yours", "resend", "sent_before", "sign_in_to_resend"]

AGAIN = "again."
"""Before the name of a field that is carried along while somebody signs in again."""
TYPED_BY = "typed-by"
"""Who typed what is carried along (`visit.mark_of`)."""
NOT_CARRIED = ("csrf", "password", "current", "code", "credential")
"""The token is of another session; a password or a code stands on no page, and what a passkey answered is good once."""


def resend() -> Response:
    """Somebody signed in again meanwhile: the same form, to be sent once more, by who typed it only."""
    if not visit.is_reader(visit.typed_by()):
        return not_yours(409)
    return page("resend.html", 409, to=request.full_path.removesuffix("?"), fields=carried())


def sign_in_to_resend() -> Response:
    """The session is over: sign in, and then send the same form once more."""
    return page(
        "sign_in.html",
        401,
        to=request.full_path.removesuffix("?"),
        email="",
        expired=True,
        fields=[(AGAIN + name, value) for name, value in carried()],
        typed_by=visit.typed_by(),
    )


def not_yours(status: int = 200) -> Response:
    """The form was filled in by somebody else: it is not shown, and nothing of it was done."""
    return page("not_yours.html", status)


def sent_before() -> list[tuple[str, str]]:
    """What was carried along while somebody signed in."""
    return [
        (name.removeprefix(AGAIN), value)
        for name, values in request.form.lists()
        if name.startswith(AGAIN)
        for value in values
    ]


def carried() -> list[tuple[str, str]]:
    """What of the form that was sent can be sent again."""
    return [
        (name, value) for name, values in request.form.lists() if name not in NOT_CARRIED for value in values
    ]
