"""How does PostgreSQL read an array? As text, which is made in a small part of the time psycopg takes item by item."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["array"]

NUL = "\x00"
"""No text in PostgreSQL has it, so it may stand between texts until these are quoted."""


def array(values: Sequence[str | int | bool | None]) -> str:
    """The literal of an array with these values; to be cast to its type in the statement.

    Raises ValueError for a text with a NUL character.
    """
    types = set(map(type, values))
    if types == {str}:
        return "{" + _quoted(NUL.join(values), len(values)).replace(NUL, '","') + "}"  # type: ignore[arg-type]
    if str in types:
        return "{" + ",".join(["NULL" if v is None else _quoted(str(v), 1) for v in values]) + "}"
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _quoted(text: str, parts: int) -> str:
    if text.count(NUL) != parts - 1:
        raise ValueError("a NUL character, which PostgreSQL cannot hold")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
