"""Where does a case go next? The route is resolved when it is walked: these events say so, nobody looks it up later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.case import Case, OpenStage
from domain.dates import refuse_before, refuse_future
from domain.errors import Invalid, Refused
from domain.events import Content, Event, StageClosed, StageOpened
from domain.programme import APPLICANT, Programme, Stage
from domain.requirements import objections
from domain.working_days import add_working_days

__all__ = ["Calendar", "close", "hold_over", "open_after", "open_again", "turn", "wait_for_applicant"]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The day it is (Europe/Amsterdam) and the days on which nobody works."""

    today: date
    holidays: frozenset[date]


def turn(
    case: Case, kinds: tuple[str, ...], effective_on: date, calendar: Calendar, body: str | None = None
) -> OpenStage:
    """The open stage in which this act belongs, of this body where one is named.

    Refuses an act out of turn, saying what the case waits for, and a date that may not be.
    """
    refuse_future(effective_on, calendar.today)
    for stage in case.open:
        if stage.kind in kinds and (body is None or stage.body == body):
            refuse_before(effective_on, case.last_effective_on)
            return stage
    raise out_of_turn(case)


def out_of_turn(case: Case) -> Refused:
    """The refusal of an act that is not what the case waits for."""
    if case.ended:
        return Refused("case-ended", reference=case.reference, outcome=case.ended)
    if not case.open:
        return Refused("case-awarded", reference=case.reference)
    waits = case.open[0]
    return Refused(
        "out-of-turn",
        reference=case.reference,
        waitsFor=waits.stage,
        kind=waits.kind,
        body=waits.body,
        dueOn=waits.due_on,
    )


def close(stage: OpenStage, outcome: str) -> StageClosed:
    """The body has done its part."""
    return StageClosed(stage.stage, stage.body, outcome)


def opened(stage: Stage, on: date, calendar: Calendar) -> list[Event]:
    """A stage opens: one event for each body that must act."""
    due_on = add_working_days(on, stage.term, calendar.holidays)
    return [StageOpened(stage.code, stage.kind, body, stage.capacity, due_on) for body in stage.bodies]


def open_after(
    stage: str | None, content: Content, programme: Programme, on: date, calendar: Calendar
) -> list[Event]:
    """The stage after this one (None: the first) opens; nothing at the end of the route.

    Refuses to pass a completeness check while a requirement that blocks the review is not met.
    """
    following = programme.stage_after(stage)
    if following is None:
        return []
    if following.kind != "completeness":
        refuse_blocked(content, programme)
    return opened(following, on, calendar)


def open_again(
    stage: str, content: Content, programme: Programme, on: date, calendar: Calendar
) -> list[Event]:
    """A stage opens again, after a supplement or a hold-over, with a term of its own."""
    again = programme.stage(stage)
    if again.kind != "completeness":
        refuse_blocked(content, programme)
    return opened(again, on, calendar)


def refuse_blocked(content: Content, programme: Programme) -> None:
    """Refuses to let the review begin while a requirement that blocks it is not met."""
    blocking = objections(content, programme, "blocks-review")
    if blocking:
        raise Refused(
            "requirement-blocks-review",
            requirements=[r.code for r in blocking],
            names={"nl": [r.name.nl for r in blocking], "en": [r.name.en for r in blocking]},
        )


def wait_for_applicant(
    programme: Programme, on: date, due_on: date | None, calendar: Calendar
) -> list[Event]:
    """The applicant must supplement the proposal, within the programme's term or by the date given."""
    if due_on is not None and due_on < on:
        raise Invalid("due-before-act", "/dueOn", dueOn=due_on, effectiveOn=on)
    due = due_on or add_working_days(on, programme.term, calendar.holidays)
    return [StageOpened("supplement", "supplement", APPLICANT, "", due)]


def hold_over(programme: Programme, on: date, calendar: Calendar) -> list[Event]:
    """The case waits for the secretariat to put it up again."""
    due = add_working_days(on, programme.term, calendar.holidays)
    return [StageOpened("held-over", "held-over", programme.secretariat, "", due)]
