"""What do the texts in a folder say? Each has one key, `<file>.<name>`, and stands in both languages in `<file>.toml`.

    [due]
    nl = "Uiterlijk {day:day}"
    en = "By {day:day}"

Facts stand between braces, said as `service/texts` says them. A text that is a list of two counts: the first is for
exactly one `count`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from service.texts import LANGUAGES, catalog

__all__ = ["Text", "put", "said", "texts"]

Text = str | list[str]


@cache
def texts(package: str, language: str) -> Mapping[str, Text]:
    """All texts of a language in the folder `texts` of a package, by key.

    Raises KeyError for a text that is not there in both languages.
    """
    found: dict[str, Text] = {}
    for entry in sorted(files(package).joinpath("texts").iterdir(), key=lambda entry: entry.name):
        area, _, suffix = entry.name.rpartition(".")
        if suffix == "toml":
            for name, given in tomllib.loads(entry.read_text("utf-8")).items():
                if set(given) != set(LANGUAGES):
                    raise KeyError(
                        f"{entry.name}: {name} must be said in {', '.join(LANGUAGES)}, no more and no less"
                    )
                found[f"{area}.{name}"] = given[language]
    return found


def said(package: str, language: str, key: str, facts: Mapping[str, Any]) -> str:
    """A text about these facts. Raises KeyError when there is no such text, or a fact it names is missing."""
    text = texts(package, language)[key]
    if isinstance(text, list):
        one, more = text
        text = one if facts["count"] == 1 else more
    return put(language, text, facts)


def put(language: str, text: str, facts: Mapping[str, Any]) -> str:
    """A text that is at hand already, about these facts. Raises KeyError when a fact it names is missing."""
    return catalog(language).put(text, facts)
