"""Which programmes are in force, and which versions were there before? Read from the log; a version never changes."""

from __future__ import annotations

from domain.definition import from_definition
from domain.events import ProgrammePublished
from domain.programme import Programme
from service.proposal_input import plain
from service.wiring import Parts

__all__ = [
    "all_bodies",
    "latest",
    "municipality_code",
    "parts_of_theme",
    "programme_of",
    "programme_stream",
    "published_codes",
    "versions",
]


def programme_stream(code: str) -> str:
    """The stream of a programme: one event a version."""
    return f"programme-{code}"


def versions(parts: Parts, code: str) -> tuple[Programme, ...]:
    """The published versions of a programme, oldest first; empty when there is no such programme."""
    known = parts.programmes.get(code, ())
    for recorded in parts.log.load(programme_stream(code), after_version=len(known)):
        assert isinstance(recorded.event, ProgrammePublished)
        known = (*known, from_definition(recorded.event.definition))
    if known:
        parts.programmes[code] = known
    return known


def latest(parts: Parts, code: str) -> Programme | None:
    """The version in force, or None when there is no such programme."""
    known = versions(parts, code)
    return known[-1] if known else None


def programme_of(parts: Parts, code: str, version: int) -> Programme:
    """The version a case is bound to."""
    known = parts.programmes.get(code, ())
    return (known if len(known) >= version else versions(parts, code))[version - 1]


def all_bodies(parts: Parts) -> frozenset[str]:
    """Every body of every programme in force."""
    in_force = (latest(parts, code) for code in published_codes(parts))
    return frozenset().union(*(programme.body_codes() for programme in in_force if programme))


def municipality_code(parts: Parts, written: str) -> str:
    """The code of a municipality by its code or name, as any programme in force knows it; what none knows, as it is."""
    for code in published_codes(parts):
        programme = latest(parts, code)
        for municipality in programme.municipalities if programme else ():
            if plain(written) in (plain(municipality.code), plain(municipality.name)):
                return municipality.code
    return written


def parts_of_theme(parts: Parts, theme: str) -> frozenset[str]:
    """The themes that are part of this one, at any depth, in any programme in force."""
    found: set[str] = set()
    for code in published_codes(parts):
        programme = latest(parts, code)
        if programme is not None:
            of = {each.code: programme.with_parents([each.code]) for each in programme.themes}
            found.update(code for code, wholes in of.items() if theme in wholes)
    return frozenset(found - {theme})


def published_codes(parts: Parts) -> list[str]:
    """The codes of all programmes ever published."""
    return [stream.removeprefix("programme-") for stream in parts.log.streams("programme")]
