"""Who recorded what, and when? Search over all events, for who may read the log; the address says what for."""

from __future__ import annotations

import re
from typing import Any

import psycopg
from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from domain.events import EVENTS
from service.api.fields import Code, Day, Given, OneOf, Text
from service.identity.people import ROLES
from service.identity.permissions import check, needs
from service.web import visit
from service.web.event_search import AMOUNTS, Found, Wanted, cases_called, people_called, search
from service.web.event_words import Happened, happened, kind_of
from service.web.forms import Form
from service.web.linking import address_of
from service.web.naming import names
from service.web.rendering import moment, page, say, word
from service.web.sorting import Sort, asked_sort
from service.web.spreadsheet import as_csv

area = Blueprint("audit", __name__)

Connection = psycopg.Connection[Any]
PAGE = 50
ALL_AMOUNTS = "amounts"
"""In place of a kind of event: every kind that says an amount."""


class EventsAsked(Given):
    """What to look for."""

    kind = OneOf(ALL_AMOUNTS, *EVENTS, load_default=None)
    who = Text(200, load_default=None)
    role = OneOf(*ROLES, load_default=None)
    about = Text(100, load_default=None)
    words = Text(200, load_default=None)
    programme = Code(load_default=None)
    recorded_from = Day(load_default=None)
    recorded_until = Day(load_default=None)
    counts_from = Day(load_default=None)
    counts_until = Day(load_default=None)


FIELDS = tuple(field.data_key or name for name, field in EventsAsked().fields.items())


@area.get("/audit")
@needs("read-events")
def index() -> AnyResponse:
    """The events that are looked for, newest first."""
    check(visit.person(), "read-events")
    form = _form()
    with visit.parts().pool.connection() as connection:
        found, shown = _found(connection, form)
    called = names(visit.parts())
    return page(
        "audit/index.html",
        form.status,
        form=form,
        events=shown,
        found=found,
        sort=_sort(),
        kinds=[
            (ALL_AMOUNTS, say("audit.all-amounts")),
            *sorted(((k, kind_of(k)) for k in EVENTS), key=lambda e: e[1]),
        ],
        roles=sorted(((role, word(role)) for role in ROLES), key=lambda each: each[1]),
        programmes=sorted(called.programmes.items(), key=lambda each: each[1]),
        older=_address("web.audit.index", before=found.older) if found.older is not None else None,
        newest=_address("web.audit.index") if request.args.get("before") else None,
        csv=_address("web.audit.download", before=request.args.get("before")),
        asked=any(form.value(name) for name in FIELDS),
        more=any(form.value(name) for name in ("role", "programme", *FIELDS[-4:])),
    )


@area.get("/audit/events.csv")
@needs("read-events")
def download() -> AnyResponse:
    """The events that the page shows, for a spreadsheet."""
    check(visit.person(), "read-events")
    with visit.parts().pool.connection() as connection:
        _, shown = _found(connection, _form())
    head = ("position", "recorded-at", "effective-on", "what", "happened", "who", "role", "about", "why")
    rows = [
        [
            each.position, moment(each.recorded_at), each.effective_on, each.kind, each.sentence, each.by, each.role,
            each.about, "\n".join(text for _, text in each.said),
        ]
        for each in shown
    ]  # fmt: skip
    return as_csv("events", [say(f"audit.{name}") for name in head], rows)


def _form() -> Form:
    values = {name: [request.args[name]] for name in FIELDS if request.args.get(name, "").strip()}
    return Form(EventsAsked(), values)


def _found(connection: Connection, form: Form) -> tuple[Found, list[Happened]]:
    """What the form looks for; nothing, when something in it is wrong."""
    found = Found()
    with form.refusals():
        given = form.load()
        found = search(
            connection,
            _wanted(connection, given),
            before=_position(request.args.get("before")),
            limit=PAGE,
            timezone=visit.parts().settings.timezone,
            oldest_first=not _sort().descending,
        )
    return found, happened(connection, found.events, names(visit.parts()))


def _wanted(connection: Connection, given: dict[str, Any]) -> Wanted:
    kind, who, about = given["kind"], given["who"], given["about"]
    same = ("role", "words", "programme", "recorded_from", "recorded_until", "counts_from", "counts_until")
    return Wanted(
        kinds=AMOUNTS if kind == ALL_AMOUNTS else (kind,) if kind else (),
        people=people_called(connection, who) if who else None,
        streams=cases_called(connection, about) if about else None,
        **{name: given[name] for name in same},
    )


def _position(given: str | None) -> int | None:
    return int(given) if given and re.fullmatch(r"[0-9]{1,18}", given) else None


def _address(endpoint: str, before: object = None) -> str:
    """The same search, from a position back."""
    asked = {name: request.args[name] for name in FIELDS if request.args.get(name, "").strip()}
    return address_of(endpoint, **asked, before=before, sort=request.args.get("sort"))


def _sort() -> Sort:
    """The newest first, unless the address says otherwise."""
    return asked_sort(("position",), Sort("position", descending=True))
