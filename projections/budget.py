"""How much of an envelope is committed, held back and left? One document an envelope, and a row of facts a change.

Sums of the facts give the same at any moment, and by proposal: an envelope can have many thousands of changes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from domain.events import (
    EnvelopeOpened,
    FundsMoved,
    FundsReleased,
    FundsReserved,
    FundsReturned,
    Source,
    SourceAdded,
)
from domain.recorded import Recorded
from projections.plain import ZERO, cents, day, money
from projections.view import Column, Document, Facts, View, stream_of
from projections.words import ref

__all__ = ["BUDGET", "evolve", "facts"]


def evolve(document: Document | None, recorded: Recorded) -> Document | None:
    """The envelope after one more event; None until it was opened."""
    event = recorded.event
    if isinstance(event, EnvelopeOpened):
        document = {
            "id": recorded.stream,
            "code": event.code,
            "name": ref(recorded, "name", event.name),
            "body": event.body,
            "programme": event.programme,
            "openedOn": day(recorded.effective_on),
            "sources": [],
            "amount": money(ZERO),
            "committed": money(ZERO),
            "heldBack": money(ZERO),
        }
        sources = [_source(recorded, f"sources.{i}.name", each) for i, each in enumerate(event.sources)]
    elif document is None:
        return None
    elif isinstance(event, SourceAdded):
        sources = [_source(recorded, "source.name", event.source)]
    else:
        sources = []
    after = {
        **document,
        # By the date they count, the one that was recorded last need not come last.
        "version": max(document.get("version", 0), recorded.version),
        "position": max(document.get("position", 0), recorded.position),
    }
    if sources:
        after["sources"] = [*document["sources"], *sources]
    for _, amount, committed, held_back in changes(recorded):
        after["amount"] = money(Decimal(after["amount"]) + amount)
        after["committed"] = money(Decimal(after["committed"]) + committed)
        after["heldBack"] = money(Decimal(after["heldBack"]) + held_back)
    left = Decimal(after["amount"]) - Decimal(after["committed"]) - Decimal(after["heldBack"])
    after["left"] = money(left)
    return after


def _source(recorded: Recorded, path: str, source: Source) -> dict[str, Any]:
    return {
        "source": ref(recorded, path, source.name),
        "amount": money(source.amount),
        "effectiveOn": day(recorded.effective_on),
        "position": recorded.position,
    }


def changes(recorded: Recorded) -> list[tuple[str | None, Decimal, Decimal, Decimal]]:
    """What an event changes: (proposal, amount, committed, held back), in euros."""
    event = recorded.event
    match event:
        case EnvelopeOpened():
            return [(None, sum((source.amount for source in event.sources), ZERO), ZERO, ZERO)]
        case SourceAdded():
            return [(None, event.source.amount, ZERO, ZERO)]
        case FundsReserved():
            return [(event.proposal, ZERO, event.committed, event.held_back)]
        case FundsReleased():
            return [(event.proposal, ZERO, event.amount, -event.amount)]
        case FundsMoved():
            return [
                (event.from_proposal, ZERO, ZERO, -event.amount),
                (event.to_proposal, ZERO, event.amount, ZERO),
            ]
        case FundsReturned():
            return [(event.proposal, ZERO, -event.from_committed, -event.from_held_back)]
        case _:
            return []


def facts(before: Document | None, after: Document | None, recorded: Recorded) -> list[tuple[Any, ...]]:
    """A row a change: the version of the stream, the proposal it is about if any, and cents."""
    on = day(recorded.effective_on)
    return [
        (on, recorded.version, proposal, cents(amount), cents(committed), cents(held_back))
        for proposal, amount, committed, held_back in changes(recorded)
        if after is not None
    ]


BUDGET = View(
    name="budget",
    version=1,
    kinds=frozenset({"envelope"}),
    key=stream_of,
    evolve=evolve,
    columns=(
        Column("code", "text", "document ->> 'code'"),
        Column("programme", "text", "document ->> 'programme'"),
    ),
    facts=Facts(
        name="budget_facts",
        columns=(
            ("version", "bigint"),
            ("proposal", "text"),
            ("amount", "bigint"),
            ("committed", "bigint"),
            ("held_back", "bigint"),
        ),
        rows=facts,
        indexes=("btree (stream, position)",),
    ),
)
