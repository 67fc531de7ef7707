"""`python -m tests.golden`: adds a sample for each event that is stored in a form that no sample has yet."""

from __future__ import annotations

from domain.events import EVENTS
from tests.golden.samples import add

for path in filter(None, map(add, EVENTS)):
    print(f"added {path.name}")
