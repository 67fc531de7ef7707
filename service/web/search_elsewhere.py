"""Which programmes, envelopes and newsletters are about this, and for who may: which people and events?

Each is asked for only by who may read it, and each answer is a link that leads where it can be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import url_for
from psycopg import Connection
from psycopg.rows import tuple_row

from domain.programme import Programme
from service.documents import newsletters
from service.identity import people
from service.identity.people import Person
from service.identity.permissions import may
from service.web import event_search, visit
from service.web.event_search import Wanted
from service.web.event_words import happened, references
from service.web.naming import name_of, names, programmes_in_force
from service.web.newsletters import titled
from service.web.rendering import day, say, word

__all__ = ["Group", "Hit", "elsewhere"]

MOST = 5
"""Answers in a group."""
PATIENCE = 0.02
"""Seconds for the events: the newest ones. The page of the log goes on from there."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An answer: what it is called, where it can be read, and what more is said of it."""

    title: str
    address: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Answers of one kind; `more`: where all of them can be looked for, if there may be more."""

    kind: str
    hits: list[Hit]
    more: str | None = None


def elsewhere(connection: Connection[Any], person: Person, typed: str) -> list[Group]:
    """What this person may see of each kind, the kinds in which there is something."""
    groups = [_programmes(typed)]
    if may(person, "read-envelopes"):
        groups.append(_envelopes(connection, typed))
    groups.append(_newsletters(connection, person, typed))
    if may(person, "read-people"):
        groups.append(_people(connection, typed))
    if may(person, "read-events"):
        groups.append(_events(connection, person, typed))
    return [group for group in groups if group.hits]


def _programmes(typed: str) -> Group:
    found = [each for each in programmes_in_force(visit.parts()) if _holds(_texts_of(each), typed)]
    hits = [
        Hit(
            name_of(each.name),
            url_for("web.programme_pages.show", code=each.code),
            say("search.version", number=each.version),
        )
        for each in found[:MOST]
    ]
    return Group("programmes", hits, url_for("web.programme_pages.index") if len(found) > MOST else None)


def _texts_of(programme: Programme) -> Iterable[str]:
    named = [programme.name, *(t.name for t in programme.themes), *(b.name for b in programme.bodies)]
    return [programme.reference_prefix, *(text for name in named for text in (name.nl, name.en))]


# By the words of its name, or how its code begins; a name that was taken away is in no search.
ENVELOPES = """SELECT w.stream FROM log.words w, websearch_to_tsquery('pg_catalog.dutch', %(q)s) AS q
    WHERE w.search @@ q AND starts_with(w.stream, 'envelope-')
        AND to_tsvector('pg_catalog.dutch', coalesce(w.texts ->> 'name', '')) @@ q
    UNION SELECT key FROM views.budget WHERE starts_with(code, %(code)s)
    ORDER BY 1 LIMIT %(most)s"""


def _envelopes(connection: Connection[Any], typed: str) -> Group:
    asked = {"q": typed, "code": typed.lower(), "most": MOST + 1}
    with connection.cursor(row_factory=tuple_row) as cursor:
        keys = [key for (key,) in cursor.execute(ENVELOPES, asked).fetchall()]
    called = references(connection, keys)
    hits = [
        Hit(called[key], url_for("web.money.envelope", code=key.removeprefix("envelope-")))
        for key in keys[:MOST]
        if key in called
    ]
    return Group("envelopes", hits, url_for("web.money.index") if len(keys) > MOST else None)


WRITTEN = """SELECT id FROM documents.newsletters WHERE approved_at IS NOT NULL
    AND jsonb_to_tsvector('pg_catalog.dutch', content, '["string"]') @@ websearch_to_tsquery('pg_catalog.dutch', %s)"""


def _newsletters(connection: Connection[Any], person: Person, typed: str) -> Group:
    with connection.cursor(row_factory=tuple_row) as cursor:
        written = {id for (id,) in cursor.execute(WRITTEN, (typed,)).fetchall()}
    found = [
        each
        for each in newsletters.listed(connection, approved=True)
        if newsletters.may_read(person, each) and (each.id in written or _holds([titled(each)], typed))
    ]
    hits = [
        Hit(
            titled(each),
            url_for("web.newsletters.show", newsletter=each.id),
            say("search.sent", on=each.approved_at.date()) if each.approved_at else "",
        )
        for each in found[:MOST]
    ]
    return Group("newsletters", hits, url_for("web.newsletters.index") if len(found) > MOST else None)


def _people(connection: Connection[Any], typed: str) -> Group:
    found = people.search(connection, typed, most=MOST + 1)
    hits = [
        Hit(
            each.name,
            url_for("web.admin.show", person=each.id),
            ", ".join([each.email, *(word(role) for role in sorted(each.roles))]),
        )
        for each in found[:MOST]
    ]
    return Group("people", hits, url_for("web.admin.index", q=typed) if len(found) > MOST else None)


def _events(connection: Connection[Any], person: Person, typed: str) -> Group:
    found = event_search.search(connection, Wanted(words=typed), limit=MOST, patience=PATIENCE)
    whole = url_for("web.audit.index", words=typed)
    # Not everybody who reads the log reads cases.
    cases = may(person, "read-case")
    hits = [
        Hit(
            f"{each.kind}: {each.about}",
            (each.address if cases else None) or whole,
            f"{each.by}, {day(each.effective_on)}",
        )
        for each in happened(connection, found.events, names(visit.parts()))
    ]
    return Group("events", hits, whole)


def _holds(texts: Iterable[str], typed: str) -> bool:
    return any(typed.casefold() in text.casefold() for text in texts)
