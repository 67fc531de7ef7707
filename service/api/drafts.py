"""Which proposals are in the making: one's own drafts, and those that colleagues share? How does one go on?

What is filled in is kept as typed, field by field, as the pages keep it: so a program can begin what a person finishes,
and the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from marshmallow import Schema, fields
from marshmallow.fields import Field

from domain.errors import Invalid, Refused
from service.api.answers import Answer, utc
from service.api.answers_schema import CaseSchema, NameSchema, Shape, instant, listed, named, text, whole
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import Code, Flag, Given, ListOf, MapOf, Part, Plain, Text, refusal
from service.api.openapi import PREFIX
from service.api.proposals_schema import Partner, RevisionSchema, SubmissionSchema
from service.commands import Done
from service.errors import Missing, Stale
from service.identity import people
from service.identity.permissions import check, needs
from service.published import latest
from service.web import drafting, drafts
from service.web.drafting import SentBefore
from service.web.drafts import Draft, Moved
from service.web.forms import Form

api = Resource("drafts", "Proposals in the making")

MOST_FIELDS, MOST_TEXTS = 500, 100

EXAMPLE = {
    "title": ["Digitale werkplaats voor het mkb"],
    "themes": ["digitaliseren-mkb"],
    "partners.0.name": ["Voorbeeldcollege"],
}

ABOUT = (
    "What is filled in, as typed, by the place of each field in the body of POST /proposals: `title`, "
    "`applicant.name`, `partners.0.name`. Each has its texts: one, or where several are chosen (`themes`, "
    "`municipalities`) each of them, by code. `subregionSupport.0` is about the first subregion of the programme. What "
    "is no amount or no date yet is kept all the same"
)


class FieldName(Plain):
    """The name of a field of a proposal."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not NAMES.fullmatch(value):
            raise refusal("unknown-field")
        return value


def _names(schema: Schema) -> Iterator[str]:
    """Patterns of the names of the fields of this schema."""
    for own, field in schema.fields.items():
        yield from (f"{field.data_key or own}{rest}" for rest in _within(field))


def _within(field: Field[Any]) -> Iterator[str]:
    """What comes after the name of a field, in the names of what is in it; nothing for what is one text."""
    if isinstance(field, Part):
        yield from (rf"\.{name}" for name in _names(field.schema))
    elif isinstance(field, Partner):
        yield from (rf"\.{name}" for name in _names(field.party))
    elif isinstance(field, ListOf):
        assert field.inner is not None
        # What is chosen stands under one name; what is written, or has parts, in rows: each number in one way only.
        if isinstance(field.inner, Code) or (isinstance(field.inner, Text) and not field.inner.lines):
            yield ""
        else:
            yield from (rf"\.(?:0|[1-9][0-9]{{0,3}}){rest}" for rest in _within(field.inner))
    else:
        yield ""


NAMES = re.compile("|".join(_names(RevisionSchema())))


class AsTyped(Plain):
    """A text as somebody typed it; what is wrong with it is told when it is submitted."""

    def __init__(self) -> None:
        super().__init__(metadata={"type": "string"})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise refusal("not-a-text")
        return value


def _typed(**options: Any) -> MapOf:
    texts = ListOf(AsTyped(), MOST_TEXTS, least=1)
    return MapOf(texts, MOST_FIELDS, keys=FieldName(), doc=ABOUT, **options)


class NewDraftSchema(Given):
    programme = Code(required=True)
    fields_ = _typed(load_default=dict)


class DraftFieldsSchema(Given):
    fields_ = _typed(required=True)


class SharingSchema(Given):
    shared = Flag(
        required=True, doc="With the colleagues of one's organisation who may submit; or with nobody"
    )


class SubmitDraftSchema(Given):
    pass


class DraftShape(Shape):
    id = text()
    programme = text()
    title = text("What it is called so far")
    own = fields.Boolean(required=True, metadata={"description": "Of who asks; else of a colleague"})
    shared = fields.Boolean(
        required=True, metadata={"description": "With the colleagues of its organisation"}
    )
    version = whole("One more each time that it is kept")
    changed_at = instant()
    changed_by = named(NameSchema, "Null once they were erased", allow_none=True)


class WholeDraftShape(DraftShape):
    fields_ = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        required=True,
        metadata={"description": ABOUT},
    )
    proposal = fields.Dict(
        required=True, metadata={"description": "What it comes to so far, as POST /proposals takes it"}
    )


class DraftsShape(Shape):
    items = listed(DraftShape)


@api.question("/drafts", shows=DraftsShape)
@needs("own-draft")
def list_drafts(call: Call, given: dict[str, Any]) -> Answer:
    """List one's drafts and those that colleagues share, the last changed first"""
    check(call.person, "own-draft", owner=call.person.id)
    with call.parts.pool.connection() as connection:
        found = [each for each in drafts.of_person(connection, call.person.id) if each.proposal is None]
    return Answer({"items": _shown(call, found)})


@api.change(
    "/drafts",
    NewDraftSchema,
    shows=WholeDraftShape,
    example={"programme": "regionale-herstelaanpak", "fields": EXAMPLE},
    status=201,
    keyed=True,
)
@needs("submit")
def begin_draft(call: Call, given: dict[str, Any]) -> Answer:
    """Begin a draft of a proposal

    Who applies is filled in: the organisation of who asks. It is seen by nobody else until it is shared.
    """
    check(call.person, "submit")
    programme = latest(call.parts, given["programme"])
    if programme is None:
        raise Invalid("unknown-programme", "/programme", value=given["programme"])
    draft = drafting.begin(call.parts, call.person, programme.code, given["fields_"], call.once)
    return _whole(call, draft, f"{PREFIX}/drafts/{draft.id}")


@api.question("/drafts/<draft:draft>", shows=WholeDraftShape)
@needs("own-draft")
def read_draft(call: Call, given: dict[str, Any], draft: str) -> Answer:
    """Read a draft: what was typed, and what it comes to as a proposal"""
    return _whole(call, _found(call, draft))


@api.change(
    "/drafts/<draft:draft>",
    DraftFieldsSchema,
    shows=WholeDraftShape,
    example={"fields": EXAMPLE},
    method="PUT",
    conditional=True,
)
@needs("own-draft")
def keep_draft(call: Call, given: dict[str, Any], draft: str) -> Answer:
    """Keep this in a draft, in the place of all that was in it

    Send If-Match, or what somebody typed since you read it goes: on a page, or a colleague with whom it is shared.
    """
    check(call.person, "submit")
    _found(call, draft)
    try:
        with drafting.alone_with(call.parts, draft), call.parts.pool.connection() as connection:
            kept = drafts.keep(
                connection,
                call.person.id,
                draft,
                lambda _: given["fields_"],
                version=call.if_match,
                own_too=True,
            )
    except Moved as moved:
        raise Stale(moved.draft.version) from moved
    if kept is None:
        raise Missing("draft", draft)
    return _whole(call, kept)


@api.change(
    "/drafts/<draft:draft>/sharing",
    SharingSchema,
    shows=WholeDraftShape,
    example={"shared": True},
    method="PUT",
    not_now=True,
)
@needs("own-draft")
def share_draft(call: Call, given: dict[str, Any], draft: str) -> Answer:
    """Share a draft of one's own with one's colleagues, or with nobody"""
    check(call.person, "submit")
    _found(call, draft)
    with call.parts.pool.connection() as connection:
        if not drafts.share(connection, call.person.id, draft, shared=given["shared"]):
            raise Refused("draft-not-to-share")
    return _whole(call, _found(call, draft))


@api.change("/drafts/<draft:draft>", shows=None, method="DELETE")
@needs("own-draft")
def delete_draft(call: Call, given: dict[str, Any], draft: str) -> Answer:
    """Throw a draft away, of oneself or shared by a colleague"""
    _found(call, draft)
    with call.parts.pool.connection() as connection:
        drafts.delete(connection, call.person.id, draft)
    return Answer(None)


@api.act("/drafts/<draft:draft>/submission", SubmitDraftSchema, shows=CaseSchema, example={}, keyed=False)
@needs("own-draft")
def submit_draft(call: Call, given: dict[str, Any], draft: str) -> Done:
    """Submit a draft as a proposal; then it is gone

    A draft is submitted once, so this takes no Idempotency-Key: asked again, who submitted it gets the first answer.
    What is wrong is told by its place in the body of POST /proposals.
    """
    check(call.person, "submit")
    with drafting.alone_with(call.parts, draft):
        try:
            found = _found(call, draft)
        except Missing:
            before = drafting.sent_before(call.parts, call.person, draft)
            if before is None:
                raise
            return before
        if call.if_match is not None and call.if_match != found.version:
            raise Stale(found.version)
        try:
            return drafting.send(call.parts, call.person, found, SubmissionSchema().load(_proposal(found)))
        except SentBefore as again:
            raise Refused("draft-sent-before", draft=again.draft.id) from again


def _found(call: Call, id: str) -> Draft:
    """A draft of who asks, or shared with them. Raises Missing for another's, as for one that is not there."""
    check(call.person, "own-draft", owner=call.person.id)
    with call.parts.pool.connection() as connection:
        found = drafts.find(connection, call.person.id, id)
    if found is None or found.proposal is not None:
        raise Missing("draft", id)
    return found


def _whole(call: Call, draft: Draft, location: str = "") -> Answer:
    [shown] = _shown(call, [draft])
    proposal = _proposal(draft)
    return Answer(
        {**shown, "fields": draft.values, "proposal": proposal}, version=draft.version, location=location
    )


def _proposal(draft: Draft) -> dict[str, Any]:
    """What is filled in, as a submission takes it."""
    return Form(SubmissionSchema(), {**draft.values, "programme": [draft.programme]}).body()


def _shown(call: Call, found: Sequence[Draft]) -> list[dict[str, Any]]:
    with call.parts.pool.connection() as connection:
        names = people.names(connection, {each.changed_by for each in found if each.changed_by})
    return [
        {
            "id": each.id,
            "programme": each.programme,
            "title": each.title,
            "own": each.person == call.person.id,
            "shared": each.organisation is not None,
            "version": each.version,
            "changedAt": utc(each.changed_at) if each.changed_at else None,
            "changedBy": {"id": each.changed_by, "name": names.get(each.changed_by)}
            if each.changed_by
            else None,
        }
        for each in found
    ]
