"""How does somebody take a proposal back? What it means is said first; then once more, and it is done."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from domain.errors import Refused
from domain.proposal import Withdraw
from service import commands, reading
from service.api.acts_schema import WithdrawalSchema
from service.errors import Missing
from service.identity.permissions import check, needs
from service.texts import catalog
from service.web import visit
from service.web.forms import Form
from service.web.naming import names
from service.web.rendering import page

area = Blueprint("withdrawal", __name__)

ADDRESS = "/proposals/<case:proposal>/withdrawal"


@area.get(ADDRESS)
@needs("withdraw")
def ask(proposal: str) -> Response:
    """What withdrawing means, and why you would."""
    return _page(_case(proposal), Form(WithdrawalSchema()))


@area.post(ADDRESS)
@needs("withdraw")
def send(proposal: str) -> AnyResponse:
    """Takes the proposal back."""
    case = _case(proposal)
    form = Form.sent(WithdrawalSchema())
    with form.refusals():
        given = form.load()
        command = Withdraw(given["grounds"], given["effective_on"] or visit.parts().calendar().today)
        act = commands.act(
            visit.parts(), visit.person(), proposal, command, once=form.once(), if_match=form.if_match()
        )
    if not form.ok:
        return _page(case, form)
    to = url_for("web.cases.show", proposal=proposal)
    return visit.done(act, to, notice="withdrawal.done")


def _case(proposal: str) -> dict[str, Any]:
    """The case, for who may withdraw it."""
    with visit.parts().pool.connection() as connection:
        found = reading.status_now(connection, proposal, visit.scope())
    if found is None:
        raise Missing("proposal", proposal)
    check(visit.person(), "withdraw", owner=found[1])
    case: dict[str, Any] = msgspec.json.decode(found[0])
    return case


def _page(case: dict[str, Any], form: Form) -> Response:
    parts = visit.parts()
    return page(
        "withdrawal/ask.html",
        form.status,
        case=case,
        form=form,
        names=names(parts),
        refused=_refusal(case["id"], parts.calendar().today),
        secretary="secretary" in visit.person().roles,
        case_address=url_for("web.cases.show", proposal=case["id"]),
    )


def _refusal(proposal: str, today: date) -> str | None:
    """Why it cannot be withdrawn now, by the rule that would refuse it; None when it can."""
    try:
        commands.foresee(visit.parts(), visit.person(), proposal, Withdraw("", today))
    except Refused as error:
        return catalog(visit.language()).say(error.code, error.facts)
    return None
