"""What are bodies, stages, themes and programmes called, in the reader's language? Their codes say it to programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.programme import APPLICANT, Name, Programme
from service.published import published_codes, versions
from service.web.rendering import say
from service.web.visit import language
from service.wiring import Parts

__all__ = ["Names", "name_of", "names", "programmes_in_force"]


@dataclass(frozen=True)
class Names:
    """Names by code, of every version ever published: an old case names what has gone since."""

    programmes: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)
    stages: dict[tuple[str, str], str] = field(default_factory=dict)
    own: dict[tuple[str, str], str] = field(default_factory=dict)
    """Bodies as one programme calls them."""

    def programme(self, code: str) -> str:
        """What a programme is called."""
        return self.programmes.get(code, code)

    def body(self, code: str, programme: str = "") -> str:
        """What a body is called in a programme; in none, by all its names, where programmes call it otherwise."""
        return self.own.get((programme, code)) or self.bodies.get(code, code)

    def stage(self, programme: str, code: str) -> str:
        """What a stage of a programme is called."""
        return self.stages.get((programme, code), say(f"office.{code}") if code in OUTSIDE else code)


OUTSIDE = ("supplement", "held-over")
"""What a case waits in outside the route of its programme."""


def name_of(name: Name) -> str:
    """A name in the reader's language."""
    return name.en if language() == "en" else name.nl


def names(parts: Parts) -> Names:
    """What everything is called now; what went, as it was called last."""
    found = Names()
    bodies: dict[str, list[str]] = {APPLICANT: [say("office.applicant")]}
    for known in (versions(parts, code) for code in published_codes(parts)):
        last: dict[str, str] = {}
        for programme in known:
            found.programmes[programme.code] = name_of(programme.name)
            last.update({body.code: name_of(body.name) for body in programme.bodies})
            found.stages.update({(programme.code, s.code): name_of(s.name) for s in programme.stages})
        for code, name in last.items():
            bodies.setdefault(code, []).append(name)
            found.own[known[0].code, code] = name
    found.bodies.update({code: " / ".join(_once(each)) for code, each in bodies.items()})
    return found


def programmes_in_force(parts: Parts) -> list[Programme]:
    """The version in force of every programme, by code."""
    return [known[-1] for code in published_codes(parts) if (known := versions(parts, code))]


def _once(many: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(many))
