"""Which terms end soon, have passed, or passed long ago, and who is told? Looked at from seven on each working day.

Each day counts as it began: what was opened since seven waits for the next. A term is told of once a step, by whichever
process comes first, and after downtime only of the gravest step that it has reached. What somebody is mailed of several
terms in one run goes in one mail.

The view of the queue says which terms there are, once it has caught up with the log; the log itself says whether a case
still waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import structlog
from psycopg.rows import tuple_row

from domain import case as cases
from domain.programme import APPLICANT, Programme
from domain.working_days import add_working_days, working_days_until
from projections.notices import RELATIONS, TERMS, Notice, of_nobody, of_term
from service.calendar import dutch_holidays
from service.messaging import ledger, recipients
from service.messaging.ledger import Making, Planned
from service.messaging.planning import Wanted, planned
from service.published import published_codes, versions
from service.wiring import Parts

__all__ = ["run_due", "step"]

Connection = psycopg.Connection[Any]

FROM = time(7)
"""When a working day begins for who is reminded."""
SATURDAY = 5

ALONE = "SELECT pg_try_advisory_xact_lock(7133006)"

NEAR, PASSED, ESCALATED = TERMS

OPEN = f"""SELECT q.key, q.stream, q.document ->> 'stage', q.document ->> 'body', q.due_on::date, q.position,
        s.document ->> 'programme', (s.document ->> 'programmeVersion')::integer,
        array(SELECT kind FROM ledger.notices WHERE cause = 'term:' || q.key || ':' || q.due_on)
    FROM views.queue q JOIN views.status s ON s.key = q.stream
    WHERE q.due_on <= %(until)s AND (q.document ->> 'openedAt')::timestamptz < %(since)s AND NOT EXISTS (
        SELECT 1 FROM ledger.notices
        WHERE cause = 'term:' || q.key || ':' || q.due_on AND kind = '{ESCALATED}')
    ORDER BY q.due_on, q.key"""


@dataclass(frozen=True, slots=True)
class Term:
    """A term that runs, and what was told of it already."""

    key: str
    stream: str
    stage: str
    body: str
    due_on: date
    position: int
    programme: str
    programme_version: int
    told: Sequence[str]


@dataclass(frozen=True, slots=True)
class Due:
    """A term with what is to be told of it now, and whose case it is."""

    term: Term
    notice: Notice
    owner: str


def run_due(parts: Parts, connection: Connection, now: datetime) -> int:
    """Tells of the terms that there is something to tell of; how many deliveries are new?

    Nothing before seven, on a day off, while the views are behind, or while another process does this.
    """
    zone, holidays = ZoneInfo(parts.settings.timezone), dutch_holidays()
    local = now.astimezone(zone)
    today = local.date()
    if local.time() < FROM or today.weekday() >= SATURDAY or today in holidays:
        return 0
    if not parts.clock.wait_for(parts.log.head()):
        return 0
    programmes = {
        (each.code, each.version): each for code in published_codes(parts) for each in versions(parts, code)
    }
    furthest = max((programme.reminder for programme in programmes.values()), default=0)
    until = add_working_days(today, furthest, holidays)
    with connection.transaction():
        (alone,) = _rows(connection, ALONE)[0]
        if not alone:
            return 0
        given = {"until": until.isoformat(), "since": datetime.combine(today, FROM, zone)}
        terms = [Term(*row) for row in _rows(connection, OPEN, given)]
        due = [
            each
            for term in terms
            if (programme := programmes.get((term.programme, term.programme_version))) is not None
            for each in _due(parts, term, programme, today, holidays)
        ]
        return ledger.add(connection, _made(parts, connection, due, now)) if due else 0


def step(
    due_on: date, today: date, *, reminder: int, escalation: int, holidays: frozenset[date]
) -> tuple[str, int] | None:
    """The gravest that can be told of a term on a working day, and how many working days it lasts or is over.

    `reminder` working days before its end it is near, on the first day after it has passed, `escalation` working days
    after it is escalated. None: nothing yet.
    """
    if today <= due_on:
        left = working_days_until(today, due_on, holidays)
        return (NEAR, left) if left <= reminder else None
    late = working_days_until(due_on, today, holidays)
    return (ESCALATED if late >= escalation else PASSED), late


def _due(
    parts: Parts, term: Term, programme: Programme, today: date, holidays: frozenset[date]
) -> Iterator[Due]:
    """What is to be told of this term now, if anything."""
    reached = step(
        term.due_on, today, reminder=programme.reminder, escalation=programme.escalation, holidays=holidays
    )
    if reached is None:
        return
    kind, days = reached
    if any(TERMS.index(told) >= TERMS.index(kind) for told in term.told):
        return
    try:
        case = cases.fold(parts.log.load(term.stream))
    except Exception as error:
        # One case that cannot be read keeps nobody from hearing of the others; `doctor` shows what is wrong with it.
        structlog.get_logger("notify").warning("a term could not be told of", term=term.key, error=str(error))
        return
    for stage in case.open if case is not None else ():
        if (stage.stage, stage.body, stage.due_on) == (term.stage, term.body, term.due_on):
            assert case is not None
            yield Due(term, of_term(kind, stage, case, programme, days), case.owner)


def _made(
    parts: Parts, connection: Connection, due: Sequence[Due], now: datetime
) -> list[tuple[Making, list[Planned]]]:
    """The notices with what is to be delivered of each."""
    relations = {(to.relation, to.of) for each in due for to in each.notice.to} | {("secretariat", "")}
    found = recipients.people(connection, relations, {each.term.stream: each.owner for each in due})
    due = [
        replace(each, notice=of_nobody(each.notice))
        if each.term.body == APPLICANT and not found.get(("submitter", each.owner))
        else each
        for each in due
    ]
    heard: list[tuple[int, Wanted]] = []
    for index, each in enumerate(due):
        people: dict[str, Wanted] = {}
        for to in sorted(each.notice.to, key=lambda to: RELATIONS.index(to.relation)):
            for person in found.get((to.relation, to.of), ()):
                wanted = Wanted(person, each.notice.kind, each.notice.urgency, to.relation, to.required)
                people.setdefault(person, wanted)
        heard += [(index, wanted) for wanted in people.values()]
    plans: list[list[Planned]] = [[] for _ in due]
    timezone = parts.settings.timezone
    of_heard = planned(connection, [wanted for _, wanted in heard], now=now, timezone=timezone)
    for (index, _), plan in zip(heard, of_heard, strict=True):
        plans[index] += plan
    return [(_making(each, now), plan) for each, plan in zip(due, _in_one_mail(plans), strict=True)]


def _in_one_mail(plans: Sequence[Sequence[Planned]]) -> list[list[Planned]]:
    """The same, but who would be mailed of several terms is mailed once: each of these goes into the next digest."""
    mailed: dict[str, int] = {}
    for plan in plans:
        for person in {each.recipient for each in plan if _at_once(each)}:
            mailed[person] = mailed.get(person, 0) + 1
    return [
        [
            replace(each, state="collected") if _at_once(each) and mailed[each.recipient] > 1 else each
            for each in plan
        ]
        for plan in plans
    ]


def _at_once(each: Planned) -> bool:
    return each.channel == "email" and each.state == "waiting" and not each.required


def _making(due: Due, now: datetime) -> Making:
    term, notice = due.term, due.notice
    cause = f"term:{term.key}:{term.due_on.isoformat()}"
    return Making(
        cause, notice.kind, term.position, term.stream, notice.urgency, notice.facts, now, notice.letter
    )


def _rows(connection: Connection, query: str, given: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query.encode(), given).fetchall()
