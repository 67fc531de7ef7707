"""What waits for my body, and how do I do many of them at once? Oldest term first, with what was said before."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, redirect, request, url_for
from psycopg import Connection
from psycopg.rows import tuple_row
from werkzeug.wrappers import Response as AnyResponse

from projections.view import Document
from service import reading
from service.api.fields import Code, OneOf
from service.api.moments_schema import PageQuery
from service.errors import Missing
from service.identity.permissions import check, may, needs
from service.published import all_bodies
from service.web import sessions, visit
from service.web.acting import fields_of, prepared
from service.web.acts import Act, kind_acts
from service.web.forms import Form
from service.web.naming import name_of, names, programmes_in_force
from service.web.rendering import page, say, word
from service.web.sorting import Sort, asked_sort
from service.web.together import MOST, Chosen, chosen, common_kind, foreseen, recorded
from service.words import fill

__all__ = ["area"]

area = Blueprint("queues", __name__)

KINDS = ("completeness", "advice", "decision", "ratification", "award", "held-over")
AT_ONCE = ("completeness", "review", "decide", "resume")
"""The acts that can be done on several cases at once: an award has an amount of its own."""


class QueueQuery(PageQuery):
    """Which part of the queue."""

    programme = Code(load_default=None)
    kind = OneOf(*KINDS, load_default=None)


@area.get("/queue")
@needs("read-queue")
def mine() -> AnyResponse:
    """The queues of the bodies of which one is a member: the one, where it is only one."""
    bodies = sorted(visit.person().bodies)
    if len(bodies) == 1:
        return redirect(url_for("web.queues.show", body=bodies[0]), 303)
    if not bodies:
        check(visit.person(), "read-queue")
        bodies = sorted(all_bodies(visit.parts()))
    known = names(visit.parts())
    return page("queues/mine.html", bodies=[(body, known.body(body)) for body in bodies])


@area.get("/queue/<code:body>")
@needs("read-queue")
def show(body: str) -> AnyResponse:
    """What waits for a body, oldest term first."""
    in_force = programmes_in_force(visit.parts())
    if not any(body in programme.body_codes() for programme in in_force):
        raise Missing("body", body)
    check(visit.person(), "read-queue", body=body)
    form = Form(QueueQuery(), _in_address())
    sort = asked_sort(reading.QUEUE_SORTS, Sort("due"))
    given: dict[str, Any] = {"programme": None, "kind": None, "cursor": None, "limit": MOST}
    with form.refusals():
        given = {**form.load(), "limit": MOST}
    calendar = visit.parts().calendar()
    with visit.parts().pool.connection() as connection:
        found = reading.queue(
            connection, body, today=calendar.today, holidays=calendar.holidays, cursor=given["cursor"],
            limit=given["limit"], kind=given["kind"], programme=given["programme"], by=sort.by,
            descending=sort.descending,
        )  # fmt: skip
        before = _before(connection, [item["proposal"] for item in found.items])
        items: list[Document] = fill(found.items, connection)
        total = _count(connection, body)
    known = names(visit.parts())
    return page(
        "queues/show.html",
        form.status,
        form=form,
        body=body,
        body_name=known.body(body),
        items=[_row(item, known, before) for item in items],
        total=total,
        sort=sort,
        filters={"programme": given["programme"], "kind": given["kind"]},
        programmes=[(each.code, name_of(each.name)) for each in in_force],
        kinds=[(kind, word(kind)) for kind in KINDS],
        acts=any(_mine(item) for item in items),
        previous=_address(body, found.previous),
        next=_address(body, found.next),
    )


@area.get("/queue/<code:body>/together")
@needs("own-account")
def back(body: str) -> AnyResponse:
    """There is nothing here without a choice: that is made in the queue."""
    return redirect(url_for("web.queues.show", body=body), 303)


@area.post("/queue/<code:body>/together")
@needs("review", "decide")
def together(body: str) -> AnyResponse:
    """One judgement on several cases: chosen, shown as it will be recorded, and recorded case by case."""
    _known(body)
    parts, person = visit.parts(), visit.person()
    check(person, "read-queue", body=body)
    marks = request.form.getlist("case")
    with parts.pool.connection() as connection:
        cases = chosen(connection, body, marks)
    judging = request.form.get("step") == "judge"
    # What was chosen for one kind of stage is judged as that, also when a case has moved on: then it says so itself.
    sent = request.form.get("kind", "") if judging else ""
    kind = sent if sent in KINDS else common_kind(cases)
    act = kind_acts(kind) if kind is not None else None
    if not cases or act is None or kind is None or act.name not in AT_ONCE:
        return _nothing(body, cases, kind)
    check(person, act.name, body=body)
    same = [case for case in cases if judging or case.kind == kind]
    others = [case for case in cases if case not in same]
    form = Form.sent(act.schema())
    for name in ("case", "step", "kind"):
        form.values.pop(name, None)
    if "body" in act.schema().fields:
        form.values["body"] = [body]
    wish = prepared(form) if judging else "more"
    if wish in ("", "preview"):
        with form.refusals():
            command = act.command(form.load(), _on(form))
        if form.ok and wish == "preview":
            return _preview(body, kind, act, form, foreseen(parts, person, same, command))
        if form.ok:
            done = recorded(parts, person, same, command, lambda proposal: form.once(f"-{proposal}"))
            _saw(done)
            return page("queues/result.html", **_facts(body, kind, act, form), cases=done)
    return page(
        "queues/together.html", form.status, **_facts(body, kind, act, form), cases=same, others=others
    )


def _preview(body: str, kind: str, act: Act, form: Form, cases: list[Chosen]) -> AnyResponse:
    known = names(visit.parts())
    return page(
        "queues/preview.html",
        **_facts(body, kind, act, form),
        cases=cases,
        ready=[case for case in cases if case.refused is None],
        body_of=known.body,
        on=_on(form),
        conditions=[
            typed for row in form.rows("conditions", 0) if (typed := form.value(f"conditions.{row}")).strip()
        ],
    )


def _facts(body: str, kind: str, act: Act, form: Form) -> dict[str, Any]:
    judgement = form.value(act.judgement) if act.judgement else ""
    outcome = (
        say(f"acting.{act.name}-{judgement}") if judgement in act.outcomes else say(f"cases.do-{act.name}")
    )
    return {
        "body": body,
        "body_name": names(visit.parts()).body(body),
        "kind": kind,
        "form": form,
        "outcome": outcome,
        "member": act.name in ("review", "decide"),
        "sent": [(name, value) for name, values in form.values.items() for value in values if name != "body"],
        **fields_of(act, kind),
    }


def _nothing(body: str, cases: list[Chosen], kind: str | None) -> AnyResponse:
    """Nothing was chosen, or nothing that can be done at once: what to do about it."""
    why = "none" if not cases else "gone" if kind is None else "one-by-one"
    known = names(visit.parts())
    return page("queues/nothing.html", 400, body=body, body_name=known.body(body), why=why, cases=cases)


def _saw(cases: list[Chosen]) -> None:
    """The pages that follow have seen all that was recorded."""
    found, last = visit.session(), max((case.position or 0 for case in cases), default=0)
    if found is not None and last:
        with visit.parts().pool.connection() as connection:
            sessions.saw(connection, found, last, None)


def _known(body: str) -> None:
    if body not in all_bodies(visit.parts()):
        raise Missing("body", body)


def _on(form: Form) -> date:
    given = form.value("effectiveOn").strip()
    return date.fromisoformat(given) if given else visit.parts().calendar().today


def _mine(item: Document) -> Act | None:
    """The act that this person may do on what waits, if there is one that is a form."""
    act = kind_acts(item["kind"])
    return act if act is not None and may(visit.person(), act.name, body=item["body"]) else None


def _row(item: Document, known: Any, before: dict[str, tuple[str, str, str]]) -> Document:
    act = _mine(item)
    said = before.get(item["proposal"])
    return {
        **item,
        "title": item["title"] or say("cases.redacted"),
        "applicantName": item["applicant"]["name"] or say("cases.erased"),
        "programmeName": known.programme(item["programme"]),
        "act": act.name if act is not None else None,
        "together": act is not None and act.name in AT_ONCE,
        "before": say(
            "queues.before", body=known.body(said[0], item["programme"]), judgement=said[1], on=said[2]
        )
        if said
        else None,
    }


def _before(connection: Connection[Any], ids: list[str]) -> dict[str, tuple[str, str, str]]:
    """The last judgement on each of these cases: the body, how it judged, and when."""
    query = """SELECT s.key, j.body, j.judgement, j.on_ FROM views.status s CROSS JOIN LATERAL (
            SELECT e ->> 'body' AS body, coalesce(e ->> 'advice', e ->> 'outcome') AS judgement,
                e ->> 'effectiveOn' AS on_
            FROM jsonb_array_elements((s.document -> 'reviews') || (s.document -> 'decisions')
                || jsonb_build_array(s.document -> 'completeness')) AS e
            WHERE jsonb_typeof(e) = 'object' ORDER BY (e ->> 'position')::bigint DESC LIMIT 1
        ) j WHERE s.key = ANY(%s)"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return {key: (body, how, on) for key, body, how, on in cursor.execute(query, (ids,)).fetchall()}


def _count(connection: Connection[Any], body: str) -> int:
    row = connection.execute("SELECT count(*) FROM views.queue WHERE body = %s", (body,)).fetchone()
    return int(row[0]) if row else 0


def _in_address() -> dict[str, list[str]]:
    known = ("programme", "kind", "cursor")
    return {name: values[:1] for name, values in request.args.lists() if name in known and values[0].strip()}


def _address(body: str, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    kept: dict[str, Any] = {name: values[0] for name, values in _in_address().items() if name != "cursor"}
    return url_for("web.queues.show", body=body, cursor=cursor, sort=request.args.get("sort"), **kept)
