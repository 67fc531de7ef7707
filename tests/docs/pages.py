"""What stands in the pages: their code blocks, their spans of code, the commands they name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "docker", "benchmarks", "tests", "domain", "projections", "service")
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md") if "vendor" not in page.parts),
    ]
)
FENCED = re.compile(r"^( *)(`{3,})(\w*)[^\n]*\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
SHELL = ("", "sh", "bash", "console")
COMMAND = re.compile(r"(?:^|(?<=[\s;|&($]))(?:\.venv/bin/)?besluitspoor(?= )([^\n|;&)#]*)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of code and its language, empty where none is given."""

    language: str
    text: str


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def read(page: Path | str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    return [Block(language, code) for _, _, language, code in FENCED.findall(text)]


def prose(text: str) -> str:
    """The page without its fenced blocks."""
    return FENCED.sub("", text)


def spans(text: str) -> list[str]:
    """What is set as code within sentences and tables."""
    return [" ".join(span.split()) for span in SPAN.findall(prose(text))]


def commands(text: str, program: str = "besluitspoor") -> Iterator[list[str]]:
    """Every command of ours that a page tells people to give, as words behind the program's name."""
    pattern = re.compile(COMMAND.pattern.replace("besluitspoor", program), re.MULTILINE)
    for block in blocks(text):
        if block.language in SHELL:
            for found in pattern.findall(block.text.replace("\\\n", " ")):
                yield words(found)
    for span in spans(text):
        if span.startswith(f"{program} "):
            yield words(span.removeprefix(program))


def words(command: str) -> list[str]:
    """The words of a command; the brackets around what may be left out are no part of it."""
    try:
        found = shlex.split(command)
    except ValueError:
        found = command.split()
    return [word.strip("[]") for word in found if word.strip("[]") not in ("...", "…", "")]


def rows(text: str, heading: str = "") -> list[list[str]]:
    """The cells of the tables under a heading (everywhere without one), the lines of heads left out."""
    if heading:
        assert f"\n{heading}\n" in text, f"no heading {heading!r}"
        level = heading.split(" ", 1)[0]
        text = re.split(
            rf"^#{{1,{len(level)}}} ", text.split(f"\n{heading}\n", 1)[1], maxsplit=1, flags=re.M
        )[0]
    found = []
    lines = text.splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        is_rule = re.fullmatch(r"\|[\s|:-]+\|", line) is not None
        is_head = re.fullmatch(r"\|[\s|:-]+\|", below) is not None
        if line.startswith("|") and not is_rule and not is_head:
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found
