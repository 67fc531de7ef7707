"""Which texts does a case have, and how are some of them taken away?"""

from __future__ import annotations

from typing import Any

from service import redacting
from service.api.answers import Answer
from service.api.answers_schema import CaseSchema
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.redactions_schema import CaseTextsSchema, RedactionSchema
from service.api.waiting import seen
from service.commands import Done
from service.identity.permissions import needs
from service.quoting import repeated

api = Resource("redactions", "Taking words of a case away")

CASE = "/proposals/<case:proposal>"


@api.question(f"{CASE}/texts", shows=CaseTextsSchema)
@needs("redact")
def list_texts(call: Call, given: dict[str, Any], proposal: str) -> Answer:
    """List every text of a case, by the name that a redaction calls it"""
    position = seen(call.parts)
    case, found = redacting.texts(call.parts, call.person, proposal)
    said = {each.name: each.text for each in found if each.text is not None}
    items = [
        {
            "name": each.name,
            "position": each.recorded.position,
            "event": each.recorded.name,
            "path": each.path,
            "text": each.text,
            "ground": each.ground,
            "repeats": repeated(said, [each.name]) if each.text is not None else [],
        }
        for each in found
    ]
    last = max([position, *(each.recorded.position for each in found)])
    return Answer({"proposal": proposal, "version": case.version, "items": items}, position=last)


@api.act(
    f"{CASE}/redactions",
    RedactionSchema,
    shows=CaseSchema,
    not_now=False,
    example={
        "texts": ["12/content.summary"],
        "ground": "privacy",
        "remarks": "Op verzoek van een deelnemer.",
    },
)
@needs("redact")
def redact(call: Call, given: dict[str, Any], proposal: str) -> Done:
    """Take texts of a case away, for good

    The words and their salts go, with the letters, newsletters, drafts and mail that quote them. The log keeps the
    digests, and who decided this.
    """
    return redacting.take_away(
        call.parts, call.person, proposal, given["texts"], given["ground"], given["remarks"], call.once,
        call.if_match,
    )  # fmt: skip
