"""What happened, from a position on? The log as CloudEvents: the catch-up feed of whoever follows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import fields

from domain.errors import Invalid
from domain.recorded import Recorded
from service.api.answers import Answer, page_url
from service.api.answers_schema import Shape, instant, text
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import Digits, Given, Several
from service.confidential_events import hears, secret_cases
from service.identity.permissions import check, needs
from service.messaging.acts import histories_of, programmes_of
from service.messaging.cloudevent import TYPES, encode
from service.messaging.subscriptions import matches

api = Resource("events", "The log itself, for auditors and for programs that follow it")

MOST = 1_000
LOOKED_AT = 1_000
"""Events that one question looks through for those it asks for: so it is answered soon, however few there are."""
HIGHEST = 10**18 - 1


class EventsQuery(Given):
    after = Digits(0, HIGHEST, load_default=0, doc="Answer what follows this position; 0 is the beginning")
    limit = Digits(1, MOST, load_default=100)
    types = Several(tuple(TYPES), load_default=None, doc="Only these types, with commas between them")
    programmes = Several(
        load_default=None, doc="Only what belongs to these programmes, with commas between them"
    )


class CloudEventSchema(Shape):
    """CloudEvents 1.0, NL GOV profile: ids and facts, no words and no names."""

    specversion = text()
    id = text()
    source = text()
    type = text()
    subject = text()
    time = instant("When it was recorded")
    sequence = text("The position in the log")
    dataref = text("Where words and names can be read")
    datacontenttype = text()
    data = fields.Dict(required=True)


@api.question(
    "/events",
    query=EventsQuery,
    shows=CloudEventSchema,
    many=True,
    content_type="application/cloudevents-batch+json",
)
@needs("read-events")
def read_events(call: Call, given: dict[str, Any]) -> Answer:
    """Read the log from a position

    Oldest first. The link `next` goes on behind what was looked at, which `Event-Position` names: when that is the
    `after` that was asked for, there is nothing more yet. Without a filter an empty answer says the same; with one an
    answer may be empty though more follows. A position that the log has not reached is refused.

    For who may not know of cases that are confidential, what is about these is left out, so that an answer may be empty
    as with a filter; where an event on money names such a case, `confidential` stands in its place.
    """
    check(call.person, "read-events")
    settings = call.parts.settings
    types, programmes, after = given["types"] or (), given["programmes"] or (), given["after"]
    looked = call.parts.log.read(after, LOOKED_AT if types or programmes else given["limit"])
    if not looked and after > 0 and after > (head := call.parts.log.head()):
        # After a restore: who followed further than the log now goes would wait here for events that never come.
        raise Invalid("position-unknown", "/after", head=head)
    secret = frozenset[str]()
    if not call.scope.confidential.everything:
        with call.parts.pool.connection() as connection:
            secret = secret_cases(connection, looked, call.parts.calendar().today)
    found = [each for each in looked if hears(each, secret)]
    if types or programmes:
        found = _matching(call, found, types, programmes)[: given["limit"]]
        if len(found) == given["limit"]:
            looked = found
    encoded = (
        encode(each, oin=settings.oin, public_url=settings.public_url, secret=secret) for each in found
    )
    last = looked[-1].position if looked else after
    return Answer(
        b"[" + b",".join(encoded) + b"]",
        position=last,
        links={"next": page_url(after=last, limit=given["limit"])},
        content_type="application/cloudevents-batch+json",
    )


def _matching(
    call: Call, events: Sequence[Recorded], types: Sequence[str], programmes: Sequence[str]
) -> list[Recorded]:
    """Those that a subscription with these types and programmes would be told of."""
    of_type = [each for each in events if matches(types, (), each, {})]
    if not programmes or not of_type:
        return of_type
    with call.parts.pool.connection() as connection:
        belong = programmes_of(of_type, histories_of(connection, of_type))
    return [each for each in of_type if matches((), programmes, each, belong)]
