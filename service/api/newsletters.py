"""What do the councils read, and at which addresses? Drafts are the secretariat's; what was sent is everybody's."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from projections.plain import instant as instant_of
from service.api.answers import Answer
from service.api.answers_schema import Shape, day, instant, listed, maybe, money, text, whole
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import Code, Day, Flag, Given, ListOf, OneOf, Part, Text, Whole
from service.commands import Done
from service.documents import councils, newsletters
from service.documents.councils import Address
from service.documents.newsletters import Content, Item, Newsletter
from service.errors import Missing
from service.identity.permissions import check, may, needs
from service.published import latest, published_codes
from service.texts import LANGUAGES
from service.wiring import Parts
from service.words import fill

api = Resource("newsletters", "The newsletter to the councils")

TITLE, WORDS, LINE = 200, 4_000, 1_000
"""Characters at most."""


class ListQuery(Given):
    state = OneOf("draft", "approved", load_default="approved")


class NewsletterPeriodSchema(Given):
    programme = Code(required=True)
    first_day = Day(required=True)
    last_day = Day(required=True, doc="Today or before")


class NewsletterItemSchema(Given):
    proposal = Text(64, required=True)
    text = Text(LINE, least=0, lines=True, load_default=None, allow_none=True, doc="Null is what was drafted")
    leave_out = Flag(load_default=False)
    place = Whole(
        1,
        400,
        load_default=None,
        doc="Where it is put, of what is in the list; where it stands there when left out",
    )


class NewsletterContentSchema(Given):
    """What is left out, or null, is what is usual."""

    title = Text(TITLE, load_default=None, allow_none=True)
    introduction = Text(WORDS, lines=True, load_default=None, allow_none=True)
    closing = Text(WORDS, lines=True, load_default=None, allow_none=True)
    items = ListOf(
        Part(NewsletterItemSchema), 400, load_default=list, doc="In the order in which they are told"
    )


class AddressLinesSchema(Given):
    lines = Text(
        100_000,
        required=True,
        lines=True,
        doc="A line an address: a municipality by code or name; e-mail; language (nl when left out)",
    )


class NewsletterLineSchema(Shape):
    id = text()
    programme = text()
    first_day = day()
    last_day = day()
    state = text("draft or approved")
    version = whole("What If-Match names")
    drawn_at = instant("When its figures were drawn from the log")
    position = whole("Up to where in the log")
    approved_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


class NewslettersSchema(Shape):
    items = listed(NewsletterLineSchema)


class NewsletterItemToldSchema(Shape):
    proposal = text()
    reference = text()
    title = maybe()
    text = text()
    leave_out = fields.Boolean(required=True)


class AskedInPeriodSchema(Shape):
    count = whole()
    requested = money()
    cofinancing = money()
    multiplier = maybe("Co-financing divided by what was requested, rounded down")


class AwardedInPeriodSchema(AskedInPeriodSchema):
    amount = money("Awarded in the period")
    moved_in = money("Moved from other projects")
    returned = money("Given back to the envelope")


class EnvelopeThenSchema(Shape):
    code = text()
    name = maybe()
    amount = money()
    committed = money()
    held_back = money()
    left = money()


class PeriodFiguresSchema(Shape):
    """All but `total` and `envelopes`, which are as at the end of the period, is of the period."""

    came_in = fields.Nested(AskedInPeriodSchema, required=True)
    decided = fields.Dict(
        required=True,
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "How many decisions came out how"},
    )
    awarded = fields.Nested(AwardedInPeriodSchema, required=True)
    withdrawn = whole()
    waiting = whole("Proposals that wait for somebody at the end")
    total = fields.Dict(required=True, metadata={"description": "As the total of the portfolio"})
    envelopes = listed(EnvelopeThenSchema)


class EditionLineSchema(Shape):
    municipality = text()
    sha256 = text("Of the edition as it was sent")
    sound = fields.Boolean(required=True, metadata={"description": "Is it still what the log says?"})
    removed = fields.Boolean(
        required=True, metadata={"description": "Is it gone, because it quoted words that were redacted?"}
    )


class EditionsSentSchema(Shape):
    sent = whole()
    waiting = whole()
    off = whole("Not sent: the address unsubscribed, or was taken away")
    lost = whole("Did not arrive: given up, or came back")


class NewsletterSchema(NewsletterLineSchema):
    title = text()
    introduction = text()
    closing = text()
    items = listed(NewsletterItemToldSchema)
    figures = fields.Nested(PeriodFiguresSchema, required=True)
    outdated = fields.Boolean(metadata={"description": "Of a draft: would other figures be drawn now?"})
    editions = listed(EditionLineSchema, "Of what was approved")
    deliveries = fields.Nested(
        EditionsSentSchema, metadata={"description": "To those who may read deliveries"}
    )


class EditionHashSchema(Shape):
    municipality = text()
    sha256 = text()


class NewsletterApprovedSchema(Shape):
    id = text()
    programme = text()
    first_day = day()
    last_day = day()
    editions = listed(EditionHashSchema)


class WrittenEditionSchema(Shape):
    subject = text()
    html = text("A whole document")
    text = text("The same as plain text")


class EditionSchema(Shape):
    """Of what was approved exactly what was kept: the SHA-256 of this answer is the one in the log."""

    newsletter = text()
    municipality = text()
    languages = fields.Dict(required=True, keys=fields.String(), values=fields.Nested(WrittenEditionSchema))


class CouncilAddressSchema(Shape):
    id = text()
    municipality = text()
    email = text()
    language = text()
    unsubscribed_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "date-time", "description": "Since when it wants no newsletter"},
    )
    refused_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "date-time", "description": "Since when it takes no mail"},
    )
    refused = maybe("Why it takes no mail, as the other side said")


class CouncilAddressesSchema(Shape):
    items = listed(CouncilAddressSchema)


class WrongAddressLineSchema(Shape):
    number = whole()
    code = text("municipality, email, language or parts")
    said = text("What stands there")


class AddressLinesReadSchema(Shape):
    added = whole()
    wrong = listed(WrongAddressLineSchema, "Lines that were not taken")


@api.question("/newsletters", query=ListQuery, shows=NewslettersSchema)
@needs("read-newsletters")
def list_newsletters(call: Call, given: dict[str, Any]) -> Answer:
    """List what was sent, or the drafts"""
    if given["state"] == "draft":
        check(call.person, "newsletter")
    with call.parts.pool.connection() as connection:
        found = newsletters.listed(connection, approved=given["state"] == "approved")
    return Answer({"items": [_line(each) for each in found]})


@api.question("/newsletters/<newsletter:newsletter>", shows=NewsletterSchema)
@needs("read-newsletters")
def read_newsletter(call: Call, given: dict[str, Any], newsletter: str) -> Answer:
    """Read a newsletter: its figures and words, and how far it is"""
    found = _found(call, newsletter)
    return Answer(_whole(call, found), version=found.version if found.state == "draft" else None)


@api.change(
    "/newsletters/draft",
    NewsletterPeriodSchema,
    shows=NewsletterSchema,
    method="PUT",
    example={"programme": "regionale-herstelaanpak", "firstDay": "2020-10-01", "lastDay": "2020-12-31"},
)
@needs("newsletter")
def draft_newsletter(call: Call, given: dict[str, Any]) -> Answer:
    """Draft a newsletter on a period

    Drawn from the log. The draft that there is of the same period is answered as it is.
    """
    period = given["programme"], given["first_day"], given["last_day"]
    made = newsletters.create(call.parts, call.person, *period)
    return Answer(_whole(call, made), version=made.version)


@api.change(
    "/newsletters/<newsletter:newsletter>/content",
    NewsletterContentSchema,
    shows=NewsletterSchema,
    method="PUT",
    conditional=True,
    not_now=True,
    example={"title": "Nieuws over de herstelaanpak", "items": []},
)
@needs("newsletter")
def edit_newsletter(call: Call, given: dict[str, Any], newsletter: str) -> Answer:
    """Write the words of a draft"""
    saved = newsletters.change(call.parts, call.person, newsletter, call.if_match, content_in(given))
    return Answer(_whole(call, saved), version=saved.version)


@api.change(
    "/newsletters/<newsletter:newsletter>/figures",
    Given,
    shows=NewsletterSchema,
    method="PUT",
    conditional=True,
    not_now=True,
    example={},
)
@needs("newsletter")
def draw_newsletter_again(call: Call, given: dict[str, Any], newsletter: str) -> Answer:
    """Draw the figures of a draft anew; the words stay"""
    saved = newsletters.draw_again(call.parts, call.person, newsletter, call.if_match)
    return Answer(_whole(call, saved), version=saved.version)


@api.act("/newsletters/<newsletter:newsletter>/approval", Given, shows=NewsletterApprovedSchema, example={})
@needs("newsletter")
def approve_newsletter(call: Call, given: dict[str, Any], newsletter: str) -> Done:
    """Approve a newsletter, which sends it

    Every edition is kept as it goes out, and nothing changes any more.
    """
    return newsletters.approve(call.parts, call.person, newsletter, call.once, call.if_match)


@api.question(
    "/newsletters/<newsletter:newsletter>/editions/<municipality:municipality>",
    shows=EditionSchema,
    removable=True,
)
@needs("read-newsletters")
def read_edition(call: Call, given: dict[str, Any], newsletter: str, municipality: str) -> Answer:
    """Read the edition of a municipality, as it was sent or as it would be sent now"""
    found = _found(call, newsletter)
    if found.state == "approved":
        with call.parts.pool.connection() as connection:
            kept = newsletters.edition_of(connection, newsletter, municipality)
        if kept is None:
            raise Missing("municipality", municipality)
        return Answer(kept[0])
    made = newsletters.told(call.parts, found)
    if municipality not in {each.code for each in made.programme.municipalities}:
        raise Missing("municipality", municipality)
    languages = {each: newsletters.edition_now(made, municipality, each) for each in LANGUAGES}
    return Answer(newsletters.Kept(newsletter, municipality, languages))


@api.question("/council-addresses", shows=CouncilAddressesSchema)
@needs("newsletter")
def list_council_addresses(call: Call, given: dict[str, Any]) -> Answer:
    """List the addresses of the councils"""
    check(call.person, "newsletter")
    with call.parts.pool.connection() as connection:
        return Answer({"items": [_address(each) for each in councils.listed(connection)]})


@api.change(
    "/council-addresses",
    AddressLinesSchema,
    shows=AddressLinesReadSchema,
    method="PATCH",
    example={"lines": "GM0772; griffie@example.org\nHelmond; griffie-helmond@example.org; nl"},
)
@needs("newsletter")
def add_council_addresses(call: Call, given: dict[str, Any]) -> Answer:
    """Add addresses of councils, a line each

    Lines that are right are taken; those that are not are answered. An address that is there and unsubscribed stays
    so: take it away first to put it back.
    """
    check(call.person, "newsletter")
    lines, wrong = councils.read_lines(given["lines"], councils.known(municipalities(call.parts).items()))
    with call.parts.pool.connection() as connection, connection.transaction():
        for line in lines:
            councils.add(connection, line.municipality, line.email, line.language)
    return Answer(
        {
            "added": len(lines),
            "wrong": [{"number": each.number, "code": each.code, "said": each.said} for each in wrong],
        }
    )


@api.change("/council-addresses/<address:address>", shows=None, method="DELETE")
@needs("newsletter")
def remove_council_address(call: Call, given: dict[str, Any], address: str) -> Answer:
    """Take an address away: nothing goes to it any more"""
    check(call.person, "newsletter")
    with call.parts.pool.connection() as connection:
        if not councils.remove(connection, address):
            raise Missing("address", address)
    return Answer(None)


def content_in(given: dict[str, Any]) -> Content:
    """What was written, as a schema loads it."""

    def order(numbered: tuple[int, dict[str, Any]]) -> tuple[int, int]:
        number, item = numbered
        place = item["place"] or number
        # What was put on the place of another goes before it on its way up, and behind it on its way down.
        return place, (place > number) - (place < number)

    items = [item for _, item in sorted(enumerate(given["items"], 1), key=order)]
    return Content(
        given["title"],
        given["introduction"],
        given["closing"],
        tuple(Item(each["proposal"], each["text"], each["leave_out"]) for each in items),
    )


def municipalities(parts: Parts) -> dict[str, str]:
    """The names of the municipalities of all programmes in force, by code."""
    programmes = (latest(parts, code) for code in published_codes(parts))
    return {
        each.code: each.name for programme in programmes if programme for each in programme.municipalities
    }


def _found(call: Call, id: str) -> Newsletter:
    with call.parts.pool.connection() as connection:
        found = newsletters.get(connection, id)
    if found is None or not newsletters.may_read(call.person, found):
        raise Missing("newsletter", id)
    return found


def _line(newsletter: Newsletter) -> dict[str, Any]:
    return {
        "id": newsletter.id,
        "programme": newsletter.programme,
        "firstDay": newsletter.first_day.isoformat(),
        "lastDay": newsletter.last_day.isoformat(),
        "state": newsletter.state,
        "version": newsletter.version,
        "drawnAt": instant_of(newsletter.drawn_at),
        "position": newsletter.position,
        "approvedAt": instant_of(newsletter.approved_at) if newsletter.approved_at else None,
    }


def _whole(call: Call, newsletter: Newsletter) -> dict[str, Any]:
    drafted = newsletters.as_drafted(call.parts, newsletter)
    # Of what was left out nobody else hears: not everybody who reads this may read the case.
    all_of_them = may(call.person, "newsletter")
    items = [
        {
            **{name: each[name] for name in ("proposal", "text", "leaveOut")},
            **{name: each["project"][name] for name in ("reference", "title")},
        }
        for each in drafted["items"]
        if all_of_them or not each["leaveOut"]
    ]
    figures = {name: each for name, each in newsletter.figures.items() if name != "projects"}
    with call.parts.pool.connection() as connection:
        kept = newsletters.editions(connection, newsletter.id)
        answer = {
            **_line(newsletter),
            **drafted,
            "items": items,
            "figures": fill(figures, connection, call.scope),
            "editions": [
                {
                    "municipality": each.municipality,
                    "sha256": each.sha256,
                    "sound": each.sound,
                    "removed": each.removed,
                }
                for each in kept
            ],
        }
        if may(call.person, "read-deliveries"):
            answer["deliveries"] = newsletters.sent(connection, newsletter.id)[""]
    if newsletter.state == "draft":
        answer["outdated"] = newsletters.drawn_now(call.parts, newsletter) != newsletter.figures
    return answer


def _address(address: Address) -> dict[str, Any]:
    return {
        "id": address.id,
        "municipality": address.municipality,
        "email": address.email,
        "language": address.language,
        "unsubscribedAt": instant_of(address.unsubscribed_at) if address.unsubscribed_at else None,
        "refusedAt": instant_of(address.refused_at) if address.refused_at else None,
        "refused": address.refused,
    }
