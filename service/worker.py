"""What runs beside the web? Four processes: one folds events into views, one publishes them to the broker, one makes
notices of them and sees what is due, and one brings these to their recipients.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from service.children import Child, stop_in_order, watch
from service.settings import Settings

__all__ = ["PARTS", "own_command", "run_all", "run_one"]

PARTS = ("fold", "publish", "notify", "deliver")


def own_command(*arguments: str) -> list[str]:
    """A command of ours as a process to start: the same Python, the same code."""
    return [sys.executable, "-P", "-m", "service.cli", *arguments]


def child_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for `own_command`: where this code is, whatever folder one is in."""
    here = str(Path(__file__).resolve().parent.parent)
    path = [
        here,
        *(part for part in environ.get("PYTHONPATH", "").split(os.pathsep) if part and part != here),
    ]
    return {**environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}


def run_all(environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Run every part until SIGTERM or SIGINT, starting again the one that dies.

    Raises service.children.GaveUp when one keeps dying.
    """
    stop = stop_on_signals()
    children = [Child(part, own_command("worker", "--only", part), child_environ(environ)) for part in PARTS]
    for child in children:
        child.start()
    try:
        watch(children, stop.is_set, say)
    finally:
        for child in children:  # all at once: none waits for another
            if child.process is not None and child.alive():
                child.process.terminate()
        stop_in_order(children)


def run_one(part: str, settings: Settings, channels: Sequence[str] = ()) -> None:
    """Run one part in this process until SIGTERM or SIGINT; what it is doing then, it finishes.

    `channels` is for `deliver`: the channels it delivers over, all of them when empty.
    """
    stop = stop_on_signals()
    match part:
        case "fold":
            from service import fold

            fold.run(settings, stop)
        case "publish":
            from service.messaging import publisher

            publisher.run(settings, stop)
        case "notify":
            from service.messaging import notifier

            notifier.run(settings, stop)
        case "deliver":
            from service.messaging import courier

            courier.run(settings, stop, only=channels)


def stop_on_signals() -> threading.Event:
    """An event that is set when somebody asks this process to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    return stop
