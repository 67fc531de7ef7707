"""What happened on a programme in a period, and how did it stand at the end? Counted from the log, for a newsletter.

A period is in effective dates, and what is counted is what is known at a position: so the same question always gets the
same answer. Words and names are references; `service/words.py` fills them in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from domain.errors import Invalid
from domain.events import Awarded, Decided, MoneyMovedIn, MoneyReturned, ProposalSubmitted, ProposalWithdrawn
from domain.recorded import Moment, Recorded
from projections.plain import cents, day, euros, money
from projections.view import Document
from service.figures import budgets, portfolio, ratio
from service.reading import histories, status_of

__all__ = ["MOST", "Differences", "differences", "draw", "position"]

MOST = 400
"""Projects that a newsletter can be about; who reads more of them?"""

ENDED = ("awarded", "approved", "rejected", "withdrawn")
"""Where a case waits for nobody."""

CANDIDATES = """WITH moved AS (
        SELECT stream, status, late, effective_on, position FROM views.status_history
        WHERE programme = %(programme)s AND position <= %(position)s AND effective_on <= %(last)s
    ), at_end AS (SELECT DISTINCT ON (stream) stream, status FROM moved ORDER BY stream, position DESC)
    SELECT stream FROM moved WHERE effective_on >= %(first)s OR late
    UNION SELECT stream FROM at_end WHERE status <> ALL(%(ended)s)
    UNION SELECT stream FROM views.portfolio_facts WHERE programme = %(programme)s AND position <= %(position)s
        AND effective_on BETWEEN %(first)s AND %(last)s
    ORDER BY 1"""
"""The cases that may have something to tell; whether they do follows from their history."""


@dataclass(frozen=True, slots=True)
class Differences:
    """What became other figures: (place, before, after), by place such as `cameIn/count`; and which projects."""

    figures: list[tuple[str, Any, Any]]
    added: list[Document]
    gone: list[Document]
    changed: list[Document]

    def __bool__(self) -> bool:
        return bool(self.figures or self.added or self.gone or self.changed)


def differences(before: Document, after: Document) -> Differences:
    """What is otherwise in the figures that were drawn later."""
    was, now = dict(_flat(before)), dict(_flat(after))
    projects = {each["proposal"]: each for each in before["projects"]}
    later = {each["proposal"]: each for each in after["projects"]}
    return Differences(
        [
            (place, was.get(place), now.get(place))
            for place in dict.fromkeys((*was, *now))
            if was.get(place) != now.get(place)
        ],
        [each for id, each in later.items() if id not in projects],
        [each for id, each in projects.items() if id not in later],
        [each for id, each in later.items() if id in projects and each != projects[id]],
    )


def _flat(figures: Document) -> Iterator[tuple[str, Any]]:
    """Every figure by its place, but for those of single projects."""
    for group in ("cameIn", "awarded", "decided", "total"):
        for name, value in figures[group].items():
            if isinstance(value, dict):
                value = value["total"]
            yield f"{group}/{name}", value
    for name in ("withdrawn", "waiting"):
        yield name, figures[name]
    for envelope in figures["envelopes"]:
        for name in ("amount", "committed", "heldBack", "left"):
            yield f"envelopes/{name}/{envelope['code']}", envelope[name]


def position(connection: Connection[Any]) -> int:
    """Up to which position the views tell everything."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute("SELECT position FROM views.position").fetchone()
    return int(row[0]) if row else 0


def draw(
    connection: Connection[Any],
    programme: str,
    first: date,
    last: date,
    position: int,
    hidden: Sequence[str] = (),
) -> Document:
    """The figures and the projects of a programme from the first day to the last, both included.

    Of every project: what happened in the period, and for whom it waits at the end. Begin a snapshot before it. Of
    the cases that are `hidden` nothing is told or counted. Refuses a period with more than MOST projects.
    """
    moment = Moment(position, last)
    given = {"programme": programme, "first": first, "last": last, "position": position, "ended": list(ENDED)}
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = [str(row[0]) for row in cursor.execute(CANDIDATES, given).fetchall()]
    streams = [stream for stream in found if stream not in hidden]
    projects = []
    for batch in range(0, len(streams), 100):
        for history in histories(connection, streams[batch : batch + 100], moment).values():
            project = _project(history, first)
            if project is not None:
                projects.append(project)
    if len(projects) > MOST:
        raise Invalid("newsletter-too-long", "/firstDay", count=len(projects), maximum=MOST)
    projects.sort(key=lambda each: (_place(each), each["reference"]))
    return {
        "cameIn": _asked(_with(projects, "came-in")),
        "decided": dict(sorted(_outcomes(projects).items())),
        "awarded": {
            **_asked(_with(projects, "awarded")),
            "amount": _sum(projects, "awarded"),
            "movedIn": _sum(projects, "moved-in"),
            "returned": _sum(projects, "returned"),
        },
        "withdrawn": len(_with(projects, "withdrawn")),
        "waiting": sum(1 for each in projects if each["waits"]),
        "total": portfolio(connection, moment, programme, hidden)["total"],
        "envelopes": [
            {name: each[name] for name in ("code", "name", "amount", "committed", "heldBack", "left")}
            for each in budgets(connection, moment)
            if each["programme"] in (None, programme)
        ],
        "projects": projects,
    }


def _project(history: Sequence[Recorded], first: date) -> Document | None:
    """A case as a newsletter tells of it; None where there is nothing to tell."""
    case = status_of(history)
    if case is None:
        return None
    happened = [told for recorded in history if recorded.effective_on >= first and (told := _told(recorded))]
    waits = [_waits(case, each) for each in case["waitingFor"]]
    if not happened and not waits:
        return None
    content = case["content"]
    cofinancing = sum(cents(Decimal(part["amount"])) for part in content["cofinancing"])
    return {
        "proposal": case["id"],
        "reference": case["reference"],
        "programmeVersion": case["programmeVersion"],
        "title": content["title"],
        "summary": content["summary"],
        "applicant": content["applicant"],
        "municipalities": content["municipalities"],
        "requested": content["requested"],
        "cofinancing": euros(cofinancing),
        "multiplier": ratio(cofinancing, cents(Decimal(content["requested"]))),
        "happened": happened,
        "waits": waits,
    }


def _told(recorded: Recorded) -> Document | None:
    """What is told of an event, if anything; never who did it."""
    event, on = recorded.event, day(recorded.effective_on)
    match event:
        case ProposalSubmitted():
            return {"what": "came-in", "on": on}
        case Decided():
            return {
                "what": "decided",
                "on": on,
                "stage": event.stage,
                "body": event.body,
                "outcome": event.outcome,
            }
        case Awarded():
            return {
                "what": "awarded",
                "on": on,
                "body": event.body,
                "amount": money(event.amount),
                "provisional": event.provisional,
            }
        case MoneyMovedIn():
            return {"what": "moved-in", "on": on, "amount": money(event.amount)}
        case MoneyReturned():
            return {"what": "returned", "on": on, "amount": money(event.amount)}
        case ProposalWithdrawn():
            return {"what": "withdrawn", "on": on}
        case _:
            return None


def _waits(case: Document, waits: Document) -> Document:
    """For whom a case waits; where it is held over, by whom."""
    held = [each["body"] for each in case["decisions"] if each["outcome"] == "held-over"]
    return {
        "kind": waits["kind"],
        "body": waits["body"],
        "dueOn": waits["dueOn"],
        "heldBy": held[-1] if waits["kind"] == "held-over" and held else None,
    }


ORDER = ("awarded", "moved-in", "decided", "came-in", "returned", "withdrawn")
"""What is read first."""


def _place(project: Document) -> int:
    """Where a project stands in a new draft: by the weightiest of what happened to it."""
    return min((ORDER.index(each["what"]) for each in project["happened"]), default=len(ORDER))


def _with(projects: Iterable[Document], what: str) -> list[Document]:
    return [each for each in projects if any(told["what"] == what for told in each["happened"])]


def _asked(projects: Sequence[Document]) -> Document:
    """How many these are, what they ask together, and the money of others by it."""
    requested = sum(cents(Decimal(each["requested"])) for each in projects)
    cofinancing = sum(cents(Decimal(each["cofinancing"])) for each in projects)
    return {
        "count": len(projects),
        "requested": euros(requested),
        "cofinancing": euros(cofinancing),
        "multiplier": ratio(cofinancing, requested),
    }


def _outcomes(projects: Iterable[Document]) -> Counter[str]:
    """How many decisions came out how."""
    return Counter(
        told["outcome"] for each in projects for told in each["happened"] if told["what"] == "decided"
    )


def _sum(projects: Iterable[Document], what: str) -> str:
    amounts = (told["amount"] for each in projects for told in each["happened"] if told["what"] == what)
    return euros(sum(cents(Decimal(amount)) for amount in amounts))
