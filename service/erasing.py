"""How is somebody erased? What says who they are goes, in one transaction with the event that says so; files around it.

The log stays as it is: it has ids and digests. Who acted in office stays named in those acts, with the ground for it.
What people typed into proposals and judgements is not touched: where the name stands there it is told, to be redacted
by a decision of its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import psycopg
import structlog
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from domain.errors import Refused
from domain.events import ErasureRequested, PersonErased
from service import held, reading
from service.documents.contents import NothingToTell, contents
from service.errors import Missing
from service.eventstore import Conflict
from service.identity import changing, people
from service.identity.changing import By
from service.identity.parties import ONE_PERSON, ORGANISATIONS
from service.identity.people import Person
from service.identity.scope import CONFIDENTIAL, scope_of
from service.messaging import subscriptions
from service.messaging.channels import queue
from service.wiring import Parts

__all__ = ["GROUNDS", "IN_OFFICE", "Erasure", "Mention", "Plan", "ask", "erase", "mentions_for", "plan"]

Connection = psycopg.Connection[Any]

GROUNDS = ("request", "not-needed", "objection", "unlawful", "obligation")
"""Why somebody is erased: the grounds of article 17 of the GDPR."""
IN_OFFICE = "acted-in-office"
"""Why a name stays: this person advised, decided or handled money in office (GDPR 17, third paragraph)."""
OFFICES = ("member", "secretary", "treasurer")
"""The roles in which one acts in office."""
GONE = "[gewist]"
"""What is put in place of the name in what others have not sent in yet."""
ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Mention:
    """A text of the log in which the name still stands: redacting it takes a decision of its own."""

    stream: str
    position: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What an erasure takes away. `named`: the name stays with acts in office; `said`: what is looked for."""

    person: Person
    parties: tuple[str, ...]
    said: tuple[str, ...]
    letters: tuple[str, ...]
    named: bool
    mentions: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure took away: so many letters lost their bytes, so many mails in the folder went."""

    position: int
    letters: int
    mails: int
    named: bool
    mentions: tuple[Mention, ...] = field(default=())


def ask(parts: Parts, person: Person) -> None:
    """Somebody asks to be erased: administrators are told. Asked again while it waits, nothing is recorded."""
    history = parts.log.load(person.id)
    if any(isinstance(each.event, ErasureRequested) for each in history):
        return
    by, version = By(person.id), history[-1].version if history else 0
    with suppress(Conflict):  # asked twice at once
        today = parts.calendar().today
        changing.record(parts.log, by, today, person.id, [ErasureRequested()], version, lambda _: None)


def plan(parts: Parts, id: str) -> Plan:
    """What erasing this person would take away. Raises Missing when there is nobody with this id (any more)."""
    with parts.pool.connection() as connection:
        person = people.get(connection, id)
        if person is None:
            raise Missing("person", id)
        found = _parties(connection, person)
        said = tuple(dict.fromkeys((person.name, person.email, *(name for _, name in found))))
        mentions = _mentions(connection, said)
        letters = _letters(parts, connection, said, [party for party, _ in found], mentions)
        named = _acted_in_office(connection, id)
    return Plan(person, tuple(party for party, _ in found), said, letters, named, mentions)


def erase(parts: Parts, by: By, id: str, ground: str) -> Erasure:
    """Erases somebody. Raises Missing when there is nobody with this id (any more).

    Refuses that an administrator erases themselves.
    """
    assert ground in GROUNDS
    if by.id == id:
        raise Refused("own-erasure")
    mails = 0
    for attempt in range(ATTEMPTS):
        version = changing.version_of(parts.log, id)
        wanted = plan(parts, id)
        event = PersonErased(ground, IN_OFFICE if wanted.named else None)
        hashes, deliveries = _kept(parts, wanted)
        # Before it too: should it break off behind the commit, nobody knows any more whose mails these were.
        mails += _remove_mails(parts, wanted, hashes, deliveries)
        try:
            done = changing.record(
                parts.log, by, parts.calendar().today, id, [event], version, _taking(parts, wanted)
            )
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
            continue
        mails += _remove_mails(parts, wanted, hashes, deliveries)
        structlog.get_logger().info("person erased", person=id, by=by.id, ground=ground)
        return Erasure(done.last, len(wanted.letters), mails, wanted.named, wanted.mentions)
    raise AssertionError("unreachable")


def mentions_for(parts: Parts, person: Person, mentions: Sequence[Mention]) -> list[Mention]:
    """The same for somebody to read, with CONFIDENTIAL in place of the cases that they may not know of."""
    with parts.pool.connection() as connection:
        hidden = scope_of(person, parts.calendar().today).hidden(connection)
    return [replace(each, stream=CONFIDENTIAL) if each.stream in hidden else each for each in mentions]


def _taking(parts: Parts, wanted: Plan) -> Callable[[Connection], None]:
    return lambda connection: _take(parts, connection, wanted)


def _take(parts: Parts, connection: Connection, wanted: Plan) -> None:
    """Takes it all out of the database."""
    person = wanted.person
    if people.get(connection, person.id) != person:
        raise Conflict("changed meanwhile")
    for (own,) in connection.execute(
        "SELECT id FROM ledger.subscriptions WHERE person = %s AND channel = 'queue'", (person.id,)
    ).fetchall():
        queue.delete(parts.settings, connection, own)
    for (own,) in connection.execute(
        "SELECT id FROM ledger.subscriptions WHERE person = %s", (person.id,)
    ).fetchall():
        subscriptions.remove(connection, own)
    for place in held.places(connection):
        connection.execute(place.query("DELETE FROM"), (place.value(person),))
    connection.execute("DELETE FROM vault.people WHERE id = %s", (person.id,))
    connection.execute("DELETE FROM vault.parties WHERE id = ANY(%s)", (list(wanted.parties),))
    if wanted.named:
        connection.execute(
            "INSERT INTO vault.office_holders (id, name, ground) VALUES (%s, %s, %s)",
            (person.id, person.name, IN_OFFICE),
        )
    connection.execute(
        "UPDATE documents.letters SET pdf = NULL, erased_at = now() WHERE id = ANY(%s) AND pdf IS NOT NULL",
        (list(wanted.letters),),
    )
    connection.execute(
        """UPDATE ledger.deliveries SET state = 'dropped', error = 'erased', settled_at = now()
        WHERE recipient = %s AND state IN ('collected', 'waiting', 'queued', 'to-post')""",
        (person.id,),
    )
    _blank(connection, wanted.said)


def _blank(connection: Connection, said: Sequence[str]) -> None:
    """Takes the name out of what others have not sent in yet, and out of what other sides said of a try."""
    find = _finder(said)
    for table, key, column, moves in (
        # Of another version, so that nobody who read it before puts the name back.
        ("web.drafts", "id", "content", ", version = version + 1"),
        ("web.on_their_way", "state", "fields", ""),
    ):
        query = f"SELECT {key}, {column} FROM {table} ORDER BY {key} FOR UPDATE"
        for id, content in connection.execute(query.encode()).fetchall():
            blanked = _blanked(content, find)
            if blanked != content:
                change = f"UPDATE {table} SET {column} = %s{moves} WHERE {key} = %s"
                connection.execute(change.encode(), (Jsonb(blanked), id))
    patterns = [_like(each) for each in said]
    for table, column, keys in (
        ("ledger.tries", "detail", ("delivery", "number")),
        ("ledger.deliveries", "error", ("id",)),
    ):
        query = f"SELECT {column}, {', '.join(keys)} FROM {table} WHERE {column} ILIKE ANY(%s)"
        for text, *key in connection.execute(query.encode(), (patterns,)).fetchall():
            where = " AND ".join(f"{name} = %s" for name in keys)
            change = f"UPDATE {table} SET {column} = %s WHERE {where}"
            connection.execute(change.encode(), (find.sub(GONE, text), *key))


def _parties(connection: Connection, person: Person) -> list[tuple[str, str]]:
    """The parties that are this person: of a kind that may be one person, and by the same name; or the party for which
    they alone act, or by which they apply, of a kind that is always one person."""
    query = """SELECT id, name FROM vault.parties p WHERE NOT kind = ANY(%(organisations)s) AND (
            lower(name) = lower(%(name)s) OR (kind = ANY(%(one)s) AND (
                id = %(organisation)s OR id IN (SELECT document #>> '{content,applicant,$party}'
                    FROM views.status WHERE owner = %(id)s))))
        AND NOT EXISTS (SELECT FROM vault.people o WHERE o.organisation = p.id AND o.id <> %(id)s)"""
    given = {
        "organisations": sorted(ORGANISATIONS),
        "one": list(ONE_PERSON),
        "name": person.name,
        "organisation": person.organisation,
        "id": person.id,
    }
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [(id, name) for id, name in cursor.execute(query, given).fetchall()]


def _mentions(connection: Connection, said: Sequence[str]) -> tuple[Mention, ...]:
    """Where in the texts of the log the name stands."""
    find = _finder(said)
    query = "SELECT stream, position, texts FROM log.words WHERE texts::text ILIKE ANY(%s) ORDER BY position"
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, ([_like(each) for each in said],)).fetchall()
    return tuple(
        Mention(stream, position)
        for stream, position, texts in rows
        if any(find.search(text) for text in texts.values())
    )


def _letters(
    parts: Parts,
    connection: Connection,
    said: Sequence[str],
    parties: Sequence[str],
    mentions: Sequence[Mention],
) -> tuple[str, ...]:
    """The letters that name this person: made again from the log as it is now, and read."""
    query = """SELECT DISTINCT originator_id FROM log.events
        WHERE topic IN ('ProposalSubmitted', 'ProposalRevised')
            AND EXISTS (SELECT FROM unnest(%s::bytea[]) AS p WHERE position(p IN state) > 0)"""
    kept = """SELECT id, letter, proposal, about, language, made_on FROM documents.letters
        WHERE proposal = ANY(%s) AND pdf IS NOT NULL AND redacted IS NULL ORDER BY id"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        cases = {
            case for (case,) in cursor.execute(query, ([party.encode() for party in parties],)).fetchall()
        }
        cases |= {mention.stream for mention in mentions}
        rows = cursor.execute(kept, (sorted(cases),)).fetchall()
    find, found = _finder(said), []
    for id, letter, proposal, about, language, made_on in rows:
        history = reading.history(connection, proposal)
        try:
            told = contents(parts, connection, letter, history, about, language, made_on)
        except NothingToTell:
            continue
        if any(find.search(text) for text in _texts(told)):
            found.append(id)
    return tuple(found)


def _acted_in_office(connection: Connection, id: str) -> bool:
    query = """SELECT EXISTS (SELECT FROM log.events WHERE position(%s::bytea IN state) > 0
        AND convert_from(state, 'UTF8')::jsonb #>> '{capacity,role}' = ANY(%s))"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, (held.by(id), list(OFFICES))).fetchone()
    return row is not None and bool(row[0])


def _kept(parts: Parts, wanted: Plan) -> tuple[frozenset[str], frozenset[str]]:
    """The hashes of the letters that go, and the ids of what was sent to this person."""
    with parts.pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
        hashes = cursor.execute(
            "SELECT sha256 FROM documents.letters WHERE id = ANY(%s)", (list(wanted.letters),)
        ).fetchall()
        sent = cursor.execute(
            "SELECT id FROM ledger.deliveries WHERE recipient = %s", (wanted.person.id,)
        ).fetchall()
    return frozenset(hash for (hash,) in hashes), frozenset(id for (id,) in sent)


def _remove_mails(parts: Parts, wanted: Plan, hashes: frozenset[str], deliveries: frozenset[str]) -> int:
    """Removes the mails in the folder that are to this person, name them, or have a letter that went; how many?"""
    if not parts.settings.mail_folder:
        return 0
    find, removed = _finder(wanted.said), 0
    for path in sorted(Path(parts.settings.mail_folder).glob("*.eml")):
        if path.stem in deliveries or _names(path, find, hashes):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _names(path: Path, find: re.Pattern[str], hashes: frozenset[str]) -> bool:
    try:
        message = message_from_bytes(path.read_bytes(), policy=default)
    except OSError:
        return False
    assert isinstance(message, EmailMessage)
    if any(find.search(str(value)) for value in message.values()):
        return True
    for part in message.walk():
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        if hashlib.sha256(content).hexdigest() in hashes:
            return True
        if part.get_content_maintype() == "text" and find.search(content.decode("utf-8", "replace")):
            return True
    return False


def _finder(said: Sequence[str]) -> re.Pattern[str]:
    """Finds any of these as whole words, whatever the case of their letters."""
    each = "|".join(re.escape(one) for one in sorted(said, key=len, reverse=True) if one)
    return re.compile(rf"(?<!\w)(?:{each})(?!\w)", re.IGNORECASE)


def _like(text: str) -> str:
    """Text to be looked for as it is by ILIKE, within JSON as well."""
    inside = str(json.dumps(text, ensure_ascii=False))[1:-1]
    return "%" + inside.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def _blanked(value: Any, find: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return find.sub(GONE, value)
    if isinstance(value, list):
        return [_blanked(each, find) for each in value]
    if isinstance(value, dict):
        return {name: _blanked(each, find) for name, each in value.items()}
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
