"""Who guesses is held back without learning who has an account; what runs away is slowed down; nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from service.identity.guard import BY_BOTH
from service.settings import Settings
from tests.api.conftest import PASSWORD, Service, a_proposal, running_service
from tests.web.conftest import Site


@pytest.fixture
def slowed(settings: Settings) -> Iterator[Service]:
    with running_service(replace(settings, writes_per_minute=2, proxies=1)) as made:
        yield made


def sign_in(service: Service, email: str, password: str, remote: str = "192.0.2.1") -> tuple[int, str]:
    answer = service.client().post(
        "/api/v1/tokens",
        json={"email": email, "password": password},
        environ_base={"REMOTE_ADDR": remote},
    )
    return answer.status_code, answer.json.get("detail", "")


def test_who_guesses_is_held_back_and_learns_nothing_of_who_has_an_account(service: Service) -> None:
    there = [sign_in(service, "submitter@example.org", "wrong") for _ in range(BY_BOTH + 1)]
    nobody = [sign_in(service, "nobody@example.org", "wrong") for _ in range(BY_BOTH + 1)]
    assert there == nobody
    assert [status for status, _ in there] == [401] * BY_BOTH + [429]
    assert sign_in(service, "submitter@example.org", PASSWORD)[0] == 429, "also with the right password"
    assert sign_in(service, "submitter@example.org", PASSWORD, "198.51.100.1")[0] == 201, "from elsewhere"
    items = service.told("admin", "/sign-ins")["items"]
    assert [(each["outcome"], each["way"]) for each in items[:2]] == [("done", "token"), ("locked", "token")]
    assert "submitter@" not in str(items)
    assert {each["network"] for each in items} == {"192.0.2.0/24", "198.51.100.0/24"}
    assert service.ask("auditor", "/sign-ins").status_code == 403


def test_the_page_says_so_in_words_and_keeps_what_was_typed(service: Service) -> None:
    site = Site(service)
    visitor = site.visitor(None)
    for _ in range(BY_BOTH):
        visitor.text("/sign-in")
        assert visitor.post("/sign-in", {"email": "x@example.org", "password": "wrong"}).status_code == 400
    held = visitor.post("/sign-in", {"email": "x@example.org", "password": "wrong"})
    assert held.status_code == 429
    assert int(held.headers["Retry-After"]) > 0
    html = held.get_data(as_text=True)
    assert "te vaak vergeefs" in html
    assert 'value="x@example.org"' in html
    record = site.visitor("admin").text("/admin/sign-ins?outcome=locked")
    assert "Niemand heeft dit adres" in record
    assert "x@example.org" not in record


def test_a_program_that_runs_away_is_slowed_down_and_told_when_to_go_on(slowed: Service) -> None:
    answers = [slowed.act("submitter", "/proposals", a_proposal()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].json["code"] == "too-many-writes"
    assert slowed.ask("submitter", "/proposals").status_code == 200, "reading goes on"
    assert slowed.act("neighbour", "/proposals", a_proposal()).status_code == 201, "and so do others"


def test_behind_a_proxy_one_counts_by_whom_it_saw_and_not_by_what_the_caller_says(slowed: Service) -> None:
    for spoofed in range(BY_BOTH + 1):
        headers = {"X-Forwarded-For": f"203.0.113.{spoofed}, 10.9.{spoofed}.1, 192.0.2.9"}
        slowed.client().post(
            "/api/v1/tokens", json={"email": "x@example.org", "password": "wrong"}, headers=headers
        )
    items = slowed.told("admin", "/sign-ins")["items"]
    assert {each["network"] for each in items} == {"192.0.2.0/24"}
    assert items[0]["outcome"] == "locked"
