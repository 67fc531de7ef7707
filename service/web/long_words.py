"""Where may a long Dutch word be broken when a line ends? Between the words that it is made of.

Not every browser knows where to hyphenate Dutch. What is put in between is an empty mark that only the style sheet
gives a hyphen to: who listens, searches or copies gets the word as it is.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

__all__ = ["foldable", "seams"]

SHORT = 15
"""Letters of a word that has a place on any line."""
PARTS = (
    "aanpak", "adviseur", "besluit", "bestuur", "bureau", "college", "commissie", "conferentie", "fonds", "groep",
    "houder", "kamer", "overleg", "programma", "regeling", "samenwerking", "toets", "vergadering", "verband",
    "verlening", "vertegenwoordig", "voorstel",
)  # fmt: skip
"""What many names of bodies and stages end in, or go on with."""
LEAST = 4
"""Letters that stay together before and behind a seam."""

_WORD = re.compile(rf"[^\W\d_]{{{SHORT + 1},}}")
_SEAM = re.compile(f"(?={'|'.join(PARTS)})", re.IGNORECASE)
_MARK = Markup('<span class="seam"></span>')


def seams(word: str) -> list[str]:
    """The parts of a word between which it may be broken; the word itself when it is short, or made of one."""
    if not _WORD.fullmatch(word):
        return [word]
    at = [each.start() for each in _SEAM.finditer(word) if LEAST <= each.start() <= len(word) - LEAST]
    return [word[begin:end] for begin, end in zip([0, *at], [*at, len(word)], strict=True)]


def foldable(said: object) -> Markup:
    """The same text, of which long words may be broken where they are put together; HTML stays as it is."""
    if hasattr(said, "__html__"):
        return escape(said)
    text = str(said)
    done, found = 0, Markup()
    for word in _WORD.finditer(text):
        found += escape(text[done : word.start()]) + _MARK.join(seams(word[0]))
        done = word.end()
    return found + escape(text[done:])
