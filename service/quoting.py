"""Does one text repeat another? As a whole, or a stretch of it: that is how a copy is told from a word in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["quotes", "repeated"]

STRETCH = 6
"""Words in a row that two texts have in common only when one was copied from the other."""

WORD = re.compile(r"\w+")


def quotes(text: str | None, said: Iterable[str]) -> bool:
    """Does this text have one of these in it, or at least so many words in a row of it?"""
    words = _words(text or "")
    return any(_shares(words, _words(each)) for each in said)


def repeated(texts: Mapping[str, str], chosen: Iterable[str]) -> list[str]:
    """Which of these texts, by their name, repeat one of those that were chosen among them."""
    taken = set(chosen)
    said = [texts[name] for name in taken if name in texts]
    return [name for name, text in texts.items() if name not in taken and quotes(text, said)]


def _words(text: str) -> list[str]:
    return [word.casefold() for word in WORD.findall(text)]


def _shares(words: list[str], said: list[str]) -> bool:
    length = min(len(said), STRETCH)
    if not length or len(words) < length:
        return False
    here = {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}
    return any(tuple(said[at : at + length]) in here for at in range(len(said) - length + 1))
