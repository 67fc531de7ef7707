"""Whose digest goes now, and with what in it? What was collected for somebody becomes one message.

A page of people at a time, each page in one transaction: wherever it is cut off, what is bundled has its digest and
what is not is still collected, so the next run goes on from there. One person gets one digest of a mode a day; what
comes too late for it waits for the next.

Terms that are told of together are a mode of their own: they go at once, but in one mail. What is told of them later on
the same day waits for nothing either, but goes in another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import tuple_row

from projections.notices import TERMS
from service.arrays import array
from service.calendar import dutch_holidays
from service.messaging import ledger
from service.messaging.ledger import Making, Planned
from service.messaging.planning import EXPIRES, Addressee, addressees, after_quiet, next_digest
from service.wiring import Parts

__all__ = ["run_due"]

Connection = psycopg.Connection[Any]

PEOPLE = 200
"""Whose digests are made in one transaction."""
AT_ONCE = "terms"
"""The mode that waits for no moment of the day: there may be several digests of it on one."""
ALONE = "SELECT pg_try_advisory_xact_lock(7133005)"


@dataclass(frozen=True, slots=True)
class Item:
    """Something collected for somebody; `chooser` is whose preference it follows: of a stand-in, the other one."""

    id: str
    recipient: str
    chooser: str
    kind: str
    at: datetime


def run_due(parts: Parts, connection: Connection, now: datetime) -> int:
    """Makes the digests whose moment has come; how many? Nothing while another process does."""
    made, last = 0, ""
    while True:
        with connection.transaction():
            (alone,) = _rows(connection, ALONE)[0]
            people = _people(connection, now, last) if alone else []
            if not people:
                return made
            made += _bundle(connection, people, now, ZoneInfo(parts.settings.timezone))
        last = people[-1]


def _people(connection: Connection, now: datetime, after: str) -> list[str]:
    """For whom something is collected that goes now: a page of them."""
    rows = _rows(
        connection,
        """SELECT recipient FROM ledger.deliveries WHERE state = 'collected' AND due_at <= %s AND recipient > %s
        GROUP BY recipient ORDER BY recipient LIMIT %s""",
        (now, after, PEOPLE),
    )
    return [recipient for (recipient,) in rows]


def _bundle(connection: Connection, people: Sequence[str], now: datetime, zone: ZoneInfo) -> int:
    """Makes the digests of these people; how many?"""
    rows = _rows(
        connection,
        """SELECT d.id, d.recipient, coalesce(d.instead_of, d.recipient), n.kind, n.at
        FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
        WHERE d.recipient = ANY(%s::text[]) AND d.state = 'collected' AND d.due_at <= %s""",
        (array(people), now),
    )
    items = [Item(*row) for row in rows]
    found = addressees(connection, {who for item in items for who in (item.recipient, item.chooser)})

    kept: dict[tuple[str, str], list[Item]] = {}
    dropped: list[tuple[str, str]] = []
    for item in items:
        reason = _reason_to_drop(item, found, now)
        if reason is not None:
            dropped.append((item.id, reason))
        else:
            kept.setdefault((_mode(item, found), item.recipient), []).append(item)

    day = now.astimezone(zone).date().isoformat()
    causes = _causes(connection, day, kept)
    new: dict[tuple[str, str], list[Planned]] = {}
    for (mode, recipient), cause in causes.items():
        due_at = after_quiet(now, found[recipient].hearing, zone)
        new.setdefault((mode, cause), []).append(
            Planned(recipient, "email", "", "waiting", due_at=due_at if due_at > now else None)
        )
    made = ledger.add(
        connection,
        [
            (Making(cause, "digest", 0, "", "normal", {"mode": mode, "day": day}, now), planned)
            for (mode, cause), planned in new.items()
        ],
    )
    bundles = _digests(connection, {(cause, recipient) for (_, recipient), cause in causes.items()})
    _record(
        connection,
        bundled=[(item.id, bundles[cause, key[1]]) for key, cause in causes.items() for item in kept[key]],
        dropped=dropped,
        postponed=[
            (item.id, next_digest("weekly" if key[0] == "weekly" else "daily", now, zone, dutch_holidays()))
            for key in kept
            if key not in causes
            for item in kept[key]
        ],
    )
    return made


def _reason_to_drop(item: Item, found: Mapping[str, Addressee], now: datetime) -> str | None:
    to = found.get(item.recipient)
    if to is None or not to.person.roles:
        return "nobody there any more"
    if to.refused is not None:
        return to.refused
    if found.get(item.chooser, to).mode(item.kind, "email") == "off":
        return "turned off"
    return "too long ago" if item.at < now - EXPIRES else None


def _mode(item: Item, found: Mapping[str, Addressee]) -> str:
    chosen = found.get(item.chooser, found[item.recipient]).mode(item.kind, "email")
    if chosen == "at-once":
        return AT_ONCE if item.kind in TERMS else "daily"
    return chosen


def _causes(connection: Connection, day: str, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The cause of the digest in which it goes now, by mode and recipient; not of those who had that of the day."""
    found: dict[tuple[str, str], str] = {}
    left = list(keys)
    for number in count(1):
        if not left:
            break
        causes = {(mode, recipient): _cause(mode, day, number) for mode, recipient in left}
        gone = _digests(connection, {(cause, recipient) for (_, recipient), cause in causes.items()})
        found |= {key: cause for key, cause in causes.items() if (cause, key[1]) not in gone}
        left = [key for key in left if key not in found and key[0] == AT_ONCE]
    return found


def _cause(mode: str, day: str, number: int) -> str:
    return f"digest:{mode}:{day}" if number == 1 else f"digest:{mode}-{number}:{day}"


def _digests(connection: Connection, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Of these digests, by cause and recipient, those that are there."""
    rows = _rows(
        connection,
        """SELECT n.cause, d.recipient, d.id FROM ledger.notices n
        JOIN ledger.deliveries d ON d.notice = n.id AND d.channel = 'email'
        WHERE n.kind = 'digest' AND n.cause = ANY(%s::text[]) AND d.recipient = ANY(%s::text[])""",
        (
            array(sorted({cause for cause, _ in wanted})),
            array(sorted({recipient for _, recipient in wanted})),
        ),
    )
    return {(cause, recipient): id for cause, recipient, id in rows if (cause, recipient) in wanted}


def _record(
    connection: Connection,
    *,
    bundled: Sequence[tuple[str, str]],
    dropped: Sequence[tuple[str, str]],
    postponed: Sequence[tuple[str, datetime]],
) -> None:
    """What became of what was collected, by id: the digest it goes out in, why it does not, or when it may yet."""
    connection.execute(
        """UPDATE ledger.deliveries d SET state = 'bundled', bundle = w.bundle, settled_at = now()
        FROM unnest(%s::text[], %s::text[]) AS w (id, bundle) WHERE d.id = w.id""",
        _columns(bundled),
    )
    connection.execute(
        """UPDATE ledger.deliveries d SET state = 'dropped', error = w.reason, settled_at = now()
        FROM unnest(%s::text[], %s::text[]) AS w (id, reason) WHERE d.id = w.id""",
        _columns(dropped),
    )
    connection.execute(
        """UPDATE ledger.deliveries d SET due_at = w.due_at
        FROM unnest(%s::text[], %s::timestamptz[]) AS w (id, due_at) WHERE d.id = w.id""",
        _columns([(id, at.isoformat()) for id, at in postponed]),
    )


def _columns(pairs: Sequence[tuple[str, str]]) -> tuple[str, str]:
    return array([first for first, _ in pairs]), array([second for _, second in pairs])


def _rows(connection: Connection, query: str, given: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query.encode(), given).fetchall()
