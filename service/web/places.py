"""What are themes, municipalities and subregions called, and in which order do they come? As the programmes say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.programme import Programme
from service.published import published_codes, versions
from service.web.naming import name_of
from service.wiring import Parts

__all__ = ["Places", "places"]


@dataclass(frozen=True)
class Places:
    """Names by code, in the order of the definitions; a code that no version ever named goes by itself, last."""

    themes: dict[str, str] = field(default_factory=dict)
    municipalities: dict[str, str] = field(default_factory=dict)
    subregions: dict[str, str] = field(default_factory=dict)

    def of(self, dimension: str) -> dict[str, str]:
        """The names of one of the three, by code."""
        found: dict[str, str] = getattr(self, dimension)
        return found

    def name(self, dimension: str, code: str) -> str:
        """What a code is called."""
        return self.of(dimension).get(code, code)

    def names(self, dimension: str, codes: Iterable[str]) -> str:
        """What these are called, in one line."""
        return ", ".join(self.name(dimension, code) for code in codes)

    def order(self, dimension: str, code: str) -> tuple[int, str]:
        """What to sort by."""
        known = list(self.of(dimension))
        return (known.index(code) if code in known else len(known), code)


def places(parts: Parts, programme: str | None = None) -> Places:
    """The names that this programme gives (None: all of them), as it gave them last."""
    found = Places()
    codes = [programme] if programme is not None else published_codes(parts)
    # From the newest version on: what a later one left out comes behind what it has.
    for published in (each for code in codes for each in reversed(versions(parts, code))):
        _add(found, published)
    by_name = sorted(found.municipalities.items(), key=lambda each: each[1])
    found.municipalities.clear()
    found.municipalities.update(by_name)
    return found


def _add(found: Places, programme: Programme) -> None:
    for theme in programme.themes:
        found.themes.setdefault(theme.code, name_of(theme.name))
    for municipality in programme.municipalities:
        found.municipalities.setdefault(municipality.code, municipality.name)
    for subregion in programme.subregions:
        found.subregions.setdefault(subregion.code, subregion.name)
