"""What does somebody send with an act on a case?"""

from __future__ import annotations

from domain.confidentiality import GROUNDS, LEVELS
from service.api.fields import Code, Day, Flag, Given, ListOf, MapOf, Money, OneOf, Part, Text, Whole

__all__ = [
    "AwardSchema", "ClassificationSchema", "CompletenessSchema", "DecisionSchema", "ReallocationSchema",
    "ReleaseSchema", "ResumptionSchema",
    "ReturnSchema", "ReviewSchema", "WithdrawalSchema",
]  # fmt: skip

LONG, CONDITION = 10_000, 2_000
"""Characters at most."""
HIGHEST_SCORE = 1_000


class ActSchema(Given):
    effective_on = Day(load_default=None, allow_none=True, doc="The date it counts; today when left out")


class LevelGivenSchema(Given):
    level = OneOf(*LEVELS, required=True)
    ground = OneOf(
        *GROUNDS,
        load_default=None,
        allow_none=True,
        doc="Of what is confidential: the ground in law, which is needed",
    )
    until = Day(
        load_default=None,
        allow_none=True,
        doc="Of what is confidential: the last day on which it is; no end otherwise",
    )


class ClassificationSchema(LevelGivenSchema):
    about = Whole(
        0,
        1_000_000,
        load_default=0,
        doc="0 for the whole proposal, else the version of the act in its timeline",
    )
    remarks = Text(
        LONG, least=0, lines=True, load_default="", doc="Why; for who may read what is confidential"
    )


class LeveledSchema(ActSchema):
    confidentiality = Part(
        LevelGivenSchema,
        load_default=None,
        allow_none=True,
        metadata={"description": "Who may read the words of this act; internal otherwise"},
    )


class CompletenessSchema(LeveledSchema):
    outcome = OneOf("complete", "supplement", required=True)
    remarks = Text(LONG, least=0, lines=True, load_default="", doc="With a supplement: what is missing")
    due_on = Day(
        load_default=None, allow_none=True, doc="With a supplement: by when; the programme's term otherwise"
    )


class ReviewSchema(LeveledSchema):
    body = Code(required=True)
    advice = OneOf("positive", "positive-with-conditions", "negative", "revise", required=True)
    grounds = Text(LONG, least=0, lines=True, load_default="")
    conditions = ListOf(Text(CONDITION, lines=True), 50, load_default=list)
    scores = MapOf(
        Whole(0, HIGHEST_SCORE), 50, load_default=dict, doc="By criterion, where the programme has criteria"
    )
    assessments = MapOf(
        Flag(),
        50,
        load_default=dict,
        doc="By requirement that is left to the reviewer: is it met? As the rule sees it where left out",
    )


class DecisionSchema(LeveledSchema):
    body = Code(required=True)
    outcome = OneOf("approved", "approved-with-conditions", "rejected", "held-over", required=True)
    grounds = Text(LONG, least=0, lines=True, load_default="")
    conditions = ListOf(Text(CONDITION, lines=True), 50, load_default=list)


class ResumptionSchema(ActSchema):
    pass


class PhaseSchema(Given):
    amount = Money(required=True)
    release_condition = Text(
        CONDITION, least=0, lines=True, load_default="", doc="Without one, the phase is free at once"
    )


class AwardSchema(LeveledSchema):
    envelope = Code(required=True)
    amount = Money(required=True)
    provisional = Flag(load_default=False)
    phases = ListOf(
        Part(PhaseSchema), 50, load_default=list, doc="They add up to the amount; one phase when left out"
    )


class ReleaseSchema(ActSchema):
    grounds = Text(LONG, least=0, lines=True, load_default="")


class ReallocationSchema(ActSchema):
    to = Text(100, required=True, doc="The id of the proposal that gets it")
    amount = Money(required=True)
    grounds = Text(LONG, least=0, lines=True, load_default="")


class ReturnSchema(ActSchema):
    amount = Money(required=True)
    grounds = Text(LONG, least=0, lines=True, load_default="")


class WithdrawalSchema(ActSchema):
    grounds = Text(LONG, least=0, lines=True, load_default="")
