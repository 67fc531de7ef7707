"""Two hundred open pages follow a case: whoever acts does not notice, and everybody sees it within seconds."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import psycopg
import pytest

from benchmarks.beside import process, wait_until
from benchmarks.hearing import _until_stopped
from benchmarks.http import HOST, _answers
from service import webserver
from service.identity import people
from service.messaging import notifier
from service.web import sessions
from service.web.cookies import SESSION as COOKIE
from tests.api.conftest import a_proposal
from tests.ports import free_port
from tests.web.conftest import Site

pytestmark = pytest.mark.slow

PAGES = 200
EVERY = 3.0
"""Seconds between the looks of a page, as in static/web/app.js."""
WITHIN = 30.0
ANSWERED_WITHIN = 10.0
"""Seconds, on a machine that does other things too: here they are about five and one."""


ROLES: dict[str, tuple[str, ...]] = {
    "submitter": (),
    "secretary": ("secretariat",),
    "member": ("taskforce",),
    "auditor": (),
}


@dataclass
class Reader:
    """An open page, which asks as static/web/app.js does: whether anything happened to the case, or in the inbox."""

    port: int
    cookie: str
    case: str
    shows: str = ""
    inbox: str = ""
    seen_at: float = 0.0
    fetched: int = 0
    heard: int = 0
    """How often the inbox of this reader was another."""
    looks: int = 0
    """How often this page asked, and showed what there was."""
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        headers = {"Cookie": f"{COOKIE}={self.cookie}", "Accept": "text/html"}
        html = self._fetch(connection, headers)
        self.inbox = html.split('data-inbox="')[1].split('"')[0]
        seen = html.split('data-seen="')[1].split('"')[0]
        tag = f'"{seen}"'
        self.stop.wait(EVERY * random.random())
        while not self.stop.is_set():
            about = urlencode({"case": self.case, "version": self.shows, "inbox": self.inbox})
            connection.request("GET", f"/live?{about}", headers={**headers, "If-None-Match": tag})
            answer = connection.getresponse()
            answer.read()
            tag = answer.getheader("ETag") or tag
            inbox = answer.getheader("Inbox") or self.inbox
            self.heard += inbox != self.inbox
            self.inbox = inbox
            if answer.status == 204:
                self._fetch(connection, {**headers, "HX-Request": "true"})
            self.looks += 1
            self.stop.wait(EVERY * (0.8 + 0.4 * random.random()))
        connection.close()

    def _fetch(self, connection: http.client.HTTPConnection, headers: dict[str, str]) -> str:
        connection.request("GET", f"/proposals/{self.case}", headers=headers)
        answer = connection.getresponse()
        html = answer.read().decode()
        assert answer.status == 200, html
        shows = html.split('data-version="')[1].split('"')[0]
        if shows != self.shows:
            self.shows, self.seen_at = shows, time.monotonic()
        self.fetched += 1
        return html


@pytest.fixture
def readers(site: Site, port: int) -> list[Reader]:
    """As many people, of every role that such a case concerns, each with the page of the same case open."""
    case = site.submitted()
    cookies = []
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        for number in range(PAGES):
            role = list(ROLES)[number % len(ROLES)]
            person = people.add(
                connection,
                email=f"reader{number}@example.org",
                name=f"Reader {number}",
                roles=[role],
                bodies=ROLES[role],
                organisation=site.service.people["submitter"].organisation if role == "submitter" else None,
            )
            cookies.append(sessions.start(connection, person.id))
    return [Reader(port, cookie, case) for cookie in cookies]


@pytest.fixture
def port(site: Site) -> Iterator[int]:
    """The service as it is served in production, and people are told of what happens."""
    found = free_port()
    with (
        process(_until_stopped, notifier.run, site.service.settings),
        process(webserver.serve, site.service.settings, HOST, found, 2, 16),
    ):
        wait_until(lambda: _answers(found), "the server")
        yield found


def test_two_hundred_pages_follow_a_case(site: Site, port: int, readers: list[Reader]) -> None:
    case = readers[0].case
    threads = [threading.Thread(target=reader.run, daemon=True) for reader in readers]
    for thread in threads:
        thread.start()
    all_have_looked(site, readers)
    before = {reader.shows for reader in readers}
    assert len(before) == 1
    heard, fetched = [reader.heard for reader in readers], [reader.fetched for reader in readers]

    # Somebody else's proposal: nobody's page has changed, so nobody fetches it but who got a message of it.
    assert post(port, site.service.tokens["neighbour"], "/proposals", a_proposal()) < ANSWERED_WITHIN
    all_have_looked(site, readers)
    told = [reader.heard - before for reader, before in zip(readers, heard, strict=True)]
    assert [reader.fetched - before for reader, before in zip(readers, fetched, strict=True)] == told
    assert told == [number % len(ROLES) == list(ROLES).index("secretary") for number in range(PAGES)]

    turn = {
        reader.cookie for number, reader in enumerate(readers) if list(ROLES)[number % len(ROLES)] == "member"
    }
    acted = time.monotonic()
    body = {"outcome": "complete", "effectiveOn": "2020-09-02"}
    assert (
        post(port, site.service.tokens["secretary"], f"/proposals/{case}/completeness", body)
        < ANSWERED_WITHIN
    )
    assert post(port, site.service.tokens["submitter"], "/proposals", a_proposal()) < ANSWERED_WITHIN
    all_have_looked(site, readers)
    late = [
        reader.seen_at - acted
        for reader in readers
        if reader.shows in before or reader.seen_at - acted > WITHIN
    ]
    for reader in readers:
        reader.stop.set()
    for thread in threads:
        thread.join(60)
    assert late == []
    assert all(reader.heard for reader in readers if reader.cookie in turn), "whose turn it is was told"


def all_have_looked(site: Site, readers: list[Reader]) -> None:
    """Everything recorded is in the views, and everybody was told of it; and since then every page has asked."""
    head = site.service.head()
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        query = "SELECT least(v.position, l.position) FROM views.position v, ledger.position l"
        wait_until(
            lambda: (connection.execute(query).fetchone() or (0,))[0] >= head, "the views and the messages"
        )
    # The first may have been asked before; the second by a process that looks only once a second.
    enough = [reader.looks + 3 for reader in readers]
    wait_until(
        lambda: all(reader.looks >= looks for reader, looks in zip(readers, enough, strict=True)),
        "every page to look",
    )


def post(port: int, token: str, path: str, body: object) -> float:
    """Seconds until an act was answered."""
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    began = time.monotonic()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", f"/api/v1{path}", body=json.dumps(body), headers=headers)
    answer = connection.getresponse()
    said = answer.read()
    taken = time.monotonic() - began
    connection.close()
    assert answer.status == 201, said
    return taken
