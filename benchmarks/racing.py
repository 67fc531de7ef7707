"""How often can this be done in a second, by several processes at once?"""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

__all__ = ["apart", "race"]

Step = Callable[[], Any]
T = TypeVar("T")

WARM_UP = 0.3
"""Seconds in which statements are prepared and caches filled, before the clock starts."""

START_SECONDS = 60


def race(
    make: Callable[..., AbstractContextManager[Step]], arguments: tuple[Any, ...], racers: int, seconds: float
) -> float:
    """Steps a second, all racers together.

    `make(*arguments, racer)` prepares in a process of its own and gives the step that is repeated.
    """
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(racers)
    rates = context.SimpleQueue()
    processes = [
        context.Process(target=_run, args=(make, (*arguments, racer), start, seconds, rates))
        for racer in range(racers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise RuntimeError(f"{make.__name__}: a process failed, see above")
    return float(sum(rates.get() for _ in processes))


def _run(make: Any, arguments: tuple[Any, ...], start: Any, seconds: float, rates: Any) -> None:
    with make(*arguments) as step:
        warm = time.perf_counter() + WARM_UP
        while time.perf_counter() < warm:
            step()
        gc.collect()
        start.wait(START_SECONDS)
        count, began = 0, time.perf_counter()
        until = began + seconds
        while (now := time.perf_counter()) < until:
            step()
            count += 1
        rates.put(count / (now - began))
        start.wait(START_SECONDS + seconds)  # nobody leaves the others alone on the machine


def apart(call: Callable[..., T], *arguments: Any) -> T:
    """The answer of a call in a process of its own, so that nothing is left of it here."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(call, *arguments).result()
