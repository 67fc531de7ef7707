"""A log of a million plausible events: where does it come from?

Cases are led through the whole route by the domain's own decisions, by chance but the same every time. What two
processes walk in some seconds is laid down several times side by side: each lane has cases and envelopes of its own,
on the same days, and other municipalities. (The content hashes are those of the first lane.)

    python -m benchmarks.generate postgresql://owner@host/database 1000000
"""

from __future__ import annotations

import multiprocessing
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
import psycopg

from domain.recorded import Capacity
from service.eventstore import EventMapper, Meta, NoTranscoder, Pending, WordedEvent
from tests.views.walks import ENVELOPES, START, Walk

__all__ = ["generate"]

LANES = 20
WALKERS = 2
"""Processes that walk, each with a seed of its own."""

CASES_AT_ONCE = 40
TRIES_AN_EVENT = 0.55
DAYS = 5 * 365
WORDED_LANES = 2
"""Lanes whose words are kept beside the log; the texts of all would be most of the work."""

Progress = Callable[[str], Any]


class Kept(NamedTuple):
    """An event of a walk as it will be stored, with marks where the lanes differ."""

    day: int
    act: int
    stream: str
    version: int
    topic: str
    head: str
    municipalities: list[int] | None
    tail: str
    texts: str | None
    salts: str | None


def generate(
    owner_url: str, events: int, progress: Progress = lambda _: None, worded: int = WORDED_LANES
) -> int:
    """Fills an empty log with at least this many events, as its owner; answers how many there are.

    Of `worded` lanes (LANES are all) the words are kept beside the log.
    """
    began = time.monotonic()
    share = events // LANES // WALKERS + 1
    with ProcessPoolExecutor(WALKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        walks = list(pool.map(walk, range(WALKERS), [share] * WALKERS))
    progress(f"walked {sum(map(len, walks)):,} events in {time.monotonic() - began:.0f} s")
    with psycopg.connect(owner_url) as connection:
        connection.execute(TEMPLATE)
        with connection.cursor().copy("COPY template FROM STDIN") as copy:
            for row in _placed(
                sorted((each for kept in walks for each in kept), key=lambda kept: (kept.day, kept.act))
            ):
                copy.write_row(row)
        connection.execute("SET LOCAL work_mem = '512MB'")
        connection.execute("ANALYZE template")
        written = connection.execute(MULTIPLY, {"lanes": LANES}).rowcount
        # Every text's row would be checked against its event, one by one.
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(WORDS, {"lanes": LANES, "worded": worded})
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE log.events")
        connection.execute("ANALYZE log.words")
    progress(f"wrote {written:,} events in {time.monotonic() - began:.0f} s")
    return written


# A group of a case's UUID, and the end of an envelope's code and of a reference's year: each lane has its own.
CASE = re.compile(r"proposal-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
ENVELOPE = re.compile(f'"({"|".join(ENVELOPES)})"')
REFERENCE = re.compile('"((?:HER|FON)-2020-)')
MUNICIPALITIES = re.compile(r'"municipalities":\[([^]]*)\]')
FIRST_MUNICIPALITY = 700


def walk(seed: int, events: int) -> list[Kept]:
    """So many events of one walk, in order."""
    walker = Walk(random.Random(seed), CASES_AT_ONCE, pace=DAYS / (events * TRIES_AN_EVENT))
    mapper = EventMapper(NoTranscoder())
    names: dict[str, str] = {}
    versions: dict[str, int] = {}
    kept: list[Kept] = []

    def named(found: re.Match[str]) -> str:
        # Ordered by submission, as ids are; the same every time.
        return names.setdefault(found[0], f"proposal-{_id(seed, len(names), kept[-1].day)}")

    for number, act in enumerate(walker.acts()):
        if len(kept) >= events:
            return kept
        meta = Meta(act.effective_on, act.by, Capacity("member", "db"), "")
        for stream, event in act.changes:
            kind = stream.partition("-")[0]
            if kind == "programme" and seed:
                continue
            versions[stream] = versions.get(stream, 0) + 1
            stored = mapper.to_stored_event(Pending(stream, versions[stream], event, meta))
            assert isinstance(stored, WordedEvent)
            state = ENVELOPE.sub(rf'"\1-{seed}lane"', CASE.sub(named, stored.state.decode()))
            state = REFERENCE.sub(rf'"\g<1>{seed}lane', state)
            found = MUNICIPALITIES.search(state) if kind == "proposal" else None
            kept.append(
                Kept(
                    (act.effective_on - START).days,
                    number * WALKERS + seed,
                    f"{stream}-{seed}lane" if kind == "envelope" else CASE.sub(named, stream),
                    versions[stream],
                    stored.topic,
                    state[: found.start(1)] if found else state,
                    [int(code[3:-1]) - FIRST_MUNICIPALITY for code in found[1].split(",")] if found else None,
                    state[found.end(1) :] if found else "",
                    msgspec.json.encode(stored.words.texts).decode() if stored.words else None,
                    msgspec.json.encode(stored.words.salts).decode() if stored.words else None,
                )
            )
    raise AssertionError("a walk has no end")


def _id(seed: int, number: int, day: int) -> str:
    milliseconds = int(datetime(2020, 1, 6, tzinfo=UTC).timestamp() + day * 86_400) * 1000 + number % 1000
    digits = f"{milliseconds:012x}"
    return f"{digits[:8]}-{digits[8:]}-7{seed:03x}-8fff-{number:012x}"


def _placed(walked: list[Kept]) -> Iterator[tuple[Any, ...]]:
    """The events with their place: events before their act, which of its events, how many these are, when."""
    before = 0
    ordered = sorted(walked, key=lambda kept: (kept.day, kept.act))
    for day, of_day in groupby(ordered, key=lambda kept: kept.day):
        acts = [list(act) for _, act in groupby(of_day, key=lambda kept: kept.act)]
        at = datetime.combine(START, datetime.min.time(), UTC) + timedelta(days=day, hours=7)
        for index, act in enumerate(acts):
            moment = at + timedelta(hours=9) * index / len(acts)
            for place, kept in enumerate(act):
                yield (before, place, len(act), moment, *kept[2:])
            before += len(act)


TEMPLATE = """CREATE TEMP TABLE template (
    before bigint, place bigint, size bigint, at timestamptz, stream text, version bigint, topic text,
    head text, municipalities int[], tail text, texts jsonb, salts jsonb
) ON COMMIT DROP"""

# An act of every lane, one after the other, and then the next act. The programmes are there once.
MULTIPLY = """INSERT INTO log.events
    SELECT
        replace(replace(stream, '-8fff-', grp), 'lane', num), version, topic,
        convert_to(replace(replace(CASE WHEN municipalities IS NULL THEN head ELSE head || (
            SELECT string_agg('"GM' || lpad((700 + (m + 5 * lane) %% 21)::text, 4, '0') || '"', ',')
            FROM unnest(municipalities) m) || tail END, '-8fff-', grp), 'lane', num), 'UTF8'),
        row_number() OVER (ORDER BY before, lane, place),
        at + lane * interval '1 millisecond',
        'command-' || before || '-' || lane
    FROM template, LATERAL (
        SELECT lane, '-8' || lpad(to_hex(lane), 3, '0') || '-' AS grp, lpad(lane::text, 3, '0') AS num
        FROM generate_series(0, %(lanes)s - 1) lane WHERE lane = 0 OR stream NOT LIKE 'programme-%%'
    ) AS lanes
    ORDER BY before, lane, place"""

WORDS = """INSERT INTO log.words (position, stream, texts, salts, search)
    SELECT e.notification_id, e.originator_id, t.texts, t.salts, log.search_of(t.texts)
    FROM template t, generate_series(0, %(worded)s - 1) lane, log.events e
    WHERE t.texts IS NOT NULL AND e.originator_version = t.version
        AND e.originator_id = replace(replace(t.stream, '-8fff-', '-8' || lpad(to_hex(lane), 3, '0') || '-'),
            'lane', lpad(lane::text, 3, '0'))"""


if __name__ == "__main__":
    generate(sys.argv[1], int(sys.argv[2]), print)
