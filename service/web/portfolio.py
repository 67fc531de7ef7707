"""What did it all come to, and what did we know of it then? The figures, and a slider that moves all of them.

The address says what is shown: `effectiveOn` (what counted on that date), `asOf` (what was known then) and `programme`.
The slider sends a month as a number, `month`; the answer goes on to the address of its last day.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime
from typing import Any

import psycopg
from flask import Blueprint, abort, redirect, request, url_for
from psycopg.rows import tuple_row
from werkzeug.wrappers import Response as AnyResponse

from domain.recorded import Moment
from service.api.fields import Code, Day, Given
from service.api.moments_schema import AsOf
from service.api.snapshot import snapshot
from service.api.waiting import wait_for
from service.identity.permissions import check, may, needs
from service.moments import moment
from service.web import visit
from service.web.forms import Form
from service.web.linking import address_of
from service.web.naming import names
from service.web.places import places
from service.web.portfolio_figures import FIGURES, Figures, figures_at
from service.web.rendering import day, page
from service.web.spreadsheet import as_csv

area = Blueprint("portfolio", __name__)

Connection = psycopg.Connection[Any]
KNOWN = ("programme", "asOf", "effectiveOn")
"""What an address may say, in this order."""


class FiguresQuery(Given):
    """Which figures are asked for."""

    programme = Code(load_default=None)
    as_of = AsOf()
    effective_on = Day(load_default=None)


@area.get("/portfolio")
@needs("read-portfolio")
def index() -> AnyResponse:
    """The figures of a moment."""
    check(visit.person(), "read-portfolio")
    month = _month(request.args.get("month", ""))
    if month is not None:
        address = _address(effectiveOn=_last_day(month))
        if "HX-Request" not in request.headers:
            return redirect(address, 303)
    form, given = _asked(month)
    today = visit.parts().calendar().today
    with visit.parts().pool.connection() as connection:
        at = _moment(connection, given)
        with snapshot(connection):
            shown = _figures(connection, at, given, today)
            first = (
                visit.parts().counted.once(connection, "first day", lambda: _first_day(connection)) or today
            )
    effective = given["effective_on"] or today
    known = given["as_of"]
    response = page(
        "portfolio/index.html",
        form.status,
        figures=shown,
        form=form,
        programmes=sorted(names(visit.parts()).programmes.items(), key=lambda each: each[1]),
        as_of=given["as_of"],
        known=known.date() if isinstance(known, datetime) else known,
        instant=isinstance(known, datetime),
        effective_on=given["effective_on"],
        slider=(_number(first), max(_number(today), _number(first)), _number(effective)),
        slider_text=day(effective.replace(day=1)).split(" ", 1)[1],
        envelope_address=lambda code: url_for("web.money.envelope", code=code),
        hidden=[(name, form.value(name)) for name in ("programme", "asOf") if form.value(name)],
        csv={
            figure: address_of("web.portfolio.download", figure=figure, **_params(given))
            for figure in FIGURES
        },
        now=_address(asOf=None, effectiveOn=None),
    )
    if month is not None:
        response.headers["HX-Push-Url"] = address
    return response


@area.get("/portfolio/<code:figure>.csv")
@needs("read-portfolio")
def download(figure: str) -> AnyResponse:
    """One of the figures for a spreadsheet."""
    check(visit.person(), "read-portfolio")
    if figure not in FIGURES:
        abort(404)
    form, given = _asked(None)
    if not form.ok:
        return redirect(_address(), 303)
    with visit.parts().pool.connection() as connection:
        at = _moment(connection, given)
        with snapshot(connection):
            table = _figures(connection, at, given, visit.parts().calendar().today).table(figure)
    return as_csv(f"portfolio-{figure}", table.head, table.rows)


def _asked(month: int | None) -> tuple[Form, dict[str, Any]]:
    """What the address asks for; where something is wrong in it, the figures of now, with what is wrong beside it."""
    values = {name: [request.args[name]] for name in KNOWN if request.args.get(name)}
    if month is not None:
        values["effectiveOn"] = [_last_day(month) or ""]
    form = Form(FiguresQuery(), values)
    given: dict[str, Any] = {"programme": None, "as_of": None, "effective_on": None}
    with form.refusals():
        given = form.load()
    return form, given


def _moment(connection: Connection, given: dict[str, Any]) -> Moment:
    timezone = visit.parts().settings.timezone
    at = moment(connection, as_of=given["as_of"], effective_on=given["effective_on"], timezone=timezone)
    wait_for(visit.parts(), at.position)
    return at


def _figures(connection: Connection, at: Moment, given: dict[str, Any], today: date) -> Figures:
    parts = visit.parts()
    known = given["as_of"].date() if isinstance(given["as_of"], datetime) else given["as_of"]
    until = min(given["effective_on"] or today, known or today, today)
    lists = may(visit.person(), "read-cases")

    def address(what: str, code: str) -> str | None:
        # The list of cases has no filter by subregion.
        return (
            address_of("web.cases.index", **{what: code}, **_params(given))
            if lists and what != "subregion"
            else None
        )

    return figures_at(
        connection, visit.scope(), parts.counted, at, given["programme"], until, parts.calendar(), names(parts),
        places(parts, given["programme"]), address,
    )  # fmt: skip


def _first_day(connection: Connection) -> date | None:
    """The first date that counts for any figure."""
    query = """SELECT least((SELECT min(effective_on) FROM views.portfolio_facts),
        (SELECT min(effective_on) FROM views.budget_facts))"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query).fetchone()
    found: date | None = row[0] if row else None
    return found


def _params(given: dict[str, Any]) -> dict[str, str]:
    """The same question, for another address."""
    found = {"programme": given["programme"], "asOf": given["as_of"], "effectiveOn": given["effective_on"]}
    return {
        name: value if isinstance(value, str) else value.isoformat() for name, value in found.items() if value
    }


def _address(**changes: str | None) -> str:
    """This page, with these changes in what its address says."""
    asked = {name: request.args.get(name) for name in KNOWN} | changes
    return address_of("web.portfolio.index", **asked)


def _month(given: str) -> int | None:
    """A month by its number, counted from the year 0; None for what is none."""
    return int(given) if re.fullmatch(r"[0-9]{4,5}", given) and 1900 <= int(given) // 12 <= 2199 else None


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _last_day(month: int) -> str | None:
    """The last day of a month; None for the present month, of which the end is not known yet."""
    if month >= _number(visit.parts().calendar().today):
        return None
    year, index = divmod(month, 12)
    return date(year, index + 1, monthrange(year, index + 1)[1]).isoformat()
