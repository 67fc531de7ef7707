"""Which words does everybody know who knows this installation? Who guesses a password tries them first."""

from __future__ import annotations

from service.published import latest, published_codes
from service.wiring import Parts

__all__ = ["known_words"]

SERVICE = "besluitspoor"


def known_words(parts: Parts) -> frozenset[str]:
    """The name of the service, what the settings add, and the names that stand in programmes in force."""
    found = {SERVICE, *parts.settings.password_words}
    for code in published_codes(parts):
        programme = latest(parts, code)
        if programme is not None:
            names = (programme.name, *(body.name for body in programme.bodies))
            found |= {said for name in names for said in (name.nl, name.en)}
            found |= {each.name for each in programme.municipalities}
            found |= {each.name for each in programme.subregions}
    return frozenset(found)
