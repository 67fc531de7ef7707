"""What is a channel? A way to bring a delivery to its recipient; one file each, and a line in `CHANNELS`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from service.messaging.ledger import Delivery
from service.wiring import Parts

__all__ = ["Channel", "Dropped", "Failed", "Filed", "Gone", "Later", "Outcome", "Sent"]


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side has it."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class Filed:
    """It was made and kept, and did not go anywhere by that."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not get there. `permanent`: trying again is of no use; `again_in`: seconds, if the other side says so."""

    reason: str
    permanent: bool = False
    again_in: float | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """It is not to be sent after all."""

    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The other side wants nothing any more: what else waits for this recipient over this channel is dropped too."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """It is not to be sent yet, but in so many seconds; that is no try."""

    again_in: float


Outcome = Sent | Filed | Failed | Dropped | Gone | Later


class Channel(Protocol):
    """Brings deliveries to recipients. One object a thread: it may keep a connection open between two of them."""

    name: str
    waits: tuple[float, ...]
    """Seconds after the first, second ... failed try before the next; after the last of them it is given up."""
    at_once: int
    """How many deliveries one recipient may have under way at the same time."""

    def send(self, parts: Parts, delivery: Delivery) -> Outcome:
        """Brings it there. Whatever it raises counts as a failed try."""
        ...

    def close(self) -> None:
        """Gives back what it keeps open."""
        ...
