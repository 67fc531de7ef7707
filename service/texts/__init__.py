"""How is it said? Each code has one sentence in each language; `nl.toml` and `en.toml` hold them.

A sentence names facts between braces. After a colon stands how a fact is said: `money`, `day`, `list`, `name` (a text
in each language), `words` (a code that `[words]` explains), `whole` (not cut off, however long).
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["DEFAULT", "LANGUAGES", "Catalog", "catalog"]

LANGUAGES = ("nl", "en")
DEFAULT = "nl"
DUTCH_MARKS = str.maketrans(",.", ".,")
LONGEST_FACT = 100
"""Characters of what somebody sent that a sentence repeats."""


@dataclass(frozen=True)
class Catalog:
    """The sentences of one language, by code; `titles` by HTTP status."""

    language: str
    sentences: Mapping[str, str]
    titles: Mapping[str, str]
    words: Mapping[str, str]
    events: Mapping[str, str]

    def tell(self, event: str, facts: Mapping[str, object]) -> str:
        """The sentence of an event about its facts; its name alone, for one that nobody has put into words."""
        sentence = self.events.get(event, event)
        return _Sentence(self).vformat(sentence, (), facts)

    def put(self, sentence: str, facts: Mapping[str, object]) -> str:
        """A sentence from elsewhere about these facts; KeyError when a fact it names is not given."""
        if "{" not in sentence:  # most of what stands on a page is a plain word
            return sentence
        return _Sentence(self).vformat(sentence, (), facts)

    def say(self, code: str, facts: Mapping[str, object]) -> str:
        """The sentence of this code about these facts; KeyError when there is none, or a fact it names is not given."""
        return _Sentence(self).vformat(self.sentences[code], (), facts)

    def money(self, value: Any) -> str:
        """Euros and cents, as this language writes them."""
        plain = f"{Decimal(value):,.2f}"
        if self.language == "nl":
            return f"€ {plain.translate(DUTCH_MARKS)}"
        return f"€{plain}"

    def day(self, value: date | str | None) -> str:
        """A date in words."""
        if value is None:
            return self.words["none"]
        if isinstance(value, str):
            value = date.fromisoformat(value)
        month = self.words["months"].split()[value.month - 1]
        return f"{value.day} {month} {value.year}"

    def title(self, status: int) -> str:
        """What went wrong in general: the same for every answer with this status."""
        return self.titles.get(str(status)) or self.titles[f"{str(status)[0]}00"]


@cache
def catalog(language: str) -> Catalog:
    """The sentences of a language; KeyError for another than LANGUAGES."""
    if language not in LANGUAGES:
        raise KeyError(language)
    written = tomllib.loads((files("service.texts") / f"{language}.toml").read_text("utf-8"))
    return Catalog(language, written["sentences"], written["titles"], written["words"], written["events"])


class _Sentence(string.Formatter):
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        """Facts go by their plain name; nothing is looked up inside them."""
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        match format_spec:
            case "money":
                return self._catalog.money(value)
            case "day":
                return self._catalog.day(value)
            case "list":
                return self._list(value)
            case "name":
                return self._name(value)
            case "words":
                return self._words(value)
            case "outcome":
                # What a case waits for may have the code of what became of it.
                return self._catalog.words.get(f"outcome-{value}") or self._words(value)
            case "whole":
                return str(value)
        return _short(value)

    def _list(self, value: Iterable[Any]) -> str:
        return ", ".join(_short(each) for each in value) or self._catalog.words["none"]

    def _name(self, value: Mapping[str, Any]) -> str:
        said = value[self._catalog.language]
        return said if isinstance(said, str) else self._list(said)

    def _words(self, value: Any) -> str:
        if isinstance(value, list | tuple):
            return ", ".join(self._words(each) for each in value)
        return self._catalog.words.get(str(value), str(value))


def _short(value: Any) -> str:
    said = str(value)
    return said if len(said) <= LONGEST_FACT else said[: LONGEST_FACT - 1] + "…"
