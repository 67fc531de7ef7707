"""Does a connection to the broker that breaks leave everything else in the process as it was?"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from service.messaging.broker import connected
from service.settings import Settings


class Broken(Exception):
    pass


def test_what_breaks_in_several_threads_leaves_the_waits_of_other_sockets_alone(on_broker: Settings) -> None:
    seen: set[float | None] = set()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            seen.add(socket.getdefaulttimeout())

    def fail() -> None:
        for _ in range(5):
            with suppress(Broken), connected(on_broker):
                raise Broken

    looking = threading.Thread(target=look)
    looking.start()
    failing = [threading.Thread(target=fail) for _ in range(3)]
    for each in failing:
        each.start()
    for each in failing:
        each.join()
    over.set()
    looking.join()
    assert seen == {None}
    assert socket.getdefaulttimeout() is None
