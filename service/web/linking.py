"""What is the address of a page, when part of what it asks may be left out?"""

from __future__ import annotations

from typing import Any

from flask import url_for

__all__ = ["address_of"]


def address_of(endpoint: str, **values: object) -> str:
    """The address of a page, without what is None or empty."""
    given: dict[str, Any] = {name: value for name, value in values.items() if value}
    return url_for(endpoint, **given)
