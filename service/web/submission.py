"""How does a proposal come in? Choose a programme, fill it in step by step, see it whole, and send it in.

Every step is a page of its own and is kept as a draft whenever it is sent, so nothing that was typed is lost, with
scripts or without. Whoever goes on with something wrong in a step is told so beside the fields, and may go on all the
same: only the submission is held to the rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

import msgspec
from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from domain.programme import Programme, Tender
from domain.working_days import working_days_until
from service import reading
from service.api.parser import REFUSED
from service.api.proposals_schema import SubmissionSchema
from service.errors import Missing
from service.identity import people
from service.identity.people import Person
from service.identity.permissions import check, may, needs
from service.published import latest
from service.web import drafting, drafts, sessions, visit
from service.web.drafting import SentBefore
from service.web.drafts import Draft, Moved, Typed
from service.web.forms import Form
from service.web.live_budget import budget
from service.web.naming import names, programmes_in_force
from service.web.proposal_form import (
    STEPS,
    Judged,
    add_row,
    judge,
    options,
    remove_row,
    step_of,
    with_step,
)  # fmt: skip
from service.web.proposal_words import WORDS
from service.web.rendering import moment, page, say

__all__ = ["LISTS", "Opening", "area", "changed_rows", "opening"]

area = Blueprint("submission", __name__)

STEP = "<any(" + ", ".join(STEPS) + "):step>"
ASKED = "<any(" + ", ".join(step for step in STEPS if step != "check") + "):step>"

LISTS = {"partners": "name", "cofinancing": "source", "goals": ""}
"""The lists that rows can be added to, with the first field of a row; a goal is one field."""

SHARING = {"share": True, "unshare": False}
"""What the buttons that share a draft send."""
ROW = re.compile(r"(add|remove)-([a-z]+)(?:-([0-9]{1,4}))?")


@dataclass(frozen=True, slots=True)
class Opening:
    """When a programme takes proposals: always where it has no tenders."""

    now: bool
    tender: Tender | None = None
    """The one that is open, or else the next one."""


def opening(programme: Programme, today: date) -> Opening:
    """May proposals be sent in today, and if not, from when?"""
    if not programme.tenders:
        return Opening(True)
    tender = programme.tender_on(today)
    if tender is not None:
        return Opening(True, tender)
    coming = sorted((t for t in programme.tenders if t.opens > today), key=lambda tender: tender.opens)
    return Opening(False, coming[0] if coming else None)


@area.get("/proposals/new")
@needs("submit")
def new() -> Response:
    """Which programme is it for? And the drafts to go on with."""
    person = visit.person()
    check(person, "submit")
    return _choose(200)


def _choose(status: int) -> Response:
    parts = visit.parts()
    today = parts.calendar().today
    with parts.pool.connection() as connection:
        mine = [d for d in drafts.of_person(connection, visit.person().id) if d.proposal is None]
    return page(
        "submission/new.html",
        status,
        programmes=[(each, opening(each, today)) for each in programmes_in_force(parts)],
        drafts=mine,
        names=names(parts),
        refused=status != 200,
        secretary=_by_secretariat(visit.person()),
        **WORDS,
    )


@area.post("/proposals/new")
@needs("submit")
def begin() -> AnyResponse:
    """A new draft, with what is known of who applies."""
    person = visit.person()
    check(person, "submit")
    programme = latest(visit.parts(), _code_sent())
    if programme is None:
        return _choose(400)
    draft = drafting.begin(visit.parts(), person, programme.code)
    return redirect(url_for("web.submission.show", draft=draft.id, step="what"), 303)


@area.get(f"/proposals/new/<draft>/{STEP}")
@needs("own-draft")
def show(draft: str, step: str) -> AnyResponse:
    """A step, with what is filled in so far."""
    check(visit.person(), "submit")
    found = _draft(draft)
    if found is None:
        return _gone(draft)
    # A link from what is wrong goes to the field with what is wrong beside it.
    return _step(found, step, told=step in found.seen or "told" in request.args)


@area.post(f"/proposals/new/<draft>/{ASKED}")
@needs("own-draft")
def go(draft: str, step: str) -> AnyResponse:
    """Keeps a step, and goes where the button says: on, back, to another step, or to one row more or less."""
    check(visit.person(), "submit")
    to = request.form.get("go", "next")
    try:
        kept = _keep(draft, step, seen=to in ("next", "skip"))
    except Moved as moved:
        return _moved(moved.draft, step)
    if kept is None:
        return _gone(draft)
    if to in SHARING:
        with visit.parts().pool.connection() as connection:
            drafts.share(connection, visit.person().id, kept.id, shared=SHARING[to])
        _say(f"submission.{to}d")
        return redirect(url_for("web.submission.show", draft=kept.id, step=step), 303)
    if to == "save":
        _say("submission.saved")
        return redirect(url_for("web.start.work"), 303)
    row = ROW.fullmatch(to)
    if row and row[2] in LISTS:
        return redirect(
            url_for("web.submission.show", draft=kept.id, step=step, _anchor=f"proposal-{row[2]}"), 303
        )
    order = list(STEPS)
    here = order.index(step)
    if to == "next" and _judged(kept)[1].errors[step]:
        return _step(kept, step, told=True, status=400)
    if to.removeprefix("to-") in STEPS:
        there = to.removeprefix("to-")
    elif to == "back":
        there = order[max(here - 1, 0)]
    else:
        there = order[min(here + 1, len(order) - 1)]
    return redirect(url_for("web.submission.show", draft=kept.id, step=there), 303)


@area.post(f"/proposals/new/<draft>/{ASKED}/keep")
@needs("own-draft")
def keep(draft: str, step: str) -> Response:
    """Keeps a step while somebody types: says when, and what the money comes to now."""
    check(visit.person(), "submit")
    try:
        kept = _keep(draft, step)
    except Moved as moved:
        return page("submission/moved.html", who=_colleague(moved.draft), at=moved.draft.changed_at)
    if kept is None:
        raise Missing("draft", draft)
    form = _form(kept)
    return page(
        "submission/kept.html",
        at=kept.changed_at,
        budget=budget(form, _programme(kept)) if step == "money" else None,
        **WORDS,
    )


@area.get("/proposals/new/<draft>/delete")
@needs("own-draft")
def ask_delete(draft: str) -> AnyResponse:
    """Do you really want to throw this draft away?"""
    found = _draft(draft)
    if found is None:
        return _gone(draft)
    return page("submission/delete.html", draft=found, **WORDS)


@area.post("/proposals/new/<draft>/delete")
@needs("own-draft")
def delete(draft: str) -> AnyResponse:
    """Throws a draft away."""
    with visit.parts().pool.connection() as connection:
        drafts.delete(connection, visit.person().id, draft)
    _say("submission.deleted")
    return redirect(url_for("web.submission.new" if may(visit.person(), "submit") else "web.start.work"), 303)


@area.get("/proposals/<case:proposal>/received")
@needs("read-case")
def received(proposal: str) -> Response:
    """It came in: under which reference, what happens next, and until when."""
    parts = visit.parts()
    with parts.pool.connection() as connection:
        found = reading.status_now(connection, proposal, visit.scope())
    if found is None:
        raise Missing("proposal", proposal)
    case = msgspec.json.decode(found[0])
    calendar = parts.calendar()
    waiting = [
        {
            **each,
            "left": working_days_until(calendar.today, date.fromisoformat(each["dueOn"]), calendar.holidays),
        }
        for each in case["waitingFor"]
    ]
    return page(
        "submission/received.html",
        case=case,
        waiting=waiting,
        names=names(parts),
        today=calendar.today.isoformat(),
        case_address=url_for("web.cases.show", proposal=proposal),
    )


@area.post("/proposals/new/<draft>/send")
@needs("own-draft")
def send(draft: str) -> AnyResponse:
    """Sends the proposal in; the draft goes."""
    check(visit.person(), "submit")
    # Two colleagues may send a shared draft in at once: the second finds it gone.
    with drafting.alone_with(visit.parts(), draft):
        kept = _draft(draft)
        if kept is None:
            return _gone(draft)
        return _submit(kept)


def _submit(draft: Draft) -> AnyResponse:
    form = _form(draft)
    person, parts = visit.person(), visit.parts()
    try:
        with form.refusals():
            act = drafting.send(parts, person, draft, form.load())
    except SentBefore as before:
        _say("submission.submitted-before")
        return redirect(url_for("web.submission.show", draft=before.draft.id, step="check"), 303)
    if not form.ok:
        return _step(draft, "check", told=True, status=form.status, refused=form)
    return visit.done(
        act, url_for("web.submission.received", proposal=act.stream), notice="submission.received-notice"
    )


def _gone(draft: str) -> AnyResponse:
    """Where is a draft that is not there? Submitted, so that the answer is its confirmation; or thrown away.

    What was typed in it meanwhile goes on as a new draft.
    """
    person, parts = visit.person(), visit.parts()
    before = drafting.sent_before(parts, person, draft)
    if before is not None:
        return redirect(url_for("web.submission.received", proposal=before.stream), 303)
    programme = latest(parts, _code_sent())
    step = str((request.view_args or {}).get("step", "check"))
    typed = with_step({}, step, _typed())
    if request.method == "POST" and programme is not None and any(map(any, typed.values())):
        with parts.pool.connection() as connection:
            fresh = drafts.begin(connection, person.id, programme.code, typed)
        _say("submission.kept-anew")
        return redirect(url_for("web.submission.show", draft=fresh.id, step=step), 303)
    raise Missing("draft", draft[:100])


def _code_sent() -> str:
    """The code of a programme, as a form says it."""
    return REFUSED.sub("", request.form.get("programme", ""))[:64]


def _draft(id: str) -> Draft | None:
    """A draft of a new proposal of who looks."""
    with visit.parts().pool.connection() as connection:
        found = drafts.find(connection, visit.person().id, id)
    return found if found is not None and found.proposal is None else None


def _keep(id: str, step: str, seen: bool = False) -> Draft | None:
    """The draft with what was sent of this step."""
    found = _draft(id)
    if found is None:
        return None
    # Who sends it in meanwhile takes this along, or this finds the draft gone.
    with drafting.alone_with(visit.parts(), found.id), visit.parts().pool.connection() as connection:
        return drafts.keep(
            connection,
            visit.person().id,
            found.id,
            lambda values: changed_rows(with_step(values, step, _typed()), request.form.get("go", "")),
            step if seen else None,
            int(sent) if (sent := request.form.get("version", "")).isdecimal() and len(sent) < 10 else None,
        )


def _moved(now: Draft, step: str) -> Response:
    """A colleague changed it meanwhile: what was typed is still there, and is kept when it is sent again."""
    at = moment(now.changed_at)
    said = say("submission.moved", name=_colleague(now), at=at)
    typed = replace(now, values=with_step(now.values, step, _typed()))
    return _step(typed, step, told=False, status=409, message=said)


def _colleague(draft: Draft) -> str:
    """Who changed a draft last."""
    with visit.parts().pool.connection() as connection:
        known = people.names(connection, [draft.changed_by] if draft.changed_by else [])
    return known.get(draft.changed_by or "") or say("cases.erased")


def _typed() -> Typed:
    return {name: values for name, values in request.form.lists() if name != "programme"}


def changed_rows(values: Typed, asked: str) -> Typed:
    """With one row more or less in a list, where a button asks for it: `add-partners`, `remove-partners-2`."""
    row = ROW.fullmatch(asked)
    if row is None or row[2] not in LISTS:
        return values
    if row[1] == "add":
        # The row that is shown blank is one already.
        return add_row(values, row[2], LISTS[row[2]])
    return remove_row(values, row[2], int(row[3])) if row[3] else values


def _programme(draft: Draft) -> Programme:
    programme = latest(visit.parts(), draft.programme)
    if programme is None:
        raise Missing("programme", draft.programme)
    return programme


def _form(draft: Draft) -> Form:
    return Form(SubmissionSchema(), {**draft.values, "programme": [draft.programme]})


def _judged(draft: Draft) -> tuple[Form, Judged]:
    form = _form(draft)
    return form, judge(form, _programme(draft))


def _step(
    draft: Draft,
    step: str,
    *,
    told: bool,
    status: int = 200,
    refused: Form | None = None,
    message: str | None = None,
) -> Response:
    """The page of a step. `told`: what is wrong in it is said, because it was sent before.

    `refused`: the form as the submission refused it, for what only that can tell, such as a tender that is closed.
    `message`: what else there is to say of the draft.
    """
    programme = _programme(draft)
    _, judged = _judged(draft)
    form = _form(draft)
    if told and step != "check":
        form.errors = dict(judged.errors[step])
    form.message = message
    if refused is not None:
        form.message = refused.message
        for name, said in refused.errors.items():
            judged.errors[step_of(name)].setdefault(name, said)
    parts = visit.parts()
    today = parts.calendar().today
    return page(
        f"submission/{step}.html",
        status,
        draft=draft,
        programme=programme,
        step=step,
        steps=list(STEPS),
        form=form,
        sent=refused is not None,
        judged=judged,
        done=[
            index
            for index, name in enumerate(STEPS)
            if index < list(STEPS).index(step) and not judged.errors[name]
        ],
        counts={name: len(errors) for name, errors in judged.errors.items()},
        options=options(programme),
        budget=budget(form, programme),
        opening=opening(programme, today),
        names=names(parts),
        secretary=_by_secretariat(visit.person()),
        today=today.isoformat(),
        **WORDS,
    )


def _by_secretariat(person: Person) -> bool:
    return "secretary" in person.roles


def _say(notice: str) -> None:
    """The next page of this session says this."""
    found = visit.session()
    assert found is not None
    with visit.parts().pool.connection() as connection:
        sessions.saw(connection, found, 0, notice)
