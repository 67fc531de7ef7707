"""What do the letters say? A letter that was sent, as it was; and for the secretariat how each would look."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import psycopg
from flask import Blueprint, Response, request, url_for
from markupsafe import Markup
from psycopg.rows import tuple_row

from domain.programme import Programme
from domain.recorded import Recorded
from service import reading
from service.api.fields import Given, OneOf, Text
from service.documents import letters
from service.documents.contents import LETTERS, contents, last_told
from service.documents.examples import invented
from service.documents.letters import Issued
from service.documents.typesetting import pdf
from service.identity.permissions import check, needs
from service.published import programme_of
from service.texts import DEFAULT, LANGUAGES
from service.web import visit
from service.web.forms import Form
from service.web.naming import name_of, programmes_in_force
from service.web.rendering import day, page, say

__all__ = ["area", "told"]

area = Blueprint("letters", __name__)

Connection = psycopg.Connection[Any]


class PreviewAsked(Given):
    """Which letter, about which case; without one it is made up."""

    letter = OneOf(*LETTERS, required=True)
    language = OneOf(*LANGUAGES, load_default=DEFAULT)
    reference = Text(40, load_default=None)


@area.get("/proposals/<case:proposal>/letters/<letter:letter>")
@needs("read-case")
def download(proposal: str, letter: str) -> Response:
    """A letter as it was sent."""
    parts = visit.parts()
    with parts.pool.connection() as connection:
        letters.refuse_unseen(connection, visit.person(), proposal)
    found = letters.read(parts, proposal, letter)
    return _file(found.pdf, found.filename, "attachment")


@area.get("/letters")
@needs("completeness")
def index() -> Response:
    """Which letters there are, and a choice of what to see."""
    check(visit.person(), "completeness")
    chosen = {"letter": [LETTERS[0]], "language": [visit.language()]}
    return _asked(Form(PreviewAsked(), {**chosen, **_in_address()}))


@area.get("/letters/preview")
@needs("completeness")
def preview() -> Response:
    """The letter that was chosen, marked as an example; nothing of it is kept."""
    check(visit.person(), "completeness")
    form = Form(PreviewAsked(), _in_address())
    with form.refusals():
        given = form.load()
    if not form.ok:
        return _asked(form)
    history: list[Recorded] = []
    with visit.parts().pool.connection() as connection:
        if given["reference"]:
            history = _case(connection, given["reference"].strip())
            if not history:
                form.status = 404
                form.errors["reference"] = say("letters.no-case")
                return _asked(form)
        programme = _programme(history)
        if programme is None:
            form.status, form.message = 409, say("letters.no-programme")
            return _asked(form)
        on = visit.parts().calendar().today
        made = _made(connection, given["letter"], history, programme, given["language"], on)
    return _file(made, f"{letters.NAMES[given['letter']][given['language']]}.pdf", "inline")


def told(issued: list[Issued], proposal: str) -> list[dict[str, Any]]:
    """The letters of a case as entries of its timeline, newest first."""
    link = Markup('<p class="utrecht-paragraph"><a class="utrecht-link" href="{}">{}</a></p>')
    return [
        {
            "position": each.position,
            "when": day(each.made_on),
            "title": say("letters.issued", letter=say(f"letters.{each.letter}")),
            "body": link.format(
                url_for("web.letters.download", proposal=proposal, letter=each.id), say("letters.download")
            ),
            "tone": "neutral",
        }
        for each in issued
    ]


def _asked(form: Form) -> Response:
    form.stands_as("preview")
    return page(
        "letters/index.html",
        form.status,
        form=form,
        unreachable=[
            (programme.code, name_of(programme.name), ", ".join(name_of(body.name) for body in bodies))
            for programme in programmes_in_force(visit.parts())
            if (bodies := programme.unreachable())
        ],
        letters=[(letter, say(f"letters.{letter}")) for letter in LETTERS],
        languages=[(language, say(f"letters.{language}")) for language in LANGUAGES],
    )


def _in_address() -> dict[str, list[str]]:
    known = PreviewAsked().fields
    return {name: values[:1] for name, values in request.args.lists() if name in known and values[0].strip()}


def _case(connection: Connection, reference: str) -> list[Recorded]:
    """What happened in the case with this reference; nothing when there is none."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        query = "SELECT key FROM views.status WHERE reference = %s"
        row = cursor.execute(query, (reference.upper(),)).fetchone()
    return reading.history(connection, row[0]) if row is not None else []


def _programme(history: list[Recorded]) -> Programme | None:
    """The programme of the case; without one, the first that is in force."""
    document = reading.status_of(history)
    if document is not None:
        return programme_of(visit.parts(), document["programme"], document["programmeVersion"])
    return next(iter(programmes_in_force(visit.parts())), None)


def _made(
    connection: Connection,
    letter: str,
    history: list[Recorded],
    programme: Programme,
    language: str,
    on: date,
) -> bytes:
    about, said, made_up = last_told(history, letter), {}, False
    if about is None:
        example = invented(letter, history, programme, language, on)
        history, said, made_up = example.history, example.said, True
        about = last_told(history, letter)
        assert about is not None
    found = contents(visit.parts(), connection, letter, history, about, language, on, said)
    return pdf(letter, {**found, "preview": True, "invented": made_up}, datetime.combine(on, time(), UTC))


def _file(content: bytes, name: str, how: str) -> Response:
    response = Response(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'{how}; filename="{name}"'
    return response
