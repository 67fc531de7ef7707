"""How does a document point at words and names? By reference: they live elsewhere, and can be taken away there.

`service/words.py` fills the references in when somebody reads.
"""

from __future__ import annotations

from typing import Any

from domain.recorded import Capacity, Recorded

__all__ = ["PARTY", "PERSON", "WORDS", "capacity", "party", "person", "ref", "refs"]

WORDS = "$words"
PARTY = "$party"
PERSON = "$person"


def ref(recorded: Recorded, path: str, stored: str) -> dict[str, str] | None:
    """The words at `path` of this event, for example `content.goals.0`; None where it had none.

    `stored` is what the log holds there: a digest, or an empty text where nothing was said.
    """
    return {WORDS: f"{recorded.position}/{path}"} if stored else None


def refs(recorded: Recorded, path: str, stored: tuple[str, ...]) -> list[dict[str, str] | None]:
    """The words at `path` of this event where it has a list of them."""
    return [ref(recorded, f"{path}.{index}", each) for index, each in enumerate(stored)]


def party(id: str) -> dict[str, Any]:
    """An organisation, by its id."""
    return {PARTY: id}


def person(id: str) -> dict[str, Any]:
    """A person, by id."""
    return {PERSON: id}


def capacity(acted: Capacity | None) -> dict[str, Any] | None:
    """In which role a person acted, for which body and seat, in whose place."""
    if acted is None:
        return None
    return {
        "role": acted.role,
        "body": acted.body,
        "seat": acted.seat,
        "substituteFor": person(acted.substitute_for) if acted.substitute_for else None,
    }
