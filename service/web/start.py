"""What must I do, and where do my proposals stand? The page everybody begins on."""

from __future__ import annotations

from flask import Blueprint, Response

from service.web.rendering import page

area = Blueprint("start", __name__)


@area.get("/")
def work() -> Response:
    """My work: what waits for me, and what I follow."""
    return page("start/work.html")


@area.get("/keys")
def keys() -> Response:
    """The keyboard shortcuts, and how to turn them off."""
    return page("start/keys.html")
