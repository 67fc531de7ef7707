"""Who signed in, or tried to? For the administrator who looks into misuse."""

from __future__ import annotations

from typing import Any

from service.api.answers import Answer, utc
from service.api.answers_schema import Shape, instant, listed, maybe, text, whole
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import Given, OneOf, Text, Whole
from service.identity import sign_ins
from service.identity.permissions import check, needs

api = Resource("sign-ins", "Who signed in, or tried to")

MOST = 200


class SignInsQuery(Given):
    person = Text(100, load_default=None, doc="The id of a person")
    outcome = OneOf(*sign_ins.OUTCOMES, load_default=None)
    before = Whole(1, 2**62, load_default=None, doc="Those before this one: the id of the last that you got")
    limit = Whole(1, MOST, load_default=50)


class OneSignInSchema(Shape):
    id = whole("Counts up")
    at = instant()
    person = maybe("The id of the person; null when nobody has the address")
    address = text("The same for the same address; the address itself cannot be read from it")
    way = text(
        "password, anew (password asked again), code (the second step), token, link, provider or passkey"
    )
    outcome = text("done, refused, or locked: held back because too many had failed")
    network = text("From which network, its last part left out")


class SignInsSchema(Shape):
    items = listed(OneSignInSchema)


@api.question("/sign-ins", shows=SignInsSchema, query=SignInsQuery)
@needs("read-sign-ins")
def list_sign_ins(call: Call, given: dict[str, Any]) -> Answer:
    """Who signed in or tried to, the latest first; kept for 90 days"""
    check(call.person, "read-sign-ins")
    with call.parts.pool.connection() as connection:
        found = sign_ins.recent(
            connection,
            person=given["person"],
            outcome=given["outcome"],
            before=given["before"],
            most=given["limit"],
        )
    return Answer(
        {
            "items": [
                {
                    "id": each.id,
                    "at": utc(each.at),
                    "person": each.person,
                    "address": each.address,
                    "way": each.way,
                    "outcome": each.outcome,
                    "network": each.network,
                }
                for each in found
            ]
        }
    )
