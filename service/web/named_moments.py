"""Which moment is meant by what somebody filled in? A date, or the position of an event."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import psycopg

from domain.errors import Invalid
from domain.recorded import Moment
from service.api.fields import FIRST_DAY, LAST_DAY
from service.api.waiting import wait_for
from service.moments import moment
from service.texts import catalog
from service.web import visit
from service.web.rendering import say

__all__ = ["asked_day", "asked_moment"]

Connection = psycopg.Connection[Any]


def asked_moment(
    connection: Connection, given: str, name: str, errors: dict[str, str], true: bool = False
) -> Moment | None:
    """The moment after the event at this position, or at the end of this date: what had been recorded by then.

    With `true` a date is what counted on it, as we know now. None for what is neither, which `errors` then says.
    """
    if re.fullmatch(r"[0-9]{1,18}", given):
        return Moment(int(given))
    on = asked_day(given, name, errors)
    if on is None or true:
        return Moment(None, on) if on else None
    at = moment(connection, as_of=on, timezone=visit.parts().settings.timezone)
    wait_for(visit.parts(), at.position)
    return at


def asked_day(given: str, name: str, errors: dict[str, str]) -> date | None:
    """A date as it stands in an address; None for what is none, which `errors` then says."""
    try:
        on = date.fromisoformat(given) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given) else None
    except ValueError:
        on = None
    if on is None:
        errors[name] = say("audit.moment-invalid")
    elif not FIRST_DAY <= on <= LAST_DAY:
        wrong = Invalid("date-out-of-range", f"/{name}", first=FIRST_DAY, last=LAST_DAY)
        errors[name] = catalog(visit.language()).say(wrong.code, wrong.facts)
        return None
    return on
