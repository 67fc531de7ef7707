"""An example of any event, filled in by the types of its fields, so that an event added later has one too."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from domain.events import Text

__all__ = ["example"]

T = TypeVar("T")

WrittenText = Callable[[str], str]
"""What stands in a text field, by its path in the event."""


def example(of: type[T], text: WrittenText) -> T:
    """An event of this type with every field filled in: two of everything there may be several of."""
    return _filled(of, text, "", count(1))


def _filled(of: type[T], text: WrittenText, at: str, numbers: Iterator[int]) -> T:
    hints = get_type_hints(of, include_extras=True)
    assert is_dataclass(of)
    given = {f.name: _value(hints[f.name], text, f"{at}{f.name}", numbers) for f in fields(of)}
    return of(**given)


def _value(hint: Any, text: WrittenText, at: str, numbers: Iterator[int]) -> Any:
    if hint == Text:
        return text(at)
    if is_dataclass(hint):
        assert isinstance(hint, type)
        return _filled(hint, text, f"{at}.", numbers)
    origin, within = get_origin(hint), get_args(hint)
    if origin is tuple:
        return tuple(_value(within[0], text, f"{at}.{n}", numbers) for n in range(2))
    if origin is dict:
        return {f"key-{n}": _value(within[1], text, f"{at}.key-{n}", numbers) for n in range(2)}
    if origin in (Union, types.UnionType):
        return _value(within[0], text, at, numbers)
    return _plain(hint, next(numbers))


def _plain(hint: Any, number: int) -> Any:
    plain: dict[Any, Any] = {
        str: f"code-{number}",
        int: number,
        bool: True,
        Decimal: Decimal(f"{number}000.50"),
        date: date(2026, 1, (number - 1) % 28 + 1),
        Any: f"anything-{number}",
    }
    return plain[hint]
