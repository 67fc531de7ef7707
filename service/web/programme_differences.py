"""What is different between two versions of a programme? Key by key, in the words of the reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.definition import to_definition
from domain.programme import Name, Programme
from service.web.naming import name_of
from service.web.rendering import day, money, ratio, say

__all__ = ["Difference", "differences"]

LISTS = (
    "bodies", "themes", "subregions", "municipalities", "stages", "requirements", "envelopes", "tenders", "notices",
)  # fmt: skip
"""The lists of a definition, whose entries go by their code; what is added to a notice by its kind."""
WITHIN = ("criteria",)
"""The lists within an entry."""
EXPLAINED = ("kind", "capacity", "consequence", "function")
"""Keys whose values are codes that a text explains."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`where`, from the outside in; `how`: added, removed, changed or order; what it said and says."""

    where: tuple[str, ...]
    how: str
    before: str | None
    after: str | None


def differences(before: Programme, after: Programme) -> list[Difference]:
    """Everything that differs, in the order of the definition. The version itself is not told."""
    old, new = to_definition(before), to_definition(after)
    return [*_tables((), old, new, (Said(before), Said(after)))]


class Said:
    """How a version says its own codes."""

    def __init__(self, programme: Programme) -> None:
        self.bodies = {each.code: name_of(each.name) for each in programme.bodies}
        self.themes = {each.code: name_of(each.name) for each in programme.themes}
        self.subregions = {each.code: each.name for each in programme.subregions}

    def value(self, key: str, value: Any) -> str:
        """A value in words."""
        if key == "to":
            return ", ".join(say(f"programmes.relation-{relation}") for relation in value)
        known: Mapping[str, str] = {
            "body": self.bodies, "bodies": self.bodies, "secretariat": self.bodies, "themes": self.themes,
            "parent": self.themes, "subregions": self.subregions,
        }.get(key, {})  # fmt: skip
        if key == "publication":
            return say(f"programmes.publication-{value['moment']}")
        if isinstance(value, list):
            return ", ".join(known.get(each, str(each)) for each in value)
        if key in EXPLAINED:
            return say(f"programmes.{key}-{value}")
        match key:
            case "term" | "reminder" | "escalation":
                return say("programmes.working-days", count=value)
            case "awarded" | "rejected" | "withdrawn":
                return say("programmes.years", count=value)
            case "amount":
                return money(value)
            case "opens" | "closes":
                return day(value)
            case "minimum" | "maximum":
                return ratio(value)
        return known.get(value, str(value))

    def entry(self, row: Mapping[str, Any]) -> str:
        """A whole entry in words, but for its names, under which it stands."""
        told = [
            f"{say(f'programmes.key-{key}')}: {self.value(key, value)}"
            for key, value in row.items()
            if key not in ("code", "name", *WITHIN) and value != _key(row)
        ]
        told += [
            f"{say(f'programmes.key-{key}')}: {', '.join(_called(each) for each in row[key])}"
            for key in WITHIN
            if key in row
        ]
        return "; ".join(told) or say("programmes.there")


Both = tuple[Said, Said]


def _tables(
    where: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any], said: Both
) -> Iterator[Difference]:
    for key in dict.fromkeys((*old, *new)):
        here = (*where, say(f"programmes.key-{key}"))
        one, other = old.get(key), new.get(key)
        if one == other or (key == "version" and not where):
            continue
        if key == "retention":
            yield from _tables(here, one or {}, other or {}, said)
        elif key in WITHIN or (key in LISTS and not where):
            yield from _lists(here, one or [], other or [], said)
        elif key == "name" and isinstance(one, dict) and isinstance(other, dict):
            for language in ("nl", "en"):
                if one[language] != other[language]:
                    place = (*where, say(f"programmes.key-name-{language}"))
                    yield Difference(place, "changed", one[language], other[language])
        else:
            yield Difference(
                here,
                "added" if one is None else "removed" if other is None else "changed",
                None if one is None else said[0].value(key, one),
                None if other is None else said[1].value(key, other),
            )


def _lists(
    where: tuple[str, ...], old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], said: Both
) -> Iterator[Difference]:
    before, after = ({_key(row): row for row in rows} for rows in (old, new))
    for code, row in before.items():
        if code not in after:
            yield Difference((*where, _called(row)), "removed", said[0].entry(row), None)
    for code, row in after.items():
        if code not in before:
            yield Difference((*where, _called(row)), "added", None, said[1].entry(row))
        else:
            yield from _tables((*where, _called(row)), before[code], row, said)
    kept = [[code for code in rows if code in others] for rows, others in ((before, after), (after, before))]
    if kept[0] != kept[1]:
        one, other = (", ".join(_called(after[code]) for code in codes) for codes in kept)
        yield Difference(where, "order", one, other)


def _key(row: Mapping[str, Any]) -> str:
    return str(row["code"] if "code" in row else row["kind"])


def _called(row: Mapping[str, Any]) -> str:
    if "name" not in row:
        return say(f"preferences.kind-{row['kind']}")
    name = row["name"]
    return name_of(Name(name["nl"], name["en"])) if isinstance(name, dict) else str(name)
