"""Which figures are wanted? `python -m benchmarks [NAMES] [--quick]`; `make bench` runs all of them."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.bench import Bench
from benchmarks.databases import server
from benchmarks.tables import Table, markdown, plain

NAMES = ("append", "fold", "lag", "http", "rebuild", "portfolio", "pages", "notices", "hearing")
"""A new benchmark is a module beside this with a function `run(bench) -> Table`, and its name here."""

RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- measured: python -m benchmarks --document -->", "<!-- end of what was measured -->"


def main() -> int:
    """Measures, prints, and keeps the results for `--document`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all of them without one"
    )
    parser.add_argument("--quick", action="store_true", help="small and short: does everything work?")
    parser.add_argument("--events", type=int, help="how many events where size matters (1,000,000)")
    parser.add_argument("--rounds", type=int, help="how often each contender has its turn (5)")
    parser.add_argument(
        "--document", action="store_true", help="put the last results into docs/performance.md"
    )
    given = parser.parse_args()
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if given.document:
        return _document()
    results = _read() if given.names else {}
    measured = datetime.now(UTC).date().isoformat()
    with server() as admin_url, Bench.on(admin_url, quick=given.quick, events=given.events) as bench:
        bench.rounds = given.rounds or bench.rounds
        described = machine.describe(admin_url)
        for name, words in described.items():
            print(f"{name}: {words}")
        where = "; ".join(f"{name}: {words}" for name, words in described.items())
        for name in given.names or NAMES:
            began = time.monotonic()
            print(f"\n{name} ...", file=sys.stderr, flush=True)
            table: Table = import_module(f"benchmarks.{name}").run(bench)
            print(f"\n{plain(table)}", flush=True)
            table.where = f"Measured on {measured}. {where}."
            results[name] = table.as_json()
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            bench.tell(f"{name} took {time.monotonic() - began:.0f} s")
    return 0


def _read() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return found


def _document() -> int:
    """What was measured now takes the place of what was there; the other tables stay as they were measured."""
    results = _read()
    if not results:
        print("Nothing has been measured yet: run 'make bench' first.", file=sys.stderr)
        return 1
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    there, _, after = rest.partition(END)
    sections = {part.partition("\n")[0]: f"### {part}" for part in there.split("### ")[1:]}
    for name in NAMES:
        if name in results:
            table = Table.of(results[name])
            sections[table.question] = markdown(table) + "\n"
    PAGE.write_text(f"{before}{BEGIN}\n\n{''.join(sections.values())}{END}{after}", encoding="utf-8")
    print(f"{PAGE} says what was measured.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
