"""Of which cases is the term over for which their words are kept, and how do the words go?"""

from __future__ import annotations

from typing import Any

from service import retaining
from service.api.answers import Answer
from service.api.answers_schema import CaseSchema, Shape, day, listed, text, whole
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import Code, Day, Given
from service.api.waiting import seen
from service.commands import Done
from service.identity.permissions import needs

api = Resource("retention", "Words whose term is over")


class RetentionQuery(Given):
    programme = Code(load_default=None)
    on = Day(load_default=None, doc="As of this day; today when left out")


class RetentionLineSchema(Shape):
    proposal = text()
    reference = text()
    programme = text()
    ended = text("awarded, approved, rejected or withdrawn")
    ended_on = day("Of its last step")
    years = whole("That its words are kept after it")
    due_on = day("From when on they have to go")
    version = whole("What If-Match names, to do exactly this")
    texts = whole("Texts that would go")
    names = whole("Names of natural persons that would go")
    letters = whole("Letters that would go")


class RetentionReportSchema(Shape):
    on = day()
    items = listed(RetentionLineSchema)


@api.question("/retention", query=RetentionQuery, shows=RetentionReportSchema)
@needs("read-retention")
def report_retention(call: Call, given: dict[str, Any]) -> Answer:
    """List the cases whose words have to go, and why; nothing goes by itself"""
    position = seen(call.parts)
    on = given["on"] or call.parts.calendar().today
    found = retaining.report(call.parts, call.person, on, given["programme"])
    items = [
        {
            "proposal": each.proposal,
            "reference": each.reference,
            "programme": each.programme,
            "ended": each.ended,
            "endedOn": each.ended_on.isoformat(),
            "years": each.years,
            "dueOn": each.due_on.isoformat(),
            "version": each.version,
            "texts": each.texts,
            "names": each.names,
            "letters": each.letters,
        }
        for each in found.lines
    ]
    return Answer({"on": on.isoformat(), "items": items}, position=position)


@api.act("/proposals/<case:proposal>/retention", Given, shows=CaseSchema, example={})
@needs("apply-retention")
def apply_retention(call: Call, given: dict[str, Any], proposal: str) -> Done:
    """Take all words of a case away whose term is over, for good

    With them go the names of natural persons in it, its letters, and whatever quotes the words. Facts, amounts and
    digests stay.
    """
    return retaining.apply_to(call.parts, call.person, proposal, call.once, call.if_match)
