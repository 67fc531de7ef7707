"""Which letters went with a case, and what do they say? The PDFs as they were sent."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from service.api.answers import Answer
from service.api.answers_schema import Shape, day, listed, text, whole
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.waiting import seen
from service.documents import letters
from service.identity.permissions import needs

api = Resource("letters", "Letters, as they were sent")


class LetterSchema(Shape):
    id = text()
    letter = text("receipt, supplement, award or refusal")
    language = text()
    filename = text()
    date = day("The date on the letter")
    about = whole("The position of the event that it tells of")
    position = whole("The position at which the log says that it was issued")
    sha256 = text("Of the PDF, in hex, as the log has it")
    size = whole("Of the PDF, in bytes; 0 once it was removed or erased")
    removed = fields.Boolean(
        required=True, metadata={"description": "Is it gone, because it quoted words that were redacted?"}
    )
    erased = fields.Boolean(
        required=True, metadata={"description": "Are its bytes gone, as it named somebody who was erased?"}
    )


class LettersSchema(Shape):
    items = listed(LetterSchema)


@api.question("/proposals/<case:proposal>/letters", shows=LettersSchema)
@needs("read-case")
def list_letters(call: Call, given: dict[str, Any], proposal: str) -> Answer:
    """List the letters that went with a proposal, newest first"""
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        letters.refuse_unseen(connection, call.scope, proposal)
        found = letters.issued(connection, proposal)
    items = [
        {
            "id": each.id,
            "letter": each.letter,
            "language": each.language,
            "filename": each.filename,
            "date": each.made_on.isoformat(),
            "about": each.about,
            "position": each.position,
            "sha256": each.sha256,
            "size": each.size,
            "removed": each.redacted is not None,
            "erased": each.erased,
        }
        for each in found
    ]
    return Answer({"items": items}, position=max([position, *(each.position for each in found)]))


@api.question(
    "/proposals/<case:proposal>/letters/<letter:letter>",
    shows=None,
    content_type="application/pdf",
    removable=True,
)
@needs("read-case")
def read_letter(call: Call, given: dict[str, Any], proposal: str, letter: str) -> Answer:
    """Read a letter: the PDF as it was sent, PDF/A and tagged"""
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        letters.refuse_unseen(connection, call.scope, proposal)
    found = letters.read(call.parts, proposal, letter)
    return Answer(found.pdf, position=position, content_type="application/pdf", filename=found.filename)
