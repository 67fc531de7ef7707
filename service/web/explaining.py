"""Which abbreviations stand in these words, and what do they mean? Said in sight, on the page where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable

from service.web.saying import said
from service.web.visit import language

__all__ = ["ABBREVIATIONS", "spelled_out"]

ABBREVIATIONS = ("PHO", "DB", "AB")
"""What programmes call a consultation of portfolio holders, an executive board and a general board."""


def spelled_out(words: Iterable[str | None]) -> str:
    """A sentence for each abbreviation in these words; empty where there is none."""
    there = {each for text in words if text for each in re.findall(r"\b[A-Z]{2,5}\b", text)}
    return " ".join(said(language(), f"explained.{each.lower()}") for each in ABBREVIATIONS if each in there)
