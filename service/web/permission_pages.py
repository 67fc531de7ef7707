"""Who may do or see what, in which relation, and when? The table of permissions in plain words, for everybody."""

from __future__ import annotations

from flask import Blueprint, Response, request

from service.identity.people import ROLES
from service.identity.permissions import needs
from service.web import visit
from service.web.explained_permissions import explained
from service.web.rendering import page, word

area = Blueprint("permissions", __name__)


@area.get("/permissions")
@needs("own-account")
def index() -> Response:
    """All of it, or what one role may: `role=` in the address."""
    asked = request.args.get("role")
    role = asked if asked in ROLES else None
    return page(
        "permissions/index.html",
        lines=explained(visit.language(), role),
        role=role,
        roles=[(each, word(each)) for each in ROLES],
        mine=sorted(word(each) for each in visit.person().roles),
    )
