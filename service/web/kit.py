"""How does each component look? Every one of them on one page, in development only."""

from __future__ import annotations

from flask import Blueprint, Response

from service.web.rendering import page
from service.web.visit import public

area = Blueprint("kit", __name__)


@area.get("/kit")
@public
def index() -> Response:
    """All components."""
    return page("kit/index.html")
