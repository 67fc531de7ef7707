"""What of a case may ever be public? What it asks and got, and how bodies judged: never a person, nor who did it.

Whether and from which day it is public follows from its programme (`Programme.publication`), its level of
confidentiality and the calendar: who reads looks at these (`service/register.py`). `on` has the day of each moment.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from domain.events import (
    Awarded,
    ConfidentialitySet,
    Content,
    Decided,
    Event,
    MoneyMovedIn,
    ProposalRevised,
    ProposalSubmitted,
    ProposalWithdrawn,
    RetentionApplied,
    Reviewed,
    StageClosed,
    StageOpened,
    TextRedacted,
)
from domain.programme import PUBLICATIONS
from domain.recorded import Recorded
from projections.confidential import SECRET_UNTIL, level
from projections.plain import ZERO, day, instant, money
from projections.portfolio import change_of_money
from projections.view import Column, Document, View, stream_of
from projections.words import WORDS, party, ref, refs

__all__ = ["REGISTER", "evolve"]

DECIDING = ("decision", "ratification")
NOT_DECIDED = ("held-over", "withdrawn")
REFUSED = ("rejected", "not-ratified")


def evolve(document: Document | None, recorded: Recorded) -> Document | None:
    """The case after one more event; None until it was submitted."""
    event = recorded.event
    if isinstance(event, ProposalSubmitted):
        document = {
            "reference": event.reference,
            "programme": event.programme,
            "programmeVersion": event.programme_version,
            "outcome": None,
            "acts": [],
            "open": [],
            "awarded": money(ZERO),
            "on": dict.fromkeys(PUBLICATIONS),
            "confidentiality": None,
        }
        document["on"]["submission"] = day(recorded.effective_on)
        return _said(document, recorded, event.content)
    if document is None:
        return None
    after = _changed(document, recorded, event)
    committed, held_back = change_of_money(event)
    if committed + held_back:
        after = {**after, "awarded": money(Decimal(after["awarded"]) + committed + held_back)}
    return document if after is document else {**after, "changedAt": instant(recorded.recorded_at)}


def _said(document: Document, recorded: Recorded, content: Content) -> Document:
    """What the case says now: no more than may be public of it. `said` is where its words stand."""
    cofinancing = {"promised": ZERO, "granted": ZERO, "own": ZERO}
    for part in content.cofinancing:
        cofinancing[part.status] = cofinancing.get(part.status, ZERO) + part.amount
    return {
        **document,
        "said": recorded.position,
        "title": ref(recorded, "content.title", content.title),
        "summary": ref(recorded, "content.summary", content.summary),
        "applicant": party(content.applicant),
        "themes": list(content.themes),
        "municipalities": list(content.municipalities),
        "requested": money(content.requested),
        "cofinancing": {
            **{name: money(amount) for name, amount in cofinancing.items()},
            "total": money(sum(cofinancing.values(), ZERO)),
        },
        "changedAt": instant(recorded.recorded_at),
    }


def _changed(document: Document, recorded: Recorded, event: Event) -> Document:
    match event:
        case ProposalRevised():
            return _said(document, recorded, event.content)
        case StageOpened():
            opened = [event.stage, event.kind, event.body]
            # What closed before this was no end of the route.
            on = {**document["on"], "closing": None}
            return {**document, "open": [*document["open"], opened], "outcome": None, "on": on}
        case StageClosed():
            return _closed(document, recorded, event)
        case Reviewed():
            return _acted(
                document, recorded, "advice", event.body, event.advice, event.grounds, event.conditions
            )
        case Decided():
            return _acted(
                document, recorded, "decision", event.body, event.outcome, event.grounds, event.conditions
            )
        case Awarded():
            return _reached(
                _acted(document, recorded, "award", event.body, "awarded", "", ()), recorded, "award"
            )
        case MoneyMovedIn():
            return _reached({**document, "moved": True}, recorded, "award")
        case ProposalWithdrawn():
            return {**document, "outcome": "withdrawn"}
        case ConfidentialitySet(about=0):
            return {**document, "confidentiality": level(event)}
        case ConfidentialitySet():
            acts = [
                {**act, "level": event.level} if act["version"] == event.about else act
                for act in document["acts"]
            ]
            return {**document, "acts": acts}
        case TextRedacted(about=about, paths=paths) if _public(document) & {f"{about}/{at}" for at in paths}:
            return {**document}
        case RetentionApplied():
            return {**document}
        case _:
            return document


def _public(document: Document) -> set[str]:
    """Where the words stand that may be public now."""
    said = [document["title"], document["summary"]]
    for act in document["acts"]:
        said += [act["grounds"], *act["conditions"]] if act["level"] == "public" else []
    return {each[WORDS] for each in said if each is not None}


def _acted(
    document: Document,
    recorded: Recorded,
    what: str,
    body: str,
    outcome: str,
    grounds: str,
    conditions: tuple[str, ...],
) -> Document:
    act: dict[str, Any] = {
        "version": recorded.version,
        "what": what,
        "body": body,
        "outcome": outcome,
        "on": day(recorded.effective_on),
        "grounds": ref(recorded, "grounds", grounds),
        "conditions": refs(recorded, "conditions", conditions),
        "level": None,
    }
    return {**document, "acts": [*document["acts"], act]}


def _closed(document: Document, recorded: Recorded, event: StageClosed) -> Document:
    here = [event.stage, event.body]
    kind = next((kind for stage, kind, body in document["open"] if [stage, body] == here), "")
    left = [each for each in document["open"] if [each[0], each[2]] != here]
    after = {**document, "open": left}
    of_stage = any(stage == event.stage for stage, _, _ in left)
    if kind in DECIDING and not of_stage and event.outcome not in NOT_DECIDED:
        after = _reached(after, recorded, "decision")
    if left or event.outcome == "withdrawn":
        return after
    # Where the route goes on, the next event opens a stage and takes this back.
    if event.outcome in REFUSED:
        outcome = "rejected"
    elif any(act["what"] == "award" for act in after["acts"]) or after.get("moved"):
        outcome = "awarded"
    else:
        outcome = "approved"
    return {**after, "outcome": outcome, "on": {**after["on"], "closing": day(recorded.effective_on)}}


def _reached(document: Document, recorded: Recorded, moment: str) -> Document:
    """The case comes to a moment, the first time; later ones don't count."""
    if document["on"][moment] is not None:
        return document
    return {**document, "on": {**document["on"], moment: day(recorded.effective_on)}}


REGISTER = View(
    name="register",
    version=1,
    kinds=frozenset({"proposal"}),
    key=stream_of,
    evolve=evolve,
    columns=(
        Column("reference", "text", "document ->> 'reference'"),
        Column("programme", "text", "document ->> 'programme'"),
        Column("programme_version", "bigint", "(document ->> 'programmeVersion')::bigint"),
        Column("outcome", "text", "document ->> 'outcome'"),
        Column("applicant", "text", "document #>> '{applicant,$party}'"),
        Column("themes", "jsonb", "document -> 'themes'"),
        Column("municipalities", "jsonb", "document -> 'municipalities'"),
        Column("said", "bigint", "(document ->> 'said')::bigint"),
        *(Column(f"on_{each}", 'text COLLATE "C"', f"document #>> '{{on,{each}}}'") for each in PUBLICATIONS),
        Column("level", "text", "document #>> '{confidentiality,level}'"),
        SECRET_UNTIL,
    ),
    indexes=("btree (reference)",),
)
