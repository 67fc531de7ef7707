"""How does a table leave a page for a spreadsheet? As CSV that Excel and LibreOffice open in the reader's language."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from flask import Response

from service.web.visit import language

__all__ = ["as_csv", "plain_text"]

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a text begins that a spreadsheet would take for a formula; the last four are the wide forms of the first."""


def as_csv(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A file called `name`.csv with these rows. Amounts are given as decimal texts, with a comma in Dutch."""
    dutch = language() == "nl"
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if dutch else ",")
    writer.writerow(head)
    writer.writerows([_cell(each, dutch) for each in row] for row in rows)
    # A byte order mark is how Excel knows that it is UTF-8.
    response = Response("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def plain_text(value: object) -> str:
    """A value as any program reads it, and no spreadsheet takes for a formula."""
    return _cell(value, dutch=False)


def _cell(value: object, dutch: bool) -> str:
    said = "" if value is None else str(value)
    if _is_amount(said):
        return said.replace(".", ",") if dutch else said
    return "'" + said if said.startswith(RISKY) else said


def _is_amount(said: str) -> bool:
    whole, point, cents = said.removeprefix("-").partition(".")
    return said.isascii() and whole.isdigit() and (not point or (len(cents) == 2 and cents.isdigit()))
