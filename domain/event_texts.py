"""Where does an event hold words? The paths of its texts, by how it is typed, and the digests that stand there."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import is_dataclass
from functools import cache
from typing import Any, cast, get_args, get_origin, get_type_hints

from domain.events import Event, Text

__all__ = ["text_paths", "texts_of"]


@cache
def text_paths(of: Hashable) -> tuple[tuple[str, ...], ...]:
    """The paths of the texts in a dataclass, `*` for each item of a tuple."""
    paths: list[tuple[str, ...]] = []
    for name, hint in get_type_hints(of, include_extras=True).items():
        paths += [(name, *rest) for rest in _paths_in(hint)]
    return tuple(paths)


def texts_of(event: Event) -> dict[str, str]:
    """The digests of the texts of an event by their path in it, such as `content.goals.0`; not of an empty text."""
    found = (each for path in text_paths(cast(Hashable, type(event))) for each in _texts(event, path, ""))
    return {at: digest for at, digest in found if digest}


def _paths_in(hint: Any) -> list[tuple[str, ...]]:
    if hint == Text:
        return [()]
    if is_dataclass(hint):
        assert isinstance(hint, type)
        return list(text_paths(hint))
    if get_origin(hint) is tuple:
        return [("*", *rest) for rest in _paths_in(get_args(hint)[0])]
    return []


def _texts(value: Any, path: tuple[str, ...], at: str) -> Iterator[tuple[str, str]]:
    if not path:
        yield at, value
        return
    step, rest = path[0], path[1:]
    parts = enumerate(value) if step == "*" else ((step, getattr(value, step)),)
    for name, each in parts:
        yield from _texts(each, rest, f"{at}.{name}" if at else str(name))
