"""How does a piece of writing look, as HTML and as plain text? Made of a few kinds of blocks, so both say the same."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

__all__ = ["Block", "Bullets", "Heading", "Paragraphs", "Table", "as_html", "as_text"]

WIDTH = 76
"""Characters of a line of plain text, so that it can be quoted within 80."""


@dataclass(frozen=True, slots=True)
class Heading:
    """`level` 1 is the title. `language`: that of the words, where it is not that of the whole."""

    level: int
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Paragraphs:
    """A text; an empty line begins a new paragraph. `quiet`: beside the point, such as where it comes from."""

    text: str
    language: str = ""
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """Short sentences in a row."""

    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """Names, each with what it is; `caption` says of what."""

    caption: str
    rows: Sequence[tuple[str, str]]


Block = Heading | Paragraphs | Bullets | Table


def as_html(blocks: Iterable[Block], *, below: int = 0) -> Markup:
    """The blocks as HTML without any styles. `below`: how many levels of headings stand above it on the page."""
    return Markup("\n").join(_html(block, below) for block in blocks)


def as_text(blocks: Iterable[Block]) -> str:
    """The same as plain text, lines kept short."""
    return "\n\n".join(said for block in blocks if (said := _text(block))) + "\n"


def _html(block: Block, below: int) -> Markup:
    match block:
        case Heading(level, text, language):
            name = f"h{min(level + below, 6)}"
            return Markup("<{0}{1}>{2}</{0}>").format(name, _lang(language), text)
        case Paragraphs(text, language, quiet):
            quietly = Markup(' class="quiet"') if quiet else Markup()
            return Markup("\n").join(
                Markup("<p{}{}>{}</p>").format(
                    _lang(language), quietly, Markup("<br>").join(map(escape, each.split("\n")))
                )
                for each in _paragraphs(text)
            )
        case Bullets(items):
            return Markup("<ul>{}</ul>").format(
                Markup().join(Markup("<li>{}</li>").format(each) for each in items)
            )
        case Table(caption, rows):
            said = (
                Markup('<tr><th scope="row">{}</th><td>{}</td></tr>').format(name, what)
                for name, what in rows
            )
            return Markup("<table><caption>{}</caption><tbody>{}</tbody></table>").format(
                caption, Markup().join(said)
            )


def _text(block: Block) -> str:
    match block:
        case Heading(level, text):
            line = {1: "=", 2: "-"}.get(level)
            return "\n".join([*_wrapped(text), line * min(len(text), WIDTH)] if line else _wrapped(text))
        case Paragraphs(text):
            return "\n\n".join(
                "\n".join(short for line in each.split("\n") for short in _wrapped(line))
                for each in _paragraphs(text)
            )
        case Bullets(items):
            return "\n".join(short for each in items for short in _wrapped(each, "- "))
        case Table(caption, rows):
            said = (short for name, what in rows for short in _wrapped(f"{name}: {what}", "  "))
            return "\n".join([*_wrapped(f"{caption}:"), *said])


def _paragraphs(text: str) -> list[str]:
    return [each.strip() for each in text.replace("\r\n", "\n").split("\n\n") if each.strip()]


def _wrapped(line: str, mark: str = "") -> list[str]:
    """The line in short ones. A no-break space stays one; an address is never broken."""
    return textwrap.wrap(
        line,
        WIDTH,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def _lang(language: str) -> Markup:
    return Markup(' lang="{}"').format(language) if language else Markup()
