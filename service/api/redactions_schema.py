"""What does somebody send to take words of a case away, and what is answered about its texts?"""

from __future__ import annotations

from marshmallow import fields

from domain.redaction import GROUNDS
from service.api.answers_schema import Shape, listed, maybe, text, whole
from service.api.fields import Given, ListOf, OneOf, Text

__all__ = ["CaseTextsSchema", "RedactionSchema"]

LONG, NAME, MOST = 10_000, 200, 500


class RedactionSchema(Given):
    texts = ListOf(
        Text(NAME),
        MOST,
        least=1,
        required=True,
        doc="The position of the event, a slash and the path in it, as the list of texts names them",
    )
    ground = OneOf(*GROUNDS, required=True)
    remarks = Text(LONG, least=0, lines=True, load_default="", doc="Who asked for it, and why; not the words")


class CaseTextSchema(Shape):
    name = text("What a redaction calls it: 12/content.summary")
    position = whole("Of the event that it is in")
    event = text()
    path = text("Where it stands in the event")
    ground = maybe("On which ground it was redacted")
    repeats = listed(fields.String(), "Other texts of this case that repeat it, by name")
    text = maybe("What it says; null once it is redacted")


class CaseTextsSchema(Shape):
    proposal = text()
    version = whole("What If-Match names")
    items = listed(CaseTextSchema)
