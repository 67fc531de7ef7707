"""Which mail would have gone out? In a demonstration it stays here, in a folder, for everybody to read.

A page that shows a mail as HTML may use the style sheet inside that mail and nothing else, as its hash says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from flask import Blueprint, Response, abort, request, url_for

from service.api.context import running
from service.messaging.mail.layout import policy
from service.messaging.mail.transport import outbox
from service.web.linking import address_of
from service.web.rendering import page
from service.web.visit import public

area = Blueprint("outbox", __name__)

MOST = 50
"""Mails on a page."""
OPENED = ("application/pdf",)
"""What else than a plain download an attachment may be."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in the folder; `id` is that of its delivery."""

    id: str
    written_at: datetime
    message: EmailMessage

    def header(self, name: str) -> str:
        """What a header says; empty when it is not there."""
        return str(self.message[name] or "")


@area.get("/outbox")
@public
def index() -> Response:
    """All mails, the newest first."""
    found = _files()
    start = request.args.get("from", "0")
    skip = int(start) if start.isdecimal() and len(start) < 7 else 0
    previous = max(skip - MOST, 0) if skip else None
    following = skip + MOST if len(found) > skip + MOST else None
    return page(
        "outbox/index.html",
        mails=list(_read(found[skip : skip + MOST])),
        previous=address_of("web.outbox.index", **{"from": previous or None})
        if previous is not None
        else None,
        next=address_of("web.outbox.index", **{"from": following}) if following else None,
    )


@area.get("/outbox/<delivery:delivery>")
@public
def show(delivery: str) -> Response:
    """A mail as text, with its headers."""
    mail = _mail(delivery)
    body = mail.message.get_body(("plain",))
    return page(
        "outbox/mail.html",
        mail=mail,
        headers=[(name, str(value)) for name, value in mail.message.items()],
        text=body.get_content() if body is not None else "",
        attachments=[each.get_filename() or "?" for each in mail.message.iter_attachments()],
        html=url_for("web.outbox.as_html", delivery=delivery),
    )


@area.get("/outbox/<delivery:delivery>/html")
@public
def as_html(delivery: str) -> Response:
    """A mail as mail programs show it."""
    body = _mail(delivery).message.get_body(("html",))
    if body is None:
        abort(404)
    html = body.get_content()
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policy(html)
    return response


@area.get("/outbox/<delivery:delivery>/attachments/<int:number>")
@public
def attachment(delivery: str, number: int) -> Response:
    """What is attached to a mail, counted from 1."""
    attached = list(_mail(delivery).message.iter_attachments())
    if not 1 <= number <= len(attached):
        abort(404)
    each = attached[number - 1]
    kind = each.get_content_type()
    response = Response(
        each.get_content(), content_type=kind if kind in OPENED else "application/octet-stream"
    )
    name = "".join(letter for letter in each.get_filename() or "" if letter.isalnum() or letter in "-_.")
    response.headers.set("Content-Disposition", "attachment", filename=name or "attachment")
    return response


def _folder() -> Path:
    """Where the mails are. Outside a demonstration, or where mail really goes out, there is no such page."""
    folder = outbox(running().settings)
    if folder is None:
        abort(404)
    return folder


def _files() -> list[Path]:
    folder = _folder()
    if not folder.is_dir():
        return []
    written = [(path.stat().st_mtime, path) for path in folder.glob("delivery-*.eml")]
    return [path for _, path in sorted(written, reverse=True)]


def _mail(delivery: str) -> Mail:
    path = _folder() / f"{delivery}.eml"
    for mail in _read([path]):
        return mail
    abort(404)


def _read(paths: list[Path]) -> Iterator[Mail]:
    """The mails in these files; one that went meanwhile is left out."""
    for path in paths:
        try:
            content, written = path.read_bytes(), path.stat().st_mtime
        except FileNotFoundError:
            continue
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        yield Mail(path.stem, datetime.fromtimestamp(written).astimezone(), message)
