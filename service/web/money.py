"""Where is the money? What each envelope has, who got it, what is held back; and what the treasurer does with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request, url_for
from marshmallow import Schema
from psycopg import Connection
from werkzeug.wrappers import Response as AnyResponse

from domain.award import Reallocate, Release, Return
from domain.envelope import AddSource, OpenEnvelope, envelope_stream
from domain.events import MoneyMovedOut, MoneyReturned, PhaseReleased, Source
from domain.recorded import NOW, Moment
from projections.view import Document
from service import commands, figures, reading
from service.api.acts_schema import ReallocationSchema, ReleaseSchema, ReturnSchema
from service.api.envelopes import EnvelopeGivenSchema, SourceGivenSchema
from service.api.fields import Day, Given
from service.api.moments_schema import AsOf
from service.api.snapshot import snapshot
from service.api.waiting import wait_for
from service.commands import Done, Foreseen
from service.errors import Missing
from service.identity.permissions import check, may, needs
from service.moments import moment
from service.phases import cases, holding_back, receivers
from service.web import visit
from service.web.charts import Bars
from service.web.forms import Form
from service.web.naming import names, programmes_in_force
from service.web.rendering import page, say
from service.web.sorting import Sort, asked_sort
from service.web.spreadsheet import as_csv
from service.words import fill

area = Blueprint("money", __name__)

MOST = 25
"""Envelopes, shares or phases on a page."""
MOST_RECEIVERS = 50
"""Proposals to choose from: where there are more, one searches first."""
FIND = "find"
"""The field in which one searches for who gets the money: it is no part of the act."""
MORE_SOURCES = 2
"""Empty rows under the sources in the form."""
PARTS = ("committed", "heldBack", "left")
MoneyCommand = Release | Reallocate | Return


class MomentSchema(Given):
    as_of = AsOf()
    effective_on = Day(load_default=None)


SORTS: dict[str, Callable[[Document], Any]] = {
    "code": lambda each: each["code"],
    "name": lambda each: ((each["name"] or each["code"]).casefold(), each["code"]),
    **{
        name: lambda each, name=name: (Decimal(each[name]), each["code"])  # type: ignore[misc]
        for name in ("amount", "committed", "heldBack", "left")
    },
}
"""What the envelopes may be sorted by; by their code, unless the address says otherwise."""


@area.get("/money")
@needs("read-envelopes")
def index() -> Response:
    """All envelopes, now or at a moment."""
    check(visit.person(), "read-envelopes")
    form, found = _at_moment(lambda connection, at: figures.budgets(connection, at))
    sort = asked_sort(SORTS, Sort("code"))
    found = sorted(found or [], key=SORTS[sort.by], reverse=sort.descending)
    number, count = _page_number(), len(found)
    shown = found[(number - 1) * MOST : number * MOST]

    def part(to: int) -> str:
        return url_for("web.money.index", **_named(form), sort=request.args.get("sort"), page=to)

    return page(
        "money/index.html",
        form.status,
        form=form,
        moment=_moment_named(form),
        envelopes=shown,
        sort=sort,
        chart=_chart(say("money.chart"), [(each, _address(form, each["code"])) for each in shown]),
        csv=url_for("web.money.as_file", **_named(form)),
        names=names(visit.parts()),
        address=lambda code: _address(form, code),
        previous=part(number - 1) if number > 1 else None,
        next=part(number + 1) if count > number * MOST else None,
    )


@area.get("/money.csv")
@area.get("/money/<code:code>.csv")
@needs("read-envelopes")
def as_file(code: str | None = None) -> Response:
    """The same for a spreadsheet: of all envelopes, or of one."""
    check(visit.person(), "read-envelopes")
    _, found = _at_moment(lambda connection, at: figures.budgets(connection, at, code))
    if code is not None and not found:
        raise Missing("envelope", code)
    called = names(visit.parts())
    head = [say(f"money.{name}") for name in ("code", "envelope", "body", "amount", *PARTS)]
    rows = [
        [
            each["code"],
            each["name"],
            called.body(each["body"]),
            each["amount"],
            *(each[part] for part in PARTS),
        ]
        for each in found or []
    ]
    return as_csv(say("money.file"), head, rows)


@area.get("/money/<code:code>")
@needs("read-envelopes")
def envelope(code: str) -> Response:
    """One envelope: where its money came from, and which proposals have it."""
    check(visit.person(), "read-envelopes")
    # Whose share it is may be seen by who reads all cases.
    shares_too = may(visit.person(), "read-case")
    number = _page_number()

    def read(connection: Connection[Any], at: Moment) -> list[Document]:
        found = figures.budget(connection, code, at)
        if found is None:
            return []
        shares = sorted(
            found.pop("perProposal").items(),
            key=lambda each: (-Decimal(each[1]["committed"]) - Decimal(each[1]["heldBack"]), each[0]),
        )
        if shares_too:
            some = shares[(number - 1) * MOST : number * MOST]
            known = cases(connection, [proposal for proposal, _ in some])
            found["shares"] = [
                {"proposal": proposal, **share, "case": _headline(known[proposal])}
                for proposal, share in some
            ]
            found["count"] = len(shares)
        return [found]

    form, found = _at_moment(read)
    if not found and form.ok:
        # Not there then, or never?
        with visit.parts().pool.connection() as connection:
            if not figures.budgets(connection, NOW, code):
                raise Missing("envelope", code)
    shown = found[0] if found else None
    count = shown.get("count", 0) if shown else 0

    def part(to: int) -> str:
        return url_for("web.money.envelope", code=code, **_named(form), page=to)

    return page(
        "money/envelope.html",
        form.status,
        form=form,
        moment=_moment_named(form),
        code=code,
        envelope=shown,
        chart=_chart(say("money.chart-one"), [(shown, None)] if shown else []),
        csv=url_for("web.money.as_file", code=code, **_named(form)),
        names=names(visit.parts()),
        previous=part(number - 1) if number > 1 else None,
        next=part(number + 1) if count > number * MOST else None,
    )


@area.route("/money/opening", methods=["GET", "POST"])
@needs("open-envelope")
def open_envelope() -> AnyResponse:
    """Opens an envelope with its sources."""
    person, parts = visit.person(), visit.parts()
    check(person, "open-envelope")
    form = _form(EnvelopeGivenSchema())
    if request.method == "POST":
        with form.refusals():
            given = form.load()
            command = OpenEnvelope(
                code=given["code"],
                name=given["name"] or given["code"],
                body=given["body"],
                programme=given["programme"],
                sources=tuple(Source(each["source"], each["amount"]) for each in given["sources"]),
                effective_on=_on(given),
            )
            act = commands.open_envelope(parts, person, command, form.once())
        if form.ok:
            return visit.done(act, url_for("web.money.envelope", code=command.code), notice="money.opened")
    called = names(parts)
    bodies = sorted(
        {body.code for each in programmes_in_force(parts) for body in each.bodies},
        key=lambda code: called.body(code).casefold(),
    )
    return page(
        "money/opening.html",
        form.status,
        form=form,
        bodies=[(code, called.body(code)) for code in bodies],
        programmes=[(each.code, called.programme(each.code)) for each in programmes_in_force(parts)],
        more=MORE_SOURCES,
    )


@area.route("/money/<code:code>/sources", methods=["GET", "POST"])
@needs("add-source")
def top_up(code: str) -> AnyResponse:
    """Adds money to an envelope."""
    person, parts = visit.person(), visit.parts()
    check(person, "add-source")
    with parts.pool.connection() as connection:
        found = fill(figures.budgets(connection, NOW, code), connection)
    if not found:
        raise Missing("envelope", code)
    form = _form(SourceGivenSchema())
    if request.method == "POST":
        with form.refusals():
            given = form.load()
            command = AddSource(Source(given["source"], given["amount"]), _on(given))
            act = commands.add_source(parts, person, code, command, form.once(), form.if_match())
        if form.ok:
            return visit.done(act, url_for("web.money.envelope", code=code), notice="money.topped-up")
    return page("money/top_up.html", form.status, form=form, envelope=found[0])


@area.get("/money/phases")
@needs("read-every-case")
def phases() -> Response:
    """The phases that hold money back, each with the condition on which it is released."""
    check(visit.person(), "read-case")
    number = _page_number()
    with visit.parts().pool.connection() as connection:
        found = holding_back(connection, after=(number - 1) * MOST, most=MOST + 1)
        shown = fill(found[:MOST], connection)
        codes = {case["award"]["envelope"] for case in shown}
        budgets = [each for code in sorted(codes) for each in figures.budgets(connection, NOW, code)]
        called = {each["code"]: each["name"] or each["code"] for each in fill(budgets, connection)}
    return page(
        "money/phases.html",
        called=called,
        phases=[
            {**_headline(case), "phase": phase, "envelope": case["award"]["envelope"]}
            for case in shown
            for phase in case["award"]["phases"]
            if Decimal(phase["heldBack"])
        ],
        previous=url_for("web.money.phases", page=number - 1) if number > 1 else None,
        next=url_for("web.money.phases", page=number + 1) if len(found) > MOST else None,
    )


@area.route("/proposals/<case:proposal>/phases/<int:number>/release", methods=["GET", "POST"])
@needs("release")
def release(proposal: str, number: int) -> AnyResponse:
    """Frees what a phase holds back, once its condition is met."""
    return _act(
        proposal,
        "release",
        ReleaseSchema(),
        lambda given: Release(number, given["grounds"], _on(given)),
        number,
    )


@area.route("/proposals/<case:proposal>/phases/<int:number>/reallocation", methods=["GET", "POST"])
@needs("reallocate")
def reallocate(proposal: str, number: int) -> AnyResponse:
    """Moves held-back money of a phase to another proposal."""
    return _act(
        proposal,
        "reallocate",
        ReallocationSchema(),
        lambda given: Reallocate(number, given["to"], given["amount"], given["grounds"], _on(given)),
        number,
    )


@area.route("/proposals/<case:proposal>/return", methods=["GET", "POST"])
@needs("return")
def give_back(proposal: str) -> AnyResponse:
    """Gives money of a proposal back to its envelope."""
    return _act(
        proposal,
        "return",
        ReturnSchema(),
        lambda given: Return(given["amount"], given["grounds"], _on(given)),
        None,
    )


def _act(
    proposal: str,
    act: str,
    schema: Schema,
    command_of: Callable[[dict[str, Any]], MoneyCommand],
    number: int | None,
) -> AnyResponse:
    """The form of an act with money; what it would do, to be confirmed; and the act itself."""
    person, parts = visit.person(), visit.parts()
    check(person, act)
    case = _case(proposal)
    form = _form(schema)
    words = " ".join("".join(form.values.pop(FIND, [""])[:1]).split())[:200]
    if request.method == "POST" and not {"search", "edit"} & set(request.args):
        foreseen: Foreseen | None = None
        with form.refusals():
            command = command_of(form.load())
            if "confirm" in request.args:
                done: Done = commands.act(parts, person, proposal, command, form.once(), form.if_match())
            else:
                foreseen = commands.foresee(parts, person, proposal, command, form.if_match())
        if form.ok and foreseen is None:
            to = url_for("web.cases.show", proposal=proposal)
            return visit.done(done, to, notice=f"money.done-{act}")
        if form.ok and foreseen is not None:
            return _preview(act, form, case, command, foreseen)
        if form.status == 412:
            # Somebody else was first: what the form shows beside what was typed has seen that.
            wait_for(parts, parts.log.head())
            case = _case(proposal)
    return _ask(act, form, case, number, words)


def _case(proposal: str) -> Document:
    """A case as it stands now."""
    with visit.parts().pool.connection() as connection:
        document = reading.status(connection, proposal)
        if document is None:
            raise Missing("proposal", proposal)
        return fill(document, connection)


def _ask(act: str, form: Form, case: Document, number: int | None, words: str) -> Response:
    """The form, beside what the phase and the envelope hold."""
    award = case["award"]
    phase = next((each for each in award["phases"] if each["number"] == number), None) if award else None
    choices: list[tuple[str, str]] = []
    more = False
    budget = _budget_of(case)
    if act == "reallocate" and budget is not None:
        with visit.parts().pool.connection() as connection:
            found = receivers(
                connection,
                giver=case["id"],
                envelope=budget["id"],
                programme=budget["programme"],
                words=words,
                most=MOST_RECEIVERS + 1,
            )
            more = len(found) > MOST_RECEIVERS
            chosen = form.value("to")
            if chosen and chosen not in {each["id"] for each in found}:
                # Whoever was chosen before the search stays among the choices.
                found = [*cases(connection, [chosen]).values(), *found]
            choices = [(each["id"], _choice(each)) for each in fill(found[: MOST_RECEIVERS + 1], connection)]
    return page(
        "money/act.html",
        form.status,
        act=act,
        form=form,
        case=_headline(case),
        totals=case["totals"],
        version=case["version"],
        phase=phase,
        number=number,
        budget=budget,
        choices=choices,
        more=more,
        words=words,
        find=FIND,
        most=MOST_RECEIVERS,
    )


def _preview(act: str, form: Form, case: Document, command: MoneyCommand, foreseen: Foreseen) -> Response:
    """What will be recorded, in words, and what the envelope has before and after it."""
    moved = _moved(foreseen)
    to: Document | None = None
    if isinstance(command, Reallocate):
        with visit.parts().pool.connection() as connection:
            to = fill(cases(connection, [command.to]), connection).get(command.to)
    envelope = commands.load_envelope(visit.parts(), foreseen.case.envelope or "")
    assert envelope is not None
    before = {
        "committed": envelope.committed, "heldBack": envelope.held_back, "left": envelope.left,
    }  # fmt: skip
    after = {
        "committed": envelope.committed + moved.committed,
        "heldBack": envelope.held_back + moved.held_back,
        "left": envelope.left - moved.committed - moved.held_back,
    }
    return page(
        "money/confirm.html",
        act=act,
        form=form,
        case=_headline(case),
        version=foreseen.case.version,
        command=command,
        amount=moved.amount,
        returned=moved.parts,
        to=_headline(to) if to else None,
        first=to is not None and not Decimal(to["totals"]["awarded"]),
        grounds=command.grounds,
        on=command.effective_on,
        budget=_budget_of(case),
        parts=PARTS,
        before=before,
        after=after,
    )


@dataclass(frozen=True, slots=True)
class Moved:
    """What an act changes in its envelope. `parts`: out of which phases money comes back."""

    amount: Decimal
    committed: Decimal
    held_back: Decimal
    parts: tuple[tuple[int, Decimal, Decimal], ...] = ()


def _moved(foreseen: Foreseen) -> Moved:
    for event in foreseen.events:
        match event:
            case PhaseReleased() | MoneyMovedOut():
                return Moved(event.amount, event.amount, -event.amount)
            case MoneyReturned():
                parts = tuple((each.number, each.held_back, each.committed) for each in event.parts)
                held_back = sum((each.held_back for each in event.parts), Decimal(0))
                committed = sum((each.committed for each in event.parts), Decimal(0))
                return Moved(event.amount, -committed, -held_back, parts)
    raise AssertionError("an act with money moves some")


def _budget_of(case: Document) -> Document | None:
    """The envelope that a case has money from."""
    stages = [case["award"], *case["movedIn"]]
    code = next((each["envelope"] for each in stages if each), None)
    if code is None:
        return None
    with visit.parts().pool.connection() as connection:
        found = fill(figures.budgets(connection, NOW, code), connection)
    assert found[0]["id"] == envelope_stream(code)
    return found[0]


def _headline(case: Document) -> dict[str, Any]:
    """What a case is known by."""
    content = case["content"]
    return {
        "proposal": case["id"],
        "reference": case["reference"],
        "title": content["title"],
        "applicant": content["applicant"],
    }


def _choice(case: Document) -> str:
    room = Decimal(case["content"]["requested"]) - Decimal(case["totals"]["awarded"])
    title = case["content"]["title"] or say("office.no-title")
    return say("money.choice", reference=case["reference"], title=title, room=room)


def _form(schema: Schema) -> Form:
    return Form.sent(schema) if request.method == "POST" else Form(schema)


def _on(given: dict[str, Any]) -> date:
    """The date an act counts: today, in the region, when nobody says otherwise."""
    day: date | None = given["effective_on"]
    return day or visit.parts().calendar().today


def _at_moment(
    read: Callable[[Connection[Any], Moment], list[Document]],
) -> tuple[Form, list[Document] | None]:
    """What is read at the moment that the address names, with its words; None where it names none that can be."""
    names_ = ("asOf", "effectiveOn")
    form = Form(MomentSchema(), {name: [request.args[name]] for name in names_ if request.args.get(name)})
    parts = visit.parts()
    found: list[Document] | None = None
    with form.refusals():
        given = form.load()
        with parts.pool.connection() as connection:
            at = moment(connection, **given, timezone=parts.settings.timezone)
            wait_for(parts, at.position)
            with snapshot(connection):
                found = fill(read(connection, at), connection)
    return form, found


def _named(form: Form) -> dict[str, Any]:
    """The moment as the address names it."""
    return {name: values[0] for name, values in form.values.items() if values and values[0]}


def _moment_named(form: Form) -> dict[str, Any] | None:
    return _named(form) or None if form.ok else None


def _address(form: Form, code: str) -> str:
    return url_for("web.money.envelope", code=code, **_named(form))


def _chart(title: str, envelopes: list[tuple[Document, str | None]]) -> Bars:
    rows = [
        (each["name"] or each["code"], [each[part] for part in PARTS], address) for each, address in envelopes
    ]
    return Bars(title, "money", [say(f"money.{part}") for part in PARTS], rows)


def _page_number() -> int:
    given = request.args.get("page", "1")
    return int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 6 and int(given) else 1
