"""What do the councils get to read? A newsletter on a programme and a period: drawn from the log, edited, approved.

The figures are the log's. The secretariat writes the words around them, until it approves: then every edition is kept
as it goes out, and nothing changes any more. What turns out to be wrong is put right by a new newsletter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from psycopg import Connection
from psycopg.rows import class_row, tuple_row
from psycopg.types.json import Jsonb

from domain.errors import Invalid, Refused
from domain.events import EditionHash, NewsletterApproved
from projections.view import Document
from service.commands import Decision, Done, once_only
from service.documents import edition, period
from service.documents.blocks import as_html, as_text
from service.documents.councils import Address
from service.documents.edition import Told
from service.errors import Missing, Removed, Stale
from service.eventstore import Conflict, Once
from service.identity.people import Person
from service.identity.permissions import acting_as, check, may
from service.identity.scope import everything, outside
from service.ids import new_id
from service.messaging.ledger import Delivery
from service.messaging.mail import layout
from service.published import latest, programme_of
from service.texts import DEFAULT, LANGUAGES
from service.wiring import Parts
from service.words import fill

__all__ = [
    "Content", "Item", "Kept", "KeptEdition", "Newsletter", "NotKept", "Written", "approve", "as_drafted", "change",
    "create", "draw_again", "drawn_now", "edition_mail", "edition_of", "editions", "edition_now", "get", "last_quarter",
    "listed", "may_read", "remove", "sent", "sent_at", "told",
    "told_as",
]  # fmt: skip

PARTS = ("title", "introduction", "closing")
"""What the secretariat writes, beside a text on each project."""

PATIENCE = 2.0
"""Seconds that an approval waits for the views to show all that was recorded."""


class NotKept(LookupError):
    """There is no edition of this newsletter for this municipality, or none that has the hash in the log."""


class Item(msgspec.Struct, frozen=True, rename="camel"):
    """A project in a newsletter. `text` None: the beginning of what the applicant wrote."""

    proposal: str
    text: str | None = None
    leave_out: bool = False


class Content(msgspec.Struct, frozen=True):
    """What the secretariat makes of a draft; None is what is usual. `items` are in the order in which they are told."""

    title: str | None = None
    introduction: str | None = None
    closing: str | None = None
    items: tuple[Item, ...] = ()


class Written(msgspec.Struct, frozen=True):
    """An edition in one language: the subject, and the same content as a whole HTML document and as text."""

    subject: str
    html: str
    text: str


class Kept(msgspec.Struct, frozen=True):
    """The edition of a municipality as it was sent, in each language."""

    newsletter: str
    municipality: str
    languages: dict[str, Written]


@dataclass(frozen=True, slots=True)
class KeptEdition:
    """Where an edition is in the archive; `sound`: is it still what its hash says? `removed`: a redaction took it."""

    municipality: str
    sha256: str
    sound: bool
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Newsletter:
    """A newsletter as it stands; its id is its stream. `figures` hold references to words and names."""

    id: str
    programme: str
    first_day: date
    last_day: date
    version: int
    position: int
    drawn_at: datetime
    figures: Document
    content: Any
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    approved_at: datetime | None
    approved_by: str | None

    @property
    def words(self) -> Content:
        """What the secretariat made of it."""
        return msgspec.convert(self.content, Content)

    @property
    def state(self) -> str:
        """Draft or approved."""
        return "draft" if self.approved_at is None else "approved"


COLUMNS = """id, programme, first_day, last_day, version, position, drawn_at, figures, content, created_at, created_by,
    changed_at, changed_by, approved_at, approved_by"""


def last_quarter(today: date) -> tuple[date, date]:
    """The first and the last day of the quarter before this one."""
    begin = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    last = begin - timedelta(days=1)
    return date(last.year, last.month - 2, 1), last


def may_read(person: Person, newsletter: Newsletter) -> bool:
    """May this person read it? What was approved is for everybody who signs in."""
    return newsletter.approved_at is not None or may(person, "newsletter")


def get(connection: Connection[Any], id: str) -> Newsletter | None:
    """The newsletter with this id, or None."""
    with connection.cursor(row_factory=class_row(Newsletter)) as cursor:
        return cursor.execute(f"SELECT {COLUMNS} FROM documents.newsletters WHERE id = %s", (id,)).fetchone()


def listed(connection: Connection[Any], *, approved: bool, most: int = 200) -> list[Newsletter]:
    """The drafts, or what was approved, the last one first; without their figures and content."""
    order = "approved_at" if approved else "changed_at"
    columns = COLUMNS.replace("figures, content", "'{}'::jsonb AS figures, '{}'::jsonb AS content")
    query = f"""SELECT {columns} FROM documents.newsletters WHERE (approved_at IS NOT NULL) = %s
        ORDER BY {order} DESC, id DESC LIMIT %s"""
    with connection.cursor(row_factory=class_row(Newsletter)) as cursor:
        return cursor.execute(query, (approved, most)).fetchall()


def create(parts: Parts, person: Person, programme: str, first: date, last: date) -> Newsletter:
    """A draft on a programme and a period, drawn from the log; the one there is, if there is one of this period.

    Refuses a programme that is not there, a period that ends before it begins or has not begun to end.
    """
    check(person, "newsletter")
    if latest(parts, programme) is None:
        raise Invalid("unknown-programme", "/programme", value=programme)
    if last < first:
        raise Invalid("end-before-start", "/lastDay", start=first, end=last)
    if last > parts.calendar().today:
        raise Invalid("newsletter-too-early", "/lastDay", lastDay=last)
    position, figures = _draw(parts, programme, first, last)
    query = f"""INSERT INTO documents.newsletters
            (id, programme, first_day, last_day, position, figures, content, created_by, changed_by)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (programme, first_day, last_day) WHERE approved_at IS NULL DO UPDATE SET id = newsletters.id
        RETURNING {COLUMNS}"""
    content = Jsonb(msgspec.to_builtins(Content()))
    given = (
        new_id("newsletter"), programme, first, last, position, Jsonb(figures), content, person.id, person.id,
    )  # fmt: skip
    with (
        parts.pool.connection() as connection,
        connection.cursor(row_factory=class_row(Newsletter)) as cursor,
    ):
        made = cursor.execute(query, given).fetchone()
    assert made is not None
    return made


def change(parts: Parts, person: Person, id: str, version: int | None, content: Content) -> Newsletter:
    """Keeps what the secretariat made of a draft. What it left as it was drafted stays what is usual.

    Refuses to change what was approved, and any version but the present one: then nothing is lost or overwritten.
    """
    check(person, "newsletter")
    with _draft(parts, id, version) as (connection, newsletter):
        kept = _usual_left_out(parts, connection, newsletter, content)
        return _save(connection, person, newsletter, newsletter.position, newsletter.figures, kept)


def draw_again(parts: Parts, person: Person, id: str, version: int | None) -> Newsletter:
    """Draws the figures anew; every word that was written stays.

    Refuses what `change` refuses.
    """
    check(person, "newsletter")
    newsletter = _there(parts, id)
    position, figures = _draw(parts, newsletter.programme, newsletter.first_day, newsletter.last_day)
    with _draft(parts, id, version) as (connection, newsletter):
        return _save(connection, person, newsletter, position, figures, newsletter.words)


def remove(parts: Parts, person: Person, id: str, version: int | None) -> None:
    """Throws a draft away. Refuses what `change` refuses."""
    check(person, "newsletter")
    with _draft(parts, id, version) as (connection, newsletter):
        connection.execute("DELETE FROM documents.newsletters WHERE id = %s", (newsletter.id,))


def drawn_now(parts: Parts, newsletter: Newsletter) -> Document:
    """The figures as they would be drawn now: others when something was recorded since that counts in the period."""
    return _draw(parts, newsletter.programme, newsletter.first_day, newsletter.last_day)[1]


def approve(
    parts: Parts, person: Person, id: str, once: Once | None = None, if_match: int | None = None
) -> Done:
    """Keeps every edition as it is now, and records that the newsletter is approved: from then on it goes out.

    Refuses a draft whose figures are not those of the log any more, another version than `if_match`, and what was
    approved before. An approval that broke off half-way is finished: nothing can have changed since.
    """

    def decision() -> Decision:
        check(person, "newsletter")
        newsletter, hashes = _frozen(parts, person, id, if_match)
        event = NewsletterApproved(newsletter.programme, newsletter.first_day, newsletter.last_day, hashes)
        today, capacity = parts.calendar().today, acting_as(person, "newsletter")
        return Decision(id, [(id, event)], {id: 0}, today, capacity)

    return once_only(parts, person, once, decision)


def sent_at(parts: Parts, id: str) -> datetime | None:
    """When its approval was recorded; None when it was not, or broke off before that."""
    history = parts.log.load(id)
    return history[0].recorded_at if history else None


def told(parts: Parts, newsletter: Newsletter) -> Told:
    """What its editions are made of, with words and names filled in."""
    with parts.pool.connection() as connection:
        return _told(parts, connection, newsletter)


def told_as(parts: Parts, newsletter: Newsletter, content: Content) -> Told:
    """The same as if this had been written: what a preview shows. Refuses a project that is not in it."""
    with parts.pool.connection() as connection:
        written = _usual_left_out(parts, connection, newsletter, content)
        return _told(parts, connection, replace(newsletter, content=msgspec.to_builtins(written)))


def as_drafted(parts: Parts, newsletter: Newsletter) -> dict[str, Any]:
    """What a form to edit it holds: every word as it is now, also where nobody changed it."""
    with parts.pool.connection() as connection:
        whole = msgspec.structs.replace(
            newsletter.words, items=tuple(_in(each) for each in newsletter.words.items)
        )
        made = _told(parts, connection, replace(newsletter, content=msgspec.to_builtins(whole)))
    left_out = {each.proposal for each in newsletter.words.items if each.leave_out}
    return {
        **{part: edition.usual(made, part, DEFAULT) for part in PARTS},
        "items": [
            {
                "proposal": project["proposal"],
                "text": text,
                "leaveOut": project["proposal"] in left_out,
                "project": project,
            }
            for project, text in made.projects
        ],
    }


def edition_now(made: Told, municipality: str, language: str) -> Written:
    """An edition as it would go out now."""
    main, below = edition.blocks(made, municipality, language), edition.footer(made, language)
    subject = edition.subject(made, municipality, language)
    html = layout.document(language, subject, as_html(main), as_html(below))
    return Written(subject, html, as_text([*main, *below]))


def edition_of(connection: Connection[Any], newsletter: str, municipality: str) -> tuple[bytes, Kept] | None:
    """The edition of a municipality as it was sent, and the same as it was kept; None before the approval.

    Raises Removed when it quoted words that were redacted since.
    """
    query = "SELECT kept FROM documents.editions WHERE newsletter = %s AND municipality = %s"
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, (newsletter, municipality)).fetchone()
    if row is None:
        return None
    if not row[0]:
        raise Removed("edition", f"{newsletter} {municipality}")
    return bytes(row[0]), msgspec.json.decode(row[0], type=Kept)


def editions(
    connection: Connection[Any], newsletter: str, municipality: str | None = None
) -> list[KeptEdition]:
    """Every edition that was kept, or that of one municipality, checked against the hash that the log has of it."""
    query = """SELECT e.municipality, e.sha256, e.kept, l.hash, e.redacted FROM documents.editions e
        LEFT JOIN (SELECT each ->> 'municipality' AS municipality, each ->> 'sha256' AS hash
            FROM log.events, jsonb_array_elements(convert_from(state, 'UTF8')::jsonb #> '{event,editions}') AS each
            WHERE originator_id = %(id)s) AS l USING (municipality)
        WHERE e.newsletter = %(id)s AND (%(of)s::text IS NULL OR e.municipality = %(of)s)
        ORDER BY e.municipality"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, {"id": newsletter, "of": municipality}).fetchall()
    return [
        KeptEdition(
            municipality,
            sha256,
            (redacted is not None or hashlib.sha256(kept).hexdigest() == sha256)
            and recorded in (None, sha256),
            redacted is not None,
        )
        for municipality, sha256, kept, recorded, redacted in rows
    ]


COUNTED = {"sent": "sent", "dropped": "off", "dead": "lost", "bounced": "lost"}
"""As what a mail counts by its state; every other one still waits."""


def sent(connection: Connection[Any], newsletter: str) -> dict[str, dict[str, int]]:
    """How far its mails are: how many were sent, wait, were turned off, are lost (given up, or came back).

    By the code of the municipality, "" for all of them. An address that was taken away since counts in all only.
    """
    query = """SELECT coalesce(a.municipality, ''), d.state, count(*)
        FROM ledger.notices n JOIN ledger.deliveries d ON d.notice = n.id AND d.relation = 'council'
        LEFT JOIN vault.council_addresses a ON a.id = d.recipient
        WHERE n.stream = %s AND n.kind = 'newsletter' GROUP BY 1, 2"""
    nothing = {"sent": 0, "waiting": 0, "off": 0, "lost": 0}
    found: dict[str, dict[str, int]] = {"": {**nothing}}
    with connection.cursor(row_factory=tuple_row) as cursor:
        for municipality, state, count in cursor.execute(query, (newsletter,)).fetchall():
            counts = COUNTED.get(state, "waiting")
            found[""][counts] += count
            if municipality:
                found.setdefault(municipality, {**nothing})[counts] += count
    return found


def edition_mail(parts: Parts, delivery: Delivery, address: Address) -> tuple[str, str, str]:
    """What is mailed to an address of a council: the subject, a whole HTML document, and the same as text.

    As it was kept when it was approved. Raises NotKept when there is no such edition, or it is not what was approved,
    and Removed when a redaction took it away.
    """
    with parts.pool.connection() as connection:
        found = edition_of(connection, delivery.stream, address.municipality)
        checked = editions(connection, delivery.stream, address.municipality)
    if found is None:
        raise NotKept(f"{delivery.stream} has no edition for {address.municipality}")
    if not all(each.sound for each in checked):
        raise NotKept(f"the edition of {delivery.stream} for {address.municipality} is not what was approved")
    _, kept = found
    written = kept.languages.get(address.language) or kept.languages[DEFAULT]
    return written.subject, written.html, written.text


def _usual_left_out(
    parts: Parts, connection: Connection[Any], newsletter: Newsletter, content: Content
) -> Content:
    """The same with None for what is as it was drafted, so that only what somebody wrote is kept as such."""
    drafted = _told(parts, connection, replace(newsletter, content={}))
    texts = {project["proposal"]: text for project, text in drafted.projects}
    items: dict[str, Item] = {}
    for number, item in enumerate(content.items):
        if item.proposal not in texts:
            raise Invalid("newsletter-unknown-project", f"/items/{number}/proposal", value=item.proposal)
        usual = item.text is None or item.text == texts[item.proposal]
        items[item.proposal] = Item(item.proposal, None if usual else item.text, item.leave_out)
    # What was written on a project that is not in the figures now is kept: it may come back.
    away = (each for each in newsletter.words.items if each.proposal not in texts)
    written = {
        part: None if said == edition.usual(drafted, part, DEFAULT) else said
        for part in PARTS
        if (said := getattr(content, part)) is not None
    }
    return Content(**written, items=(*items.values(), *away))


def _there(parts: Parts, id: str) -> Newsletter:
    with parts.pool.connection() as connection:
        found = get(connection, id)
    if found is None:
        raise Missing("newsletter", id)
    return found


@contextmanager
def _draft(parts: Parts, id: str, version: int | None) -> Iterator[tuple[Connection[Any], Newsletter]]:
    """The draft at this version (None: whichever it is at), alone with it until the transaction ends."""
    with parts.pool.connection() as connection, connection.transaction():
        # Words that are being redacted just now do not get into it: either it is seen, or it waits.
        connection.execute("SELECT pg_advisory_xact_lock_shared(7133003)")
        connection.execute("SELECT 1 FROM documents.newsletters WHERE id = %s FOR UPDATE", (id,))
        found = get(connection, id)
        if found is None:
            raise Missing("newsletter", id)
        if found.approved_at is not None:
            raise Refused("newsletter-approved")
        if version is not None and version != found.version:
            raise Stale(found.version)
        yield connection, found


def _save(
    connection: Connection[Any],
    person: Person,
    newsletter: Newsletter,
    position: int,
    figures: Document,
    content: Content,
) -> Newsletter:
    query = f"""UPDATE documents.newsletters SET version = version + 1, position = %s, figures = %s, content = %s,
            drawn_at = CASE WHEN position = %s THEN drawn_at ELSE now() END, changed_at = now(), changed_by = %s
        WHERE id = %s RETURNING {COLUMNS}"""
    given = (
        position,
        Jsonb(figures),
        Jsonb(msgspec.to_builtins(content)),
        position,
        person.id,
        newsletter.id,
    )
    with connection.cursor(row_factory=class_row(Newsletter)) as cursor:
        saved = cursor.execute(query, given).fetchone()
    assert saved is not None
    return saved


def _draw(parts: Parts, programme: str, first: date, last: date) -> tuple[int, Document]:
    """The figures as the views have them now, and up to where that is. Raises Conflict while these lag behind."""
    if not parts.clock.wait_for(parts.log.head(), PATIENCE):
        raise Conflict("the views are behind")
    with parts.pool.connection() as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        position = period.position(connection)
        # It goes to councils: of what is confidential today it knows nothing, nor do its sums.
        hidden = outside(parts.calendar().today).hidden(connection)
        return position, period.draw(connection, programme, first, last, position, hidden)


def _told(parts: Parts, connection: Connection[Any], newsletter: Newsletter) -> Told:
    programme = latest(parts, newsletter.programme)
    assert programme is not None
    words = newsletter.words
    # A draft of before a case became confidential is outdated: who edits it reads it, and it cannot be approved.
    figures = fill(newsletter.figures, connection, everything(parts.calendar().today))
    return Told(
        programme=programme,
        first=newsletter.first_day,
        last=newsletter.last_day,
        drawn_on=newsletter.drawn_at.astimezone(ZoneInfo(parts.settings.timezone)).date(),
        figures=figures,
        title=words.title,
        introduction=words.introduction,
        closing=words.closing,
        projects=_in_order(figures["projects"], words.items),
        programme_of=partial(programme_of, parts, newsletter.programme),
        archive=f"{parts.settings.public_url}/newsletters/{newsletter.id}",
    )


def _in_order(projects: Sequence[Document], items: Sequence[Item]) -> list[tuple[Document, str]]:
    """The projects to tell of with their texts, in the order of the items; those without one come last."""
    by_id: Mapping[str, Document] = {each["proposal"]: each for each in projects}
    known = {each.proposal: each for each in items}
    order = [*(each for each in known if each in by_id), *(each for each in by_id if each not in known)]
    found = []
    for id in order:
        item = known.get(id, Item(id))
        if not item.leave_out:
            text = item.text if item.text is not None else edition.beginning(by_id[id]["summary"])
            found.append((by_id[id], text))
    return found


def _in(item: Item) -> Item:
    return Item(item.proposal, item.text)


def _frozen(
    parts: Parts, person: Person, id: str, version: int | None
) -> tuple[Newsletter, tuple[EditionHash, ...]]:
    """The newsletter, approved, with the hashes of its editions: kept now, or when an approval broke off after that."""
    newsletter = _there(parts, id)
    if newsletter.approved_at is not None:
        if parts.log.load(id):
            raise Refused("newsletter-approved")
    else:
        if version is not None and version != newsletter.version:
            raise Stale(newsletter.version)
        if drawn_now(parts, newsletter) != newsletter.figures:
            raise Refused("newsletter-outdated")
        with _draft(parts, id, newsletter.version) as (connection, newsletter):
            _keep(parts, connection, person, newsletter)
    with parts.pool.connection() as connection:
        hashes = [EditionHash(each.municipality, each.sha256) for each in editions(connection, id)]
    return newsletter, tuple(hashes)


def _keep(parts: Parts, connection: Connection[Any], person: Person, newsletter: Newsletter) -> None:
    """Makes and keeps an edition for every municipality of the programme; from here on nothing changes."""
    made = _told(parts, connection, newsletter)
    for municipality in made.programme.municipalities:
        languages = {language: edition_now(made, municipality.code, language) for language in LANGUAGES}
        kept = msgspec.json.encode(Kept(newsletter.id, municipality.code, languages))
        connection.execute(
            "INSERT INTO documents.editions (newsletter, municipality, sha256, kept) VALUES (%s, %s, %s, %s)",
            (newsletter.id, municipality.code, hashlib.sha256(kept).hexdigest(), kept),
        )
    connection.execute(
        "UPDATE documents.newsletters SET version = version + 1, approved_at = now(), approved_by = %s WHERE id = %s",
        (person.id, newsletter.id),
    )
