"""How does a draft begin, and how does it become a proposal? The same on the pages and for programs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from service import commands
from service.api.proposals_schema import proposal_input
from service.commands import Done
from service.errors import KeyReused
from service.eventstore import Once
from service.identity import parties as vault
from service.identity.people import Person
from service.keyed import ids_for, once_for
from service.web import drafts
from service.web.drafts import Draft, Typed
from service.wiring import Parts

__all__ = ["SentBefore", "alone_with", "begin", "send", "sent_before"]

DRAFT = re.compile(r"draft-[0-9a-f-]{36}")


class SentBefore(Exception):
    """The draft came in before, and something else stands in it since: that goes on as another draft, `draft`."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft.id)
        self.draft = draft


def begin(
    parts: Parts,
    person: Person,
    programme: str,
    typed: Mapping[str, list[str]] | None = None,
    once: Once | None = None,
) -> Draft:
    """A new draft with this in it, and with what is known of who applies.

    With `once`, asking again answers the same one, as it is by now. Raises KeyReused when the key was for something
    else, or for what was sent in since.
    """
    ids = ids_for(parts.settings, "draft", person.id, once)
    values = {**_applicant(parts, person), **(typed or {})}
    with parts.locked(set(ids)):
        for id in ids:
            with parts.pool.connection() as connection:
                there = drafts.find(connection, person.id, id)
            if once is not None and (parts.log.draft_was_sent(id) or (there and not once.is_of(there.asked))):
                raise KeyReused(once.key)
            if there is not None:
                return there
        with parts.pool.connection() as connection:
            id_asked = (next(iter(ids), None), once.request if once is not None else None)
            return drafts.begin(connection, person.id, programme, values, *id_asked)


def _applicant(parts: Parts, person: Person) -> Typed:
    """The organisation of who applies; the secretariat applies for others."""
    if person.organisation is None or "secretary" in person.roles:
        return {}
    with parts.pool.connection() as connection:
        known = vault.known_among(connection, [], also=person.organisation)
    return {"applicant.name": [known[0].name], "applicant.kind": [known[0].kind]} if known else {}


@contextmanager
def alone_with(parts: Parts, draft: str) -> Iterator[None]:
    """Who changes a draft, or sends it in, is alone with it: what is kept is in the proposal, or still in a draft."""
    with parts.locked({draft[:255]}):
        yield


def send(parts: Parts, person: Person, draft: Draft, given: dict[str, Any]) -> Done:
    """Submits a draft as the schema of a submission loaded it, once; then it is gone. Be alone with it.

    Raises SentBefore when it came in before, without being taken away, and something else stands in it since; or when
    a colleague sent it in.
    """
    once = once_for(parts.settings, draft.id, repr(sorted(draft.values.items())).encode())
    try:
        if sent_before(parts, person, draft.id) is None and parts.log.draft_was_sent(draft.id):
            raise KeyReused(draft.id)
        done = commands.submit(
            parts, person, given["programme"], proposal_input(given), given["effective_on"], once
        )
    except KeyReused:
        with parts.pool.connection() as connection, connection.transaction():
            copy = drafts.begin(connection, person.id, draft.programme, draft.values)
            drafts.delete(connection, person.id, draft.id)
        raise SentBefore(copy) from None
    with parts.pool.connection() as connection:
        drafts.delete(connection, person.id, draft.id)
    return done


def sent_before(parts: Parts, person: Person, id: str) -> Done | None:
    """What came of a draft that this person sent in."""
    return commands.done_before(parts, person, id) if DRAFT.fullmatch(id) else None
