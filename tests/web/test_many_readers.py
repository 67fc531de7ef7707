"""Two hundred open pages follow a case: whoever acts does not notice, and everybody sees it within seconds."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from benchmarks.beside import process, wait_until
from benchmarks.http import HOST, _answers, _free_port
from service import webserver
from service.web.visit import COOKIE
from tests.api.conftest import a_proposal
from tests.web.conftest import Site

pytestmark = pytest.mark.slow

PAGES = 200
EVERY = 3.0
"""Seconds between the looks of a page, as in static/web/app.js."""
WITHIN = 5.0
ANSWERED_WITHIN = 1.0


@dataclass
class Reader:
    """An open page: it asks whether anything happened, and fetches itself when it did."""

    port: int
    cookie: str
    case: str
    shows: str = ""
    seen_at: float = 0.0
    fetched: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        headers = {"Cookie": f"{COOKIE}={self.cookie}", "Accept": "text/html"}
        tag, version = "", self._fetch(connection, headers)
        self.stop.wait(EVERY * random.random())
        while not self.stop.is_set():
            known = {"If-None-Match": tag} if tag else {}
            connection.request(
                "GET", f"/live?case={self.case}&version={version}", headers={**headers, **known}
            )
            answer = connection.getresponse()
            answer.read()
            tag = answer.getheader("ETag") or tag
            if answer.status == 204:
                version = self._fetch(connection, headers)
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
        return shows


@pytest.fixture
def port(site: Site) -> Iterator[int]:
    """The service as it is served in production."""
    found = _free_port()
    with process(webserver.serve, site.service.settings, HOST, found, 2, 16):
        wait_until(lambda: _answers(found), "the server")
        yield found


def test_two_hundred_pages_follow_a_case(site: Site, port: int) -> None:
    case = site.submitted()
    time.sleep(0.5)
    cookies = [site.token(who) for who in ("submitter", "secretary", "taskforce", "auditor")]
    readers = [Reader(port, cookies[number % len(cookies)], case) for number in range(PAGES)]
    threads = [threading.Thread(target=reader.run, daemon=True) for reader in readers]
    for thread in threads:
        thread.start()
    wait_until(lambda: all(reader.fetched for reader in readers), "the pages to open")
    time.sleep(EVERY)
    before = {reader.shows for reader in readers}
    assert len(before) == 1
    fetched = sum(reader.fetched for reader in readers)

    # Somebody else's proposal: nobody's page has changed, so nobody fetches it.
    assert post(port, site.service.tokens["submitter"], "/proposals", a_proposal()) < ANSWERED_WITHIN
    time.sleep(1.5 * EVERY)
    assert sum(reader.fetched for reader in readers) == fetched

    acted = time.monotonic()
    body = {"outcome": "complete", "effectiveOn": "2020-09-02"}
    assert (
        post(port, site.service.tokens["secretary"], f"/proposals/{case}/completeness", body)
        < ANSWERED_WITHIN
    )
    assert post(port, site.service.tokens["submitter"], "/proposals", a_proposal()) < ANSWERED_WITHIN
    time.sleep(max(0.0, acted + WITHIN + 1 - time.monotonic()))
    late = [
        reader.seen_at - acted
        for reader in readers
        if reader.shows in before or reader.seen_at - acted > WITHIN
    ]
    for reader in readers:
        reader.stop.set()
    for thread in threads:
        thread.join(10)
    assert late == []


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
