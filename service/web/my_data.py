"""What is held about me? Everything, as a page and as a file; and a button that asks to be erased."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from domain.events import ErasureRequested
from service import erasing
from service.api.people import held_about
from service.identity.permissions import check, needs
from service.web import visit
from service.web.event_words import happened, kind_of, stream_name
from service.web.linking import address_of
from service.web.naming import names
from service.web.rendering import has_text, moment, page, say, word

area = Blueprint("my_data", __name__)

NEWEST = 25
"""Of a table, on the page: somebody in office did thousands of things. The file has all."""


@area.get("/account/data")
@needs("own-data")
def show() -> Response:
    """Everything, in sections."""
    person, parts = visit.person(), visit.parts()
    check(person, "own-data")
    history = parts.log.load(person.id)
    known = held_about(parts, person, visit.language())
    with parts.pool.connection() as connection:
        changed = happened(connection, visit.scope(), history, names(parts))
    return page(
        "my_data/show.html",
        about=_about(known["person"]),
        history=changed,
        acts=[_act(each) for each in known["acts"][:NEWEST]],
        messages=[_message(each) for each in known["messages"][:NEWEST]],
        counts={name: len(known[name]) for name in ("acts", "messages")},
        held=[
            (_table(each["table"]), [_row(row) for row in each["rows"][-NEWEST:]], len(each["rows"]))
            for each in known["held"]
        ],
        asked=any(isinstance(each.event, ErasureRequested) for each in history),
    )


@area.get("/account/data/file")
@needs("own-data")
def download() -> Response:
    """The same as JSON, as the API answers it."""
    check(visit.person(), "own-data")
    body = msgspec.json.format(
        msgspec.json.encode(held_about(visit.parts(), visit.person(), visit.language())), indent=2
    )
    response = Response(body, content_type="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="besluitspoor.json"'
    return response


@area.post("/account/data/erasure")
@needs("own-data")
def ask() -> AnyResponse:
    """Asks to be erased: administrators are told."""
    check(visit.person(), "own-data")
    erasing.ask(visit.parts(), visit.person())
    return visit.kept(url_for("web.my_data.show"), "my-data.asked-now")


def _about(person: dict[str, Any]) -> list[tuple[str, str]]:
    called = names(visit.parts())
    organisation = person["organisation"]
    return [
        (say("admin.name"), person["name"]),
        (say("admin.email"), person["email"]),
        (say("admin.roles"), ", ".join(map(word, person["roles"]))),
        (say("admin.bodies"), ", ".join(map(called.body, person["bodies"]))),
        (say("admin.chairs"), ", ".join(map(called.body, person["chairs"]))),
        (
            say("admin.seats"),
            ", ".join(f"{called.body(each['body'])}: {each['municipality']}" for each in person["seats"]),
        ),
        (say("admin.municipalities"), ", ".join(person["municipalities"])),
        (say("admin.organisation"), organisation["name"] if organisation else ""),
        (
            say("admin.right-organisationRole"),
            say(f"admin.organisation-role-{person['organisationRole']}") if organisation else "",
        ),
        (
            say("admin.password-is"),
            say("admin.password-there" if person["hasPassword"] else "admin.password-none"),
        ),
    ]


def _act(each: dict[str, Any]) -> dict[str, Any]:
    address = (
        address_of("web.cases.show", proposal=each["stream"])
        if each["stream"].startswith("proposal-")
        else None
    )
    return {
        **each,
        "what": kind_of(each["event"]),
        "roleName": word(each["role"]),
        "about": each["reference"] or stream_name(each["stream"]),
        "address": address if each["reference"] else None,
    }


def _message(each: dict[str, Any]) -> dict[str, Any]:
    key = f"preferences.kind-{each['kind']}"
    return {**each, "what": say(key) if has_text(key) else each["kind"], "about": each["reference"] or ""}


def _table(name: str) -> str:
    key = f"my-data.table-{name.replace('.', '-')}"
    return say(key) if has_text(key) else name


def _row(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (say(f"my-data.column-{name}") if has_text(f"my-data.column-{name}") else name, _value(name, value))
        for name, value in row.items()
        if value not in (None, "", [], {}) and name != "person"
    ]


def _value(name: str, value: Any) -> str:
    if name.endswith(("_at", "since")) and isinstance(value, str):
        return moment(value)
    if isinstance(value, dict):
        return "; ".join(
            f"{key}: {_value(key, each)}" for key, each in value.items() if each not in (None, "", [])
        )
    if isinstance(value, list):
        return ", ".join(_value(name, each) for each in value)
    return str(value)
