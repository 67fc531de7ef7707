"""What does a table of a definition say, and what is wrong with it? Problems are kept, none raised.

A field that cannot be read gives a stand-in of its type (an empty text, 0), so reading goes on and all
problems come out at once; `Problems` keeps one problem a key, the first, so a stand-in causes no second one.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from domain.programme import Name

__all__ = ["CODE", "DefinitionErrors", "Problem", "Problems", "Table", "closest", "is_code"]

CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MONEY = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")
LONGEST_CODE = 60
LONGEST_NAME = 200
EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[^\s@<>()\[\],;:\\\"]+\.[^\s@<>()\[\],;:\\\".]+")
KINDS_OF_VALUE = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    dict: "a table",
    list: "a list",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a definition: in which file, at which key (lists count from 0), and how to mend it."""

    file: str
    key: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key or 'the whole file'}: {self.message} {self.remedy}"

    @property
    def pointer(self) -> str:
        """The key as a JSON pointer: `stages[2].term` gives `/stages/2/term`, the whole file an empty one."""
        steps = (
            json.loads(step) if step.startswith('"') else step
            for step in re.findall(r'"(?:[^"\\]|\\.)*"|[^.\[\]]+', self.key)
        )
        return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


class DefinitionErrors(Exception):
    """A definition cannot be used; `problems` holds everything that is wrong with it, at least one."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = list(problems)


class Problems:
    """The problems found so far in the definition called `file`: one a key, the first."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._by_key: dict[str, Problem] = {}

    def add(self, key: str, message: str, remedy: str) -> None:
        """Keep a problem, unless this key has one already."""
        self._by_key.setdefault(key, Problem(self.file, key, message, remedy))

    def has(self, key: str) -> bool:
        """Is something wrong with exactly this key?"""
        return key in self._by_key

    @property
    def found(self) -> list[Problem]:
        """All of them, in the order in which they were found."""
        return list(self._by_key.values())


def closest(word: str, known: Iterable[str], otherwise: str) -> str:
    """A remedy for an unknown word: the known one it resembles, or else `otherwise`."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"Did you mean '{near[0]}'?" if near else otherwise


def is_code(value: object) -> bool:
    """Is this a code: lower case letters and digits, joined by single hyphens?"""
    return isinstance(value, str) and len(value) <= LONGEST_CODE and CODE.fullmatch(value) is not None


def described(value: object) -> str:
    """A value as a message shows it: short, with its kind."""
    kind = next(
        (name for type_, name in KINDS_OF_VALUE.items() if type(value) is type_), type(value).__name__
    )
    if isinstance(value, dict | list):
        return kind
    text = repr(value)
    return f"{kind} {text if len(text) <= 40 else text[:40] + '...'}"


class Table:
    """One table of a definition; each method reads a field, and notes in `problems` what is wrong with it."""

    def __init__(
        self, data: Mapping[str, object], key: str, known: Sequence[str], problems: Problems
    ) -> None:
        self.data = data
        self.key = key
        self.problems = problems
        for name in data:
            if name not in known:
                remedy = closest(name, known, f"Remove it, or use one of: {', '.join(known)}.")
                # Quoted as in TOML when it is no bare key, so that the full key can be taken apart again.
                shown = name if BARE_KEY.fullmatch(name) else json.dumps(name[:LONGEST_CODE])
                problems.add(self.at(shown), f"{shown} is not a key of this table.", remedy)

    def at(self, name: str) -> str:
        """The full key of a field of this table."""
        return f"{self.key}.{name}" if self.key else name

    def wrong(self, name: str, message: str, remedy: str) -> None:
        """Note a problem of one field."""
        self.problems.add(self.at(name), message, remedy)

    def has(self, name: str) -> bool:
        """Does the table have this field?"""
        return name in self.data

    def missing(self, name: str, example: str) -> bool:
        """Is the field absent? Then that is noted, with an example of how to write it."""
        if name in self.data:
            return False
        self.wrong(name, f"'{name}' is missing.", f"Add it, for example: {name} = {example}.")
        return True

    def text(self, name: str, example: str) -> str:
        """A text of one line, without control characters."""
        if self.missing(name, example):
            return ""
        value = self.data[name]
        if not isinstance(value, str):
            self.wrong(
                name, f"This should be text, not {described(value)}.", f"Write it as: {name} = {example}."
            )
            return ""
        if not value.strip():
            self.wrong(name, "This text is empty.", f"Fill it in, for example: {name} = {example}.")
        elif len(value) > LONGEST_NAME:
            self.wrong(
                name, f"This text has {len(value)} characters.", f"Shorten it to {LONGEST_NAME} at most."
            )
        elif not value.isprintable():
            self.wrong(name, "This text holds a line break or a control character.", "Write it on one line.")
        return value

    def code(self, name: str, example: str) -> str:
        """A code in kebab-case; a wrong one is given back as it stands, so that references to it match."""
        value = self.text(name, f'"{example}"')
        if value and not is_code(value):
            self.wrong(
                name,
                f"'{value[:LONGEST_CODE]}' is not a code.",
                f"Use {LONGEST_CODE} lower case letters, digits and hyphens at most, as in '{example}'.",
            )
        return value

    def choice(self, name: str, known: Sequence[str], default: str | None = None) -> str:
        """One of the `known` words."""
        if default is not None and name not in self.data:
            return default
        value = self.text(name, f'"{known[0]}"')
        return self.one_of(name, value, known)

    def one_of(self, name: str, value: str, known: Sequence[str]) -> str:
        """The value if it is one of the known words (or already noted as wrong), else an empty text."""
        if value in known:
            return value
        if value:
            self.wrong(
                name,
                f"'{value}' is not known here.",
                closest(value, known, f"Use one of: {', '.join(known)}."),
            )
        return ""

    def name(self, name: str = "name") -> Name:
        """A name in Dutch and English."""
        example = '{ nl = "Besluit", en = "Decision" }'
        value = self.data.get(name)
        if self.missing(name, example):
            return Name("", "")
        if not isinstance(value, dict):
            message = f"A name is given in Dutch and in English, not as {described(value)}."
            self.wrong(name, message, f"Write it as: {name} = {example}.")
            return Name("", "")
        both = Table(value, self.at(name), ("nl", "en"), self.problems)
        return Name(both.text("nl", '"Besluit"'), both.text("en", '"Decision"'))

    def whole(self, name: str, *, lowest: int, highest: int, default: int | None = None) -> int:
        """A whole number from `lowest` to `highest`; a stand-in is `lowest`."""
        if default is not None and name not in self.data:
            return default
        if self.missing(name, str(max(lowest, 1))):
            return lowest
        value = self.data[name]
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            message = f"This should be a whole number from {lowest} to {highest}, not {described(value)}."
            self.wrong(
                name, message, f"Write it without quotes or decimals, for example: {name} = {max(lowest, 1)}."
            )
            return lowest
        return value

    def money(self, name: str) -> Decimal:
        """An amount above 0 in euros, written as text so that no cent is lost on the way."""
        if self.missing(name, '"2000000.00"'):
            return Decimal(0)
        value = self.data[name]
        amount = Decimal(value) if isinstance(value, str) and MONEY.fullmatch(value) else Decimal(0)
        if amount <= 0:
            self.wrong(
                name,
                f"An amount is a number above 0, as text with two decimals at most, not {described(value)}.",
                f'Write it in quotes with a point and no thousands mark, for example: {name} = "2000000.00".',
            )
        return amount.quantize(Decimal("0.01"))

    def number(self, name: str, *, whole: bool) -> Decimal | None:
        """A number above 0: a whole one, or else a whole one or text with at most two decimals."""
        if self.missing(name, "1"):
            return None
        value = self.data[name]
        text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        number = Decimal(text) if MONEY.fullmatch(text) else Decimal(0)
        if number <= 0 or (whole and number != number.to_integral_value()):
            kind = "whole number above 0" if whole else "number above 0 with at most two decimals"
            remedy = (
                f"Write for example: {name} = 2."
                if whole
                else f'Write for example: {name} = 1 or {name} = "1.50".'
            )
            self.wrong(name, f"This should be a {kind}, not {described(value)}.", remedy)
            return None
        return number

    def day(self, name: str) -> date | None:
        """A date, as TOML has it or as text in the form 2026-10-01."""
        if self.missing(name, "2026-10-01"):
            return None
        value = self.data[name]
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        message = f"This should be a date that exists, without a time, not {described(value)}."
        self.wrong(name, message, f"Write year, month and day, for example: {name} = 2026-10-01.")
        return None

    def codes(self, name: str, *, required: bool, example: str) -> tuple[str, ...]:
        """A list of codes without duplicates."""
        if name not in self.data and not required:
            return ()
        if self.missing(name, example):
            return ()
        value = self.data[name]
        if not isinstance(value, list):
            self.wrong(name, f"This should be a list, not {described(value)}.", f"Write: {name} = {example}.")
            return ()
        if required and not value:
            self.wrong(name, "This list is empty.", f"Write at least one, for example: {name} = {example}.")
        for index, item in enumerate(value):
            key = f"{self.at(name)}[{index}]"
            if not is_code(item):
                self.problems.add(
                    key, f"This should be a code, not {described(item)}.", f"Write: {name} = {example}."
                )
            elif item in value[:index]:
                self.problems.add(key, f"'{item}' is listed twice.", "Remove one of the two.")
        return tuple(item if isinstance(item, str) else "" for item in value)

    def lines(self, name: str, *, most: int, example: str) -> tuple[str, ...]:
        """A text of some lines, as a list with a text a line; none when it is left out."""
        value = self.data.get(name, [])
        if not isinstance(value, list):
            message = f"This should be a list with a text a line, not {described(value)}."
            self.wrong(name, message, f"Write: {name} = {example}.")
            return ()
        if name in self.data and not value:
            self.wrong(name, "This list is empty.", f"Remove it, or write: {name} = {example}.")
        if len(value) > most:
            self.wrong(name, f"This list has {len(value)} lines.", f"Shorten it to {most} at most.")
        for index, line in enumerate(value):
            if (
                not isinstance(line, str)
                or not line.strip()
                or not line.isprintable()
                or len(line) > LONGEST_NAME
            ):
                message = f"This should be a text on one line, {LONGEST_NAME} characters at most."
                self.problems.add(f"{self.at(name)}[{index}]", message, f"Write: {name} = {example}.")
        return tuple(line if isinstance(line, str) else "" for line in value)

    def email(self, name: str, example: str) -> str:
        """An address for e-mail; empty when it is left out."""
        if name not in self.data:
            return ""
        value = self.text(name, example)
        if value and not (value.isprintable() and EMAIL.fullmatch(value)):
            self.wrong(
                name,
                f"{described(value)} is no address for e-mail.",
                f"Write for example: {name} = {example}.",
            )
        return value

    def choices(self, name: str, known: Sequence[str]) -> tuple[str, ...]:
        """A list of some of the `known` words, each once; none of them when it is left out."""
        chosen = self.codes(name, required=False, example=f'["{known[0]}"]')
        for index, word in enumerate(chosen):
            if word not in known:
                remedy = closest(word, known, f"Use one of: {', '.join(known)}.")
                self.problems.add(f"{self.at(name)}[{index}]", f"'{word}' is not known here.", remedy)
        return chosen

    def tables(self, name: str, known: Sequence[str], *, required: str = "") -> list[Table]:
        """A list of tables; `required` says what must be listed, if anything must."""
        value = self.data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            message = f"This should be a list of tables, not {described(value)}."
            if isinstance(value, list):
                message = "This list should hold tables only."
            self.wrong(name, message, f"Start each of them with a line [[{self.at(name)}]].")
            return []
        if required and not value:
            self.wrong(
                name, f"A programme needs {required}.", f"Add one, starting with a line [[{self.at(name)}]]."
            )
        return [
            Table(item, f"{self.at(name)}[{index}]", known, self.problems) for index, item in enumerate(value)
        ]
