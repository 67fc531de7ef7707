"""How long does the server take for each page? With ten thousand proposals in the database."""

from __future__ import annotations

import re
import time
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from benchmarks.bench import Bench
from benchmarks.beside import folding, process, wait_until
from benchmarks.generate import LANES, generate
from benchmarks.http import HOST, THREADS, WORKERS, Connection, _answers, _free_port, _request
from benchmarks.notices import tell_all
from benchmarks.tables import Aim, Table, percentile
from service import webserver
from service.identity import parties, people
from service.settings import Settings
from service.web import sessions
from service.web.visit import COOKIE

__all__ = ["run"]

PROPOSALS = 10_000
EVENTS_A_PROPOSAL = 18
"""A little more than a case of a walk has, so that there are as many cases as we say."""
TOLD = 5_000
"""Events that people were told of: some years of a region."""
AIM = 50
"""Milliseconds, for 95 of a hundred."""

ROLES: dict[str, tuple[str, ...]] = {
    "submitter": (),
    "secretary": ("secretariat",),
    "member": ("taskforce", "poho", "db"),
    "treasurer": (),
    "auditor": (),
    "admin": (),
}

PAGES = (
    ("submitter", "/"),
    ("secretary", "/"),
    ("member", "/"),
    ("treasurer", "/"),
    ("submitter", "/proposals"),
    ("secretary", "/proposals"),
    ("secretary", "/proposals?q=winkels"),
    ("secretary", "/proposals?status=awarded&sort=newest"),
    ("secretary", "/proposals?programme=herstel&municipality=GM0707"),
    ("secretary", "/proposals?body=taskforce"),
    ("secretary", "/proposals?effectiveOn=2022-01-01"),
    ("secretary", "/search?q=winkels"),
    ("secretary", "/proposals/{case}"),
    ("auditor", "/proposals/{case}?effectiveOn=2026-01-01"),
    ("submitter", "/proposals/new"),
    ("submitter", "/proposals/{supplement}/supplement"),
    ("secretary", "/proposals/{revised}/differences"),
    ("member", "/queue/taskforce"),
    ("secretary", "/desk"),
    ("secretary", "/terms"),
    ("secretary", "/terms?urgency=overdue"),
    ("secretary", "/programmes"),
    ("secretary", "/programmes/herstel"),
    ("secretary", "/programmes/herstel/differences"),
    ("admin", "/"),
    ("admin", "/admin"),
    ("admin", "/admin?q=member"),
    ("treasurer", "/money"),
    ("treasurer", "/money/{envelope}"),
    ("treasurer", "/money/phases"),
    ("auditor", "/portfolio"),
    ("auditor", "/portfolio?effectiveOn=2022-01-01"),
    ("auditor", "/portfolio?programme=herstel"),
    ("auditor", "/audit"),
    ("auditor", "/audit?q=winkels"),
    ("auditor", "/audit/proposals/{case}"),
    ("auditor", "/audit/portfolio"),
    ("member", "/inbox"),
    ("member", "/inbox/preferences"),
    ("secretary", "/deliveries"),
    ("secretary", "/deliveries?state=waiting"),
    ("secretary", "/deliveries?person=member@example.org"),
    ("secretary", "/deliveries?case={reference}"),
    ("secretary", "/deliveries/{delivery}"),
    ("secretary", "/newsletters"),
    ("secretary", "/letters"),
    ("admin", "/subscriptions"),
)


def run(bench: Bench) -> Table:
    """Asks for each page by itself, by turns, of a server that does nothing else."""
    table = Table("pages", "How long does the server take for each page?", ("ms", "median", "p95", "KB"))
    proposals = 500 if bench.quick else PROPOSALS
    rounds = 5 if bench.quick else 60
    port = _free_port()
    with bench.database() as settings:
        generate(settings.database_owner_url, proposals * EVENTS_A_PROPOSAL, bench.tell, worded=LANES)
        cookies = _signed_in(settings)
        with (
            folding(settings),
            process(webserver.serve, settings, HOST, port, WORKERS, THREADS),
        ):
            wait_until(lambda: _answers(port), "the server")
            tell_all(settings, TOLD // 10 if bench.quick else TOLD)
            _tidied(settings)
            there = _places(settings)
            connection = Connection(port)
            times: dict[tuple[str, str], list[float]] = {page: [] for page in PAGES}
            sizes: dict[tuple[str, str], int] = {}
            for number in range(rounds + 2):
                for page in PAGES:
                    taken, size = _time(connection, page, cookies, there, number)
                    sizes[page] = size
                    if number >= 2:  # the first ones prepare statements, in each process
                        times[page].append(taken)
    for (role, path), found in times.items():
        cells = [f"{1000 * percentile(found, percent):.0f}" for percent in (50, 95)]
        table.rows.append((f"{path} ({role})", *cells, f"{sizes[role, path] / 1000:.0f}"))
    worst = max(1000 * percentile(found, 95) for found in times.values())
    table.aims.append(Aim(f"every page within {AIM} ms, p95", f"{worst:.0f} ms at most", worst < AIM))
    table.notes.append(
        f"{there['count']:,} proposals; one request at a time, the answer not compressed; autovacuum has been by."
    )
    return table


def _tidied(settings: Settings) -> None:
    """What autovacuum does within minutes, and would else do during the measurement."""
    with psycopg.connect(settings.database_owner_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _signed_in(settings: Settings) -> dict[str, str]:
    cookies = {}
    with psycopg.connect(settings.database_url) as connection:
        party = parties.new("foundation", "Stichting Meting")
        parties.add(connection, party)
        for role, bodies in ROLES.items():
            person = people.add(
                connection,
                email=f"{role}@example.org",
                name=role.capitalize(),
                roles=[role],
                bodies=bodies,
                organisation=party.id if role == "submitter" else None,
            )
            cookies[role] = sessions.start(connection, person.id)
    return cookies


def _places(settings: Settings) -> dict[str, Any]:
    """Cases and envelopes to look at. The submitter comes to work for an applicant who is asked for a supplement."""
    with psycopg.connect(settings.database_owner_url) as connection:
        cursor = connection.cursor(row_factory=tuple_row)
        cases = [key for (key,) in cursor.execute("SELECT key FROM views.status ORDER BY key").fetchall()]
        envelopes = [
            code for (code,) in cursor.execute("SELECT code FROM views.budget ORDER BY code").fetchall()
        ]
        # The submitter is of an organisation that has cases; the log knows it by id only.
        owner = connection.execute(
            "SELECT min(owner) FROM views.status WHERE document ->> 'status' = 'supplement'"
        ).fetchone()
        assert owner is not None
        asked = "SELECT key FROM views.status WHERE document ->> 'status' = 'supplement' AND owner = %s ORDER BY key"
        supplements = [key for (key,) in cursor.execute(asked, owner).fetchall()]
        changed = "SELECT key FROM views.status WHERE document ->> 'revision' > '1' ORDER BY key"
        revised = [key for (key,) in cursor.execute(changed).fetchall()]
        connection.execute(
            "INSERT INTO vault.parties VALUES (%s, 'foundation', 'Stichting van de meting') ON CONFLICT DO NOTHING",
            owner,
        )
        connection.execute(
            "UPDATE vault.people SET organisation = %s WHERE email = 'submitter@example.org'", owner
        )
        told = "SELECT id FROM ledger.deliveries WHERE channel = 'email' ORDER BY id"
        deliveries = [id for (id,) in cursor.execute(told).fetchall()]
        named = """SELECT DISTINCT facts ->> 'reference' FROM ledger.notices WHERE facts ? 'reference' ORDER BY 1"""
        references = [reference for (reference,) in cursor.execute(named).fetchall()]
    places = {
        "case": cases,
        "envelope": envelopes,
        "supplement": supplements,
        "revised": revised,
        "delivery": deliveries,
        "reference": references,
    }
    return {**places, "count": len(cases)}


def _time(
    connection: Connection, page: tuple[str, str], cookies: dict[str, str], there: dict[str, Any], number: int
) -> tuple[float, int]:
    role, path = page
    # Far apart, so that it is not always one that was shown just before.
    filled = re.sub(r"\{(\w+)\}", lambda found: there[found[1]][number * 131 % len(there[found[1]])], path)
    request = _request("GET", filled, {"Cookie": f"{COOKIE}={cookies[role]}", "Accept": "text/html"})
    began = time.perf_counter()
    status, body = connection.ask(request)
    taken = time.perf_counter() - began
    if status != 200:
        raise RuntimeError(f"{filled}: {status} {body[:500].decode(errors='replace')}")
    return taken, len(body)
