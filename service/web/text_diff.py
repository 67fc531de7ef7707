"""Which words were taken out of a text, and which were put in? Read in one go, each marked where it stands."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher

__all__ = ["Piece", "compared"]

WORD = re.compile(r"\S+\s*|\s+")
TOO_ALIKE = 1_000_000
"""Pairs of equal words above which comparing word by word would take long: the whole text is then shown twice."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text. `kind`: same, removed or added."""

    kind: str
    text: str

    @property
    def bare(self) -> str:
        """Without the space behind it, which is not marked."""
        return self.text.rstrip()

    @property
    def space(self) -> str:
        """The space behind it."""
        return self.text[len(self.bare) :]


def compared(before: str, after: str) -> list[Piece]:
    """The later text with what was removed from the earlier one, in the order in which it reads."""
    if before == after:
        return [Piece("same", after)] if after else []
    old, new = WORD.findall(before), WORD.findall(after)
    if _pairs(old, new) > TOO_ALIKE:
        return _pieces([("removed", before), ("added", after)])
    found: list[tuple[str, str]] = []
    space = ""
    matcher = SequenceMatcher(
        None, [word.strip() for word in old], [word.strip() for word in new], autojunk=False
    )
    for kind, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if kind == "equal":
            found.append(("same", "".join(new[new_from:new_to])))
            # At its end the later text may have no space where the earlier one went on.
            space = _behind(old[old_to - 1]) if not _behind(new[new_to - 1]) else ""
        else:
            if old_to > old_from:
                found.append(("removed", space + "".join(old[old_from:old_to])))
            found.append(("added", "".join(new[new_from:new_to])))
    return _pieces(found)


def _behind(word: str) -> str:
    """The space behind a word."""
    return word[len(word.rstrip()) :]


def _pieces(found: list[tuple[str, str]]) -> list[Piece]:
    return [Piece(kind, text) for kind, text in found if text]


def _pairs(old: list[str], new: list[str]) -> int:
    """How many pairs of equal words there are: what comparing costs grows with it."""
    counts = Counter(word.strip() for word in new)
    return sum(n * counts[word] for word, n in Counter(word.strip() for word in old).items())
