"""What does the secretariat, or a body, still ask of a proposal? The question, beside the form that answers it.

What is filled in is kept as a draft of the person's own until it is sent. A page that is stale is sent again with
everything still in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from domain.programme import Programme
from domain.working_days import working_days_until
from service import commands, reading
from service.api.proposals_schema import RevisionSchema, proposal_input
from service.errors import Missing
from service.identity.permissions import acting_as, check, needs
from service.published import programme_of
from service.web import drafts, visit
from service.web.drafts import Draft, Typed
from service.web.forms import Form, key_sent
from service.web.levels import secret
from service.web.live_budget import budget
from service.web.naming import names
from service.web.proposal_form import as_typed, judge, options
from service.web.proposal_words import WORDS
from service.web.rendering import page
from service.web.submission import ROW, changed_rows

__all__ = ["area", "question_of"]

area = Blueprint("supplement", __name__)

ADDRESS = "/proposals/<case:proposal>/supplement"


@dataclass(frozen=True, slots=True)
class Seen:
    """A case as it stands, and the programme it is bound to."""

    case: dict[str, Any]
    programme: Programme


def question_of(case: dict[str, Any]) -> dict[str, Any] | None:
    """What was asked last: the remarks of the completeness check, or the grounds of an advice to revise."""
    asked = [
        {**review, "words": review["grounds"] or secret(review["confidentiality"])}
        for review in case["reviews"]
        if review["advice"] == "revise"
    ]
    checked = case["completeness"]
    if checked is not None and checked["outcome"] == "supplement":
        asked.append({**checked, "words": checked["remarks"] or secret(checked["confidentiality"])})
    return max(asked, key=lambda each: int(each["position"]), default=None)


@area.get(ADDRESS)
@needs("revise")
def ask(proposal: str) -> Response:
    """The form, with what the proposal says now, or with what this person has filled in since."""
    seen = _seen(proposal)
    draft = _draft(proposal)
    values = draft.values if draft is not None else as_typed(seen.case["content"], seen.programme)
    return _page(seen, Form(RevisionSchema(), values), draft)


@area.post(ADDRESS)
@needs("revise")
def send(proposal: str) -> AnyResponse:
    """Sends it, or keeps it for later, or adds or removes a row."""
    seen = _seen(proposal)
    go = request.form.get("go", "next")
    if go == "discard":
        with visit.parts().pool.connection() as connection:
            drafts.delete(connection, visit.person().id, drafts.supplement_id(visit.person().id, proposal))
        return redirect(url_for("web.supplement.ask", proposal=proposal), 303)
    draft = _kept(seen, changed_rows(_typed(), go))
    if go == "save":
        return redirect(url_for("web.start.work"), 303)
    if go == "stay":
        # Enter in a field keeps what is there; sending is a button.
        return redirect(url_for("web.supplement.ask", proposal=proposal), 303)
    row = ROW.fullmatch(go)
    if row:
        return redirect(url_for("web.supplement.ask", proposal=proposal, _anchor=f"supplement-{row[2]}"), 303)
    form = Form(RevisionSchema(), _typed())
    form.key = key_sent() or form.key
    with form.refusals():
        given = form.load()
        act = commands.revise(
            visit.parts(), visit.person(), proposal, proposal_input(given), given["effective_on"],
            once=form.once(), if_match=form.if_match(),
        )  # fmt: skip
    if not form.ok:
        return _page(seen, form, draft)
    with visit.parts().pool.connection() as connection:
        drafts.delete(connection, visit.person().id, draft.id)
    to = url_for("web.cases.show", proposal=proposal)
    return visit.done(act, to, notice="supplement.sent")


@area.post(f"{ADDRESS}/keep")
@needs("revise")
def keep(proposal: str) -> Response:
    """Keeps what is filled in while somebody types: says when, and what the money comes to now."""
    seen = _seen(proposal)
    draft = _kept(seen, _typed())
    form = Form(RevisionSchema(), draft.values)
    return page("submission/kept.html", at=draft.changed_at, budget=budget(form, seen.programme), **WORDS)


def _seen(proposal: str) -> Seen:
    """The case, for who may supplement it."""
    parts = visit.parts()
    with parts.pool.connection() as connection:
        found = reading.status_now(connection, proposal, visit.scope())
    if found is None:
        raise Missing("proposal", proposal)
    check(visit.person(), "revise", owner=found[1])
    case = msgspec.json.decode(found[0])
    return Seen(case, programme_of(parts, case["programme"], case["programmeVersion"]))


def _draft(proposal: str) -> Draft | None:
    person = visit.person().id
    with visit.parts().pool.connection() as connection:
        return drafts.find(connection, person, drafts.supplement_id(person, proposal))


def _kept(seen: Seen, values: Typed) -> Draft:
    before = _draft(seen.case["id"])
    # A draft says from which version it began, so that it can be told when the proposal has moved on.
    revision = before.revision if before is not None and before.revision else seen.case["revision"]
    with visit.parts().pool.connection() as connection:
        return drafts.supplement(
            connection, visit.person().id, seen.case["id"], seen.programme.code, values, revision
        )


def _typed() -> Typed:
    return {
        name: values for name, values in request.form.lists() if name not in ("csrf", "once", "version", "go")
    }


def _page(seen: Seen, form: Form, draft: Draft | None) -> Response:
    parts = visit.parts()
    calendar = parts.calendar()
    case = seen.case
    wait = next((each for each in case["waitingFor"] if each["kind"] == "supplement"), None)
    left = None
    if wait is not None:
        left = working_days_until(calendar.today, date.fromisoformat(wait["dueOn"]), calendar.holidays)
    judged = judge(Form(RevisionSchema(), form.values), seen.programme)
    role = acting_as(visit.person(), "revise", owner=case["owner"]["id"])
    return page(
        "supplement/ask.html",
        form.status,
        by_office=role is not None and role.role == "secretary",
        case=case,
        programme=seen.programme,
        question=question_of(case),
        wait=wait,
        left=left,
        today=calendar.today.isoformat(),
        form=form,
        judged=judged,
        draft=draft,
        outdated=draft is not None and draft.revision != case["revision"],
        options=options(seen.programme),
        budget=budget(form, seen.programme),
        names=names(parts),
        case_address=url_for("web.cases.show", proposal=case["id"]),
        **WORDS,
    )
