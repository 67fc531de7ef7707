"""Which proposals are there, and how does each stand? The list with its filters, and the case on one page."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, request, url_for

from domain.recorded import NOW, Moment
from projections.view import Document
from service.api.context import Call
from service.api.fields import OneOf
from service.api.moments_schema import MomentQuery, moment_of
from service.api.proposals import STATUSES, CasesQuery
from service.api.snapshot import snapshot
from service.api.waiting import wait_for
from service.documents import letters
from service.identity.permissions import check, limit, needs
from service.listing import SORTS, Filters, proposals
from service.messaging.preferences import watches
from service.paging import Page
from service.published import municipality_code, parts_of_theme
from service.web import visit
from service.web.acts import elsewhere, possible
from service.web.case_facts import (
    CaseAt,
    case_at,
    judgements,
    money_of,
    requirements,
    revisions,
    steps,
    story,
    waiting,
)
from service.web.chart_tables import bars_table, tiles_table
from service.web.charts import Bars, Tiles
from service.web.forms import Form
from service.web.letters import told
from service.web.linking import address_of
from service.web.naming import Names, name_of, names, programmes_in_force
from service.web.rendering import day, has_text, moment, page, say, word
from service.web.spreadsheet import as_csv
from service.words import fill

__all__ = ["area", "asked_for", "found_for", "listed", "shown", "status_name", "told_act"]

area = Blueprint("cases", __name__)

MOST_IN_FILE, AT_ONCE = 10_000, 100
FILTERS = ("programme", "status", "body", "theme", "municipality", "q")
MOMENTS = ("asOf", "atPosition", "effectiveOn")


class ListQuery(CasesQuery):
    """What the API takes, and in which order: with a minus, the other way round."""

    sort = OneOf(*SORTS, *(f"-{each}" for each in SORTS), load_default="-newest")


@dataclass(frozen=True)
class Asked:
    """What the address of the list asks for: as typed, and as it comes to, when that can be."""

    form: Form
    filters: Filters
    given: dict[str, Any]

    @property
    def sort(self) -> str:
        """By what the list is sorted."""
        return str(self.given["sort"]).removeprefix("-")

    @property
    def descending(self) -> bool:
        """Is it sorted the other way round?"""
        return str(self.given["sort"]).startswith("-")


@area.get("/proposals")
@needs("read-cases")
def index() -> Response:
    """The proposals one may see, newest first, as far as the filters say."""
    check(visit.person(), "read-cases")
    asked = asked_for()
    found, at = Page[Document]([]), NOW
    if asked.form.ok:
        with asked.form.refusals():
            found, at = found_for(asked)
    known = names(visit.parts())
    return page(
        "cases/index.html",
        asked.form.status,
        form=asked.form,
        cases=[listed(case, known) for case in found.items],
        filters={name: asked.form.value(name) for name in FILTERS},
        options=_options(known),
        narrowed=any(asked.form.value(name) for name in FILTERS),
        sort=asked.sort if at.is_now else "",
        descending=asked.descending,
        previous=_address("web.cases.index", cursor=found.previous) if found.previous else None,
        next=_address("web.cases.index", cursor=found.next) if found.next else None,
        csv=_address("web.cases.as_file", cursor=None),
        moment=None if at.is_now else _moment_said(),
        now=_address("web.cases.index", cursor=None, **dict.fromkeys(MOMENTS)),
        moments=_moment_asked(),
        new=url_for("web.submission.new"),
    )


@area.get("/proposals.csv")
@needs("read-cases")
def as_file() -> Response:
    """All that the filters leave, as a file for a spreadsheet."""
    check(visit.person(), "read-cases")
    asked = asked_for()
    known = names(visit.parts())
    rows: list[dict[str, Any]] = []
    cursor = None
    while asked.form.ok and len(rows) < MOST_IN_FILE:
        found, _ = found_for(replace(asked, given={**asked.given, "cursor": cursor, "limit": AT_ONCE}))
        rows += [listed(case, known) for case in found.items]
        cursor = found.next
        if cursor is None:
            break
    columns = (
        "reference", "title", "applicantName", "programmeName", "statusName", "bodies", "dueOn", "requested",
        "awarded", "submittedOn",
    )  # fmt: skip
    head = [say(f"cases.column-{name}") for name in columns]
    return as_csv(say("cases.file"), head, [[row[name] for name in columns] for row in rows])


@area.get("/proposals/<case:proposal>")
@needs("read-case")
def show(proposal: str) -> Response:
    """A case on one page: how it stands or stood, what can be done with it, and all that led there."""
    form = Form(MomentQuery(), _in_address(MomentQuery))
    at = NOW
    with visit.parts().pool.connection() as connection:
        with form.refusals():
            at = moment_of(_call(), connection, form.load())
        found = case_at(visit.parts(), visit.person(), connection, proposal, at)
        issued = letters.issued(connection, proposal, found.moment)
        watching = watches(connection, visit.person().id, proposal) if found.moment.is_now else None
    facts = shown(found)
    # Letters have streams of their own, and belong to the story of the case all the same.
    story_ = sorted([*facts["timeline"], *told(issued, proposal)], key=lambda each: -each["position"])
    return page(
        "cases/show.html",
        form.status,
        form=form,
        **{**facts, "timeline": story_},
        letters=issued,
        moment_said=_moment_said(),
        watching=watching,
    )


@area.get("/proposals/<case:proposal>/<any(budget, municipalities):figure>.csv")
@needs("read-case")
def figures(proposal: str, figure: str) -> Response:
    """What is drawn on the page of a case, for a spreadsheet."""
    form = Form(MomentQuery(), _in_address(MomentQuery))
    with visit.parts().pool.connection() as connection:
        at = NOW
        with form.refusals():
            at = moment_of(_call(), connection, form.load())
        found = case_at(visit.parts(), visit.person(), connection, proposal, at)
    head, rows = (
        bars_table(_bars(money_of(found)))
        if figure == "budget"
        else tiles_table(_map(found), say("cases.takes-part"))
    )
    return as_csv(f"{found.document['reference']}-{say(f'cases.file-{figure}')}", head, rows)


def shown(found: CaseAt) -> dict[str, Any]:
    """The facts of a case as its page, and the page of an act on it, show them."""
    person, document = visit.person(), found.document
    names_of_stages, current = steps(found)
    content = document["content"]
    now = found.moment.is_now
    money = money_of(found)
    return {
        "found": found,
        "case": document,
        "content": content,
        "steps": names_of_stages,
        "current": current,
        "waits": waiting(found, visit.parts().calendar()),
        "acts": possible(person, document) if now else [],
        "elsewhere": elsewhere(person, document) if now else [],
        "money": money,
        "bars": _bars(money),
        "map": _map(found),
        "csv": {
            figure: address_of("web.cases.figures", proposal=document["id"], figure=figure, **_moment_asked())
            for figure in ("budget", "municipalities")
        },
        "requirements": requirements(found),
        "judgements": judgements(found),
        "revisions": revisions(found),
        "timeline": [told_act(act) for act in story(found)],
        "programme": name_of(found.programme.name),
        "themes": [found.name("theme", code) for code in content["themes"]],
        "municipalities": sorted(found.name("municipality", code) for code in content["municipalities"]),
        "support": [
            (found.name("subregion", each["subregion"]), each["evidence"] or say("cases.redacted"))
            for each in content["subregionSupport"]
        ],
        "now": now,
        "queues": [
            b for b in sorted(person.bodies) if now and any(w["body"] == b for w in document["waitingFor"])
        ],
        "differences": url_for("web.differences.show", proposal=document["id"]),
        "replay": url_for("web.replay.case", proposal=document["id"]) if "auditor" in person.roles else None,
    }


def _bars(money: dict[str, Any]) -> Bars:
    rows = [(say("cases.requested"), [money["requested"]], None)]
    rows += [
        (say(f"cases.money-{status}"), [amount], None)
        for status, amount in money["byStatus"].items()
        if amount
    ]
    return Bars(say("cases.budget-chart"), "money", [say("cases.amount")], rows)


def _map(found: CaseAt) -> Tiles:
    here = say("cases.takes-part")
    values = dict.fromkeys(found.document["content"]["municipalities"], (1, here))
    return Tiles(say("cases.map"), "count", values, only_which=True)


def told_act(act: dict[str, Any]) -> dict[str, Any]:
    """An act as the timeline shows it: the day it counts, and when it was recorded where that is another one."""
    when = day(act["on"])
    recorded = moment(act["recordedAt"])
    if not recorded.startswith(f"{when},"):
        when += f" ({say('cases.recorded-on', at=recorded)})"
    body = "\n\n".join([*act["more"], *([act["words"]] if act["words"] else [])])
    return {**act, "when": when, "body": body}


def asked_for() -> Asked:
    """What the address asks for; what it cannot ask is in the form, in words."""
    form = Form(ListQuery(), _in_address(ListQuery))
    given: dict[str, Any] = {"sort": "-newest", **dict.fromkeys(FILTERS)}
    with form.refusals():
        given = form.load()
    filters = Filters(**{name: given[name] for name in FILTERS}, owner=limit(visit.person()))
    parts = visit.parts()
    if filters.municipality is not None:
        filters = replace(filters, municipality=municipality_code(parts, filters.municipality))
    if filters.theme is not None:
        filters = replace(filters, theme_parts=parts_of_theme(parts, filters.theme))
    return Asked(form, filters, given)


def found_for(asked: Asked) -> tuple[Page[Document], Moment]:
    """The part of the list that is asked for, and the moment of which it is."""
    given = asked.given
    with visit.parts().pool.connection() as connection:
        at = moment_of(_call(), connection, given)
        wait_for(visit.parts(), at.position)
        sort = asked.sort if at.is_now else "newest"
        with nullcontext() if at.is_now else snapshot(connection):
            found = proposals(
                connection, asked.filters, at, cursor=given["cursor"], limit=given["limit"], sort=sort,
                descending=asked.descending if at.is_now else True,
            )  # fmt: skip
            return replace(found, items=fill(found.items, connection)), at


def _in_address(schema: type[MomentQuery]) -> dict[str, list[str]]:
    """What the address says in so far as it is asked here; what is left blank is not asked."""
    known = {field.data_key or name for name, field in schema().fields.items()}
    return {name: values[:1] for name, values in request.args.lists() if name in known and values[0].strip()}


def _call() -> Call:
    return Call(visit.parts(), visit.person())


def listed(case: Document, known: Names) -> dict[str, Any]:
    """A case as a list shows it."""
    waits = case["waitingFor"]
    return {
        **{
            name: case[name]
            for name in ("id", "reference", "programme", "status", "submittedOn", "waitingFor")
        },
        "title": case["content"]["title"] or say("cases.redacted"),
        "applicantName": case["content"]["applicant"]["name"] or say("cases.erased"),
        "requested": case["content"]["requested"],
        "awarded": case["totals"]["awarded"],
        "programmeName": known.programme(case["programme"]),
        "statusName": status_name(case["status"]),
        "bodies": ", ".join(dict.fromkeys(known.body(w["body"], case["programme"]) for w in waits)),
        "dueOn": min((w["dueOn"] for w in waits), default=None),
    }


def status_name(code: str) -> str:
    """What a status is called."""
    return say(f"kit.status-{code}") if has_text(f"kit.status-{code}") else word(code)


def _options(known: Names) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen in each filter."""
    themes: dict[str, str] = {}
    municipalities: dict[str, str] = {}
    bodies: set[str] = set()
    programmes = programmes_in_force(visit.parts())
    for programme in programmes:
        themes.update({t.code: ("– " if t.parent else "") + name_of(t.name) for t in programme.themes})
        municipalities.update({m.code: m.name for m in programme.municipalities})
        bodies |= programme.body_codes()
    return {
        "programme": [(p.code, name_of(p.name)) for p in programmes],
        "status": [(code, status_name(code)) for code in STATUSES],
        "body": sorted(((code, known.body(code)) for code in bodies), key=lambda each: each[1]),
        "theme": list(themes.items()),
        "municipality": sorted(municipalities.items(), key=lambda each: each[1]),
    }


def _address(endpoint: str, **changes: str | None) -> str:
    """The address of this list with these changes; None leaves a part out."""
    # Nothing but what the list asks: other names, such as `_scheme`, mean something to who makes the address.
    asked = {**{name: values[0] for name, values in _in_address(ListQuery).items()}, **changes}
    return address_of(endpoint, **asked)


def _moment_asked() -> dict[str, str]:
    """The moment that the address names, for another address."""
    return {name: request.args[name] for name in MOMENTS if request.args.get(name, "").strip()}


def _moment_said() -> str | None:
    """The moment that the address names, in words; None for now."""
    named = [(name, request.args.get(name, "").strip()) for name in MOMENTS]
    return ", ".join(say(f"cases.{name}", value=value) for name, value in named if value) or None
