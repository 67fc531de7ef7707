"""What can be wrong with a request beside the rules of the domain?"""

from __future__ import annotations

__all__ = ["KeyReused", "Missing", "Removed", "Stale"]


class Missing(Exception):
    """There is no such thing, or none this person may see."""

    def __init__(self, what: str, id: str) -> None:
        super().__init__(what, id)
        self.what = what
        self.id = id


class Removed(Exception):
    """It was there, and was taken away since because it quoted words that were redacted."""

    def __init__(self, what: str, id: str) -> None:
        super().__init__(what, id)
        self.what = what
        self.id = id


class Stale(Exception):
    """The caller acted on an older version than the present one (If-Match)."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


class KeyReused(Exception):
    """The Idempotency-Key was used before, for another request."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key
