"""By what does the address say that a table is sorted? `sort=title`, or `sort=-title` for the other way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from flask import request

__all__ = ["Sort", "asked_sort"]


@dataclass(frozen=True, slots=True)
class Sort:
    """The column that a table is sorted by, and whether it is the other way round."""

    by: str
    descending: bool = False

    @property
    def named(self) -> str:
        """As an address says it."""
        return f"-{self.by}" if self.descending else self.by


def asked_sort(known: Collection[str], default: Sort) -> Sort:
    """What the address asks for; the default where that is no column of this table."""
    given = request.args.get("sort", "")
    by = given.removeprefix("-")
    return Sort(by, given.startswith("-")) if by in known else default
