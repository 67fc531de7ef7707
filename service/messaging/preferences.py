"""How does somebody want to hear things? Read and kept in the vault, for the pages, the API and who plans a message.

Nobody has to choose anything: until one does, each kind of notice says how it is mailed. What the law requires is told
whatever was chosen; planning sees to that, as the same kind of notice is required for one and good to know for another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from domain.errors import Invalid
from projections.notices import KINDS
from service.arrays import array
from service.identity import people
from service.identity.people import Person
from service.identity.permissions import may
from service.texts import LANGUAGES

__all__ = [
    "CHOOSABLE", "LONGEST_QUIET", "MODES", "Hearing", "choose", "default_mode", "hear", "hearing", "may_stand_in",
    "modes", "stand_ins", "unwatch", "watch", "watched", "watches",
]  # fmt: skip

MODES: Mapping[str, tuple[str, ...]] = {
    "inbox": ("at-once", "off"),
    "email": ("at-once", "daily", "weekly", "off"),
}
"""How one can hear a kind of notice, by channel: at once, in a digest, or not."""

FOR_OTHERS = ("unreached", "newsletter", "digest", "event", "test")
"""Kinds that nobody chooses: what must be posted, for councils and programs, the digest that is a way of hearing."""

CHOOSABLE = tuple(kind for kind in KINDS if kind not in FOR_OTHERS)
"""The kinds of notices that a person can say something about, in the order to show them in."""

AKIN = frozenset({"secretary", "treasurer", "auditor", "admin"})
"""Roles whose people all see the same; members are akin by their body, submitters by their organisation."""

LONGEST_QUIET = timedelta(hours=16)
"""How long the quiet hours of a day may be, by the clock: what must be told would hardly get out beside longer ones."""

HEARING = "language, quiet_from, quiet_until, absent_from, absent_until, stand_in"


@dataclass(frozen=True, slots=True)
class Hearing:
    """How one person wants to hear things. Times and dates are those of the region.

    No mail from `quiet_from` until `quiet_until`, which may be on the next day; None: no quiet hours. What was kept
    before there was a longest time ends after that: see `quiet_ends`. Absent from the
    first date to the last, both included; without a last one until further notice, without a first one not at all.
    """

    language: str = "nl"
    quiet_from: time | None = None
    quiet_until: time | None = None
    absent_from: date | None = None
    absent_until: date | None = None
    stand_in: str | None = None

    @property
    def quiet_ends(self) -> time | None:
        """When the quiet hours really end: when they should, or sooner where they would be too long."""
        if self.quiet_from is None or self.quiet_until is None or not self.too_quiet:
            return self.quiet_until
        return (datetime.combine(date.min, self.quiet_from) + LONGEST_QUIET).time()

    @property
    def too_quiet(self) -> bool:
        """Are the quiet hours longer than they may be?"""
        if self.quiet_from is None or self.quiet_until is None:
            return False
        start, end = (datetime.combine(date.min, at) for at in (self.quiet_from, self.quiet_until))
        return (end - start if end > start else end - start + timedelta(days=1)) > LONGEST_QUIET

    def absent_on(self, day: date) -> bool:
        """Is this person away on this day?"""
        return (
            self.absent_from is not None
            and self.absent_from <= day
            and (self.absent_until is None or day <= self.absent_until)
        )


def hearing(connection: Connection[Any], person: str) -> Hearing:
    """How this person wants to hear things; as everybody does, where nothing was chosen."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(f"SELECT {HEARING} FROM vault.hearing WHERE person = %s", (person,)).fetchone()
    return Hearing(*row) if row is not None else Hearing()


def hear(connection: Connection[Any], person: Person, wanted: Hearing) -> None:
    """From now on this person wants to hear things so.

    Raises Invalid when it cannot be so, for example with a stand-in who may not see the same.
    """
    _refuse_impossible(wanted)
    if wanted.stand_in is not None:
        other = people.get(connection, wanted.stand_in)
        if other is None or not may_stand_in(person, other):
            raise Invalid("stand-in-may-not-see", "/standIn")
    connection.execute(
        f"""INSERT INTO vault.hearing (person, {HEARING}) VALUES (%s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (person) DO UPDATE SET language = excluded.language, quiet_from = excluded.quiet_from,
            quiet_until = excluded.quiet_until, absent_from = excluded.absent_from,
            absent_until = excluded.absent_until, stand_in = excluded.stand_in""",
        (
            person.id, wanted.language, wanted.quiet_from, wanted.quiet_until, wanted.absent_from, wanted.absent_until,
            wanted.stand_in,
        ),
    )  # fmt: skip


def _refuse_impossible(wanted: Hearing) -> None:
    if wanted.language not in LANGUAGES:
        raise Invalid("unknown-choice", "/language", known=LANGUAGES)
    if wanted.quiet_from is None and wanted.quiet_until is not None:
        raise Invalid("quiet-hours-incomplete", "/quietFrom")
    if wanted.quiet_from is not None and wanted.quiet_until is None:
        raise Invalid("quiet-hours-incomplete", "/quietUntil")
    if wanted.quiet_from is not None and wanted.quiet_from == wanted.quiet_until:
        raise Invalid("quiet-hours-whole-day", "/quietUntil")
    if wanted.too_quiet:
        raise Invalid("quiet-hours-too-long", "/quietUntil", maximum=int(LONGEST_QUIET / timedelta(hours=1)))
    if wanted.absent_from is None and wanted.absent_until is not None:
        raise Invalid("absence-without-start", "/absentFrom")
    if wanted.absent_from is not None and wanted.absent_until is not None:
        start, end = wanted.absent_from, wanted.absent_until
        if end < start:
            raise Invalid("end-before-start", "/absentUntil", start=start, end=end)
    if wanted.absent_from is not None and wanted.stand_in is None:  # it would change nothing
        raise Invalid("absence-without-stand-in", "/standIn")


def may_stand_in(person: Person, other: Person) -> bool:
    """May the other hear what is for this person? Only who is akin, and may see all that this person may see.

    Akin are people of one body, one organisation or one municipality, and those of one role in the office.
    """
    if other.id == person.id or not other.roles:
        return False
    akin = (
        bool(person.bodies & other.bodies)
        or bool(person.municipalities & other.municipalities)
        or bool(person.roles & other.roles & AKIN)
        or (person.organisation is not None and person.organisation == other.organisation)
    )
    return akin and _sees_as_much(person, other)


def _sees_as_much(person: Person, other: Person) -> bool:
    if may(other, "read-case"):
        return True
    if may(person, "read-case"):
        return False
    # Of what neither may read, one hears by one's organisation and one's municipalities.
    hears = (
        person.organisation in (None, other.organisation) and person.municipalities <= other.municipalities
    )
    own = "submitter" in person.roles
    return hears and (
        not own or ("submitter" in other.roles and person.organisation == other.organisation is not None)
    )


def stand_ins(connection: Connection[Any], person: Person) -> list[Person]:
    """Everybody who may stand in for this person, by name."""
    able = [other for other in people.everybody(connection) if may_stand_in(person, other)]
    return sorted(able, key=lambda other: (other.name.casefold(), other.id))


def default_mode(kind: str, channel: str) -> str:
    """How a kind of notice is heard over a channel by who chose nothing."""
    return KINDS[kind].mail if channel == "email" and kind in KINDS else "at-once"


def modes(connection: Connection[Any], person: str) -> dict[tuple[str, str], str]:
    """How this person hears every kind over every channel, by kind and channel; chosen, or as it is by itself."""
    found = {(kind, channel): default_mode(kind, channel) for kind in CHOOSABLE for channel in MODES}
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            "SELECT kind, channel, mode FROM vault.preferences WHERE person = %s", (person,)
        ).fetchall()
    return found | {(kind, channel): mode for kind, channel, mode in rows if (kind, channel) in found}


def choose(connection: Connection[Any], person: str, chosen: Mapping[tuple[str, str], str]) -> None:
    """From now on this person hears these kinds over these channels so; the others as before.

    Raises Invalid for a kind, channel or mode that is not there.
    """
    for (kind, channel), mode in chosen.items():
        if kind not in CHOOSABLE:
            raise Invalid("unknown-choice", "/kinds", known=CHOOSABLE)
        if channel not in MODES:
            raise Invalid("unknown-choice", f"/kinds/{kind}", known=tuple(MODES))
        if mode not in MODES[channel]:
            raise Invalid("unknown-choice", f"/kinds/{kind}/{channel}", known=MODES[channel])
    connection.execute(
        """INSERT INTO vault.preferences (person, kind, channel, mode)
        SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[])
        ON CONFLICT (person, kind, channel) DO UPDATE SET mode = excluded.mode""",
        (
            person,
            array([kind for kind, _ in chosen]),
            array([channel for _, channel in chosen]),
            array(list(chosen.values())),
        ),
    )


def watch(connection: Connection[Any], person: str, stream: str) -> None:
    """From now on this person hears all that happens to this stream. Whether one may read it is for the caller."""
    connection.execute(
        "INSERT INTO vault.watching (person, stream) VALUES (%s, %s) ON CONFLICT DO NOTHING", (person, stream)
    )


def unwatch(connection: Connection[Any], person: str, stream: str) -> None:
    """This person no longer watches this stream."""
    connection.execute("DELETE FROM vault.watching WHERE person = %s AND stream = %s", (person, stream))


def watches(connection: Connection[Any], person: str, stream: str) -> bool:
    """Does this person watch this stream?"""
    query = "SELECT 1 FROM vault.watching WHERE person = %s AND stream = %s"
    return connection.execute(query, (person, stream)).fetchone() is not None


def watched(connection: Connection[Any], person: str) -> list[str]:
    """The streams that this person watches, the newest first."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            "SELECT stream FROM vault.watching WHERE person = %s ORDER BY since DESC, stream", (person,)
        ).fetchall()
    return [stream for (stream,) in rows]
