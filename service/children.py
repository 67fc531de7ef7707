"""How does a process keep its children running, and take them along when it stops?

A child runs in a session of its own, so that Ctrl-C in a terminal reaches the parent only and the parent
decides the order. On Linux a child also gets its stop signal when the parent dies without a word (kill -9).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Child", "GaveUp", "dies_with_parent", "stop_in_order", "watch"]

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.2
QUICK_SECONDS = 30.0
QUICK_DEATHS_ALLOWED = 5
LONGEST_PAUSE_SECONDS = 10.0


class GaveUp(Exception):
    """A child keeps dying; the message is a sentence for the person at the terminal."""


def dies_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """What a new process must do first, so that it gets `stop_signal` when its parent dies.

    Linux only, and only from the main thread, because Linux counts the death of the thread that started the
    child: elsewhere this is None and the child outlives a parent that is killed with -9.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def first() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent died in between: no signal will come any more
            os._exit(1)

    return first


@dataclass
class Child:
    """One process that should be there as long as we are.

    `patience` is how many seconds it may take to stop before it is killed. `once` is for a child that is
    expected to end by itself: it isn't started again.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    patience: float = 30.0
    once: bool = False
    process: subprocess.Popen[bytes] | None = None
    quick_deaths: int = 0
    started_at: float = 0.0
    start_again_at: float = field(default=0.0)

    def start(self) -> None:
        """Start it; call it again for a child that died."""
        self.started_at = time.monotonic()
        self.start_again_at = 0.0
        self.process = subprocess.Popen(
            list(self.command),
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=dies_with_parent(signal.SIGTERM),
        )

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Ask it to stop, wait, and kill it when it doesn't listen. Fine when it's already gone."""
        if self.process is None or self.process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def watch(
    children: Sequence[Child],
    stopped: Callable[[], bool],
    say: Callable[[str], None],
    also: Callable[[], None] = lambda: None,
) -> None:
    """Start again whatever dies, until `stopped()`; `also` is called at every look.

    Raises GaveUp when a child dies within half a minute of its start, time after time.
    """
    while not stopped():
        also()
        for child in children:
            _look_after(child, say)
        time.sleep(POLL_SECONDS)


def stop_in_order(children: Sequence[Child]) -> None:
    """Stop them one after another, the first one first."""
    for child in children:
        child.stop()


def _look_after(child: Child, say: Callable[[str], None]) -> None:
    if child.process is None or child.alive():
        return
    if child.once:
        child.process = None
        return
    now = time.monotonic()
    if child.start_again_at == 0.0:
        lived = now - child.started_at
        child.quick_deaths = child.quick_deaths + 1 if lived < QUICK_SECONDS else 1
        if child.quick_deaths > QUICK_DEATHS_ALLOWED:
            raise GaveUp(
                f"The {child.name} process stopped {child.quick_deaths} times right after its start; giving up. "
                "What it wrote above says why; 'besluitspoor doctor' looks for the usual causes."
            )
        pause = min(LONGEST_PAUSE_SECONDS, 0.25 * 2 ** (child.quick_deaths - 1))
        child.start_again_at = now + pause
        say(f"The {child.name} process stopped ({_how(child.process.returncode)}); starting it again.")
    elif now >= child.start_again_at:
        child.start()


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"signal {-code}"
