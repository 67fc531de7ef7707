"""What was sent to whom, and did it arrive? For the office: what went wrong, why it was sent, and sending it again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage

from flask import Blueprint, Response, request, url_for
from psycopg import Connection
from werkzeug.wrappers import Response as AnyResponse

from domain.errors import Invalid
from domain.recorded import stream_kind
from service.api.paths import DeliveryConverter
from service.errors import Missing
from service.identity.permissions import check, may, needs
from service.messaging import inspecting, ledger
from service.messaging.channels import NAMES
from service.messaging.inspecting import GIVEN_UP, LOST, UNDER_WAY, Filters, Kept
from service.messaging.ledger import STATES
from service.messaging.mail.composing import preview
from service.messaging.mail.layout import policy
from service.messaging.wording import messages
from service.web import visit
from service.web.event_search import cases_called, people_called
from service.web.event_words import Happened, happened, references
from service.web.linking import address_of
from service.web.naming import names
from service.web.rendering import day, has_text, page, say

__all__ = ["area"]

area = Blueprint("deliveries", __name__)

MOST = 50
"""Deliveries on a page."""
LONGEST = 200
GROUPS = {"lost": LOST, "went-wrong": GIVEN_UP, "under-way": UNDER_WAY}
"""States that are looked at together."""
ASKED = ("state", "channel", "law", "person", "case")
LAW = {"yes": True, "no": False}
ID = re.compile(DeliveryConverter.regex)


@dataclass(frozen=True, slots=True)
class Line:
    """A delivery as a list shows it. `subject`: what it says, for who may read that; `title` says less to others."""

    kept: Kept
    to: str
    instead_of: str | None
    about: str
    subject: str | None
    title: str
    state: str


@area.get("/deliveries")
@needs("read-deliveries")
def index() -> Response:
    """What was sent and is to be sent, the newest first, as far as the filters say."""
    check(visit.person(), "read-deliveries")
    asked = {name: _typed(name) for name in ASKED}
    cursor = request.args.get("cursor") or None
    with visit.parts().pool.connection() as connection:
        filters = _filters(connection, asked)
        try:
            found = inspecting.found(connection, filters, cursor=cursor, limit=MOST)
        except Invalid:
            # An address that was mangled: from the beginning.
            found = inspecting.found(connection, filters, limit=MOST)
        lost = inspecting.stuck(connection)
        lines = _lines(connection, found.items)

    def address(to: str | None) -> str | None:
        return address_of("web.deliveries.index", **asked, cursor=to) if to else None

    return page(
        "deliveries/index.html",
        lines=lines,
        asked=asked,
        narrowed=any(asked.values()),
        lost=lost,
        states=[(each, say(f"deliveries.{each}")) for each in (*GROUPS, *STATES)],
        channels=[(each, say(f"deliveries.channel-{each}")) for each in NAMES],
        laws=[("yes", say("deliveries.by-law")), ("no", say("deliveries.by-choice"))],
        may_resend=may(visit.person(), "resend"),
        previous=address(found.previous),
        next=address(found.next),
    )


@area.get("/deliveries/<delivery:delivery>")
@needs("read-deliveries")
def show(delivery: str) -> Response:
    """One delivery: how it went, what it says, and what it comes from."""
    check(visit.person(), "read-deliveries")
    with visit.parts().pool.connection() as connection:
        kept = _known(connection, delivery)
        (line,) = _lines(connection, [kept])
        tries = inspecting.tries(connection, delivery)
        bundled = inspecting.found(connection, Filters(bundle=delivery), limit=MOST).items
        parts_of_it = _lines(connection, bundled)
        posted_by = _posted_by(connection, kept)
    mail = _mail(kept) if line.subject is not None and kept.delivery.channel == "email" else None
    return page(
        "deliveries/show.html",
        line=line,
        posted_by=posted_by,
        event=_event(kept),
        cause=_cause(kept),
        case=kept.delivery.stream if _readable_case(kept) else None,
        tries=tries,
        bundled=parts_of_it,
        lines=_said(kept) if line.subject is not None and mail is None else (),
        mail=mail,
        text=_body(mail, "plain") if mail else "",
        attached=[each.get_filename() or "?" for each in mail.iter_attachments()] if mail else [],
        may_resend=may(visit.person(), "resend") and kept.resendable,
        may_post=may(visit.person(), "post-letters") and kept.postable,
    )


@area.get("/deliveries/<delivery:delivery>/mail")
@needs("read-mail")
def as_mail(delivery: str) -> Response:
    """The mail as it would be sent now, as mail programs show it: its own style sheet and nothing else."""
    check(visit.person(), "read-deliveries")
    with visit.parts().pool.connection() as connection:
        kept = _known(connection, delivery)
    if kept.delivery.channel != "email" or not _readable(kept):
        raise Missing("delivery", delivery)
    html = _body(_mail(kept), "html")
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policy(html)
    return response


@area.get("/deliveries/resend")
@needs("resend")
def ask_resend() -> Response:
    """What would happen if these were sent again?"""
    check(visit.person(), "resend")
    return _preview(_ids(request.args.getlist("delivery")))


@area.post("/deliveries/resend")
@needs("resend")
def resend() -> AnyResponse:
    """Sends these once more, as the same messages."""
    check(visit.person(), "resend")
    ids = _ids(request.form.getlist("delivery"))
    if not ids:
        return _preview(ids, 400)
    with visit.parts().pool.connection() as connection:
        sent = ledger.resend(connection, ids)
    to = url_for("web.deliveries.show", delivery=ids[0]) if len(ids) == 1 else url_for("web.deliveries.index")
    return visit.kept(to, "deliveries.resent" if sent else "deliveries.resent-none")


def _preview(ids: Sequence[str], status: int = 200) -> Response:
    with visit.parts().pool.connection() as connection:
        lines = _lines(connection, inspecting.some(connection, ids))
    return page(
        "deliveries/resend.html",
        status,
        sent=[line for line in lines if line.kept.resendable],
        left=[line for line in lines if not line.kept.resendable],
    )


def _ids(given: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(each for each in given if ID.fullmatch(each)))[:MOST]


def _typed(name: str) -> str:
    return "".join(each for each in request.args.get(name, "") if each.isprintable()).strip()[:LONGEST]


def _filters(connection: Connection, asked: dict[str, str]) -> Filters:
    """What is asked for; a person or a case that nobody knows leaves nothing."""
    state, case = asked["state"], asked["case"]
    states = GROUPS.get(state) or ((state,) if state in STATES else None)
    return Filters(
        states=states,
        channel=asked["channel"] if asked["channel"] in NAMES else None,
        recipients=people_called(connection, asked["person"]) if asked["person"] else None,
        streams=cases_called(connection, case) if case else None,
        required=LAW.get(asked["law"]),
    )


def _known(connection: Connection, id: str) -> Kept:
    kept = inspecting.find(connection, id)
    if kept is None:
        raise Missing("delivery", id)
    return kept


def _readable(kept: Kept) -> bool:
    """May who looks read what this says?"""
    return inspecting.may_read(visit.person(), kept.delivery)


def _readable_case(kept: Kept) -> bool:
    return stream_kind(kept.delivery.stream) == "proposal" and _readable(kept)


def _lines(connection: Connection, kept: Sequence[Kept]) -> list[Line]:
    """These as a list shows them."""
    readable = [each for each in kept if _readable(each)]
    said = messages(visit.parts(), [each.delivery for each in readable], visit.language())
    subjects = {each.delivery.id: message.subject for each, message in zip(readable, said, strict=True)}
    people = inspecting.whose(
        connection,
        {each.delivery.recipient for each in kept}
        | {each.delivery.instead_of for each in kept if each.delivery.instead_of},
    )
    about = references(connection, {each.delivery.stream for each in kept})
    return [
        Line(
            each,
            people.get(each.delivery.recipient) or say("deliveries.gone"),
            people.get(each.delivery.instead_of or ""),
            about.get(each.delivery.stream, ""),
            subjects.get(each.delivery.id),
            subjects.get(each.delivery.id) or _closed(each, about.get(each.delivery.stream, "")),
            _state(each),
        )
        for each in kept
    ]


def _posted_by(connection: Connection, kept: Kept) -> str:
    """What whoever posted this letter is called."""
    by = kept.posted_by
    return inspecting.whose(connection, [by]).get(by) or say("deliveries.gone") if by else ""


def _closed(kept: Kept, about: str) -> str:
    """What a delivery is called for who may not read it."""
    if kept.delivery.kind == "digest":
        return say("deliveries.closed-digest")
    return say("deliveries.closed-title", about=about or kept.delivery.id)


def _state(kept: Kept) -> str:
    """How far it is, in words: what lies in an inbox was not sent anywhere, a letter was posted by somebody."""
    state = kept.delivery.state
    if state == "sent" and kept.delivery.channel == "inbox":
        return say("deliveries.in-inbox")
    return say("deliveries.posted" if kept.posted_at else f"deliveries.{state}")


def _cause(kept: Kept) -> str:
    """What it comes from, where that is no event: a term, the day of a digest, a trial."""
    if not inspecting.may_know_kind(visit.person(), kept.delivery):
        return say("deliveries.cause-closed")
    kind, _, rest = kept.delivery.cause.partition(":")
    key = f"deliveries.cause-{kind}"
    if not has_text(key):
        return kept.delivery.cause
    last = rest.rpartition(":")[2]
    return say(key, day=day(last) if re.fullmatch(r"\d{4}-\d\d-\d\d", last) else "–")


def _event(kept: Kept) -> Happened | None:
    """The event that it tells of, in words, for who may read that."""
    if not kept.delivery.cause.startswith("event:") or not _readable(kept):
        return None
    parts = visit.parts()
    recorded = parts.log.read(kept.delivery.position - 1, 1)
    with parts.pool.connection() as connection:
        found = happened(connection, recorded, names(parts))
    return found[0] if found else None


def _said(kept: Kept) -> tuple[str, ...]:
    (message,) = messages(visit.parts(), [kept.delivery], visit.language())
    return message.lines


def _mail(kept: Kept) -> EmailMessage:
    return preview(visit.parts(), kept.delivery)


def _body(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    return str(body.get_content()) if body is not None else ""
