"""How long does the server take for each page? With ten thousand proposals in the database."""

from __future__ import annotations

import re
import time
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

import psycopg
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from benchmarks.bench import Bench
from benchmarks.beside import folding, process, wait_until
from benchmarks.generate import LANES, generate
from benchmarks.http import HOST, THREADS, WORKERS, Connection, _answers, _free_port, _request
from benchmarks.notices import tell_all
from benchmarks.tables import Aim, Table, percentile
from benchmarks.which_pages import FORMS, PAGES, WHOLE, forgotten
from domain.proposal import Decide
from service import commands, register, webserver
from service.app import create_app
from service.documents import councils, newsletters
from service.identity import parties, people
from service.messaging import subscriptions
from service.messaging.mail.unsubscribe import Subscription, link
from service.published import latest
from service.settings import Settings
from service.web import drafts, sessions
from service.web.cookies import SESSION as COOKIE
from service.wiring import build

__all__ = ["run"]

PROPOSALS = 10_000
EVENTS_A_PROPOSAL = 18
"""A little more than a case of a walk has, so that there are as many cases as we say."""
TOLD = 5_000
"""Events that people were told of: some years of a region."""
PROJECTS = 40
"""In a newsletter, at least: what comes in within a busy quarter of a region."""
AIM, AIM_WHOLE = 50, 1000
"""Milliseconds, for 95 of a hundred: of a page, and of one that reads everything that is kept."""

ROLES: dict[str, tuple[str, ...]] = {
    "submitter": (),
    "secretary": ("secretariat",),
    "member": ("taskforce", "poho", "db"),
    "treasurer": (),
    "auditor": (),
    "admin": (),
    "integration": (),
}

WAITING = {"completeness": "secretariat", "advice": "taskforce", "decision": "poho", "award": "db"}
"""What a case waits for, and of whom that people here may do it."""


def run(bench: Bench) -> Table:
    """Asks for each page by itself, by turns, of a server that does nothing else."""
    table = Table("pages", "How long does the server take for each page?", ("ms", "median", "p95", "KB"))
    proposals = 500 if bench.quick else PROPOSALS
    rounds = 5 if bench.quick else 60
    port = _free_port()
    _none_forgotten()
    with bench.database() as settings:
        generate(settings.database_owner_url, proposals * EVENTS_A_PROPOSAL, bench.tell, worded=LANES)
        cookies = _signed_in(settings)
        with (
            folding(settings),
            process(webserver.serve, settings, HOST, port, WORKERS, THREADS),
        ):
            wait_until(lambda: _answers(port), "the server")
            tell_all(settings, TOLD // 10 if bench.quick else TOLD)
            _hold_over(settings)
            _tidied(settings)
            there = _places(settings)
            connection = Connection(port)
            pages, nothing = _shown(there)
            if nothing and not bench.quick:
                raise RuntimeError(f"The log that was made has nothing to show on {nothing}")
            times: dict[tuple[str, str], list[float]] = {page: [] for page in pages}
            sizes: dict[tuple[str, str], int] = {}
            tokens = {role: _token(connection, cookie) for role, cookie in cookies.items()}
            for number in range(rounds + 2):
                for page in pages:
                    taken, size = _time(connection, page, cookies, tokens, there, number)
                    sizes[page] = size
                    if number >= 2:  # the first ones prepare statements, in each process
                        times[page].append(taken)
    for (role, path), found in times.items():
        cells = [f"{1000 * percentile(found, percent):.0f}" for percent in (50, 95)]
        table.rows.append((f"{path} ({role})", *cells, f"{sizes[role, path] / 1000:.0f}"))
    for what, aim, whole in (("every page", AIM, False), ("what reads all that is kept", AIM_WHOLE, True)):
        worst = max(1000 * percentile(times[page], 95) for page in times if (page[1] in WHOLE) == whole)
        table.aims.append(Aim(f"{what} within {aim} ms, p95", f"{worst:.0f} ms at most", worst < aim))
    table.notes.append(
        f"{there['count']:,} proposals; one request at a time, the answer not compressed; autovacuum has been by."
    )
    if nothing:
        table.notes.append(f"So small a log has nothing to show on {', '.join(nothing)}.")
    return table


def _hold_over(settings: Settings) -> None:
    """A few cases are held over: on the walks of which the log is made that hardly happens."""
    waits = "SELECT key FROM views.status WHERE document -> 'waitingFor' @> %s::jsonb ORDER BY key LIMIT 3"

    def found(wanted: dict[str, str]) -> list[str]:
        with psycopg.connect(settings.database_url) as connection:
            return [row[0] for row in connection.execute(waits, (Jsonb([wanted]),)).fetchall()]

    with closing(build(settings)) as parts:
        with parts.pool.connection() as connection:
            member = people.by_email(connection, "member@example.org")
        assert member is not None
        chosen = found({"kind": "decision", "body": "poho"})
        for case in chosen:
            held = Decide("poho", "held-over", "Eerst overleg.", (), parts.calendar().today)
            commands.act(parts, member, case, held)
    wait_until(lambda: len(found({"kind": "held-over"})) >= len(chosen), "the views")


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


def _none_forgotten() -> None:
    """Raises RuntimeError when the service has a page that is neither measured nor said to be left out."""
    # No part of it is built: only its routes are looked at.
    missing = forgotten(create_app(Settings("", "", b"")).url_map)
    if missing:
        raise RuntimeError(f"benchmarks/which_pages.py must name these pages: {', '.join(missing)}")


def _places(settings: Settings) -> dict[str, Any]:
    """Cases and envelopes to look at. The submitter comes to work for an applicant who is asked for a supplement."""
    with psycopg.connect(settings.database_owner_url) as connection:
        cursor = connection.cursor(row_factory=tuple_row)

        def column(query: str, *given: object) -> list[Any]:
            return [first for first, *_ in cursor.execute(query, given).fetchall()]

        # The submitter is of an organisation that has cases; the log knows it by id only.
        (owner,) = column("SELECT min(owner) FROM views.status WHERE document ->> 'status' = 'supplement'")
        connection.execute(
            "INSERT INTO vault.parties VALUES (%s, 'foundation', 'Stichting van de meting') ON CONFLICT DO NOTHING",
            (owner,),
        )
        connection.execute(
            "UPDATE vault.people SET organisation = %s WHERE email = 'submitter@example.org'", (owner,)
        )
        waits = "SELECT key FROM views.status WHERE document -> 'waitingFor' @> %s::jsonb ORDER BY key"
        member = people.by_email(connection, "member@example.org")
        submitter = people.by_email(connection, "submitter@example.org")
        assert member is not None
        assert submitter is not None
        places = {
            "case": column("SELECT key FROM views.status ORDER BY key"),
            "envelope": column("SELECT code FROM views.budget ORDER BY code"),
            "supplement": column(
                "SELECT key FROM views.status WHERE document ->> 'status' = 'supplement' AND owner = %s ORDER BY key",
                owner,
            ),
            "revised": column(
                "SELECT key FROM views.status WHERE document ->> 'revision' > '1' ORDER BY key"
            ),
            **{kind: column(waits, Jsonb([{"kind": kind, "body": body}])) for kind, body in WAITING.items()},
            "held_over": column(waits, Jsonb([{"kind": "held-over"}])),
            "held_back": column(
                """SELECT key || '/phases/' || (phase ->> 'number')
                FROM views.status, jsonb_array_elements(document -> 'award' -> 'phases') AS phase
                WHERE jsonb_typeof(document -> 'award') = 'object' AND phase ->> 'state' = 'held-back' ORDER BY 1"""
            ),
            "awarded": column(
                "SELECT key FROM views.status WHERE document -> 'totals' ->> 'awarded' <> '0.00' ORDER BY key"
            ),
            "chosen": column(
                """SELECT key || ':' || (document ->> 'version') FROM views.status
                WHERE document -> 'waitingFor' @> '[{"kind": "advice", "body": "taskforce"}]' ORDER BY 1"""
            ),
            "delivery": column("SELECT id FROM ledger.deliveries WHERE channel = 'email' ORDER BY id"),
            "reference": column(
                "SELECT DISTINCT facts ->> 'reference' FROM ledger.notices WHERE facts ? 'reference' ORDER BY 1"
            ),
            "person": column("SELECT id FROM vault.people ORDER BY id"),
            "draft": [drafts.begin(connection, submitter.id, "herstel", {"title": ["Meten is weten"]}).id],
            "token": [link(settings, Subscription(member.id, "turn")).rpartition("/")[2]],
        }
    places |= _newsletter(settings) | _subscription(settings) | _published(settings)
    return {**places, "count": len(places["case"])}


def _shown(there: dict[str, Any]) -> tuple[list[tuple[str, str]], list[str]]:
    """The pages of which there is something to show, and the others."""
    wanted = {
        page: re.findall(r"\{(\w+)\}", " ".join((page[1], *FORMS.get(page[1], {}).values())))
        for page in PAGES
    }
    shown = [page for page, names in wanted.items() if all(there[name] for name in names)]
    return shown, [path for role, path in PAGES if (role, path) not in shown]


def _newsletter(settings: Settings) -> dict[str, list[str]]:
    """A draft of a newsletter on the first weeks, when not more was going on than in a region, and its editions."""
    with closing(build(settings)) as parts:
        with parts.pool.connection() as connection:
            secretary = people.by_email(connection, "secretary@example.org")
            begun = connection.execute(
                """SELECT (document ->> 'submittedOn')::date FROM views.status
                WHERE document ->> 'programme' = 'herstel' ORDER BY 1 LIMIT %s""",
                (PROJECTS,),
            ).fetchall()
            address = councils.add(connection, "GM0707", "griffie@example.org")
        assert secretary is not None
        drawn = newsletters.create(parts, secretary, "herstel", begun[0][0], begun[-1][0])
        programme = latest(parts, "herstel")
        assert programme is not None
        return {
            "draft_letter": [drawn.id],
            "municipality": [each.code for each in programme.municipalities],
            "address": [address],
        }


def _published(settings: Settings) -> dict[str, list[str]]:
    """What everybody may know of, by its reference."""
    with closing(build(settings)) as parts, parts.pool.connection() as connection:
        found = register.found(parts, connection, register.Filters(), limit=500)
    return {"public": [each["reference"] for each in found.items]}


def _subscription(settings: Settings) -> dict[str, list[str]]:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        person = people.by_email(connection, "integration@example.org")
        assert person is not None
        made, _ = subscriptions.add(
            connection,
            person=person.id,
            name="Zaaksysteem",
            channel="webhook",
            url="https://receiver.example.org/in",
        )
        return {"subscription": [made.id]}


def _token(connection: Connection, cookie: str) -> str:
    """What a form of this session carries."""
    _, body = connection.ask(
        _request("GET", "/keys", {"Cookie": f"{COOKIE}={cookie}", "Accept": "text/html"})
    )
    found = re.search(r'name="csrf" value="([^"]+)"', body.decode())
    assert found is not None
    return found[1]


def _time(
    connection: Connection,
    page: tuple[str, str],
    cookies: dict[str, str],
    tokens: dict[str, str],
    there: dict[str, Any],
    number: int,
) -> tuple[float, int]:
    role, path = page

    def filled(text: str) -> str:
        # Far apart, so that it is not always one that was shown just before.
        return re.sub(r"\{(\w+)\}", lambda found: there[found[1]][number * 131 % len(there[found[1]])], text)

    headers = {"Accept": "text/html"} | ({"Cookie": f"{COOKIE}={cookies[role]}"} if role in cookies else {})
    fields = FORMS.get(path)
    if fields is None:
        request = _request("GET", filled(path), headers)
    else:
        form = {"csrf": tokens[role], **{name: filled(value) for name, value in fields.items()}}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        request = _request("POST", path, headers, urlencode(form).encode())
    began = time.perf_counter()
    status, body = connection.ask(request)
    taken = time.perf_counter() - began
    if status != 200:
        raise RuntimeError(f"{filled(path)}: {status} {body[:500].decode(errors='replace')}")
    return taken, len(body)
