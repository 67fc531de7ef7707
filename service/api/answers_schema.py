"""What does an answer hold? For the published document: the answers themselves come from the views as they are."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, fields
from marshmallow.fields import Field

from service.api.fields import camel

__all__ = [
    "CaseSchema",
    "LevelSchema",
    "NameSchema",
    "NamedPartySchema",
    "Shape",
    "day",
    "instant",
    "listed",
    "maybe",
    "money",
    "named",
    "text",
    "whole",
]


class Shape(Schema):
    """An object in an answer; every member is there unless it says otherwise. Others may come: readers skip those."""

    class Meta:
        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: Field[Any]) -> None:
        """Names are snake_case here and camelCase outside."""
        field_obj.data_key = camel(field_name.rstrip("_"))


def text(description: str = "", **options: Any) -> fields.String:
    """A text or a code."""
    return fields.String(required=options.pop("required", True), metadata=_about(description), **options)


def maybe(description: str = "") -> fields.String:
    """Words, or null where there are none (any more)."""
    return text(description, allow_none=True)


def whole(description: str = "", **options: Any) -> fields.Integer:
    """A whole number."""
    return fields.Integer(required=options.pop("required", True), metadata=_about(description), **options)


def money(description: str = "", **options: Any) -> fields.String:
    """Euros with two decimals, as a text."""
    about = {**_about(description), "pattern": r"^-?[0-9]+\.[0-9]{2}$"}
    return fields.String(required=True, metadata=about, **options)


def day(description: str = "", **options: Any) -> fields.String:
    """A date."""
    return fields.String(required=True, metadata={**_about(description), "format": "date"}, **options)


def instant(description: str = "") -> fields.String:
    """An instant in UTC."""
    return fields.String(required=True, metadata={**_about(description), "format": "date-time"})


def named(schema: type[Schema], description: str = "", **options: Any) -> fields.Nested:
    """An object within."""
    return fields.Nested(schema, required=True, metadata=_about(description), **options)


def listed(inner: type[Schema] | Field[Any], description: str = "") -> fields.List[Any]:
    """A list."""
    each = fields.Nested(inner) if isinstance(inner, type) else inner
    return fields.List(each, required=True, metadata=_about(description))


def _about(description: str) -> dict[str, Any]:
    return {"description": description} if description else {}


class NameSchema(Shape):
    """A person; the name is null once it has been erased."""

    id = text()
    name = maybe()
    name_kept = text("Why the name is still there, of who was erased: acted-in-office", required=False)


class NamedPartySchema(NameSchema):
    """An organisation, or somebody who applies without one."""

    kind = maybe("What kind of party, such as company or foundation")


class CapacitySchema(Shape):
    role = text()
    body = maybe()
    seat = maybe()
    substitute_for = named(NameSchema, allow_none=True)


class LevelSchema(Shape):
    """A level of confidentiality. After its last day it counts no more."""

    level = text("public, internal or confidential")
    ground = maybe("Of what is confidential: the ground in law")
    until = day("The last day on which it is confidential; null for no end", allow_none=True)


class ActedSchema(Shape):
    effective_on = day("The date it counts")
    recorded_at = instant("When it was recorded")
    position = whole("Its place in the log")
    by = named(NameSchema)
    capacity = named(CapacitySchema, "In which role", allow_none=True)
    version = whole("By which its level of confidentiality is set")
    confidentiality = named(LevelSchema, "Where the act has a level of its own", allow_none=True)


class BoundSchema(ActedSchema):
    """A judgement is bound to what was judged: the revision, its content and the version of the rules."""

    stage = text()
    body = text()
    revision = whole()
    content_hash = text("SHA-256 of the content as recorded")


class WaitingSchema(Shape):
    stage = text()
    kind = text("completeness, supplement, advice, decision, ratification, award or held-over")
    body = text()
    capacity = text("The legal capacity in which the body acts")
    due_on = day()
    since = day()


class ContentCofinancingSchema(Shape):
    source = named(NamedPartySchema)
    amount = money()
    status = text("promised, granted or own")


class ContentPeriodSchema(Shape):
    start = day()
    end = day()


class ContentSupportSchema(Shape):
    subregion = text()
    evidence = maybe()


class ContentSchema(Shape):
    title = maybe()
    summary = maybe()
    themes = listed(fields.String())
    applicant = named(NamedPartySchema)
    partners = listed(NamedPartySchema)
    municipalities = listed(fields.String(), "Codes of Statistics Netherlands")
    requested = money()
    cofinancing = listed(ContentCofinancingSchema)
    period = named(ContentPeriodSchema)
    effect = maybe()
    structural_effect = maybe()
    subregion_support = listed(ContentSupportSchema)
    goals = listed(fields.String(allow_none=True))


class CheckedSchema(BoundSchema):
    outcome = text("complete or supplement")
    remarks = maybe()


class ReviewedSchema(BoundSchema):
    advice = text("positive, positive-with-conditions, negative or revise")
    grounds = maybe()
    conditions = listed(fields.String(allow_none=True))
    scores = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    assessments = fields.Dict(keys=fields.String(), values=fields.Boolean(), required=True)
    programme_version = whole()


class DecidedSchema(BoundSchema):
    outcome = text("approved, approved-with-conditions, rejected or held-over")
    grounds = maybe()
    conditions = listed(fields.String(allow_none=True))
    programme_version = whole()


class MovedToSchema(Shape):
    proposal = text()
    amount = money()
    effective_on = day()
    grounds = maybe()


class AwardedPhaseSchema(Shape):
    number = whole()
    amount = money()
    release_condition = maybe()
    held_back = money()
    committed = money()
    released = money()
    released_on = day(allow_none=True)
    release_grounds = text(required=False, allow_none=True)
    moved_out = money()
    moved_to = listed(MovedToSchema)
    returned = money()
    state = text("held-back, free, released, returned or never-released")


class AwardedSchema(BoundSchema):
    envelope = text()
    amount = money()
    provisional = fields.Boolean(required=True)
    programme_version = whole()
    phases = listed(AwardedPhaseSchema)


class MovedInSchema(Shape):
    envelope = text()
    amount = money()
    committed = money()
    returned = money()
    from_ = text("The proposal it came from")
    from_phase = whole()
    effective_on = day()


class WithdrawnSchema(ActedSchema):
    grounds = maybe()


class RedactedSchema(ActedSchema):
    about = whole("The position of the event that texts were taken from")
    paths = fields.List(fields.String(), required=True, metadata=_about("Where they stood in it"))
    ground = text("privacy, woo, legal-order or mistake")
    remarks = maybe()


class RetentionSchema(ActedSchema):
    ended = text("awarded, approved, rejected or withdrawn")
    ended_on = day()
    years = whole()


class TotalsSchema(Shape):
    awarded = money()
    committed = money()
    held_back = money()
    returned = money()


class CaseSchema(Shape):
    """A proposal and where it stands."""

    id = text()
    reference = text("For people, such as RHA-2026-0012")
    programme = text()
    programme_version = whole()
    tender = maybe()
    owner = named(NamedPartySchema, "The organisation that may follow it")
    submitted_by = named(NameSchema)
    submitted_on = day()
    status = text(
        "What it waits for (completeness, supplement, review, decision, ratification, held-over, award) or how it "
        "ended (awarded, approved, rejected, withdrawn)"
    )
    waiting_for = listed(WaitingSchema)
    route = listed(fields.String(), "The bodies that it waits or waited for")
    confidentiality = named(LevelSchema, "Null where none was set: it is internal", allow_none=True)
    revision = whole()
    version = whole("What If-Match names")
    position = whole()
    content = named(ContentSchema)
    completeness = named(CheckedSchema, allow_none=True)
    reviews = listed(ReviewedSchema)
    decisions = listed(DecidedSchema)
    award = named(AwardedSchema, allow_none=True)
    moved_in = listed(MovedInSchema)
    withdrawal = named(WithdrawnSchema, allow_none=True)
    redactions = listed(RedactedSchema, "Texts that were taken away: these are null")
    retention = named(
        RetentionSchema, "When all of its texts went, because their term was over", allow_none=True
    )
    returned = money()
    totals = named(TotalsSchema)
    last_effective_on = day()
    last_recorded_at = instant()
