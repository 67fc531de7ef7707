"""How does what must always run go on after something broke? It is begun again, after a pause that grows."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from threading import Event as StopEvent

import structlog

__all__ = ["persevere"]

_WENT_WELL_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 15.0


def persevere(what: str, work: Callable[[], None], stop: StopEvent) -> None:
    """Does `work` until `stop` is set, over and over: it returns when it is told to stop, and raises when it broke.

    Each time it broke the process's own log says so, as "<what> interrupted".
    """
    logger = structlog.get_logger(__name__)
    pause = _FIRST_PAUSE
    while not stop.is_set():
        began = time.monotonic()
        try:
            work()
        except Exception as error:
            if time.monotonic() - began > _WENT_WELL_SECONDS:
                pause = _FIRST_PAUSE  # it went well for a while: this is a new failure
            wait = pause * random.uniform(
                0.5, 1.0
            )  # so that those who do the same do not all come back at once
            logger.warning(
                f"{what} interrupted",
                error=f"{type(error).__name__}: {error}".strip(),
                retry_in=round(wait, 2),
            )
            stop.wait(wait)
            pause = min(2 * pause, _LONGEST_PAUSE)
