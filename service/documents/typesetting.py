"""How does a letter become a PDF? A template and its data go through typst: PDF/A-2a and PDF/UA-1 at once.

What people typed goes in as data, never as source: nothing in it is executed, whatever it looks like. Fonts are those
that come with typst, so the same letter looks the same everywhere, and they are embedded.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import typst

__all__ = ["STANDARDS", "TEMPLATES", "pdf", "plain"]

TEMPLATES = Path(__file__).parent / "templates"
STANDARDS: list[typst.PDFStandard] = ["a-2a", "ua-1"]
"""Kept for ever, and readable with a screen reader: typst refuses to make what does not comply."""

INVISIBLE = "\u00ad\u200c\u200d"
"""Marks within words that scripts need: a soft hyphen, and where letters join or do not."""
NOT_THERE = "\N{REPLACEMENT CHARACTER}"
"""Stands where a character was that no font has."""
ROUNDS = 3

NOT_SHOWN = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')
ESCAPED = re.compile(r"\\(?:u\{([0-9a-f]+)\}|(.))")


def pdf(template: str, data: Mapping[str, Any], at: datetime) -> bytes:
    """The PDF of a template (its name, without `.typ`) with this data; `at` is when it says it was made.

    Equal data gives equal bytes. Raises typst.TypstError when the template is not right.
    """
    given = _each(data, plain)
    for _ in range(ROUNDS):
        try:
            return _compiled(template, given, at)
        except typst.TypstError as error:
            missing = [_unescaped(found) for found in NOT_SHOWN.findall(error.diagnostic)]
            if not missing:
                raise
            given = _each(given, _without(missing))
    return _compiled(template, _each(given, _latin), at)


def plain(text: str) -> str:
    """The text without what can't be printed or would turn its direction: controls, private and unknown characters."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    return "".join(each for each in text if each == "\n" or each in INVISIBLE or _printable(each))


def _printable(character: str) -> bool:
    # Cc controls, Cf direction and other marks, Cs halves, Co private, Cn unassigned; Zl and Zp end a line.
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _compiled(template: str, data: Any, at: datetime) -> bytes:
    made = typst.compile(
        str(TEMPLATES / f"{template}.typ"),
        root=str(TEMPLATES),
        font_paths=typst.Fonts(include_system_fonts=False),
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        pdf_standards=STANDARDS,
        timestamp=int(at.timestamp()),
    )
    assert isinstance(made, bytes)
    return made


def _each(value: Any, change: Callable[[str], str]) -> Any:
    """The same, with every text in it changed."""
    match value:
        case str():
            return change(value)
        case Mapping():
            return {name: _each(each, change) for name, each in value.items()}
        case list() | tuple():
            return [_each(each, change) for each in value]
    return value


def _unescaped(shown: str) -> str:
    """A text as typst quotes it in what it says."""
    letters = {"n": "\n", "t": " ", "r": "\n", "0": ""}
    return ESCAPED.sub(lambda m: chr(int(m[1], 16)) if m[1] else letters.get(m[2], m[2]), shown)


def _without(missing: list[str]) -> Callable[[str], str]:
    pattern = re.compile("|".join(re.escape(each) for each in sorted(set(missing), key=len, reverse=True)))
    return lambda text: pattern.sub(NOT_THERE, text)


def _latin(text: str) -> str:
    """What every font has, when there is no end to what none has."""
    return "".join(each if ord(each) < 0x180 or each in "–—‘’“”…€" else NOT_THERE for each in text)
