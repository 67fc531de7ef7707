"""Who may know of a case, and who may read the words of each act on it? Shown and set, by who may set it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from domain.classification import WHOLE
from service import commands
from service.api.acts_input import classification_input
from service.api.acts_schema import ClassificationSchema
from service.identity.permissions import check, may, needs
from service.web import visit
from service.web.case_facts import CaseAt, case_at
from service.web.forms import Form
from service.web.levels import level_options, secret
from service.web.rendering import day, page, say

__all__ = ["area"]

area = Blueprint("classification", __name__)

ADDRESS = "/proposals/<case:proposal>/confidentiality"


@dataclass(frozen=True, slots=True)
class Leveled:
    """Something that has a level: the whole, or an act; what it is, when it was done, and its level in words."""

    about: int
    what: str
    on: str
    level: str
    mine: bool


@area.get(ADDRESS)
@needs("classify", "classify-act")
def ask(proposal: str) -> Response:
    """The levels that count now, and a form to set another."""
    form = Form(ClassificationSchema(), {"about": [request.args.get("about", str(WHOLE))]})
    return _page(_case(proposal), form)


@area.post(ADDRESS)
@needs("classify", "classify-act")
def send(proposal: str) -> AnyResponse:
    """Sets a level."""
    found = _case(proposal)
    form = Form.sent(ClassificationSchema())
    with form.refusals():
        command = classification_input(form.load(), visit.parts().calendar().today)
        act = commands.act(
            visit.parts(), visit.person(), proposal, command, once=form.once(), if_match=form.if_match()
        )
    if not form.ok:
        return _page(found, form)
    return visit.done(act, url_for("web.cases.show", proposal=proposal), notice="classification.done")


def _case(proposal: str) -> CaseAt:
    """The case, for who may set the level of something in it."""
    person = visit.person()
    with visit.parts().pool.connection() as connection:
        found = case_at(visit.parts(), person, connection, proposal)
    if not any(_mine(found, about) for about in (WHOLE, *found.case.acts)):
        check(person, "classify")
    return found


def _mine(found: CaseAt, about: int) -> bool:
    person = visit.person()
    if about == WHOLE:
        return may(person, "classify")
    return may(person, "classify-act", body=found.case.acts[about])


def _page(found: CaseAt, form: Form) -> Response:
    def level(of: Mapping[str, Any] | None) -> str:
        return secret(of) or say(f"classification.is-{of['level'] if of else 'internal'}")

    whole = Leveled(
        WHOLE,
        say("classification.whole"),
        "",
        level(found.document["confidentiality"]),
        _mine(found, WHOLE),
    )
    acts = [
        Leveled(
            entry["version"],
            entry["sentence"],
            entry["effectiveOn"],
            level(entry["confidentiality"]),
            _mine(found, entry["version"]),
        )
        for entry in found.entries
        if entry["version"] in found.case.acts
    ]
    things = [whole, *acts]
    return page(
        "classification/ask.html",
        form.status,
        case=found.document,
        form=form,
        things=things,
        options=[
            (str(each.about), f"{each.what} ({day(each.on)})" if each.on else each.what)
            for each in things
            if each.mine
        ],
        **level_options(),
        case_address=url_for("web.cases.show", proposal=found.document["id"]),
    )
