"""How does a letter go out? It is made, kept and issued in the log; whoever may read the case finds it there.

Is there nobody who could, somebody must post it: the ledger has it wait for that.
"""

from __future__ import annotations

from service.documents.contents import NothingToTell
from service.documents.letters import Altered, ensure
from service.messaging.channels.channel import Failed, Filed, Outcome
from service.messaging.ledger import Delivery
from service.settings import Settings
from service.wiring import Parts

__all__ = ["LetterChannel"]


class LetterChannel:
    """Issues letters. What it needs is our own, so it is soon tried again."""

    name = "letter"
    waits: tuple[float, ...] = (10.0, 60.0, 600.0, 3_600.0, 6 * 3_600.0, 24 * 3_600.0)
    at_once = 4

    def __init__(self, settings: Settings) -> None:
        """Keeps nothing open."""

    def send(self, parts: Parts, delivery: Delivery) -> Outcome:
        """Issues the letter; a repeat finds it issued."""
        try:
            return Filed(ensure(parts, delivery).id)
        except (Altered, NothingToTell, ValueError) as error:
            return Failed(str(error), permanent=True)

    def close(self) -> None:
        """There is nothing to give back."""
