"""Where does a case stand? One document a proposal: what it says, what it waits for, what was decided, its money.

`status` is one of: completeness, supplement, review, decision, ratification, held-over, award (it waits for these),
awarded, rejected, withdrawn, or approved (where a route ends without an award).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.events import (
    Awarded,
    CompletenessChecked,
    ConfidentialitySet,
    Content,
    Decided,
    Event,
    MoneyMovedIn,
    MoneyMovedOut,
    MoneyReturned,
    PhaseReleased,
    ProposalRevised,
    ProposalSubmitted,
    ProposalWithdrawn,
    RetentionApplied,
    Reviewed,
    StageClosed,
    StageOpened,
    TextRedacted,
)
from domain.programme import APPLICANT
from domain.recorded import Recorded
from projections.confidential import SECRET_UNTIL, level
from projections.plain import ZERO, day, instant, money
from projections.status_money import awarded, moved_in, moved_out, released, returned
from projections.view import Column, Document, Facts, View, stream_of
from projections.words import capacity, party, person, ref, refs

__all__ = ["STATUS", "evolve", "with_levels"]

STATUS_OF_KIND = {"advice": "review"}
"""What a case is called that waits for a stage of this kind, where that is not the name of the kind."""


def evolve(document: Document | None, recorded: Recorded) -> Document | None:
    """The case after one more event; None until it was submitted."""
    event = recorded.event
    if isinstance(event, ProposalSubmitted):
        return _submitted(recorded, event)
    if document is None:
        return None
    on = day(recorded.effective_on)
    if isinstance(event, ConfidentialitySet | TextRedacted | RetentionApplied):
        # None of these is a step of the case: what happened may still be recorded with an earlier date.
        on = document["lastEffectiveOn"]
    after = {
        **document,
        "version": recorded.version,
        "position": recorded.position,
        "lastEffectiveOn": max(document["lastEffectiveOn"], on),
        "lastRecordedAt": instant(recorded.recorded_at),
    }
    change = CHANGES.get(type(event))
    if change is not None:
        change(after, recorded, event)
    return after


def _submitted(recorded: Recorded, event: ProposalSubmitted) -> Document:
    on = day(recorded.effective_on)
    return {
        "id": recorded.stream,
        "reference": event.reference,
        "programme": event.programme,
        "programmeVersion": event.programme_version,
        "tender": event.tender,
        "owner": party(event.owner),
        "submittedBy": person(recorded.by),
        "submittedOn": on,
        "status": "completeness",
        "waitingFor": [],
        "route": [],
        "confidentiality": None,
        "revision": 1,
        "version": recorded.version,
        "position": recorded.position,
        "content": _content(recorded, event.content),
        "completeness": None,
        "reviews": [],
        "decisions": [],
        "award": None,
        "movedIn": [],
        "withdrawal": None,
        "redactions": [],
        "retention": None,
        "returned": money(ZERO),
        "totals": {key: money(ZERO) for key in ("awarded", "committed", "heldBack", "returned")},
        "lastEffectiveOn": on,
        "lastRecordedAt": instant(recorded.recorded_at),
    }


def _content(recorded: Recorded, content: Content) -> dict[str, Any]:
    """All that a revision says, words by reference."""
    return {
        "title": ref(recorded, "content.title", content.title),
        "summary": ref(recorded, "content.summary", content.summary),
        "themes": list(content.themes),
        "applicant": party(content.applicant),
        "partners": [party(partner) for partner in content.partners],
        "municipalities": list(content.municipalities),
        "requested": money(content.requested),
        "cofinancing": [
            {"source": party(part.source), "amount": money(part.amount), "status": part.status}
            for part in content.cofinancing
        ],
        "period": {"start": day(content.period_start), "end": day(content.period_end)},
        "effect": ref(recorded, "content.effect", content.effect),
        "structuralEffect": ref(recorded, "content.structural_effect", content.structural_effect),
        "subregionSupport": [
            {
                "subregion": support.subregion,
                "evidence": ref(recorded, f"content.subregion_support.{index}.evidence", support.evidence),
            }
            for index, support in enumerate(content.subregion_support)
        ],
        "goals": refs(recorded, "content.goals", content.goals),
    }


def _revised(after: Document, recorded: Recorded, event: ProposalRevised) -> None:
    after["revision"] = event.revision
    after["content"] = _content(recorded, event.content)


def _opened(after: Document, recorded: Recorded, event: StageOpened) -> None:
    opened = {
        "stage": event.stage,
        "kind": event.kind,
        "body": event.body,
        "capacity": event.capacity,
        "dueOn": day(event.due_on),
        "since": day(recorded.effective_on),
    }
    after["waitingFor"] = [*after["waitingFor"], opened]
    if event.body not in after["route"] and event.body != APPLICANT:
        after["route"] = [*after["route"], event.body]
    after["status"] = STATUS_OF_KIND.get(event.kind, event.kind)


def _closed(after: Document, recorded: Recorded, event: StageClosed) -> None:
    left = [w for w in after["waitingFor"] if not (w["stage"] == event.stage and w["body"] == event.body)]
    after["waitingFor"] = left
    if left or after["status"] == "withdrawn":
        return
    # Where the route goes on, the next event opens a stage and says otherwise.
    if event.outcome in ("rejected", "not-ratified"):
        after["status"] = "rejected"
    elif after["award"] or after["movedIn"]:
        after["status"] = "awarded"
    else:
        after["status"] = "approved"


def _acted(recorded: Recorded) -> dict[str, Any]:
    """When and by whom a judgement was given."""
    return {
        "effectiveOn": day(recorded.effective_on),
        "recordedAt": instant(recorded.recorded_at),
        "position": recorded.position,
        "by": person(recorded.by),
        "capacity": capacity(recorded.capacity),
        "version": recorded.version,
        "confidentiality": None,
    }


def _checked(after: Document, recorded: Recorded, event: CompletenessChecked) -> None:
    after["completeness"] = {
        "stage": event.stage,
        "body": event.body,
        "outcome": event.outcome,
        "remarks": ref(recorded, "remarks", event.remarks),
        "revision": event.revision,
        "contentHash": event.content_hash,
        **_acted(recorded),
    }


def _reviewed(after: Document, recorded: Recorded, event: Reviewed) -> None:
    review = {
        "stage": event.stage,
        "body": event.body,
        "advice": event.advice,
        "grounds": ref(recorded, "grounds", event.grounds),
        "conditions": refs(recorded, "conditions", event.conditions),
        "scores": dict(event.scores),
        "assessments": dict(event.assessments),
        "revision": event.revision,
        "contentHash": event.content_hash,
        "programmeVersion": event.programme_version,
        **_acted(recorded),
    }
    after["reviews"] = [*after["reviews"], review]


def _decided(after: Document, recorded: Recorded, event: Decided) -> None:
    decision = {
        "stage": event.stage,
        "body": event.body,
        "outcome": event.outcome,
        "grounds": ref(recorded, "grounds", event.grounds),
        "conditions": refs(recorded, "conditions", event.conditions),
        "revision": event.revision,
        "contentHash": event.content_hash,
        "programmeVersion": event.programme_version,
        **_acted(recorded),
    }
    after["decisions"] = [*after["decisions"], decision]


def _awarded(after: Document, recorded: Recorded, event: Awarded) -> None:
    awarded(after, recorded, event)
    after["award"].update(_acted(recorded))
    after["status"] = "awarded"


def _withdrawn(after: Document, recorded: Recorded, event: ProposalWithdrawn) -> None:
    after["withdrawal"] = {"grounds": ref(recorded, "grounds", event.grounds), **_acted(recorded)}
    after["status"] = "withdrawn"


def _classified(after: Document, recorded: Recorded, event: ConfidentialitySet) -> None:
    """The whole, or the act that it is about, has another level."""
    after.update(with_levels(after, {event.about: level(event)}))


def with_levels(document: Document, levels: Mapping[int, Document]) -> Document:
    """The same case with these levels: 0 is that of the whole, the others are those of acts, by version."""

    def leveled(act: Document) -> Document:
        found = levels.get(act["version"])
        return {**act, "confidentiality": found} if found is not None else act

    after = {**document, "confidentiality": levels.get(0, document["confidentiality"])}
    for name in ("completeness", "award"):
        after[name] = leveled(after[name]) if after[name] is not None else None
    for name in ("reviews", "decisions"):
        after[name] = [leveled(each) for each in after[name]]
    return after


def _redacted(after: Document, recorded: Recorded, event: TextRedacted) -> None:
    redaction = {
        "about": event.about,
        "paths": list(event.paths),
        "ground": event.ground,
        "remarks": ref(recorded, "remarks", event.remarks),
        **_acted(recorded),
    }
    after["redactions"] = [*after["redactions"], redaction]


def _retained(after: Document, recorded: Recorded, event: RetentionApplied) -> None:
    after["retention"] = {
        "ended": event.ended,
        "endedOn": day(event.ended_on),
        "years": event.years,
        **_acted(recorded),
    }


CHANGES: dict[type[Event], Callable[[Document, Recorded, Any], None]] = {
    ProposalRevised: _revised,
    StageOpened: _opened,
    StageClosed: _closed,
    CompletenessChecked: _checked,
    Reviewed: _reviewed,
    Decided: _decided,
    Awarded: _awarded,
    PhaseReleased: released,
    MoneyMovedOut: moved_out,
    MoneyMovedIn: moved_in,
    MoneyReturned: returned,
    ProposalWithdrawn: _withdrawn,
    ConfidentialitySet: _classified,
    TextRedacted: _redacted,
    RetentionApplied: _retained,
}
"""What each kind of event changes, in a fresh copy of the document (its parts are replaced, never changed)."""


def _facets(document: Document) -> tuple[Any, ...]:
    content = document["content"]
    return (
        document["reference"],
        document["programme"],
        document["status"],
        document["owner"]["$party"],
        content["applicant"]["$party"],
        [waiting["body"] for waiting in document["waitingFor"]],
        content["themes"],
        content["municipalities"],
    )


MOVING = (
    ProposalSubmitted,
    ProposalRevised,
    StageOpened,
    StageClosed,
    Awarded,
    MoneyMovedIn,
    ProposalWithdrawn,
)
"""The events that can change a facet."""


def _history(before: Document | None, after: Document | None, recorded: Recorded) -> list[tuple[Any, ...]]:
    """A row whenever something may have changed by which a list is filtered.

    `late` says that the event counts from an earlier date than one already recorded: then this row is not what was true
    on that date, and who asks for a date must fold the case instead.
    """
    if after is None:
        return []
    on = day(recorded.effective_on)
    late = before is not None and on < before["lastEffectiveOn"]
    return [(on, *_facets(after), late)] if late or isinstance(recorded.event, MOVING) else []


STATUS = View(
    name="status",
    version=2,
    kinds=frozenset({"proposal"}),
    key=stream_of,
    evolve=evolve,
    columns=(
        Column("reference", "text", "document ->> 'reference'"),
        Column("programme", "text", "document ->> 'programme'"),
        Column("status", "text", "document ->> 'status'"),
        Column("owner", "text", "document -> 'owner' ->> '$party'"),
        Column("applicant", "text", "document -> 'content' -> 'applicant' ->> '$party'"),
        Column("waiting", "jsonb", "document -> 'waitingFor'"),
        Column("themes", "jsonb", "document -> 'content' -> 'themes'"),
        Column("municipalities", "jsonb", "document -> 'content' -> 'municipalities'"),
        Column("route", "jsonb", "document -> 'route'"),
        SECRET_UNTIL,
    ),
    # Only over what never or seldom changes: a status moves often, and a write that touches no index is a cheap one.
    indexes=(
        "btree (reference)",
        "btree (owner, key)",
        "btree (secret_until) WHERE secret_until IS NOT NULL",
    ),
    facts=Facts(
        name="status_history",
        columns=(
            ("reference", "text"),
            ("programme", "text"),
            ("status", "text"),
            ("owner", "text"),
            ("applicant", "text"),
            ("bodies", "jsonb"),
            ("themes", "jsonb"),
            ("municipalities", "jsonb"),
            ("late", "boolean"),
        ),
        rows=_history,
        indexes=("btree (stream, position)", "btree (stream) WHERE late"),
        last_of_command=True,
    ),
)
