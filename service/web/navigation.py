"""Where can this person go? The pages in the menu, by what each may do there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import request, url_for

from service.identity.people import Person
from service.identity.permissions import may

__all__ = ["MENU", "Link", "links"]


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the menu. `text`: the key of its name; `here`: is this the page that is shown?

    `letter`: what goes there after a `g`, in every language the same; empty for none.
    """

    text: str
    address: str
    here: bool = False
    letter: str = ""


MENU: tuple[tuple[str, str, Callable[[Person], bool]], ...] = (
    ("menu.start", "web.start.work", lambda person: True),
    ("menu.inbox", "web.inbox.index", lambda person: True),
    ("menu.queue", "web.queues.mine", lambda person: "member" in person.roles and bool(person.bodies)),
    ("menu.proposals", "web.cases.index", lambda person: may(person, "read-cases")),
    (
        "organisation.title",
        "web.organisation.show",
        lambda person: may(person, "read-organisation") and person.organisation is not None,
    ),
    ("menu.programmes", "web.programme_pages.index", lambda person: True),
    ("menu.desk", "web.desk.index", lambda person: may(person, "completeness")),
    ("menu.money", "web.money.index", lambda person: may(person, "read-envelopes")),
    ("menu.deliveries", "web.deliveries.index", lambda person: may(person, "read-deliveries")),
    ("menu.newsletters", "web.newsletters.index", lambda person: may(person, "newsletter")),
    ("menu.portfolio", "web.portfolio.index", lambda person: may(person, "read-portfolio")),
    ("menu.subscriptions", "web.subscriptions.index", lambda person: may(person, "subscribe")),
    ("menu.register", "web.register.index", lambda person: True),
    ("menu.audit", "web.audit.index", lambda person: may(person, "read-events")),
    ("menu.admin", "web.admin.index", lambda person: may(person, "read-people")),
)
"""The key of the text, the page, and who has it in the menu."""

LETTERS = {
    "menu.start": "m", "menu.queue": "w", "menu.proposals": "p", "menu.desk": "s", "menu.money": "e",
    "menu.portfolio": "o", "menu.audit": "a", "menu.admin": "b", "menu.programmes": "r",
    "menu.newsletters": "n", "menu.inbox": "i", "menu.deliveries": "v",
    "menu.subscriptions": "k", "menu.register": "u",
}  # fmt: skip
"""The shortcut of a place by the key of its name."""

UNDER = {
    f"web.{area}": f"web.{place}"
    for place, areas in {
        "cases": (
            "search",
            "submission",
            "acting",
            "supplement",
            "differences",
            "withdrawal",
            "classification",
            "redaction",
        ),
        "desk": ("terms", "letters", "retention"),
        "inbox": ("preferences",),
        "audit": ("replay",),
        "admin": ("sign_in_record",),
    }.items()
    for area in areas
}
"""Under which place of the menu the pages stand that have no line of their own."""


def links(person: Person | None) -> list[Link]:
    """The menu of this person; empty for nobody who signed in."""
    if person is None:
        return []
    area = (request.endpoint or "").rpartition(".")[0]
    area = UNDER.get(area, area)
    return [
        Link(text, url_for(endpoint), endpoint.rpartition(".")[0] == area, LETTERS.get(text, ""))
        for text, endpoint, allowed in MENU
        if allowed(person)
    ]
