"""What do the pages say? The texts in `texts/`, in both languages; `service/texts/side_by_side.py` tells their form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.texts import side_by_side
from service.texts.side_by_side import Text

__all__ = ["said", "texts"]

PACKAGE = "service.web"


def texts(language: str) -> Mapping[str, Text]:
    """All texts of a language by key. Raises KeyError for a text that is not there in both languages."""
    return side_by_side.texts(PACKAGE, language)


def said(language: str, key: str, **facts: Any) -> str:
    """A text about these facts. Raises KeyError when there is no such text, or a fact it names is missing."""
    return side_by_side.said(PACKAGE, language, key, facts)
