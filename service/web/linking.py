"""Where is this page? Its address, or none where these pages do not have it."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for

__all__ = ["address_of", "link_to"]


def link_to(endpoint: str, **values: Any) -> str | None:
    """The address of a page by its endpoint."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None


def address_of(endpoint: str, **values: object) -> str:
    """The address of a page, without what is None or empty."""
    given: dict[str, Any] = {name: value for name, value in values.items() if value}
    return url_for(endpoint, **given)
