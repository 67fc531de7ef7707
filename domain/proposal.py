"""What may happen to a proposal on its way to a decision: the commands, and what each decides.

Every function answers the events of the case's own stream, or refuses. What happens to its money is in `award.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from domain.case import Case
from domain.confidentiality import Confidentiality
from domain.dates import refuse_before, refuse_future
from domain.errors import Invalid, Refused
from domain.events import (
    CompletenessChecked,
    Content,
    Decided,
    Event,
    ProposalResumed,
    ProposalRevised,
    ProposalSubmitted,
    ProposalWithdrawn,
    Reviewed,
)
from domain.programme import Programme, Stage
from domain.requirements import applicable, objections
from domain.route import (
    Calendar,
    close,
    hold_over,
    open_after,
    open_again,
    out_of_turn,
    turn,
    wait_for_applicant,
)

__all__ = [
    "ADVICES",
    "CHECKS",
    "FIELDS",
    "OUTCOMES",
    "CheckCompleteness",
    "Decide",
    "Resume",
    "Review",
    "Revise",
    "Submit",
    "Withdraw",
    "check_completeness",
    "check_content",
    "decide",
    "resume",
    "review",
    "revise",
    "submit",
    "withdraw",
]


CHECKS = ("complete", "supplement")
ADVICES = ("positive", "positive-with-conditions", "negative", "revise")
OUTCOMES = ("approved", "approved-with-conditions", "rejected", "held-over")


@dataclass(frozen=True, slots=True)
class Submit:
    """Hand a proposal in. `by_secretariat`: recorded on behalf of the applicant, so it may bear an earlier date."""

    content: Content
    owner: str
    reference: str
    effective_on: date
    by_secretariat: bool = False


@dataclass(frozen=True, slots=True)
class CheckCompleteness:
    """Outcome: one of CHECKS, for a supplement with what is missing, and by when."""

    outcome: str
    remarks: str
    due_on: date | None
    effective_on: date
    confidentiality: Confidentiality | None = None


@dataclass(frozen=True, slots=True)
class Revise:
    """The supplemented proposal, whole."""

    content: Content
    effective_on: date


@dataclass(frozen=True, slots=True)
class Review:
    """A body's advice: one of ADVICES."""

    body: str
    advice: str
    grounds: str
    conditions: tuple[str, ...]
    effective_on: date
    scores: Mapping[str, int] = field(default_factory=dict)
    assessments: Mapping[str, bool] = field(default_factory=dict)
    confidentiality: Confidentiality | None = None


@dataclass(frozen=True, slots=True)
class Decide:
    """A body's decision: one of OUTCOMES."""

    body: str
    outcome: str
    grounds: str
    conditions: tuple[str, ...]
    effective_on: date
    confidentiality: Confidentiality | None = None


@dataclass(frozen=True, slots=True)
class Resume:
    """Take a held-over case up again."""

    effective_on: date


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take the proposal back."""

    grounds: str
    effective_on: date


def submit(command: Submit, programme: Programme, calendar: Calendar) -> list[Event]:
    """A proposal comes in. Refuses what the programme does not know, a closed tender, an unmet requirement."""
    refuse_future(command.effective_on, calendar.today)
    check_content(command.content, programme)
    tender = None
    if programme.tenders:
        if command.effective_on < calendar.today and not command.by_secretariat:
            raise Invalid("backdated-in-tender", "/effectiveOn", today=calendar.today)
        tender = programme.tender_on(command.effective_on)
        if tender is None:
            coming = [t for t in programme.tenders if t.opens > command.effective_on]
            raise Invalid(
                "tender-closed",
                "/programme",
                programme=programme.code,
                effectiveOn=command.effective_on,
                opens=min((t.opens for t in coming), default=None),
            )
    submitted = ProposalSubmitted(
        programme=programme.code,
        programme_version=programme.version,
        reference=command.reference,
        owner=command.owner,
        content=command.content,
        tender=tender.code if tender else None,
    )
    return [submitted, *open_after(None, command.content, programme, command.effective_on, calendar)]


def check_content(content: Content, programme: Programme) -> None:
    """Refuses content that names what the programme does not have, or misses a requirement that refuses submission."""
    _refuse_unknown(content.themes, [t.code for t in programme.themes], "unknown-theme", "/themes")
    _refuse_unknown(
        content.municipalities,
        [m.code for m in programme.municipalities],
        "unknown-municipality",
        "/municipalities",
    )
    _refuse_unknown(
        [support.subregion for support in content.subregion_support],
        [s.code for s in programme.subregions],
        "unknown-subregion",
        "/subregionSupport",
        "/subregion",
    )
    if content.period_end < content.period_start:
        raise Invalid("end-before-start", "/period/end", start=content.period_start, end=content.period_end)
    for requirement in objections(content, programme, "refuses-submission"):
        raise Invalid(
            "requirement-not-met",
            FIELDS.get(requirement.function, ""),
            requirement=requirement.code,
            minimum=requirement.minimum,
            names={"nl": requirement.name.nl, "en": requirement.name.en},
        )


FIELDS = {
    "multiplier_at_least": "/cofinancing",
    "subregions_on_board": "/subregionSupport",
    "structural_effect_stated": "/structuralEffect",
    "partners_at_least": "/partners",
}
"""Where a submitter mends an unmet requirement."""


def _refuse_unknown(
    given: tuple[str, ...] | list[str], known: list[str], code: str, field: str, within: str = ""
) -> None:
    for index, value in enumerate(given):
        if value not in known:
            raise Invalid(code, f"{field}/{index}{within}", value=value, known=known)


def check_completeness(
    command: CheckCompleteness, case: Case, programme: Programme, calendar: Calendar
) -> list[Event]:
    """The secretariat's check: on to the next stage, or back to the applicant for a supplement."""
    stage = turn(case, ("completeness",), command.effective_on, calendar)
    _refuse_other(command.outcome, CHECKS, "/outcome")
    if command.outcome == "supplement" and not command.remarks:
        raise Invalid("remarks-needed", "/remarks")
    checked = CompletenessChecked(
        stage.stage, stage.body, command.outcome, command.remarks, case.revision, case.content_hash()
    )
    if command.outcome == "supplement":
        following = wait_for_applicant(programme, command.effective_on, command.due_on, calendar)
    else:
        following = open_after(stage.stage, case.content, programme, command.effective_on, calendar)
    return [checked, close(stage, command.outcome), *following]


def revise(command: Revise, case: Case, programme: Programme, calendar: Calendar) -> list[Event]:
    """The applicant supplements; the stage that asked for it opens again."""
    stage = turn(case, ("supplement",), command.effective_on, calendar)
    check_content(command.content, programme)
    asked_by = case.asked_by or programme.stages[0].code
    revised = ProposalRevised(case.revision + 1, command.content)
    again = open_again(asked_by, command.content, programme, command.effective_on, calendar)
    return [revised, close(stage, "revised"), *again]


def review(command: Review, case: Case, programme: Programme, calendar: Calendar) -> list[Event]:
    """A body advises. A negative advice still goes to whoever decides; `revise` goes back to the applicant."""
    refuse_unknown_body(command.body, programme)
    stage = turn(case, ("advice",), command.effective_on, calendar, command.body)
    _refuse_other(command.advice, ADVICES, "/advice")
    if command.advice in ("negative", "revise") and not command.grounds:
        raise Invalid("grounds-needed", "/grounds")
    _refuse_conditions(command.advice == "positive-with-conditions", command.conditions)
    _refuse_scores(command, programme.stage(stage.stage))
    reviewed = Reviewed(
        stage=stage.stage,
        body=stage.body,
        advice=command.advice,
        grounds=command.grounds,
        conditions=command.conditions,
        scores=dict(command.scores),
        revision=case.revision,
        content_hash=case.content_hash(),
        programme_version=case.programme_version,
        assessments=_assessed(command, case, programme),
    )
    if command.advice == "revise":
        following = wait_for_applicant(programme, command.effective_on, None, calendar)
    else:
        following = open_after(stage.stage, case.content, programme, command.effective_on, calendar)
    return [reviewed, close(stage, command.advice), *following]


def _assessed(command: Review, case: Case, programme: Programme) -> dict[str, bool]:
    """For each requirement left to the reviewer: met or not, as said, or else as the rule sees it."""
    asked = {r.code for r in applicable(case.content, programme, "assessed")}
    for code in command.assessments:
        if code not in asked:
            raise Invalid("unknown-requirement", f"/assessments/{code}", value=code, known=sorted(asked))
    unmet = {r.code for r in objections(case.content, programme, "assessed")}
    judged = {
        r.code
        for r in applicable(case.content, programme, "assessed")
        if r.function != "judged_by_the_reviewer" or r.code in command.assessments
    }
    return {code: command.assessments.get(code, code not in unmet) for code in sorted(judged)}


def _refuse_scores(command: Review, stage: Stage) -> None:
    wanted = {criterion.code: criterion for criterion in stage.criteria}
    if command.advice == "revise" and not command.scores:
        return
    for code in command.scores:
        if code not in wanted:
            raise Invalid("unknown-criterion", f"/scores/{code}", value=code, known=sorted(wanted))
    for code, criterion in wanted.items():
        score = command.scores.get(code)
        if score is None or not criterion.minimum <= score <= criterion.maximum:
            raise Invalid(
                "score-needed",
                f"/scores/{code}",
                criterion=code,
                minimum=criterion.minimum,
                maximum=criterion.maximum,
                names={"nl": criterion.name.nl, "en": criterion.name.en},
            )


def decide(command: Decide, case: Case, programme: Programme, calendar: Calendar) -> list[Event]:
    """A body decides, or one of N bodies ratifies. Rejection ends the route, holding over waits for the secretariat."""
    refuse_unknown_body(command.body, programme)
    stage = turn(case, ("decision", "ratification"), command.effective_on, calendar, command.body)
    _refuse_other(command.outcome, OUTCOMES, "/outcome")
    if command.outcome in ("rejected", "held-over") and not command.grounds:
        raise Invalid("grounds-needed", "/grounds")
    _refuse_conditions(command.outcome == "approved-with-conditions", command.conditions)
    decided = Decided(
        stage=stage.stage,
        body=stage.body,
        outcome=command.outcome,
        grounds=command.grounds,
        conditions=command.conditions,
        revision=case.revision,
        content_hash=case.content_hash(),
        programme_version=case.programme_version,
    )
    if stage.kind == "ratification":
        return [decided, *_ratified(command, case, programme, calendar)]
    if command.outcome == "held-over":
        return [decided, close(stage, "held-over"), *hold_over(programme, command.effective_on, calendar)]
    if command.outcome == "rejected":
        return [decided, close(stage, "rejected")]
    following = open_after(stage.stage, case.content, programme, command.effective_on, calendar)
    return [decided, close(stage, command.outcome), *following]


def _ratified(command: Decide, case: Case, programme: Programme, calendar: Calendar) -> list[Event]:
    """One more of N bodies has answered: wait for the others, go on, or end when enough can no longer approve."""
    if command.outcome == "held-over":
        raise Invalid("ratification-held-over", "/outcome")
    here = next(s for s in case.open if s.kind == "ratification" and s.body == command.body)
    others = [s for s in case.open if s.stage == here.stage and s.body != command.body]
    stage = programme.stage(here.stage)
    needed = stage.needed or len(stage.bodies)
    answers = {**case.ratified, command.body: command.outcome}
    approved = sum(1 for outcome in answers.values() if outcome != "rejected")
    if approved + len(others) < needed:
        return [close(s, "not-ratified") for s in (here, *others)]
    if others:
        return [close(here, "answered")]
    return [
        close(here, "answered"),
        *open_after(here.stage, case.content, programme, command.effective_on, calendar),
    ]


def resume(command: Resume, case: Case, programme: Programme, calendar: Calendar) -> list[Event]:
    """The stage in which the case was held over opens again, with a new term."""
    stage = turn(case, ("held-over",), command.effective_on, calendar)
    held_over_in = case.held_over_in or stage.stage
    again = open_again(held_over_in, case.content, programme, command.effective_on, calendar)
    return [ProposalResumed(held_over_in), close(stage, "resumed"), *again]


def withdraw(command: Withdraw, case: Case, calendar: Calendar) -> list[Event]:
    """The applicant takes the proposal back, at any stage before money came to it."""
    refuse_future(command.effective_on, calendar.today)
    if case.awarded:
        raise Refused("withdraw-after-award", reference=case.reference)
    if case.ended:
        raise out_of_turn(case)
    refuse_before(command.effective_on, case.last_effective_on)
    return [ProposalWithdrawn(command.grounds), *(close(stage, "withdrawn") for stage in case.open)]


def refuse_unknown_body(body: str, programme: Programme) -> None:
    """Refuses a body that the programme does not know."""
    if body not in programme.body_codes():
        raise Invalid("unknown-body", "/body", body=body, known=sorted(programme.body_codes()))


def _refuse_other(given: str, known: tuple[str, ...], field: str) -> None:
    """Refuses a judgement nobody has heard of: it may not count as an approval."""
    if given not in known:
        raise Invalid("unknown-choice", field, value=given, known=known)


def _refuse_conditions(needed: bool, conditions: tuple[str, ...]) -> None:
    if needed and not conditions:
        raise Invalid("conditions-needed", "/conditions")
    if conditions and not needed:
        raise Invalid("conditions-not-allowed", "/conditions")
