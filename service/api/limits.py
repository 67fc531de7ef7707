"""How much may one person change in a minute? A runaway program is slowed down; people at work never notice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["Bucket"]

FORGET_ABOVE = 10_000
"""Counts that are kept at most; those that have run full again are forgotten first."""


class Bucket:
    """`most` a minute for each name, of which any number at once; 0 is no limit. Of this process alone, and of all its
    threads: with several processes a person has as many times as much, which still stops what runs away.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, name: str) -> float:
        """Takes one for this name: 0 when there was one, else how many seconds it takes until there is."""
        if self._most <= 0:
            return 0.0
        now = self._clock()
        with self._lock:
            left, at = self._left.get(name, (float(self._most), now))
            left = min(self._most, left + (now - at) * self._most / 60)
            if left < 1:
                self._left[name] = (left, now)
                return (1 - left) * 60 / self._most
            self._left[name] = (left - 1, now)
            if len(self._left) > FORGET_ABOVE:
                self._left = {
                    each: kept
                    for each, kept in self._left.items()
                    if kept[0] + (now - kept[1]) * self._most / 60 < self._most
                }
        return 0.0
