"""How did all cases together get where they are? Act after act, with the totals beside each.

The address says what is shown: `at`, the position of the last event that counts, rounded down to the end of its act;
`from`, `to` and `time`, two moments to compare. Only acts that change a sum are in the list.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

import psycopg
from flask import request
from psycopg import sql
from psycopg.rows import tuple_row
from werkzeug.wrappers import Response as AnyResponse

from domain.recorded import Moment, Recorded
from projections.plain import euros
from projections.portfolio import MEASURES
from projections.view import Document
from service import figures
from service.api.snapshot import snapshot
from service.api.waiting import wait_for
from service.folding import Unreadable
from service.moments import moment
from service.viewstore import LOG_COLUMNS, decoded
from service.web import visit
from service.web.event_search import AMOUNTS
from service.web.event_words import Happened, happened
from service.web.linking import address_of
from service.web.named_moments import asked_moment
from service.web.naming import names
from service.web.places import Places, places
from service.web.rendering import page, say

__all__ = ["Sums", "show", "sums_at"]

Connection = psycopg.Connection[Any]
ACTS = 15
"""Acts in the list."""
EVENTS_AN_ACT = 4
"""Events that change a sum, of one act, nearly always at most."""
MOST_OF_AN_ACT = 50
STEPS = 200
"""Stops of the slider, about."""
CHANGING = list(AMOUNTS)
MONEY = ("requested", "awarded", "committed", "heldBack", "left")
CHANGEABLE = ("proposals", *MONEY)
DIMENSIONS = {"themes": "theme", "subregions": "subregion", "municipalities": "municipality"}

Sums = dict[str, Any]
"""`proposals`, a count, and MONEY in euros."""
State = dict[tuple[str, str], Sums]
"""The totals, under ("total", ""), and what counts under each theme and so on, by its code."""


@dataclass(frozen=True, slots=True)
class Act:
    """What one command recorded: its events that changed a sum, the totals after it, and which of these it changed."""

    position: int
    happened: list[Happened]
    sums: Sums
    changed: list[str]
    address: str


def show() -> AnyResponse:
    """The page."""
    parts = visit.parts()
    errors: dict[str, str] = {}
    with parts.pool.connection() as connection:
        head = parts.log.head()
        given = request.args.get("at", "")
        at = min(int(given), head) if re.fullmatch(r"[0-9]{1,18}", given) else head
        known = at
        later = _later(connection, known)
        events = _acts(connection, known)
        if later and events and events[0][0].command_id == later[1]:
            # Within an act: not all that it changes has been counted yet, so none of it is.
            known = moment(connection, at_position=at).position or 0
            later, events = _later(connection, known), _acts(connection, known)
        wait_for(parts, known)
        with snapshot(connection):
            hidden = visit.scope().hidden(connection)
            sums = parts.counted.once(
                connection, ("sums", known, hidden), lambda: sums_at(connection, Moment(known), hidden)
            )
            known_of = [[event for event in act if event.stream not in hidden] for act in events]
            acts = _beside([act for act in known_of if act], sums, connection, hidden)
            moments = _moments(connection, errors)
            compared = [_counted(connection, each, hidden) for each in moments] if moments else None
    here = acts[0] if acts else None
    return page(
        "audit/portfolio.html",
        400 if errors else 200,
        at=known,
        head=head,
        step=max(head // STEPS, 1),
        acts=acts,
        here=here,
        sums=sums,
        earlier=_address(at=acts[1].position) if len(acts) > 1 else None,
        later=_address(at=later[0]) if later else None,
        differences=_differences(compared[0], compared[1], places(parts)) if compared else None,
        errors=errors,
        money=MONEY,
        base=_address(),
    )


def sums_at(connection: Connection, at: Moment, hidden: Sequence[str] = ()) -> Sums:
    """The totals of a moment."""
    return _sums(figures.total(connection, at, hidden), figures.left(connection, at))


def _sums(total: Document, left: str) -> Sums:
    return {**{name: total[name] for name in ("proposals", *MONEY[:-1])}, "left": left}


def _acts(connection: Connection, known: int) -> list[list[Recorded]]:
    """The last acts up to a position that changed a sum, newest first, each with its events in order."""
    query = (
        f"SELECT {LOG_COLUMNS} FROM log.events WHERE notification_id <= %s AND topic = ANY(%s)"
        " ORDER BY notification_id DESC LIMIT %s"
    )
    with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, (known, CHANGING, (ACTS + 1) * EVENTS_AN_ACT)).fetchall()
    events = [each for each in decoded(rows) if not isinstance(each, Unreadable)]
    found = [list(act)[::-1] for _, act in groupby(events, key=lambda each: each.command_id)]
    # The last one may be cut off by the limit.
    whole = found if len(rows) < (ACTS + 1) * EVENTS_AN_ACT else found[:-1]
    return whole[:ACTS]


def _later(connection: Connection, known: int) -> tuple[int, str] | None:
    """The position of the last event of the next act that changes a sum, and its command."""
    query = """SELECT notification_id, command_id FROM log.events
        WHERE notification_id > %s AND topic = ANY(%s) ORDER BY notification_id LIMIT %s"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, (known, CHANGING, MOST_OF_AN_ACT)).fetchall()
    same = [position for position, command in rows if command == rows[0][1]]
    return (same[-1], rows[0][1]) if same else None


def _beside(
    acts: Sequence[Sequence[Recorded]], sums: Sums, connection: Connection, hidden: Sequence[str]
) -> list[Act]:
    """The acts with the totals after each, counted back from those after the first of them."""
    told = {
        each.position: each
        for each in happened(
            connection, visit.scope(), [event for act in acts for event in act], names(visit.parts())
        )
    }
    changes = _changes(connection, [event for act in acts for event in act], hidden)
    found: list[Act] = []
    for act in acts:
        change = {
            name: sum((changes.get(event.position, {}).get(name, 0) for event in act), 0)
            for name in CHANGEABLE
        }
        last = act[-1].position
        found.append(
            Act(
                last,
                [told[event.position] for event in act],
                sums,
                [name for name in CHANGEABLE if change[name]],
                _address(at=last),
            )
        )
        money = {name: str(Decimal(sums[name]) - Decimal(euros(change[name]))) for name in MONEY}
        sums = {"proposals": sums["proposals"] - change["proposals"], **money}
    return found


def _changes(
    connection: Connection, events: Sequence[Recorded], hidden: Sequence[str]
) -> dict[int, dict[str, int]]:
    """What the events at these positions change: a count, and cents."""
    sums = ", ".join(f"coalesce(sum({measure}), 0)" for measure in MEASURES)
    positions, streams = [event.position for event in events], [event.stream for event in events]
    found: dict[int, dict[str, int]] = {}
    with connection.cursor(row_factory=tuple_row) as cursor:
        query = sql.SQL(
            f"SELECT position, {sums} FROM views.portfolio_facts WHERE position = ANY(%s) GROUP BY position"
        )
        for position, *measures in cursor.execute(query, (positions,)).fetchall():
            named = dict(zip(MEASURES, map(int, measures), strict=True))
            found[position] = {
                "proposals": named["proposals"],
                "requested": named["requested"],
                "awarded": named["committed"] + named["held_back"],
                "committed": named["committed"],
                "heldBack": named["held_back"],
            }
        budgets = """SELECT position, sum(amount - committed - held_back) FROM views.budget_facts
            WHERE position = ANY(%s) AND stream = ANY(%s) AND stream IN (SELECT key FROM views.budget)
            GROUP BY position"""
        for position, left in cursor.execute(budgets, (positions, streams)).fetchall():
            found.setdefault(position, {})["left"] = int(left)
    return found


def _moments(connection: Connection, errors: dict[str, str]) -> list[Moment] | None:
    """The two moments that the address names."""
    given = [request.args.get(name, "").strip() for name in ("from", "to")]
    if not all(given):
        return None
    true = request.args.get("time") == "true"
    found = [
        asked_moment(connection, each, name, errors, true)
        for name, each in zip(("from", "to"), given, strict=True)
    ]
    moments = [each for each in found if each is not None]
    return moments if len(moments) == len(found) else None


def _counted(connection: Connection, at: Moment, hidden: tuple[str, ...]) -> State:
    """The same, counted once for who may see as much until the views move on: who compares asks for them again."""
    return visit.parts().counted.once(
        connection, ("compared", at, hidden), lambda: _state(connection, at, hidden)
    )


def _state(connection: Connection, at: Moment, hidden: Sequence[str]) -> State:
    """Everything that is compared of a moment: the totals, and what counts under each of the dimensions."""
    sums = figures.portfolio(connection, at, hidden=hidden)
    found = {("total", ""): _sums(sums["total"], figures.left(connection, at))}
    for dimension, what in DIMENSIONS.items():
        for entry in sums[dimension]:
            found[dimension, entry[what]] = {name: entry[name] for name in ("proposals", *MONEY[:-1])}
    return found


def _differences(one: State, other: State, called: Places) -> list[tuple[str, str, str, Any, Any, Decimal]]:
    """(of what, of which, measure, then, later, by how much) of each sum that is not the same."""
    found = []
    order = {"total": 0, **{dimension: index for index, dimension in enumerate(DIMENSIONS, 1)}}
    for key in sorted(
        {*one, *other}, key=lambda key: (order[key[0]], called.order(key[0], key[1]) if key[1] else ())
    ):
        dimension, code = key
        what = DIMENSIONS.get(dimension, "total")
        name = called.name(dimension, code) if code else say("portfolio.all-proposals")
        was, now = one.get(key, {}), other.get(key, {})
        for measure in now or was:
            before, after = was.get(measure, 0), now.get(measure, 0)
            change = Decimal(after) - Decimal(before)
            if change:
                found.append((say(f"portfolio.{what}"), name, measure, before, after, change))
    return found


def _address(**changes: object) -> str:
    """This page, with these changes in what its address says."""
    asked = {name: request.args.get(name) for name in ("at", "from", "to", "time")} | changes
    return address_of("web.replay.portfolio", **asked)
