"""Which proposals are about this? Over all that one may see."""

from __future__ import annotations

from flask import Blueprint, Response

from service.web.rendering import page

area = Blueprint("search", __name__)


@area.get("/search")
def index() -> Response:
    """The proposals in which these words occur."""
    return page("search/index.html")
