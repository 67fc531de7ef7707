"""What does every benchmark need? Databases, how long to measure, and somebody to tell how it goes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from benchmarks.databases import database
from benchmarks.generate import generate
from service.settings import Settings

__all__ = ["Bench"]


@dataclass
class Bench:
    """One run. `large` is how many events there are where size matters."""

    admin_url: str
    rounds: int
    seconds: float
    large: int
    quick: bool
    stack: ExitStack
    _large: Settings | None = field(default=None, init=False)

    @staticmethod
    @contextmanager
    def on(admin_url: str, *, quick: bool, events: int | None = None) -> Iterator[Bench]:
        """A run on this server; `quick` shows that everything works, its figures are worth little."""
        with ExitStack() as stack:
            large = events or (50_000 if quick else 1_000_000)
            yield Bench(admin_url, 1 if quick else 5, 0.5 if quick else 2.0, large, quick, stack)

    def database(self) -> AbstractContextManager[Settings]:
        """A fresh one."""
        return database(self.admin_url)

    def large_log(self) -> Settings:
        """A database with `large` events, made once a run and left as the last user left it."""
        if self._large is None:
            self._large = self.stack.enter_context(self.database())
            generate(self._large.database_owner_url, self.large, self.tell)
        return self._large

    def tell(self, text: str) -> None:
        """How it goes, for who waits."""
        print(f"    {text}", file=sys.stderr, flush=True)
