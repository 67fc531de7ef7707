"""Where else do the words of a case stand, and how do they go from there? Beside the log: what was made from it.

Views and notices hold references, so there nothing has to go. Letters and newsletters that were sent, drafts that
somebody copied them into and mail in a folder hold the words themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from domain.events import ConfidentialitySet
from domain.recorded import Recorded
from service import reading
from service.documents.contents import NothingToTell, contents
from service.quoting import quotes
from service.settings import Settings
from service.wiring import Parts

__all__ = ["Copies", "find", "find_all", "nobody_copies", "remove", "remove_mail"]

Connection = psycopg.Connection[Any]
Gone = Mapping[int, Mapping[str, str]]
"""The words that go: by the position of their event, and their path in it."""

NOBODY_COPIES = "SELECT pg_advisory_xact_lock(7133003)"
"""Whoever makes a copy of words (a letter, a newsletter) shares this lock until it is kept."""


@dataclass(frozen=True)
class Copies:
    """What goes along: letters and newsletters by id; drafts with what is left of them; mails by their delivery."""

    letters: Sequence[str] = ()
    newsletters: Sequence[str] = ()
    written: Mapping[str, Any] = field(default_factory=dict)
    """Newsletters that are not approved yet, with what is left of what was written in them."""
    drafts: Mapping[str, Any] = field(default_factory=dict)
    mails: Sequence[str] = ()


def nobody_copies(connection: Connection) -> None:
    """From now on until the transaction ends nobody makes a copy of words."""
    connection.execute(NOBODY_COPIES)


def find(parts: Parts, connection: Connection, proposal: str, gone: Gone) -> Copies:
    """What quotes these words of a case, while they are still there."""
    said = [text for texts in gone.values() for text in texts.values()]
    references = [f'"{position}/{path}"' for position, texts in gone.items() for path in texts]
    letters = _letters(parts, connection, proposal, gone)
    newsletters, written = _newsletters(connection, proposal, references, said)
    return Copies(
        letters=[id for id, _, _ in letters],
        newsletters=newsletters,
        written=written,
        drafts=_drafts(connection, proposal, said),
        mails=_mails(connection, proposal, references, letters, newsletters),
    )


def find_all(parts: Parts, connection: Connection, proposal: str, history: Sequence[Recorded]) -> Copies:
    """What quotes any word of a case, and beside that every letter and every mail about it, for these have names."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        gone: dict[int, dict[str, str]] = dict(
            cursor.execute(
                "SELECT position, texts FROM log.words WHERE position = ANY(%s)",
                ([recorded.position for recorded in history],),
            ).fetchall()
        )
        letters = cursor.execute(
            "SELECT id FROM documents.letters WHERE proposal = %s AND redacted IS NULL AND pdf IS NOT NULL ORDER BY id",
            (proposal,),
        ).fetchall()
        mails = cursor.execute(
            """WITH told AS (SELECT d.id, d.bundle FROM ledger.notices n
                    JOIN ledger.deliveries d ON d.notice = n.id WHERE n.stream = %s)
            SELECT d.id FROM ledger.deliveries d
            WHERE d.channel = 'email' AND d.id IN (SELECT id FROM told UNION SELECT bundle FROM told)""",
            (proposal,),
        ).fetchall()
    found = find(parts, connection, proposal, gone)
    return replace(
        found,
        letters=[id for (id,) in letters],
        mails=sorted({*found.mails, *(id for (id,) in mails)}),
        drafts={},
    )


def remove(connection: Connection, copies: Copies, redaction: int) -> None:
    """Takes these away, for the decision at this position of the log."""
    connection.execute(
        "SELECT documents.take_away(%s, %s, %s)",
        (redaction, list(copies.letters), list(copies.newsletters)),
    )
    for id, content in copies.written.items():
        connection.execute(
            "UPDATE documents.newsletters SET content = %s, version = version + 1 WHERE id = %s",
            (Jsonb(content), id),
        )
    for id, content in copies.drafts.items():
        connection.execute("UPDATE web.drafts SET content = %s WHERE id = %s", (Jsonb(content), id))
    connection.execute(
        "INSERT INTO ledger.mail_to_remove SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING",
        (list(copies.mails),),
    )


def remove_mail(settings: Settings, connection: Connection) -> int:
    """Takes away the mails in our folder that quote what was redacted; how many there were to see to.

    What is being sent just now comes in the folder later, and is seen to then.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            """SELECT m.delivery FROM ledger.mail_to_remove m JOIN ledger.deliveries d ON d.id = m.delivery
            WHERE d.state <> 'sending' OR d.claimed_until < now()"""
        ).fetchall()
    for (delivery,) in rows:
        if settings.mail_folder:
            (Path(settings.mail_folder) / f"{delivery}.eml").unlink(missing_ok=True)
        connection.execute("DELETE FROM ledger.mail_to_remove WHERE delivery = %s", (delivery,))
    return len(rows)


def _letters(parts: Parts, connection: Connection, proposal: str, gone: Gone) -> list[tuple[str, str, int]]:
    """The letters that would read otherwise without these words: id, which letter, and about which event."""
    query = """SELECT id, letter, about, language, made_on, position FROM documents.letters
        WHERE proposal = %s AND redacted IS NULL AND pdf IS NOT NULL ORDER BY id"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, (proposal,)).fetchall()
        there = cursor.execute(
            "SELECT position, texts FROM log.words WHERE position = ANY(%s)", (list(gone),)
        ).fetchall()
    said = {str(position): texts for position, texts in there}
    without = {
        str(position): {path: text for path, text in texts.items() if path not in gone[position]}
        for position, texts in there
    }
    whole = reading.history(connection, proposal)
    found = []
    for id, letter, about, language, made_on, issued in rows:
        for history in _as_it_may_have_been(whole, about, issued):
            with suppress(NothingToTell):
                told = (parts, connection, letter, history, about, language, made_on)
                if contents(*told, known=said) == contents(*told, known=without):
                    continue
            found.append((id, letter, about))
            break
    return found


def _as_it_may_have_been(
    whole: Sequence[Recorded], about: int, issued: int | None
) -> Iterator[list[Recorded]]:
    """A case with the levels of confidentiality that it can have had when its letter about this event was made.

    A level that was set afterwards took nothing out of that letter. Nobody knows at which position it was made: it was
    between the event and its own place in the log.
    """
    command = next((each.command_id for each in whole if each.position == about), None)
    later = sorted(
        each.position
        for each in whole
        if isinstance(each.event, ConfidentialitySet) and each.position > about and each.command_id != command
    )
    perhaps = [position for position in later if issued is None or position < issued]
    for count in range(len(perhaps) + 1):
        unknown = {*later}.difference(perhaps[:count])
        yield [each for each in whole if each.position not in unknown]


def _newsletters(
    connection: Connection, proposal: str, references: Sequence[str], said: Sequence[str]
) -> tuple[list[str], dict[str, Any]]:
    """The newsletters that went out with these words, and the drafts that somebody wrote them in."""
    query = """SELECT n.id, n.approved_at IS NOT NULL, n.figures::text, n.content,
            (SELECT e.kept FROM documents.editions e WHERE e.newsletter = n.id ORDER BY e.municipality LIMIT 1)
        FROM documents.newsletters n WHERE n.redacted IS NULL AND strpos(n.figures::text, %s) > 0"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, (proposal,)).fetchall()
    sent, written = [], {}
    for id, approved, figures, content, kept in rows:
        refers = any(each in figures for each in references)
        if not approved:
            left = _without(content, proposal, refers, said)
            if left != content:
                written[id] = left
        elif refers or quotes(str(content), said) or (kept and quotes(_text(kept), said)):
            sent.append(id)
    return sent, written


def _text(kept: bytes) -> str:
    """What an edition says in Dutch and in English; every edition tells of the same projects."""
    languages = msgspec.json.decode(kept)["languages"]
    return "\n".join(written["text"] for written in languages.values())


def _without(content: Any, proposal: str, refers: bool, said: Sequence[str]) -> Any:
    """What was written in a draft, without what quotes these words, and without the text that was made of them."""

    def left(item: Any) -> Any:
        own = refers and item["proposal"] == proposal
        return {**item, "text": None} if own or quotes(item.get("text"), said) else item

    return {
        name: [left(each) for each in value] if name == "items" else (None if quotes(value, said) else value)
        for name, value in content.items()
    }


def _drafts(connection: Connection, proposal: str, said: Sequence[str]) -> dict[str, Any]:
    """The drafts of a supplement of this case that have these words, with what is left of each."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            "SELECT id, content FROM web.drafts WHERE proposal = %s FOR UPDATE", (proposal,)
        ).fetchall()
    found = {}
    for id, content in rows:
        values = {
            name: ["" if quotes(each, said) else each for each in typed]
            for name, typed in content["values"].items()
        }
        if values != content["values"]:
            found[id] = {**content, "values": values}
    return found


def _mails(
    connection: Connection,
    proposal: str,
    references: Iterable[str],
    letters: Sequence[tuple[str, str, int]],
    newsletters: Sequence[str],
) -> list[str]:
    """The mails that told these words, or had one of these letters with them; and the digests they went out in."""
    query = """WITH telling AS (
            SELECT d.id, d.bundle FROM ledger.notices n JOIN ledger.deliveries d ON d.notice = n.id
            WHERE (n.stream = %(proposal)s AND (
                    EXISTS (SELECT FROM unnest(%(references)s::text[]) AS r WHERE strpos(n.facts::text, r) > 0)
                    OR n.letter || ' ' || n.cause = ANY(%(letters)s)))
                OR n.stream = ANY(%(newsletters)s))
        SELECT d.id FROM ledger.deliveries d
        WHERE d.channel = 'email' AND d.id IN (SELECT id FROM telling UNION SELECT bundle FROM telling)
        ORDER BY d.id"""
    asked = {
        "proposal": proposal,
        "references": list(references),
        "letters": [f"{letter} event:{about}" for _, letter, about in letters],
        "newsletters": list(newsletters),
    }
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [row[0] for row in cursor.execute(query, asked).fetchall()]
