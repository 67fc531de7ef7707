"""How do I want to hear things?"""

from __future__ import annotations

from flask import Blueprint, Response

from service.web.rendering import page

area = Blueprint("preferences", __name__)


@area.get("/inbox/preferences")
def ask() -> Response:
    """Stub."""
    return page("start/keys.html", places=[])
