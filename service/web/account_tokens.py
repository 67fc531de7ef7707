"""Which programs may act for me? Tokens with a name: made here and shown once, and revoked."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import Call
from service.api.tokens import TokenGivenSchema, made, revoked
from service.errors import Missing
from service.identity import tokens
from service.identity.permissions import TABLE, check, needs
from service.identity.tokens import LISTABLE, LONGEST, SCOPES
from service.web import visit
from service.web.account import account_crumbs
from service.web.asking_first import ask_first
from service.web.forms import Form
from service.web.rendering import page, say
from service.web.visit import shown_lately

area = Blueprint("account_tokens", __name__)


@area.get("/account/tokens")
@needs("own-account")
def index() -> Response:
    """My tokens, and the form for another."""
    check(visit.person(), "own-account")
    return _shown(Form.holding(TokenGivenSchema(), {"days": 90, "scope": "read"}))


@area.post("/account/tokens")
@needs("own-sign-in")
@shown_lately
def create() -> AnyResponse:
    """Makes a token. It stands on the page that this answers, and nowhere else."""
    check(visit.person(), "own-sign-in")
    form = Form.sent(TokenGivenSchema())
    token = None
    with form.refusals():
        token, _ = made(Call(visit.parts(), visit.person()), form.load())
    if token is None:
        return _shown(form)
    return page("account/token.html", token=token, name=form.value("name"))


@area.get("/account/tokens/<token:token>/revoke")
@needs("own-access")
def ask_revoke(token: str) -> Response:
    """Is this token to be nobody's any more?"""
    person = visit.person()
    check(person, "own-access", owner=person.id)
    with visit.parts().pool.connection() as connection:
        found = next((each for each in tokens.kept(connection, person.id) if each.id == token), None)
    if found is None:
        raise Missing("token", token)
    back = url_for("web.account_tokens.index")
    title = say("account.token-sure", name=found.name or say("account.token-signed-in"))
    return ask_first(
        title, say("account.token-sure-what"), say("account.token-revoke"),
        crumbs=account_crumbs("tokens", title), back=back, keep=say("account.token-keep"),
    )  # fmt: skip


@area.post("/account/tokens/<token:token>/revoke")
@needs("own-access")
@shown_lately
def revoke(token: str) -> AnyResponse:
    """This token is nobody's any more."""
    check(visit.person(), "own-access", owner=visit.person().id)
    revoked(Call(visit.parts(), visit.person()), token)
    return visit.kept(url_for("web.account_tokens.index"), "account.token-revoked")


def _shown(form: Form) -> Response:
    person = visit.person()
    with visit.parts().pool.connection() as connection:
        found = tokens.kept(connection, person.id)
    acts = [act for act in LISTABLE if any(rule.role in person.roles for rule in TABLE[act])]
    return page(
        "account/tokens.html",
        form.status,
        form=form,
        tokens=found,
        act_name=_name,
        most_days=LONGEST.days,
        scopes=[
            (scope, say(f"account.scope-{scope}"), say(f"account.scope-{scope}-what")) for scope in SCOPES
        ],
        acts=[(act, _name(act)) for act in acts],
    )


def _name(act: str) -> str:
    return say(f"permissions.act-{act}")
