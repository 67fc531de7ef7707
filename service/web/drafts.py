"""What has somebody filled in of a proposal so far? Outside the log, gone once it is sent in.

Private to that person, until they share it with the colleagues of their organisation: who of them may submit goes on
with it then.

Kept as typed, field by field: what is no amount or no date yet is kept all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from service.api.parser import REFUSED
from service.ids import new_id

__all__ = [
    "Draft", "Moved", "Typed", "begin", "delete", "find", "keep", "of_person", "share", "supplement", "supplement_id",
]  # fmt: skip

Typed = dict[str, list[str]]
"""What is typed in each field, by its name on the form."""

_SHARED = """(SELECT m.organisation FROM vault.people m
    WHERE m.id = drafts.person AND m.organisation = drafts.organisation)"""
"""With whose people it is shared, as long as who made it acts for that organisation."""
_COLUMNS = f"id, person, proposal, content, changed_at, {_SHARED}, version, changed_by, asked"
_REACHED = f"""(person = %(person)s OR {_SHARED} = (SELECT p.organisation FROM vault.people p
    WHERE p.id = %(person)s AND p.organisation_role <> 'reader' AND 'submitter' = ANY(p.roles)))"""
"""Whose draft it is, or a colleague with whom it is shared."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is filled in so far. `seen`: the steps that were sent once, of which we say what is wrong.

    Of a supplement: `proposal` is the case it is for, and `revision` the one it began from. `organisation`: with whose
    people it is shared; `version` moves with every change, the last by `changed_by`. `asked`: the HMAC of the request
    that began it, where that came with a key.
    """

    id: str
    person: str
    programme: str
    values: Typed
    seen: frozenset[str]
    proposal: str | None
    revision: int | None
    changed_at: datetime | None = None
    organisation: str | None = None
    version: int = 1
    changed_by: str | None = None
    asked: bytes | None = None

    @property
    def title(self) -> str:
        """What it is called so far."""
        return " ".join("".join(self.values.get("title", [])[:1]).split())


class Moved(Exception):
    """A colleague changed the draft since it was shown: `draft` as it is now."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft.id)
        self.draft = draft


def begin(
    connection: Connection[Any],
    person: str,
    programme: str,
    values: Mapping[str, Sequence[str]],
    id: str | None = None,
    asked: bytes | None = None,
) -> Draft:
    """A new draft of a proposal; under this id, and asked for so, where somebody's key stands for it."""
    plain = {name: list(each) for name, each in values.items()}
    draft = Draft(id or new_id("draft"), person, programme, plain, frozenset(), None, None, asked=asked)
    return _put(connection, draft, person)


def supplement(
    connection: Connection[Any], person: str, proposal: str, programme: str, values: Typed, revision: int
) -> Draft:
    """What a person has filled in of the supplement of a case: from now on this. One for a person and a case."""
    id = supplement_id(person, proposal)
    return _put(connection, Draft(id, person, programme, values, frozenset(), proposal, revision), person)


def supplement_id(person: str, proposal: str) -> str:
    """Under which id a person's supplement of a case is kept."""
    return f"supplement-{person}-{proposal}"


def find(connection: Connection[Any], person: str, id: str) -> Draft | None:
    """A draft of this person, or shared with them; None for what is not there, or is somebody else's."""
    query = f"SELECT {_COLUMNS} FROM web.drafts WHERE id = %(id)s AND {_REACHED}"
    with connection.cursor(row_factory=tuple_row) as cursor:
        return _read(cursor.execute(query, {"id": _plain(id), "person": person}).fetchone())


def of_person(connection: Connection[Any], person: str) -> list[Draft]:
    """The drafts of a person and those shared with them, supplements included, the one that was changed last first."""
    query = f"SELECT {_COLUMNS} FROM web.drafts WHERE {_REACHED} ORDER BY changed_at DESC, id"
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [
            draft for row in cursor.execute(query, {"person": person}) if (draft := _read(row)) is not None
        ]


def keep(
    connection: Connection[Any],
    person: str,
    id: str,
    change: Callable[[Typed], Typed],
    seen: str | None = None,
    version: int | None = None,
    own_too: bool = False,
) -> Draft | None:
    """Keeps what a change makes of what is filled in; None when there is no such draft of this person (any more).

    One at a time, so that two steps that are kept at once both last. Raises Moved, and keeps nothing, when a colleague
    has changed it since it was at `version`; or this person as well, when a change of their own counts too.
    """
    query = f"SELECT {_COLUMNS} FROM web.drafts WHERE id = %(id)s AND {_REACHED} FOR UPDATE OF drafts"
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        draft = _read(cursor.execute(query, {"id": _plain(id), "person": person}).fetchone())
        if draft is None:
            return None
        by_another = own_too or draft.changed_by not in (None, person)
        if version is not None and draft.version != version and by_another:
            raise Moved(draft)
        steps = draft.seen | {seen} if seen else draft.seen
        return _put(connection, replace(draft, values=change(draft.values), seen=steps), person)


def delete(connection: Connection[Any], person: str, id: str) -> bool:
    """Throws a draft of this person away, or one that is shared with them. Was there one?"""
    query = f"DELETE FROM web.drafts WHERE id = %(id)s AND {_REACHED}"
    return connection.execute(query, {"id": _plain(id), "person": person}).rowcount == 1


def share(connection: Connection[Any], person: str, id: str, *, shared: bool) -> bool:
    """Shares a draft of this person's own with the colleagues of their organisation, or with nobody; could it be?

    Somebody without an organisation can share it with nobody only.
    """
    query = """UPDATE web.drafts d SET organisation = CASE WHEN %(shared)s THEN p.organisation END
        FROM vault.people p WHERE d.id = %(id)s AND d.person = %(person)s AND p.id = d.person
            AND d.proposal IS NULL AND (p.organisation IS NOT NULL OR NOT %(shared)s)"""
    return connection.execute(query, {"id": _plain(id), "person": person, "shared": shared}).rowcount == 1


def _put(connection: Connection[Any], draft: Draft, by: str | None = None) -> Draft:
    """Keeps a draft as it is; `by` somebody else than who made it, where a colleague goes on with it."""
    values = {name: [_plain(each) for each in typed] for name, typed in draft.values.items()}
    content = {
        "programme": draft.programme,
        "values": {_plain(name): typed for name, typed in values.items()},
        "seen": sorted(draft.seen),
        "revision": draft.revision,
    }
    query = f"""INSERT INTO web.drafts (id, person, proposal, content, changed_at, changed_by, asked)
        VALUES (%s, %s, %s, %s, now(), %s, %s)
        ON CONFLICT (id) DO UPDATE SET content = excluded.content, changed_at = excluded.changed_at,
            changed_by = excluded.changed_by, version = drafts.version + 1
        WHERE web.drafts.person = excluded.person RETURNING {_COLUMNS}"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            query,
            (draft.id, draft.person, draft.proposal, Jsonb(content), by or draft.person, draft.asked),
        ).fetchone()
    kept = _read(row)
    assert kept is not None
    return kept


def _read(row: tuple[Any, ...] | None) -> Draft | None:
    if row is None:
        return None
    id, person, proposal, content, changed_at, organisation, version, changed_by, asked = row
    return Draft(
        id=id,
        person=person,
        programme=content["programme"],
        values=content["values"],
        seen=frozenset(content["seen"]),
        proposal=proposal,
        revision=content["revision"],
        changed_at=changed_at,
        organisation=organisation,
        version=version,
        changed_by=changed_by,
        asked=asked,
    )


def _plain(text: str) -> str:
    """Without control characters: nobody sees them, the API refuses them, and the database can't store them all."""
    return REFUSED.sub("", text)
