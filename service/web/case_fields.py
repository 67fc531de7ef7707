"""What differs between two states of a case, field by field, in words? Compared as they are, named when they differ.

A state is the document of `projections/status.py`, with its words and names filled in. What it says of itself (version,
position) is no difference; a field that is not there, empty or zero is nothing, so a new phase shows what it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from projections.view import Document
from service.web.naming import Names
from service.web.places import Places
from service.web.rendering import day, has_text, moment, money, person_name, say, word

__all__ = ["Difference", "Words", "amounts", "differences", "leaves", "waits_for"]

ITSELF = {"id", "version", "position", "lastEffectiveOn", "lastRecordedAt", "returned", "route"}
"""What the whole document says of itself; `returned` stands in `totals` too, and `route` grows with `waitingFor`."""
PLACE = {"position", "recordedAt", "version"}
"""Where an act stands in the log, wherever it is named."""
NOTHING: tuple[Any, ...] = (None, "", [], {}, "0.00")
MONEY = {
    "amount", "requested", "heldBack", "committed", "released", "movedOut", "returned", "awarded",
}  # fmt: skip
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")
HASH = 12
"""Characters of a digest that are shown."""


class Item(str):
    """A step in a path that says which one of a list."""

    __slots__ = ()


Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not the same: what it is called, what it was and what it is; `money`: is it an amount?"""

    path: Path
    label: str
    before: str
    after: str
    money: bool


@dataclass(frozen=True)
class Words:
    """What codes are called: bodies and stages, places, other cases by their id, and what was `judged`, by its code."""

    names: Names
    places: Places
    cases: Mapping[str, str] = field(default_factory=dict)
    judged: Mapping[str, str] = field(default_factory=dict)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every field of a state, with the path to it, in order."""
    if isinstance(value, dict) and not _whole(path, value):
        for key, each in value.items():
            if key not in (PLACE if path else ITSELF):
                yield from leaves(each, (*path, key))
    elif isinstance(value, list) and value and isinstance(value[0], dict) and not _named(value[0]):
        for index, each in enumerate(value, 1):
            yield from leaves(each, (*path, Item(_which(each, index))))
    else:
        yield path, value


def amounts(before: Document | None, after: Document | None) -> bool:
    """Is there an amount that is not the same?"""
    return any(path[-1] in MONEY for path, _, _ in _changed(before, after))


def differences(before: Document | None, after: Document | None, words: Words) -> list[Difference]:
    """What is not the same, in the order in which it stands in the case."""
    programme = (after or before or {}).get("programme", "")
    return [
        Difference(
            path,
            _label(path, words),
            _text(path, was, words, programme),
            _text(path, now, words, programme),
            path[-1] in MONEY,
        )
        for path, was, now in _changed(before, after)
    ]


def waits_for(document: Document, words: Words) -> str:
    """What a case waits for, in words."""
    return "; ".join(_waiting(each, words, document["programme"]) for each in document["waitingFor"]) or say(
        "case-fields.nothing"
    )


def _changed(before: Document | None, after: Document | None) -> Iterator[tuple[Path, Any, Any]]:
    was, now = dict(leaves(before or {})), dict(leaves(after or {}))
    for path in [*now, *(path for path in was if path not in now)]:
        one, other = was.get(path), now.get(path)
        if one != other and not (one in NOTHING and other in NOTHING):
            yield path, one, other


def _whole(path: Path, value: dict[str, Any]) -> bool:
    """Is this shown as one thing: a name, words, in which capacity somebody acted, what a case waits for?"""
    return _named(value) or (
        bool(path) and (path[-1] == "capacity" or (len(path) == 2 and path[0] == "waitingFor"))
    )


def _named(value: dict[str, Any]) -> bool:
    return "name" in value or (len(value) == 1 and next(iter(value)).startswith("$"))


def _which(item: dict[str, Any], index: int) -> str:
    """What tells an item from the others in its list: it keeps that when others come or go."""
    if "openedAt" in item or "dueOn" in item:
        return f"{item['stage']}/{item['body']}"
    return str(item.get("number") or item.get("subregion") or index)


def _label(path: Path, words: Words) -> str:
    """What a field is called: `Advies 1, uitkomst`."""
    said, container = [], ""
    for step in path[:-1] if path[0] != "waitingFor" else ():
        key = f"case-fields.in-{container if isinstance(step, Item) else step}"
        container = container if isinstance(step, Item) else step
        if isinstance(step, Item):
            said.append(
                say(f"{key}-item", which=words.places.name("subregions", step))
                if has_text(f"{key}-item")
                else step
            )
        elif has_text(key):
            said.append(say(key))
    name = path[0] if path[0] == "waitingFor" else path[-1]
    # What is named under several things may be called otherwise under one of them.
    own = f"case-fields.{container}-{name}"
    key = own if has_text(own) else f"case-fields.{name}"
    leaf = say(key) if has_text(key) else words.judged.get(name, name)
    return ", ".join([*said, leaf[:1].lower() + leaf[1:] if said else leaf])


def _text(path: Path, value: Any, words: Words, programme: str) -> str:
    """A value in words."""
    name = path[-1]
    if path[0] == "waitingFor" and isinstance(value, dict):
        return _waiting(value, words, programme)
    if value is None or value == "" or value == []:
        return say("case-fields.none")
    if isinstance(value, bool):
        return say("case-fields.yes" if value else "case-fields.no")
    if isinstance(value, list):
        return "; ".join(_text((*path[:-1], name), each, words, programme) for each in value)
    if isinstance(value, dict):
        return (
            _capacity(value, words, programme) if name == "capacity" else person_name({"name": None, **value})
        )
    if not isinstance(value, str):
        return str(value)
    if name in MONEY:
        return money(value)
    if name in ("themes", "municipalities", "subregion"):
        return words.places.name({"subregion": "subregions"}.get(name, name), value)
    return _coded(name, value, words, programme)


def _coded(name: str, value: str, words: Words, programme: str) -> str:
    match name:
        case "status" if has_text(f"kit.status-{value}"):
            return say(f"kit.status-{value}")
        case "body":
            return words.names.body(value, programme)
        case "stage":
            return words.names.stage(programme, value)
        case "programme":
            return words.names.programme(value)
        case "proposal" | "from":
            return words.cases.get(value, word(value))
        case "contentHash":
            return value[:HASH] + "…"
        case "state" | "outcome" | "advice" | "kind" | "status" | "level" | "ground":
            own = f"case-fields.{name}-{value}"
            return say(own) if has_text(own) else word(value)
    if DAY.fullmatch(value):
        return day(value)
    return moment(value) if INSTANT.fullmatch(value) else value


def _waiting(value: Mapping[str, Any], words: Words, programme: str) -> str:
    body = words.names.body(value["body"], programme)
    return say("case-fields.waits", kind=value["kind"], body=body, on=value["dueOn"])


def _capacity(value: Mapping[str, Any], words: Words, programme: str) -> str:
    role = word(value["role"])
    if value.get("body"):
        role = say("audit.role-of", role=role, body=words.names.body(value["body"], programme))
    if value.get("seat"):
        municipality = words.places.name("municipalities", value["seat"])
        role = say("cases.seat-for", role=role, municipality=municipality)
    return role
