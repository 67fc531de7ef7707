"""Which letters were sent in a case, and what did they say? Each is made once, kept as it is, and issued in the log.

First the PDF is kept, then the event with its SHA-256 is appended. What was interrupted in between is done by the next
who asks: the letter is the one that was kept, and an append with the same key is recorded once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from psycopg.rows import tuple_row

from domain.events import LetterIssued, ProposalSubmitted
from domain.recorded import NOW, Moment, Recorded
from service import reading
from service.documents.contents import Connection, contents
from service.documents.typesetting import pdf
from service.errors import Missing
from service.eventstore import Meta, Once
from service.identity.people import Person
from service.identity.permissions import may
from service.ids import new_id
from service.messaging.ledger import Delivery
from service.texts import DEFAULT
from service.wiring import Parts

__all__ = [
    "OPERATOR", "Altered", "Issued", "Letter", "ensure", "filename", "issue", "issued", "read", "refuse_unseen",
    "verified",
]  # fmt: skip

OPERATOR = "system"
"""Who issues letters: no person, the service itself."""

NAMES = {
    "receipt": {"nl": "ontvangstbevestiging", "en": "confirmation-of-receipt"},
    "supplement": {"nl": "verzoek-om-aanvulling", "en": "request-for-supplement"},
    "award": {"nl": "toekenning", "en": "award"},
    "refusal": {"nl": "afwijzing", "en": "refusal"},
}
"""What the file of a letter is called, before its reference."""

COLUMNS = "id, letter, proposal, about, language, sha256, filename, pdf"
"""Of what is kept, what a Letter is made of."""


class Altered(Exception):
    """What is kept of a letter is not what was issued."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it was sent, about the event at `about`. `sha256` (hex) is that of `pdf`; `id` is its stream."""

    id: str
    letter: str
    proposal: str
    about: int
    language: str
    sha256: str
    filename: str
    pdf: bytes


@dataclass(frozen=True, slots=True)
class Issued:
    """A letter in a list: about the event at `about`, issued at `position`, dated `made_on`; `size` in bytes."""

    id: str
    letter: str
    language: str
    filename: str
    sha256: str
    about: int
    position: int
    made_on: date
    size: int


def ensure(parts: Parts, delivery: Delivery) -> Letter:
    """The letter that goes with what is delivered, made and issued when it is not there yet.

    Raises ValueError when none goes with it, NothingToTell when the log has no such event, Altered when what is kept
    is not what the log says was issued.
    """
    kind, _, position = delivery.cause.partition(":")
    if delivery.letter is None or kind != "event":
        raise ValueError(f"no letter goes with {delivery.id}")
    return issue(parts, delivery.letter, delivery.stream, int(position))


def issue(parts: Parts, letter: str, proposal: str, about: int) -> Letter:
    """The letter of this kind about the event at position `about`, made and issued when it is not there yet.

    However often and by however many this is asked, it is one letter and one event. Raises Altered when what is kept
    is not what was issued, or was changed before it could be.
    """
    with parts.pool.connection() as connection:
        found = _kept(connection, letter, about)
        if found is None:
            _keep(parts, connection, letter, proposal, about)
            # Whoever was first: that one is the letter.
            found = _kept(connection, letter, about)
            assert found is not None
        if found.position is None:
            if _digest(found.letter) != found.letter.sha256:
                raise Altered(f"{found.letter.id} was changed before it was issued")
            position = _append(parts, found.letter, found.made_on)
            query = "UPDATE documents.letters SET position = %s WHERE id = %s"
            connection.execute(query, (position, found.letter.id))
    if found.letter.proposal != proposal:
        raise Altered(f"{found.letter.id} is kept with another case than the one it tells of")
    return _sound(parts, found.letter)


def issued(connection: Connection, proposal: str, moment: Moment = NOW) -> list[Issued]:
    """The letters of a case that were issued by a moment, newest first."""
    query = """SELECT id, letter, language, filename, sha256, about, position, made_on, length(pdf)
        FROM documents.letters WHERE proposal = %(proposal)s AND position IS NOT NULL
            AND (%(position)s::bigint IS NULL OR position <= %(position)s)
            AND (%(on)s::date IS NULL OR made_on <= %(on)s)
        ORDER BY position DESC"""
    asked = {"proposal": proposal, "position": moment.position, "on": moment.effective_on}
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [Issued(*row) for row in cursor.execute(query, asked).fetchall()]


def refuse_unseen(connection: Connection, person: Person, proposal: str) -> None:
    """Who may read a case may read its letters. Raises Missing when there is none that this person may read."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute("SELECT owner FROM views.status WHERE key = %s", (proposal,)).fetchone()
    if row is None or not may(person, "read-case", owner=row[0]):
        raise Missing("proposal", proposal)


def read(parts: Parts, proposal: str, id: str) -> Letter:
    """A letter of this case as it was issued.

    Raises Missing when there is none, Altered when it is not what the log says was issued.
    """
    with parts.pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            f"""SELECT {COLUMNS} FROM documents.letters
            WHERE id = %s AND proposal = %s AND position IS NOT NULL""",
            (id, proposal),
        ).fetchone()
    if row is None:
        raise Missing("letter", id)
    return _sound(parts, Letter(*row))


def verified(parts: Parts, letter: Letter) -> bool:
    """Are these the bytes that were issued, about this event? As the log says, whatever stands beside the letter."""
    history = parts.log.load(letter.id)
    event = history[0].event if history else None
    said = (letter.letter, letter.proposal, letter.about, _digest(letter))
    return isinstance(event, LetterIssued) and said == (
        event.letter,
        event.proposal,
        event.about,
        event.sha256,
    )


def _sound(parts: Parts, letter: Letter) -> Letter:
    """This letter, for who gets it. Nobody is handed another than the log says was issued."""
    if not verified(parts, letter):
        raise Altered(f"{letter.id} is not what was issued: it does not have the hash in the log")
    return letter


def _digest(letter: Letter) -> str:
    return hashlib.sha256(letter.pdf).hexdigest()


class _Kept(NamedTuple):
    """A letter that was made on a day, and where the log says that it was issued, if it does yet."""

    letter: Letter
    made_on: date
    position: int | None


def _kept(connection: Connection, letter: str, about: int) -> _Kept | None:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            f"""SELECT {COLUMNS}, made_on, position FROM documents.letters
            WHERE letter = %s AND about = %s""",
            (letter, about),
        ).fetchone()
    return _Kept(Letter(*row[:8]), row[8], row[9]) if row is not None else None


def _keep(parts: Parts, connection: Connection, letter: str, proposal: str, about: int) -> None:
    """Makes the letter and keeps it, unless somebody else was first."""
    on = parts.calendar().today
    history = reading.history(connection, proposal)
    language = _language(connection, history)
    said = contents(parts, connection, letter, history, about, language, on)
    # Not the time of day: who makes it again from the same log on the same day makes the same bytes.
    made = pdf(letter, said, datetime.combine(on, time(), UTC))
    connection.execute(
        """INSERT INTO documents.letters (id, letter, proposal, about, language, filename, sha256, pdf, made_on)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (about, letter) DO NOTHING""",
        (
            new_id("letter"), letter, proposal, about, language, filename(letter, language, said["reference"]),
            hashlib.sha256(made).hexdigest(), made, on,
        ),
    )  # fmt: skip


def _append(parts: Parts, letter: Letter, made_on: date) -> int:
    """Issues the letter in the log, once; the position where that is recorded."""
    told = parts.log.read(letter.about - 1, 1)[0]
    event = LetterIssued(letter.letter, letter.proposal, letter.about, letter.language, letter.sha256)
    cause = f"{told.stream}:{told.version}"
    meta = Meta(made_on, OPERATOR, None, new_id("command"), cause)
    once = Once(f"letter:{letter.id}", bytes.fromhex(letter.sha256))
    return parts.log.append([(letter.id, event)], {}, meta, once).first


def _language(connection: Connection, history: Sequence[Recorded]) -> str:
    """The language of a letter to who submitted this: Dutch (Awb 2:6), unless all of them chose English."""
    submitted = history[0].event if history else None
    owner = submitted.owner if isinstance(submitted, ProposalSubmitted) else ""
    query = """SELECT bool_and(coalesce(h.language, %(usual)s) = 'en')
        FROM vault.people p LEFT JOIN vault.hearing h ON h.person = p.id
        WHERE p.id = %(owner)s OR (p.organisation = %(owner)s AND 'submitter' = ANY(p.roles))"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, {"owner": owner, "usual": DEFAULT}).fetchone()
    return "en" if row is not None and row[0] else DEFAULT


def filename(letter: str, language: str, reference: str) -> str:
    """What the file is called, for example `toekenning-RHA-2026-0001.pdf`."""
    return f"{NAMES[letter][language]}-{re.sub(r'[^A-Za-z0-9-]', '-', reference)}.pdf"
