"""How does a draft begin, and how does it become a proposal? The same on the pages and for programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
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

__all__ = ["begin", "send", "sent_before"]

DRAFT = re.compile(r"draft-[0-9a-f-]{36}")


def begin(
    parts: Parts,
    person: Person,
    programme: str,
    typed: Mapping[str, list[str]] = {},
    once: Once | None = None,
) -> Draft:
    """A new draft with this in it, and with what is known of who applies.

    With `once`, asking again answers the same one. Raises KeyReused when it was begun otherwise, or was sent in.
    """
    ids = ids_for(parts.settings, "draft", person.id, once)
    with parts.locked(set(ids[:1])), parts.pool.connection() as connection:
        values = {**_applicant(parts, person), **typed}
        for id in ids:
            there = drafts.find(connection, person.id, id)
            if there is not None and (
                there.version > 1 or (there.programme, there.values) == (programme, values)
            ):
                return there
            if once is not None and (there is not None or sent_before(parts, person, id) is not None):
                raise KeyReused(once.key)
        return drafts.begin(connection, person.id, programme, values, next(iter(ids), None))


def _applicant(parts: Parts, person: Person) -> Typed:
    """The organisation of who applies; the secretariat applies for others."""
    if person.organisation is None or "secretary" in person.roles:
        return {}
    with parts.pool.connection() as connection:
        known = vault.known_among(connection, [], also=person.organisation)
    return {"applicant.name": [known[0].name], "applicant.kind": [known[0].kind]} if known else {}


def send(parts: Parts, person: Person, draft: Draft, given: dict[str, Any]) -> Done:
    """Submits a draft as the schema of a submission loaded it, once; then it is gone.

    Be alone with it: two colleagues may send it in at the same time. Raises KeyReused for one that came in before and
    was changed since: it is kept.
    """
    plain = repr(sorted(draft.values.items())).encode()
    once = once_for(parts.settings, draft.id, plain)
    done = commands.submit(
        parts, person, given["programme"], proposal_input(given), given["effective_on"], once
    )
    with parts.pool.connection() as connection:
        drafts.delete(connection, person.id, draft.id)
    return done


def sent_before(parts: Parts, person: Person, id: str) -> Done | None:
    """What came of a draft that is not there any more, where this person sent it in."""
    return commands.done_before(parts, person, id) if DRAFT.fullmatch(id) else None
