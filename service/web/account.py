"""How safe is my account? What there is to sign in with, in one place; and another password."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, url_for

from service.identity import passkeys, people, second_factor, tokens
from service.identity.permissions import check, needs
from service.web import sessions, visit
from service.web.rendering import page, say

__all__ = ["account_crumbs", "area"]

area = Blueprint("account", __name__)


@area.get("/account")
@needs("own-account")
def index() -> Response:
    """What there is, and where to change it."""
    person = visit.person()
    check(person, "own-account")
    with visit.parts().pool.connection() as connection:
        facts: dict[str, Any] = {
            "has_password": people.has_password(connection, person.id),
            "factor": second_factor.is_on(connection, person.id),
            "passkeys": len(passkeys.kept(connection, person.id)),
            "tokens": sum(bool(each.name) for each in tokens.kept(connection, person.id)),
            "sessions": sessions.going_on(connection, person.id),
        }
    return page("account/index.html", **facts)


def account_crumbs(area: str, title: str) -> list[tuple[str, str | None]]:
    """Where a page stands that asks something about tokens, sessions or passkeys."""
    index = {"tokens": "account_tokens", "sessions": "account_sessions", "passkeys": "passkeys"}[area]
    return [
        (say("account.title"), url_for("web.account.index")),
        (say(f"account.{area}"), url_for(f"web.{index}.index")),
        (title, None),
    ]
