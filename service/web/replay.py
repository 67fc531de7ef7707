"""How did a case get where it is? Event after event, with its state beside each, and what each event changed.

The address says what is shown. `at`: the position of the last event that counts; `only=amounts`: of the list, the
events that changed an amount; `from`, `to` and `time`: two moments to compare; `on`: a date, to put side by side what
was known then and what, as we know now, was true then. The slider sends `event`, the number of an event in its case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from domain.events import MoneyMovedIn, MoneyMovedOut
from domain.programme import Programme
from domain.recorded import Moment, Recorded, known_and_true
from projections import status as statuses
from projections.view import Document
from service import reading
from service.errors import Missing
from service.identity.permissions import check, needs
from service.published import versions
from service.web import portfolio_replay, visit
from service.web.case_fields import Difference, Words, amounts, differences, waits_for
from service.web.event_words import Happened, happened, references
from service.web.filling import fill
from service.web.linking import address_of
from service.web.named_moments import asked_day, asked_moment
from service.web.naming import name_of, names
from service.web.places import places
from service.web.rendering import page

area = Blueprint("replay", __name__)

Connection = psycopg.Connection[Any]
KNOWN = ("at", "only", "from", "to", "time", "on")
"""What an address may say, in this order."""
MONEY = ("requested", "cofinancing", "awarded", "committed", "heldBack", "returned")


@dataclass(frozen=True, slots=True)
class Beside:
    """How a case stood: what is shown beside an event."""

    status: str
    waits: str
    revision: int
    money: dict[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """An event of the case, and how the case stood after it; `amounts`: did it change one?"""

    number: int
    happened: Happened
    after: Beside
    amounts: bool
    address: str


@dataclass(frozen=True, slots=True)
class Compared:
    """Two states and what differs: known then and true then, or one moment and another."""

    one: Beside | None
    other: Beside | None
    differences: list[Difference]


@area.get("/audit/proposals/<case:proposal>")
@needs("replay-case")
def case(proposal: str) -> AnyResponse:
    """A case as it stood after one of its events."""
    check(visit.person(), "read-events")
    with visit.parts().pool.connection() as connection:
        return _case(connection, proposal)


def _case(connection: Connection, proposal: str) -> AnyResponse:
    case = reading.case_history(connection, proposal, visit.scope())
    if case is None:
        raise Missing("proposal", proposal)
    check(visit.person(), "read-case", owner=case.document["owner"]["$party"])
    history, states = case.history, _states(case.history)
    slid = request.args.get("event", "")
    address = ""
    if re.fullmatch(r"[0-9]{1,9}", slid):
        index = min(max(int(slid), 1), len(history)) - 1
        address = _address(proposal, at=history[index].position)
        if "HX-Request" not in request.headers:
            return redirect(address, 303)
    else:
        index = _index(history, request.args.get("at"))
    words = _words(connection, states[-1], history)
    before, after, now = fill(
        [states[index - 1] if index else {}, states[index], states[-1]], connection, visit.scope()
    )
    steps = _steps(connection, proposal, history, states, words)
    only = request.args.get("only") == "amounts"
    errors: dict[str, str] = {}
    response = page(
        "audit/case.html",
        case=now,
        to_case=url_for("web.cases.show", proposal=proposal),
        steps=[step for step in steps if step.amounts or not only],
        step=steps[index],
        earlier=steps[index - 1] if index else None,
        later=steps[index + 1] if index + 1 < len(steps) else None,
        count=len(steps),
        state=_beside(after, words),
        before=_beside(before, words) if before else None,
        changes=differences(before, after, words),
        only=only,
        toggled=_address(proposal, only=None if only else "amounts"),
        between=_between(connection, history, words, errors),
        then=_then(connection, history, words, errors),
        errors=errors,
        money=MONEY,
        base=_address(proposal),
    )
    if address:
        response.headers["HX-Push-Url"] = address
    response.status_code = 400 if errors else 200
    return response


@area.get("/audit/portfolio")
@needs("read-events")
def portfolio() -> AnyResponse:
    """All cases together, after any act."""
    check(visit.person(), "read-events")
    return portfolio_replay.show()


def _states(history: Sequence[Recorded]) -> list[Document]:
    """How the case stood after each event, in the order of the log."""
    found: list[Document] = []
    for recorded in history:
        after = statuses.evolve(found[-1] if found else None, recorded)
        if after is not None:
            found.append(after)
    return found


def _index(history: Sequence[Recorded], at: str | None) -> int:
    """Which event is the last that counts at a position: the last of all without one, the first before the first."""
    if not at or not re.fullmatch(r"[0-9]{1,18}", at):
        return len(history) - 1
    return max(len(known_and_true(list(history), Moment(int(at)))) - 1, 0)


def _words(connection: Connection, case: Document, history: Sequence[Recorded]) -> Words:
    parts = visit.parts()
    judged: dict[str, str] = {}
    for programme in versions(parts, case["programme"])[: case["programmeVersion"]]:
        judged |= _judged(programme)
    moved = [each.event.to for each in history if isinstance(each.event, MoneyMovedOut)]
    moved += [each.event.from_proposal for each in history if isinstance(each.event, MoneyMovedIn)]
    return Words(
        names(parts), places(parts, case["programme"]), references(connection, visit.scope(), moved), judged
    )


def _judged(programme: Programme) -> dict[str, str]:
    """What the criteria and the requirements of a programme are called."""
    found = {each.code: name_of(each.name) for each in programme.requirements}
    for stage in programme.stages:
        found |= {each.code: name_of(each.name) for each in stage.criteria}
    return found


def _steps(
    connection: Connection,
    proposal: str,
    history: Sequence[Recorded],
    states: Sequence[Document],
    words: Words,
) -> list[Step]:
    told = happened(connection, visit.scope(), history, words.names)
    found = []
    for number, (said, before, after) in enumerate(zip(told, [None, *states[:-1]], states, strict=True), 1):
        found.append(
            Step(
                number,
                said,
                _beside(after, words),
                amounts(before, after),
                _address(proposal, at=said.position),
            )
        )
    return found


def _beside(document: Document, words: Words) -> Beside:
    content, totals = document["content"], document["totals"]
    cofinancing = sum((Decimal(part["amount"]) for part in content["cofinancing"]), Decimal("0.00"))
    money = {"requested": content["requested"], "cofinancing": str(cofinancing), **totals}
    return Beside(document["status"], waits_for(document, words), document["revision"], money)


def _between(
    connection: Connection, history: list[Recorded], words: Words, errors: dict[str, str]
) -> Compared | None:
    """What differs between the two moments that the address names."""
    given = [request.args.get(name, "").strip() for name in ("from", "to")]
    if not all(given):
        return None
    true = request.args.get("time") == "true"
    moments = [
        asked_moment(connection, each, name, errors, true)
        for name, each in zip(("from", "to"), given, strict=True)
    ]
    if errors:
        return None
    one, other = (reading.status_of(known_and_true(history, at)) for at in moments if at is not None)
    return _compared(connection, one, other, words)


def _then(
    connection: Connection, history: list[Recorded], words: Words, errors: dict[str, str]
) -> Compared | None:
    """What was known on a date, beside what was true on it as we know now."""
    given = request.args.get("on", "").strip()
    on = asked_day(given, "on", errors) if given else None
    if on is None:
        return None
    known = asked_moment(connection, given, "on", errors)
    assert known is not None
    one, other = (reading.status_of(known_and_true(history, at)) for at in (known, Moment(None, on)))
    return _compared(connection, one, other, words)


def _compared(connection: Connection, one: Document | None, other: Document | None, words: Words) -> Compared:
    one, other = fill([one, other], connection, visit.scope())
    return Compared(
        _beside(one, words) if one else None,
        _beside(other, words) if other else None,
        differences(one, other, words),
    )


def _address(proposal: str, **changes: object) -> str:
    """This page, with these changes in what its address says."""
    asked = {name: request.args.get(name) for name in KNOWN} | changes
    return address_of("web.replay.case", proposal=proposal, **asked)
