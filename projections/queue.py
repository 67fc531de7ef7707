"""What waits for a body? One document an open stage; it goes when the body has done its part, and leaves a fact.

The title and reference of the case are those in the status view: who reads a queue joins the two.
"""

from __future__ import annotations

from typing import Any

from domain.events import StageClosed, StageOpened
from domain.recorded import Recorded
from projections.plain import day, instant
from projections.view import Column, Document, Facts, View

__all__ = ["QUEUE", "evolve", "facts"]


STAGE = (StageOpened, StageClosed)


def key(recorded: Recorded) -> str | None:
    """A case waits for one or more bodies, each in one stage."""
    event = recorded.event
    if isinstance(event, STAGE):
        return f"{recorded.stream}/{event.stage}/{event.body}"
    return None


def evolve(document: Document | None, recorded: Recorded) -> Document | None:
    """What waits, from the event that opened the stage until the one that closed it."""
    event = recorded.event
    if isinstance(event, StageOpened):
        return {
            "proposal": recorded.stream,
            "stage": event.stage,
            "kind": event.kind,
            "body": event.body,
            "capacity": event.capacity,
            "dueOn": day(event.due_on),
            "since": day(recorded.effective_on),
            "openedAt": instant(recorded.recorded_at),
            "position": recorded.position,
        }
    return None


def facts(before: Document | None, after: Document | None, recorded: Recorded) -> list[tuple[Any, ...]]:
    """A row for each turn that ended: from which date a body had the case, until the date on which the row counts.

    When a case is withdrawn the body it waited for did nothing: that is no turn.
    """
    event = recorded.event
    if before is None or not isinstance(event, StageClosed) or event.outcome == "withdrawn":
        return []
    return [(day(recorded.effective_on), event.stage, before["kind"], event.body, before["since"])]


QUEUE = View(
    name="queue",
    version=2,
    kinds=frozenset({"proposal"}),
    key=key,
    evolve=evolve,
    columns=(
        Column("body", "text", "document ->> 'body'"),
        Column("due_on", "text", "document ->> 'dueOn'"),
    ),
    indexes=("btree (body, due_on, key)",),
    facts=Facts(
        name="lead_times",
        columns=(("stage", "text"), ("kind", "text"), ("body", "text"), ("since", "date")),
        rows=facts,
    ),
)
