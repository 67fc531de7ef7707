"""Who acts for my organisation, and what may each do? A manager adds and removes colleagues."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from service import organisations
from service.api.organisations import ColleagueRoleSchema, ColleagueSchema
from service.identity.people import ORGANISATION_ROLES
from service.identity.permissions import GUARDED, check, may, needs
from service.web import visit
from service.web.asking_first import ask_first
from service.web.forms import Form
from service.web.rendering import page, say

area = Blueprint("organisation", __name__)


@area.get("/organisation")
@needs("read-organisation")
def show() -> Response:
    """Everybody who acts for it."""
    check(visit.person(), "read-organisation")
    return _shown(Form.holding(ColleagueSchema(), {"role": "editor"}))


@area.post("/organisation/people")
@needs("manage-organisation")
def add() -> AnyResponse:
    """Adds a colleague."""
    check(visit.person(), "manage-organisation")
    form = Form.sent(ColleagueSchema())
    with form.refusals():
        organisations.invite(visit.parts(), visit.person(), **form.load(), once=form.once())
    return visit.kept(url_for("web.organisation.show"), "organisation.added") if form.ok else _shown(form)


@area.post("/organisation/people/<person>/role")
@needs("manage-organisation")
def change(person: str) -> AnyResponse:
    """Says what a colleague may do."""
    check(visit.person(), "manage-organisation")
    organisations.colleague(visit.parts(), visit.person(), person)
    form = Form.sent(ColleagueRoleSchema())
    with form.refusals():
        organisations.set_role(visit.parts(), visit.person(), person, form.load()["role"])
    return visit.kept(url_for("web.organisation.show"), "organisation.changed") if form.ok else _told(form)


@area.get("/organisation/people/<person>/remove")
@needs("manage-organisation")
def ask_remove(person: str) -> Response:
    """Is this colleague to act for the organisation no more?"""
    check(visit.person(), "manage-organisation")
    found = organisations.colleague(visit.parts(), visit.person(), person)
    own = found.id == visit.person().id
    title = say("organisation.remove-sure-own" if own else "organisation.remove-sure", name=found.name)
    back = url_for("web.organisation.show")
    return ask_first(
        title, say("organisation.remove-own" if own else "organisation.remove-what"), say("organisation.remove"),
        crumbs=[(say("organisation.title"), back), (title, None)], back=back, keep=say("organisation.remove-not"),
    )  # fmt: skip


@area.post("/organisation/people/<person>/remove")
@needs("manage-organisation")
def remove(person: str) -> AnyResponse:
    """Removes a colleague from the organisation."""
    check(visit.person(), "manage-organisation")
    form = Form(ColleagueRoleSchema())
    with form.refusals():
        organisations.remove(visit.parts(), visit.person(), person)
    return visit.kept(url_for("web.organisation.show"), "organisation.removed") if form.ok else _told(form)


def _told(refused: Form) -> Response:
    """The page, saying why something about a colleague was refused."""
    said = refused.message or next(iter(refused.errors.values()))
    return _shown(Form.holding(ColleagueSchema(), {"role": "editor"}), said, refused.status)


def _shown(form: Form, refused: str | None = None, status: int = 200) -> Response:
    found = organisations.of(visit.parts(), visit.person())
    roles = [
        (role, say(f"admin.organisation-role-{role}"), say(f"admin.organisation-role-{role}-what"))
        for role in ORGANISATION_ROLES
    ]
    return page(
        "organisation/show.html",
        form.status if refused is None else status,
        form=form,
        found=found,
        refused=refused,
        roles=roles,
        closed=lambda each: each.roles & GUARDED and not may(visit.person(), "change-guarded-people"),
    )
