"""Which channels are there? Each by the name that its deliveries have, and how it is made for a thread.

The inbox is not among them: what is in it was delivered by being kept.
"""

from __future__ import annotations

from collections.abc import Callable

from service.messaging.channels.channel import Channel
from service.messaging.channels.email import Email
from service.messaging.channels.letter import LetterChannel
from service.messaging.channels.queue import OwnQueue
from service.messaging.channels.webhook import Webhook
from service.settings import Settings

__all__ = ["CHANNELS", "NAMES"]

CHANNELS: dict[str, Callable[[Settings], Channel]] = {
    "email": Email,
    "letter": LetterChannel,
    "queue": OwnQueue,
    "webhook": Webhook,
}

NAMES = ("inbox", *CHANNELS)
"""Every channel that a delivery can be over."""
