"""The pages as people see them: by a plain client, and in a real browser on a real server."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from service.settings import Settings
from service.web import sessions
from service.web.cookies import SESSION as COOKIE
from tests.api.conftest import Service, a_proposal, running_service
from tests.conftest import fresh_database

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1440, "height": 900}


@dataclass
class Visitor:
    """Somebody at a browser without scripts; `last` is the page that was shown last."""

    client: FlaskClient
    head: Callable[[], int]
    last: TestResponse | None = field(default=None)

    def get(self, path: str, **options: Any) -> TestResponse:
        """A page, which has seen everything recorded so far."""
        self.last = self.client.get(path, **options)
        return self.last

    def text(self, path: str, **options: Any) -> str:
        """What a page that is there says, as HTML."""
        response = self.get(path, **options)
        assert response.status_code == 200, (path, response.status_code, response.get_data(as_text=True))
        return response.get_data(as_text=True)

    def post(self, path: str, fields: Mapping[str, str | Sequence[str]], **options: Any) -> TestResponse:
        """Sends a form with what the page it is on carries: fetch that page first."""
        hidden = hidden_fields(self.last.get_data(as_text=True)) if self.last is not None else {}
        self.last = self.client.post(path, data={**hidden, **fields}, **options)
        return self.last


def hidden_fields(html: str) -> dict[str, str]:
    """What the forms of a page carry beside what is filled in: the last form with a key of its own wins."""
    found: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*type=\"hidden\"[^>]*>", html):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and name[1] in ("csrf", "once", "version"):
            found[name[1]] = unescape(value[1]) if value else ""
    return found


@dataclass
class Site:
    """The pages and the people who look at them; `service` is the API on the same data."""

    service: Service
    address: str = ""

    def visitor(self, who: str | None) -> Visitor:
        """A client that is signed in as this person (tests/api/conftest.py names them), or as nobody."""
        client = self.service.app.test_client()
        if who is not None:
            client.set_cookie(COOKIE, self.token(who))
        return Visitor(client, self.service.head)

    def token(self, who: str) -> str:
        """A session of this person: what the cookie holds."""
        with psycopg.connect(self.service.settings.database_url, autocommit=True) as connection:
            token = sessions.start(connection, self.service.people[who].id)
            found = sessions.find(connection, token)
            assert found is not None
            # The pages have seen all that happened, whoever did it.
            sessions.saw(connection, found, self.service.head(), None)
        return token

    def submitted(self, **changes: Any) -> str:
        """The id of a proposal that came in."""
        return str(self.service.done("submitter", "/proposals", a_proposal(**changes))["id"])

    def complete(self, proposal: str) -> str:
        """The same, found complete: it waits for advice."""
        self.service.done(
            "secretary",
            f"/proposals/{proposal}/completeness",
            {"outcome": "complete", "effectiveOn": "2020-09-02"},
        )
        return proposal


@contextmanager
def site_on(settings: Settings) -> Iterator[Site]:
    """The pages on a database."""
    with running_service(settings) as service:
        yield Site(service)


@pytest.fixture(scope="module")
def site(admin_url: str, template: Settings) -> Iterator[Site]:
    """The pages, shared by the tests of a module: each makes proposals of its own."""
    with fresh_database(admin_url, template) as settings, site_on(settings) as made:
        yield made


@pytest.fixture(scope="module")
def served(site: Site) -> Iterator[Site]:
    """The same, on an address for browsers."""
    server = make_server("127.0.0.1", 0, site.service.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


Opener = Callable[..., Page]


@pytest.fixture
def opened(chromium: Browser, served: Site) -> Iterator[Opener]:
    """Opens a page: `opened("secretary", "/proposals", viewport=PHONE, locale="en", dark=True, scripts=False)`.

    Whatever goes wrong in a page, such as a script error or a refusal of the content security policy, fails the test.
    """
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_page(
        who: str | None,
        path: str,
        *,
        viewport: Mapping[str, int] = DESKTOP,
        locale: str = "nl",
        dark: bool = False,
        scripts: bool = True,
    ) -> Page:
        context = chromium.new_context(
            viewport=dict(viewport),  # type: ignore[arg-type]
            locale=locale,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        contexts.append(context)
        if who is not None:
            context.add_cookies([{"name": COOKIE, "value": served.token(who), "url": served.address}])
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda said: wrong.append(f"{page.url}: {said.text}") if _bad(said.type, said.text) else None,
        )
        page.on("request", lambda asked: _refuse_elsewhere(asked.url, served.address, wrong))
        page.goto(served.address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def _bad(kind: str, text: str) -> bool:
    # Pages that say what is wrong have a status that a browser reports as an error; htmx says of a request that failed
    # that it did, which the page itself says in words.
    expected = (
        "Failed to load resource",
        "htmx:afterRequest",
        "htmx:sendError",
        "Response Status Error Code",
    )
    return kind == "error" and not any(each in text for each in expected)


def _refuse_elsewhere(url: str, address: str, wrong: list[str]) -> None:
    # The browser shows a PDF by an extension that it brings.
    if not url.startswith((address, "data:", "blob:", "about:", "chrome-extension:")):
        wrong.append(f"asked another host: {url}")


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with a page as it is now, and what every page must have."""
    # A click waits until an answer begins, not until all of it is there.
    page.wait_for_load_state()
    page.evaluate(AXE.read_text("utf-8"))
    # Not halfway a change of colour, nor while something fades away: that is judged as it was before.
    found = page.evaluate(
        """async () => {
            const moving = document.getAnimations();
            const fading = moving.filter(each => !(each instanceof CSSTransition));
            for (const each of moving) if (each instanceof CSSTransition) each.finish();
            for (const each of fading) { each.currentTime = 0; each.pause(); }
            const said = await axe.run(document, {runOnly: [
                'wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']});
            for (const each of fading) each.play();
            return said.violations;
        }"""
    )
    said = [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for each in found
        for node in each["nodes"]
    ]
    if page.locator("h1").count() != 1:
        said.append(f"{page.locator('h1').count()} h1")
    return said


def json_of(response: TestResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(response.get_data(as_text=True))
