"""What was sent to whom, and did it arrive?"""

from __future__ import annotations

from flask import Blueprint, Response

from service.identity.permissions import check
from service.web import visit
from service.web.rendering import page

area = Blueprint("deliveries", __name__)


@area.get("/deliveries")
def index() -> Response:
    """What was sent, the newest first."""
    check(visit.person(), "read-deliveries")
    return page("start/keys.html", places=[])
