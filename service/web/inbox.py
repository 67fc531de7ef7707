"""What was I told, and what do I follow? Messages by day, newest first; each leads to what it is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, redirect, request, url_for
from psycopg import Connection
from psycopg.rows import tuple_row
from werkzeug.wrappers import Response as AnyResponse

from domain.errors import Invalid
from domain.recorded import stream_kind
from service.api.paths import DeliveryConverter
from service.arrays import array
from service.errors import Missing
from service.following import follow
from service.identity.permissions import may, needs
from service.messaging import preferences
from service.messaging.channels import inbox
from service.messaging.channels.inbox import SHELVES, Entry
from service.messaging.wording import Message, may_hear, messages
from service.web import visit
from service.web.linking import address_of
from service.web.rendering import day, page, say
from service.words import fill

__all__ = ["area"]

area = Blueprint("inbox", __name__)

MOST = 30
"""Messages on a page."""
MOST_FOLLOWED = 100
ID = re.compile(DeliveryConverter.regex)

SOME: Mapping[str, Callable[[Connection[Any], str, Iterable[str]], int]] = {
    "archive": inbox.archive,
    "read": inbox.read,
    "unread": inbox.unread,
    "put-back": inbox.put_back,
}
"""What can be done with the messages that are ticked."""

ALL: Mapping[str, Callable[[Connection[Any], str], int]] = {
    "read-all": inbox.read_all,
    "archive-read": inbox.archive_read,
}
"""What can be done with all at once."""


@dataclass(frozen=True, slots=True)
class Line:
    """A message as the list shows it; `title`: of its case, where it is about one that has a title."""

    entry: Entry
    message: Message
    title: str | None


@area.get("/inbox")
@needs("own-messages")
def index() -> Response:
    """The messages of who looks, and what they follow."""
    return _shown()


@area.post("/inbox")
@needs("own-messages")
def change() -> AnyResponse:
    """Does something with the messages that are ticked, or with all of them."""
    what = request.form.get("do", "")
    ids = [each for each in request.form.getlist("message") if ID.fullmatch(each)]
    person = visit.person().id
    if what in SOME and not ids:
        return _shown(400, say("inbox.nothing-ticked"))
    with visit.parts().pool.connection() as connection:
        if what in SOME:
            SOME[what](connection, person, ids)
        elif what in ALL:
            ALL[what](connection, person)
        else:
            return _shown(400, say("inbox.nothing-ticked"))
    here = address_of("web.inbox.index", only=_given("only", request.form), cursor=request.form.get("cursor"))
    return visit.kept(here, f"inbox.did-{what}")


@area.get("/inbox/<delivery:delivery>")
@needs("own-messages")
def show(delivery: str) -> AnyResponse:
    """What one message is about, which counts as read from now on: its case, or the message alone for who may not."""
    person = visit.person()
    with visit.parts().pool.connection() as connection:
        entry = inbox.entry(connection, person.id, delivery)
        if entry is None:
            raise Missing("message", delivery)
        if request.method == "GET":
            inbox.read(connection, person.id, [delivery])
    (line,) = _lines([entry])
    about = entry.delivery.stream
    if line.message.path:
        # The case says what can be done now; what the message asked for may have been done since.
        # What must be posted is done at the desk.
        of_case = stream_kind(about) == "proposal" and entry.delivery.kind != "unreached"
        return redirect(url_for("web.cases.show", proposal=about) if of_case else line.message.path, 303)
    return page("inbox/message.html", line=line)


@area.post("/proposals/<case:proposal>/watch")
@needs("read-case")
def watch(proposal: str) -> AnyResponse:
    """Begins or stops to follow a case."""
    wanted = request.form.get("do") != "stop"
    with visit.parts().pool.connection() as connection:
        follow(connection, visit.person(), proposal, wanted)
    if request.form.get("from") == "inbox":
        to = url_for("web.inbox.index") + "#followed"
    else:
        to = url_for("web.cases.show", proposal=proposal)
    return visit.kept(to, "inbox.follows" if wanted else "inbox.follows-not")


def _given(name: str, fields: Mapping[str, str]) -> str | None:
    """Which shelf is looked at, when it is another than the usual one."""
    given = fields.get(name)
    return given if given in SHELVES and given != "all" else None


def _shown(status: int = 200, wrong: str | None = None) -> Response:
    fields = request.args if request.method == "GET" else request.form
    shelf = _given("only", fields) or "all"
    cursor = fields.get("cursor") or None
    person = visit.person()
    with visit.parts().pool.connection() as connection:
        try:
            found = inbox.messages(connection, person.id, shelf, cursor=cursor, limit=MOST)
        except Invalid:
            # An address that was mangled: from the beginning.
            cursor = None
            found = inbox.messages(connection, person.id, shelf, limit=MOST)
        followed = _followed(connection, person.id)

    def address(to: str | None) -> str | None:
        return address_of("web.inbox.index", only=_given("only", fields), cursor=to) if to else None

    return page(
        "inbox/index.html",
        status,
        days=_by_day(_lines(found.items)),
        shelf=shelf,
        shelves=[
            (
                say(f"inbox.shelf-{each}"),
                address_of("web.inbox.index", only=each if each != "all" else None),
                each == shelf,
            )
            for each in ("all", "unread", "archived")
        ],
        cursor=cursor or "",
        wrong=wrong,
        followed=followed,
        previous=address(found.previous),
        next=address(found.next),
    )


def _lines(entries: list[Entry]) -> list[Line]:
    """What each of these says, in the reader's language."""
    said = messages(visit.parts(), [each.delivery for each in entries], visit.language())
    with visit.parts().pool.connection() as connection:
        person = visit.person()
        titles = fill(
            [
                each.delivery.facts.get("title") if may_hear(each.delivery, person) else None
                for each in entries
            ],
            connection,
        )
    return [Line(*each) for each in zip(entries, said, titles, strict=True)]


def _by_day(lines: list[Line]) -> list[tuple[str, list[Line]]]:
    """The messages of each day in the region, under what that day is called."""
    zone = ZoneInfo(visit.parts().settings.timezone)
    today = visit.parts().calendar().today

    def on(line: Line) -> date:
        return line.entry.delivery.created_at.astimezone(zone).date()

    called = {today: say("inbox.today"), today - timedelta(days=1): say("inbox.yesterday")}
    return [(called.get(each) or day(each), list(found)) for each, found in groupby(lines, on)]


def _followed(connection: Connection[Any], person: str) -> list[dict[str, Any]]:
    """The cases that somebody follows and may read, the newest first."""
    streams = preferences.watched(connection, person)[:MOST_FOLLOWED]
    if not streams:
        return []
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            """SELECT key, document ->> 'reference', document -> 'content' -> 'title', status, owner
            FROM views.status WHERE key = ANY(%s::text[])""",
            (array(streams),),
        ).fetchall()
    known = {
        key: {
            "id": key,
            "reference": reference,
            "title": title,
            "status": status,
            "readable": may(visit.person(), "read-case", owner=owner),
        }
        for key, reference, title, status, owner in rows
    }
    found: list[dict[str, Any]] = fill([known[stream] for stream in streams if stream in known], connection)
    return found
