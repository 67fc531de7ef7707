"""Small events and acts for tests of the log."""

from __future__ import annotations

from datetime import date

from domain.events import Event, ProposalWithdrawn, StageClosed
from domain.recorded import Capacity
from service.eventstore import Meta
from service.ids import new_id

DAY = date(2026, 11, 20)


def meta(command_id: str = "", by: str = "person-1") -> Meta:
    """An act of somebody, with a command id of its own unless one is given."""
    return Meta(DAY, by, Capacity("member", "db"), command_id or new_id("command"))


def plain(number: int = 1) -> Event:
    """An event without words."""
    return StageClosed(f"stage-{number}", "db", "approved")


def worded(text: str = "Geen capaciteit.") -> Event:
    """An event with words."""
    return ProposalWithdrawn(text)
