"""Is it meant? A page that asks before something is taken away; with scripts its words and its form are in a dialog."""

from __future__ import annotations

from flask import Response, request

from service.web.rendering import page

__all__ = ["ask_first"]


def ask_first(
    title: str, what: str, button: str, *, crumbs: list[tuple[str, str | None]], back: str, keep: str
) -> Response:
    """The page at the address to which its form is sent: what it asks, what follows, and back to where one was.

    `button` does it, `keep` leads `back`.
    """
    return page(
        "asks_first.html",
        title=title,
        what=what,
        button=button,
        crumbs=crumbs,
        address=request.path,
        back=back,
        keep=keep,
    )
