"""Which terms run, of whom, and which have passed? Every open term over all bodies, also on paper and as a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from flask import Blueprint, Response, request, url_for

from service.identity.permissions import check, may, needs
from service.reading import QUEUE_SORTS
from service.terms import URGENCIES, Board, Wanted, board
from service.web import visit
from service.web.naming import Names, names, programmes_in_force
from service.web.rendering import page, say, word
from service.web.sorting import Sort, asked_sort
from service.web.spreadsheet import as_csv
from service.words import fill

area = Blueprint("terms", __name__)

KINDS = ("completeness", "supplement", "advice", "decision", "ratification", "award", "held-over")
EACH, MOST = 5, 60
"""Terms shown of every body on the board, and on a page in all."""
MOST_IN_FILE = 100_000


@area.get("/terms")
@needs("read-terms")
def index() -> Response:
    """The board: what each body has to do, the oldest term first."""
    called = names(visit.parts())
    wanted = _wanted(called)
    number = _page_number()
    each, after = (MOST, (number - 1) * MOST) if wanted.body else (EACH, 0)
    sort = asked_sort(QUEUE_SORTS, Sort("due"))
    found = _board(wanted, each, after, MOST, sort)
    groups: dict[str, list[dict[str, Any]]] = {}
    for item in found.items:
        groups.setdefault(item["body"], []).append(item)
    bodies = _by_name({body for body, _ in found.counts}, called)
    more = wanted.body is not None and found.count(wanted.body, wanted.urgency) > after + MOST
    return page(
        "terms/index.html",
        board=found,
        groups=[(body, groups[body]) for body in bodies if body in groups],
        bodies=bodies,
        urgencies=URGENCIES,
        kind_options=[(kind, word(kind)) for kind in KINDS],
        urgency_options=[(urgency, say(f"terms.{urgency}")) for urgency in URGENCIES],
        body_options=[(body, called.body(body)) for body in _by_name(_of(wanted, called), called)],
        programmes=[(each.code, called.programme(each.code)) for each in programmes_in_force(visit.parts())],
        wanted=wanted,
        sort=sort,
        previous=_address(wanted, page=number - 1) if wanted.body and number > 1 else None,
        next=_address(wanted, page=number + 1) if more else None,
        here=_address,
        csv=_address(wanted, "web.terms.as_file"),
        names=called,
        today=visit.parts().calendar().today,
    )


@area.get("/terms.csv")
@needs("read-terms")
def as_file() -> Response:
    """The same, whole, for a spreadsheet."""
    called = names(visit.parts())
    found = _board(_wanted(called), MOST_IN_FILE, 0, MOST_IN_FILE, asked_sort(QUEUE_SORTS, Sort("due")))
    head = [
        say(f"terms.{name}")
        for name in (
            "body", "reference", "title-of", "applicant", "programme", "waits-for", "since", "due", "days", "left",
            "urgency",
        )
    ]  # fmt: skip
    rows = (
        [
            called.body(item["body"], item["programme"]),
            item["reference"],
            item["title"],
            item["applicant"]["name"],
            called.programme(item["programme"]),
            word(item["kind"]),
            item["since"],
            item["dueOn"],
            item["daysWaiting"],
            item["workingDaysLeft"],
            say(f"terms.{item['urgency']}"),
        ]
        for item in found.items
    )
    return as_csv("termijnen" if visit.language() == "nl" else "terms", head, rows)


def _wanted(called: Names) -> Wanted:
    """What the address asks for; a filter that nothing goes by is none."""
    person = visit.person()
    mine: tuple[str, ...] | None = None
    if not may(person, "read-queue"):
        mine = tuple(sorted(body for body in person.bodies if may(person, "read-queue", body=body)))
        if not mine:
            check(person, "read-queue")
    return Wanted(
        bodies=mine,
        body=_one_of("body", called.bodies),
        urgency=_one_of("urgency", URGENCIES),
        kind=_one_of("kind", KINDS),
        programme=_one_of("programme", called.programmes),
    )


def _one_of(name: str, known: Collection[str]) -> str | None:
    given = request.args.get(name)
    return given if given in known else None


def _page_number() -> int:
    given = request.args.get("page", "1")
    return int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 6 and int(given) else 1


def _board(wanted: Wanted, each: int, after: int, most: int, sort: Sort) -> Board:
    parts = visit.parts()
    calendar = parts.calendar()
    with parts.pool.connection() as connection:
        found = board(
            connection,
            wanted,
            today=calendar.today,
            holidays=calendar.holidays,
            each=each,
            after=after,
            most=most,
            by=sort.by,
            descending=sort.descending,
        )
        return Board(found.counts, fill(found.items, connection))


def _address(wanted: Wanted, endpoint: str = "web.terms.index", **changes: Any) -> str:
    """The board as it is limited now, with these changes."""
    given = {name: getattr(wanted, name) for name in ("body", "urgency", "kind", "programme")}
    sort = asked_sort(QUEUE_SORTS, Sort("due"))
    given["sort"] = sort.named if sort.named != "due" else None
    return url_for(endpoint, **{name: value for name, value in {**given, **changes}.items() if value})


def _of(wanted: Wanted, called: Names) -> Iterable[str]:
    """The bodies that one can choose from."""
    return called.bodies if wanted.bodies is None else wanted.bodies


def _by_name(codes: Iterable[str], called: Names) -> list[str]:
    return sorted(codes, key=lambda code: called.body(code).casefold())
