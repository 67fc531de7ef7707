"""Which rights did somebody get or lose, in words? Of an event about a person: each right as it was and as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.web import visit
from service.web.naming import Names
from service.web.places import Places, places
from service.web.rendering import has_text, say, word

__all__ = ["rights_said"]

FIELDS = ("roles", "bodies", "chairs", "seats", "municipalities", "organisation", "organisationRole")
Pairs = list[tuple[str, str]]


def rights_said(facts: Mapping[str, Any], names: Names) -> Pairs:
    """What each right is called, and what it came to; nothing for an event that is not about rights."""
    if "rights" in facts:
        known = places(visit.parts())
        said = ((name, _value(facts["rights"], name, names, known)) for name in FIELDS)
        return [(say(f"admin.right-{name}"), value) for name, value in said if value]
    if "after" in facts and "before" in facts:
        known = places(visit.parts())
        found: Pairs = []
        for name in FIELDS:
            was, now = (_value(facts[side], name, names, known) for side in ("before", "after"))
            if was != now:
                none = say("admin.right-none")
                found.append(
                    (say(f"admin.right-{name}"), say("admin.right-change", was=was or none, now=now or none))
                )
        return found + [(say(f"admin.{name}"), say("admin.right-changed")) for name in facts["details"]]
    return [
        (say(f"admin.right-{name}"), _code(facts[name]))
        for name in ("ground", "named")
        if _is_code(facts, name)
    ]


def _value(rights: Mapping[str, Any], name: str, names: Names, known: Places) -> str:
    value = rights[name]
    match name:
        case "roles":
            return ", ".join(map(word, value))
        case "bodies" | "chairs":
            return ", ".join(map(names.body, value))
        case "seats":
            return ", ".join(
                say(
                    "admin.seat-of",
                    body=names.body(each["body"]),
                    municipality=known.name("municipalities", each["municipality"]),
                )
                for each in value
            )
        case "municipalities":
            return known.names("municipalities", value)
        case "organisation":
            return (value["name"] or say("cases.erased")) if value else ""
        case _:
            return say(f"admin.organisation-role-{value}") if value else ""


def _is_code(facts: Mapping[str, Any], name: str) -> bool:
    return isinstance(facts.get(name), str) and has_text(f"admin.ground-{facts[name]}")


def _code(code: str) -> str:
    return say(f"admin.ground-{code}")
