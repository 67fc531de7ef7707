"""How many events a second are told of: made into notices and deliveries in the ledger?"""

from __future__ import annotations

import time
from contextlib import closing

import psycopg

from benchmarks.bench import Bench
from benchmarks.racing import apart
from benchmarks.tables import Aim, Table, middle
from service.identity import people
from service.messaging import noticing
from service.settings import Settings
from service.wiring import build

__all__ = ["fill_vault", "run", "tell_all"]

BATCH = 200
"""As many as the process that notifies takes at a time."""

EVENTS = 20_000
MEMBERS, SUBMITTERS, CONTACTS = 5, 300, 342
"""People a body, organisations with somebody who submits, and municipalities with a contact."""


def run(bench: Bench) -> Table:
    """Makes the notices of the last events of a large log, of cases that began long before."""
    settings = bench.large_log()
    fill_vault(settings)
    events = min(EVENTS, bench.large // 5)
    rates, most = [], 0
    for _ in range(min(3, bench.rounds)):
        rate, deliveries = apart(tell_all, settings, events)
        rates.append(rate)
        most = max(most, deliveries)
        bench.tell(f"{rate:,.0f} events/s, {deliveries:,} deliveries")
    made = Table("notices", "How many events a second are told of?", ("", "events/s"))
    made.rows.append(("from the log into the ledger, by one process", f"{middle(rates):,.0f}"))
    made.rows.append(("deliveries that this makes, per event", f"{most / events:.1f}"))
    made.aims.append(Aim("1,000 events/s", f"{middle(rates):,.0f}", middle(rates) >= 1_000))
    made.notes.append(
        f"The last {events:,} of {bench.large:,} events, {BATCH} in a transaction; {MEMBERS} members a body,"
        f" {SUBMITTERS} organisations with somebody who hears, {CONTACTS} contacts of municipalities."
    )
    return made


def fill_vault(settings: Settings) -> None:
    """People for the relations of the cases in the log."""
    state = "convert_from(state, 'UTF8')::jsonb -> 'event'"
    with psycopg.connect(settings.database_owner_url) as connection:
        bodies = connection.execute(
            f"SELECT DISTINCT {state} ->> 'body' FROM log.events WHERE topic = 'StageOpened'"
        ).fetchall()
        owners = connection.execute(
            f"SELECT DISTINCT {state} ->> 'owner' FROM log.events WHERE topic = 'ProposalSubmitted' LIMIT %s",
            (SUBMITTERS,),
        ).fetchall()
        connection.execute(
            "INSERT INTO vault.parties SELECT id, 'company', id FROM unnest(%s::text[]) AS id ON CONFLICT DO NOTHING",
            ([owner for (owner,) in owners],),
        )
        for number, (owner,) in enumerate(owners):
            _add(connection, f"submitter-{number}", "submitter", organisation=owner)
        for body, number in ((body, number) for (body,) in bodies for number in range(MEMBERS)):
            _add(connection, f"{body}-{number}", "member", bodies=[body])
        for number in range(CONTACTS):
            _add(connection, f"contact-{number}", "submitter", municipalities=[f"GM{number + 600:04}"])
        for role in ("secretary", "treasurer"):
            _add(connection, role, role)
    with psycopg.connect(settings.database_owner_url, autocommit=True) as connection:
        connection.execute("ANALYZE vault.people")


def _add(connection: psycopg.Connection, name: str, role: str, **more: object) -> None:
    people.add(connection, email=f"{name}@example.org", name=name, roles=[role], **more)  # type: ignore[arg-type]


def tell_all(settings: Settings, events: int) -> tuple[float, int]:
    """Events a second, telling of so many at the end of the log as if nobody had been told; and how many deliveries."""
    with (
        closing(build(settings)) as parts,
        psycopg.connect(settings.database_url, autocommit=True) as connection,
    ):
        connection.execute("DELETE FROM ledger.deliveries")
        connection.execute("DELETE FROM ledger.notices")
        last = parts.log.head()
        at = first = max(0, last - events)
        connection.execute("UPDATE ledger.position SET position = %s", (at,))
        began = time.perf_counter()
        while at < last:
            at = noticing.fold_batch(parts, connection, at, BATCH)
        taken = time.perf_counter() - began
        row = connection.execute("SELECT count(*) FROM ledger.deliveries").fetchone()
        return (last - first) / taken, int(row[0]) if row else 0
