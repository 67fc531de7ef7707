"""Where can this person go? The pages in the menu, by what each may do there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import request, url_for

from service.identity.people import Person

__all__ = ["MENU", "Link", "links"]


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the menu. `text`: the key of its name; `here`: is this the page that is shown?"""

    text: str
    address: str
    here: bool = False


MENU: tuple[tuple[str, str, Callable[[Person], bool]], ...] = (
    ("menu.start", "web.start.work", lambda person: True),
)
"""The key of the text, the page, and who has it in the menu."""


def links(person: Person | None) -> list[Link]:
    """The menu of this person; empty for nobody who signed in."""
    if person is None:
        return []
    area = (request.endpoint or "").rpartition(".")[0]
    return [
        Link(text, url_for(endpoint), endpoint.rpartition(".")[0] == area)
        for text, endpoint, allowed in MENU
        if allowed(person)
    ]
