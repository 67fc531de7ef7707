"""The headers of every answer, the pages for machines, and the interactive page with what it is made of."""

from __future__ import annotations

import hashlib
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from service.api import machines
from service.app import create_app
from service.messaging import ledger
from service.messaging.ledger import Making, Planned
from service.settings import Settings
from tests.api.conftest import PREFIX, Service, a_proposal

EVERYWHERE = {
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "API-Version": "1.0.0",
}


def test_every_answer_of_every_kind_has_the_headers(service: Service) -> None:
    client = service.client()
    answers = [
        service.ask("auditor", "/envelopes"),
        service.ask(None, "/envelopes"),
        service.ask("auditor", "/nothing"),
        service.act("submitter", "/proposals", a_proposal()),
        service.act("submitter", "/proposals", {}),
        client.delete(f"{PREFIX}/proposals"),
        client.options(f"{PREFIX}/proposals"),
        client.get(f"{PREFIX}/openapi.json"),
        client.get(f"{PREFIX}/docs"),
        client.get("/"),
        client.get("/health/live"),
        client.get("/metrics"),
    ]
    for answer in answers:
        for name, value in EVERYWHERE.items():
            assert answer.headers[name] == value, (answer.request.path, name)
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_a_failure_inside_is_a_500_problem_that_tells_nothing_of_it(settings: Settings) -> None:
    def broken(_: Settings) -> Any:
        raise RuntimeError("a secret detail")

    client = create_app(settings, broken).test_client()
    answer = client.get(f"{PREFIX}/proposals", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "secret" not in answer.get_data(as_text=True)
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_alive_and_ready(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    client = service.client()
    service.told("auditor", "/portfolio")
    assert client.get("/health/live").json == {"status": "ok"}
    ready = client.get("/health/ready")
    assert ready.json == {"status": "ok", "position": service.head(), "viewsPosition": service.head()}
    monkeypatch.setattr(machines, "MOST_LAG", -1)
    behind = client.get("/health/ready")
    assert (behind.status_code, behind.json["code"], behind.json["lag"]) == (503, "views-lag", 0)
    with psycopg.connect(service.settings.database_owner_url, autocommit=True) as connection:
        connection.execute("DELETE FROM meta.migrations")
    assert client.get("/health/ready").json["code"] == "not-migrated"


@pytest.mark.slow
def test_not_ready_without_a_database() -> None:
    settings = Settings(
        database_url="host=127.0.0.1 port=1 connect_timeout=1 user=x dbname=x",
        database_owner_url="",
        secret=b"x" * 32,
    )
    app = create_app(settings)
    try:
        client = app.test_client()
        assert client.get("/health/live").status_code == 200
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json["code"]) == (503, "service-unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    finally:
        app.extensions["besluitspoor"].close()


def test_metrics_tell_of_requests_by_route_and_of_log_and_views(service: Service) -> None:
    proposal = service.done("submitter", "/proposals", a_proposal())["id"]
    service.told("submitter", f"/proposals/{proposal}")
    with psycopg.connect(service.settings.database_url) as connection:
        making = Making("test:1", "test", 0, "proposal-1", "normal", {}, datetime.now(UTC))
        states = ("waiting", "waiting", "dead", "sent")
        planned = [Planned(f"person-{n}", "email", "watcher", state) for n, state in enumerate(states)]
        ledger.add(connection, [(making, planned)])
    text = service.client().get("/metrics").get_data(as_text=True)
    assert (
        'besluitspoor_requests_total{method="GET",route="/api/v1/proposals/<case:proposal>",status="200"} 1.0'
        in text
    )
    assert proposal not in text
    assert f"besluitspoor_log_position {float(service.head())}" in text
    assert "besluitspoor_views_lag_events 0.0" in text
    assert "besluitspoor_views_lag_seconds 0.0" in text
    assert "besluitspoor_views_followed 1.0" in text
    assert "besluitspoor_views_frozen 0.0" in text
    assert "besluitspoor_publisher_followed 0.0" in text
    assert f"besluitspoor_publisher_lag_events {float(service.head())}" in text
    assert re.search(r"besluitspoor_publisher_lag_seconds (?!0\.0\n)\d", text)
    assert "besluitspoor_notifier_followed 0.0" in text
    assert re.search(r"besluitspoor_notifier_lag_events [1-9]", text)
    assert "besluitspoor_notices_set_aside 0.0" in text
    assert 'besluitspoor_deliveries{channel="email",state="waiting"} 2.0' in text
    assert 'besluitspoor_deliveries{channel="email",state="dead"} 1.0' in text
    assert 'state="sent"' not in text
    assert re.search(r'besluitspoor_request_seconds_bucket\{le="0.1",method="POST"', text)


def test_what_is_vendored_is_as_it_was_published(project: Path) -> None:
    folder = project / "service/static/vendor"
    lock = tomllib.loads((folder / "vendor.lock").read_text("utf-8"))
    assert set(lock) == {each.name for each in folder.iterdir() if each.is_dir()}
    for name, package in lock.items():
        assert package["version"]
        assert package["source"].startswith("https://")
        assert package["licence"]
        found = {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (folder / name).iterdir()
        }
        assert found == package["sha256"]


def test_the_page_asks_for_nothing_of_another_host_and_runs_nothing_inline(service: Service) -> None:
    client = service.client()
    page = client.get(f"{PREFIX}/docs")
    html = page.get_data(as_text=True)
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "<script>" not in html
    assert "style=" not in html
    addresses = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert len(addresses) == 5
    for address in addresses:
        assert address.startswith("/")
        answer = client.get(address)
        assert answer.status_code == 200, address
        answer.close()
    answer = client.get("/static/docs.js")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    answer.close()
