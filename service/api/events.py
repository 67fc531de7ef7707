"""What happened, from a position on? The log as CloudEvents: the catch-up feed of whoever follows it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from domain.errors import Invalid
from service.api.answers import Answer, page_url
from service.api.answers_schema import Shape, instant, text
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import Digits, Given
from service.identity.permissions import check
from service.messaging.cloudevent import encode

api = Resource("events", "The log itself, for auditors and for programs that follow it")

MOST = 1_000
HIGHEST = 10**18 - 1


class EventsQuery(Given):
    after = Digits(0, HIGHEST, load_default=0, doc="Answer what follows this position; 0 is the beginning")
    limit = Digits(1, MOST, load_default=100)


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
def read_events(call: Call, given: dict[str, Any]) -> Answer:
    """Read the log from a position

    Oldest first. The link `next` goes on behind the last event; an empty answer means that there is nothing more yet. A
    position that the log has not reached is refused.
    """
    check(call.person, "read-events")
    settings = call.parts.settings
    found = call.parts.log.read(given["after"], given["limit"])
    encoded = (encode(each, oin=settings.oin, public_url=settings.public_url) for each in found)
    last = found[-1].position if found else given["after"]
    if not found and last > 0 and last > (head := call.parts.log.head()):
        # After a restore: who followed further than the log now goes would wait here for events that never come.
        raise Invalid("position-unknown", "/after", head=head)
    return Answer(
        b"[" + b",".join(encoded) + b"]",
        position=last,
        links={"next": page_url(after=last, limit=given["limit"])},
        content_type="application/cloudevents-batch+json",
    )
