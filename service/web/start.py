"""What must I do, and where do my proposals stand? The page everybody begins on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import Blueprint, Response, url_for
from psycopg import Connection
from psycopg.rows import tuple_row

from domain.route import Calendar
from domain.working_days import working_days_until
from projections.view import Document
from service import figures
from service.arrays import array
from service.identity import people
from service.identity.people import Person
from service.identity.permissions import limit, may, needs
from service.listing import Filters, proposals
from service.messaging import by_post, inspecting
from service.terms import Wanted, board
from service.web import drafts, visit
from service.web.drafts import Draft
from service.web.naming import Names, names, programmes_in_force
from service.web.navigation import links
from service.web.rendering import page
from service.web.supplement import question_of
from service.words import fill

__all__ = ["Desk", "area"]

area = Blueprint("start", __name__)

SHOWN, TOP, PHASES, ENVELOPES = 20, 5, 10, 10
"""How many proposals, cases at the top of a queue, phases and envelopes are shown; the pages behind have them all."""

ENDED = ("awarded", "approved", "rejected", "withdrawn")


@dataclass(frozen=True)
class Mine:
    """The proposals of who submits: those that wait for them, those on their way, those that are done."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    running: list[dict[str, Any]] = field(default_factory=list)
    ended: list[dict[str, Any]] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    more: bool = False


@dataclass(frozen=True)
class Desk:
    """What waits for one body: how many, how many of them too late, and the first."""

    body: str
    name: str
    waiting: int
    overdue: int
    items: list[dict[str, Any]]
    address: str | None


@area.get("/")
@needs("own-account")
def work() -> Response:
    """My work: what waits for me, and what I follow."""
    person, parts = visit.person(), visit.parts()
    calendar = parts.calendar()
    called = names(parts)
    secretary = "secretary" in person.roles
    with parts.pool.connection() as connection:
        mine = _mine(connection, person, calendar) if "submitter" in person.roles else None
        kept = drafts.of_person(connection, person.id) if mine is None and may(person, "submit") else []
        own = sorted(person.bodies) if "member" in person.roles else []
        desks = _desks(connection, own, calendar, called, TOP) if own else []
        office = _desks(connection, None, calendar, called, TOP) if secretary else None
        post = by_post.count(connection) if secretary else 0
        missed = inspecting.missed(connection) if secretary else 0
        every = figures.budgets(connection) if "treasurer" in person.roles else None
        budgets = None if every is None else fill(_newest(every), connection)
        phases = _phases(connection) if budgets is not None else []
        latest = _latest(connection) if "auditor" in person.roles else None
        staff = len(people.ids(connection)) if may(person, "read-people") else None
    return page(
        "start/work.html",
        mine=mine,
        kept=kept,
        desks=desks,
        office=office,
        late=_late(office or []),
        post=post,
        missed=missed,
        budgets=budgets,
        more_budgets=every is not None and len(every) > ENVELOPES,
        phases=phases,
        latest=latest,
        staff=staff,
        programmes=programmes_in_force(parts) if staff is not None else [],
        names=called,
        today=calendar.today.isoformat(),
    )


@area.get("/keys")
@needs("own-account")
def keys() -> Response:
    """The keyboard shortcuts, and how to turn them off."""
    return page("start/keys.html", places=[link for link in links(visit.person()) if link.letter])


def _mine(connection: Connection[Any], person: Person, calendar: Calendar) -> Mine:
    owner = person.organisation or person.id
    assert limit(person) in (None, owner)
    asked = proposals(connection, Filters(owner=owner, status="supplement"), limit=SHOWN)
    newest = proposals(connection, Filters(owner=owner), limit=SHOWN)
    found = fill([*asked.items, *newest.items], connection)
    told = [_told(case, calendar) for case in found]
    first, rest = told[: len(asked.items)], told[len(asked.items) :]
    seen = {case["id"] for case in first}
    return Mine(
        asked=first,
        running=[case for case in rest if case["status"] not in ENDED and case["id"] not in seen],
        ended=[case for case in rest if case["status"] in ENDED],
        drafts=drafts.of_person(connection, person.id),
        more=newest.next is not None,
    )


def _told(case: Document, calendar: Calendar) -> dict[str, Any]:
    """A case with how long whoever has it still may, and with what was asked of it."""
    waiting = [{**each, **_left(each["dueOn"], calendar)} for each in case["waitingFor"]]
    return {**case, "waiting": waiting, "question": question_of(case)}


def _left(due_on: str, calendar: Calendar) -> dict[str, Any]:
    due = date.fromisoformat(due_on)
    return {
        "left": working_days_until(calendar.today, due, calendar.holidays),
        "overdue": due < calendar.today,
    }


def _desks(
    connection: Connection[Any], bodies: Sequence[str] | None, calendar: Calendar, called: Names, each: int
) -> list[Desk]:
    """What waits for these bodies, or for every one for which anything does, the most overdue first."""
    wanted = Wanted(bodies=None if bodies is None else tuple(bodies))
    found = board(
        connection, wanted, today=calendar.today, holidays=calendar.holidays, each=each, most=each * 50
    )
    items = fill(found.items, connection)
    known = bodies if bodies is not None else sorted({body for body, _ in found.counts})
    desks = [
        Desk(
            body,
            called.body(body),
            found.count(body),
            found.count(body, "overdue"),
            [item for item in items if item["body"] == body],
            url_for("web.queues.show", body=body),
        )
        for body in known
    ]
    return desks if bodies is not None else sorted(desks, key=lambda desk: (-desk.overdue, desk.name))


def _late(office: Sequence[Desk]) -> list[dict[str, Any]]:
    """The cases whose term has passed longest, whoever has them: they are among the first of each desk."""
    late = [item for desk in office for item in desk.items if item["overdue"]]
    return sorted(late, key=lambda item: (item["dueOn"], item["proposal"]))[:TOP]


def _newest(budgets: Sequence[Document]) -> list[Document]:
    """The envelopes in which something changed last, by code."""
    newest = sorted(budgets, key=lambda budget: int(budget["position"]), reverse=True)[:ENVELOPES]
    return sorted(newest, key=lambda budget: str(budget["code"]))


HELD_BACK = """SELECT proposal FROM views.budget_facts WHERE proposal IS NOT NULL
    GROUP BY proposal HAVING sum(held_back) > 0 ORDER BY max(position) DESC LIMIT %s"""


def _phases(connection: Connection[Any]) -> list[dict[str, Any]]:
    """The phases that still hold money back, of the cases where that changed last."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        ids = [key for (key,) in cursor.execute(HELD_BACK, (PHASES,)).fetchall()]
        query = "SELECT document FROM views.status WHERE key = ANY(%s::text[])"
        rows = cursor.execute(query, (array(ids),)).fetchall()
    cases = {case["id"]: case for case in fill([document for (document,) in rows], connection)}
    return [
        {**phase, "case": cases[id]}
        for id in ids
        if id in cases and cases[id]["award"]
        for phase in cases[id]["award"]["phases"]
        if phase["state"] == "held-back"
    ]


def _latest(connection: Connection[Any]) -> list[dict[str, Any]]:
    """The cases in which something was recorded last, among the last hundred events."""
    query = """SELECT s.document, e.recorded_at FROM (
            SELECT originator_id, max(recorded_at) AS recorded_at, max(notification_id) AS position FROM (
                SELECT * FROM log.events ORDER BY notification_id DESC LIMIT 100) AS newest
            WHERE originator_id LIKE 'proposal-%%' GROUP BY originator_id) AS e
        JOIN views.status s ON s.key = e.originator_id ORDER BY e.position DESC LIMIT %s"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, (TOP,)).fetchall()
    found = fill([document for document, _ in rows], connection)
    return [{**case, "recordedAt": at} for case, (_, at) in zip(found, rows, strict=True)]
