"""Which port is free, for a program that has to be told beforehand where to listen?"""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress

__all__ = ["free_port"]

FIRST, LAST = 15_000, 32_000
"""Below those that the system gives out by itself, so that no connection of another test takes it meanwhile."""


def free_port() -> int:
    """A port on 127.0.0.1, by chance: tests that run beside each other hardly ever get the same."""
    while True:
        port = FIRST + secrets.randbelow(LAST - FIRST)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
