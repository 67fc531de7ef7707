"""What a page can do about signing in the API can too: a mailed link, a password by it, another one, a second step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyotp
import pytest

from service.identity import guard, links, people, second_factor, tokens
from service.identity.people import Person
from service.messaging import ledger
from service.messaging.channels.email import Email
from service.settings import Settings
from tests.api.conftest import PASSWORD, PREFIX, Service, running_service
from tests.conftest import fresh_database

NEW = "vier gele fietsen in de regen"
number = iter(range(10_000))


@pytest.fixture(scope="module")
def shared(admin_url: str, template: Settings) -> Iterator[Service]:
    """One service for all of these: each has somebody of its own."""
    with fresh_database(admin_url, template) as settings, running_service(settings) as made:
        yield made


@dataclass
class Somebody:
    """Somebody new, at a program that signed in for them just now."""

    service: Service
    person: Person
    token: str

    def ask(self, method: str, path: str, given: Any = None, token: str = "") -> Any:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return self.service.client().open(PREFIX + path, method=method, json=given, headers=headers)

    def signs_in(self, password: str = PASSWORD, **more: str) -> Any:
        given = {"email": self.person.email, "password": password, **more}
        return self.service.act(None, "/tokens", given)

    def told(self) -> list[str]:
        with psycopg.connect(self.service.settings.database_url) as connection:
            rows = connection.execute(
                """SELECT n.facts ->> 'what' FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
                WHERE d.recipient = %s AND d.channel = 'email' AND n.kind = 'security' ORDER BY d.id""",
                (self.person.id,),
            ).fetchall()
        return [what for (what,) in rows]


@pytest.fixture
def somebody(shared: Service) -> Somebody:
    with psycopg.connect(shared.settings.database_url, autocommit=True) as connection:
        person = people.add(
            connection,
            email=f"iemand{next(number)}@example.org",
            name="Iemand",
            roles=["auditor"],
            password=PASSWORD,
        )
        token, _ = tokens.create(connection, person.id, tokens.SIGNED_IN)
    return Somebody(shared, person, token)


def links_of(service: Service, person: Person) -> list[str]:
    """The ids of the deliveries of mailed links."""
    with psycopg.connect(service.settings.database_url) as connection:
        rows = connection.execute(
            """SELECT d.id FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
            WHERE d.recipient = %s AND n.kind = 'link' AND d.channel = 'email' ORDER BY d.id""",
            (person.id,),
        ).fetchall()
    return [id for (id,) in rows]


def mailed(service: Service, person: Person, folder: Path) -> str:
    """What the address in the last mail ends with."""
    parts = service.app.extensions["besluitspoor"].parts
    with parts.pool.connection() as connection:
        delivery = ledger.by_id(connection, links_of(service, person)[-1])
    assert delivery is not None
    Email(replace(service.settings, mail_folder=str(folder))).send(parts, delivery)
    (file,) = folder.iterdir()
    found = re.search(r"/sign-in/link/([\w.-]+)", file.read_text("utf-8").replace("=\n", ""))
    assert found is not None
    return found[1]


def codes_of(secret: str, ahead: int = 0) -> str:
    return pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30 * ahead))


# A link by mail


def test_asking_for_a_link_is_answered_alike_whoever_asks_for_whomever(somebody: Somebody) -> None:
    service, said = somebody.service, set()
    for email in (somebody.person.email, "niemand@example.org", service.people["auditor"].email):
        answer = service.act(None, "/password-links", {"email": email})
        said.add((answer.status_code, answer.get_data()))
    assert len(said) == 1
    assert answer.status_code == 202
    assert answer.json == {"minutes": 30}
    assert len(links_of(service, somebody.person)) == 1
    assert links_of(service, service.people["auditor"]) == [], "who has no password gets no link"


def test_a_password_is_chosen_once_with_the_link_and_then_one_signs_in_with_it(
    somebody: Somebody, tmp_path: Path
) -> None:
    service = somebody.service
    service.act(None, "/password-links", {"email": somebody.person.email})
    link = mailed(service, somebody.person, tmp_path)
    chosen = service.act(None, "/password-links/choice", {"link": link, "password": NEW})
    assert (chosen.status_code, chosen.get_data()) == (204, b"")
    assert somebody.signs_in(NEW).status_code == 201
    assert somebody.signs_in(PASSWORD).status_code == 401
    assert somebody.ask("GET", "/envelopes").status_code == 401, "who signed in with the old one is out"
    again = service.act(None, "/password-links/choice", {"link": link, "password": f"{NEW} 2"})
    assert (again.status_code, again.json["code"]) == (410, "link-gone")
    assert somebody.told() == ["password"]


@pytest.mark.parametrize("password", ["short", "iemand", "password1234", "aaaaaaaaaaaaaaaa"])
def test_a_poor_password_is_refused_and_the_link_is_good_yet(
    somebody: Somebody, tmp_path: Path, password: str
) -> None:
    service = somebody.service
    service.act(None, "/password-links", {"email": somebody.person.email})
    link = mailed(service, somebody.person, tmp_path)
    refused = service.act(None, "/password-links/choice", {"link": link, "password": password})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (400, "/password")
    assert service.act(None, "/password-links/choice", {"link": link, "password": NEW}).status_code == 204


@pytest.mark.parametrize("link", ["x", "link-…", f"link-{'0' * 36}.{'A' * 43}", "\x00"])
def test_a_link_that_nobody_was_mailed_chooses_nothing(shared: Service, link: str) -> None:
    refused = shared.act(None, "/password-links/choice", {"link": link, "password": NEW})
    assert refused.status_code in (400, 410)


def test_who_asks_for_links_again_and_again_is_told_to_wait_whether_there_is_an_account_or_not(
    somebody: Somebody,
) -> None:
    answers = {}
    for email in (somebody.person.email, "niemand-anders@example.org"):
        last = [
            somebody.service.act(None, "/password-links", {"email": email}) for _ in range(guard.BY_BOTH + 1)
        ]
        answers[email] = [each.status_code for each in last]
        assert int(last[-1].headers["Retry-After"]) > 0
    assert len({tuple(each) for each in answers.values()}) == 1
    assert answers[somebody.person.email][-1] == 429
    assert len(links_of(somebody.service, somebody.person)) == links.MOST_AT_ONCE


# Another password


def test_one_changes_ones_own_password_with_the_present_one(somebody: Somebody) -> None:
    changed = somebody.ask("PUT", "/people/me/password", {"current": PASSWORD, "password": NEW})
    assert changed.status_code == 204
    assert somebody.ask("GET", "/envelopes").status_code == 401, "this token came from signing in too"
    assert somebody.signs_in(NEW).status_code == 201
    assert somebody.told() == ["password"]


def test_a_wrong_or_poor_password_changes_nothing_and_guessing_is_stopped(somebody: Somebody) -> None:
    for given, at in (
        ({"current": "not this one", "password": NEW}, "/current"),
        ({"current": PASSWORD, "password": "short"}, "/password"),
        ({"current": PASSWORD}, "/password"),
    ):
        refused = somebody.ask("PUT", "/people/me/password", given)
        assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (400, at)
    for _ in range(guard.BY_BOTH):
        last = somebody.ask("PUT", "/people/me/password", {"current": "not this one", "password": NEW})
    assert (last.status_code, last.json["code"]) == (429, "sign-in-held-back")
    assert somebody.told() == []


# A second step


def set_up(somebody: Somebody) -> tuple[str, list[str]]:
    """The secret in the app, and the recovery codes."""
    begun = somebody.ask("POST", "/people/me/second-factor", {})
    assert begun.status_code == 201
    secret = begun.json["secret"]
    assert begun.json["address"].startswith("otpauth://totp/")
    assert secret in begun.json["address"]
    done = somebody.ask("POST", "/people/me/second-factor/confirmation", {"code": codes_of(secret)})
    assert done.status_code == 200, done.json
    return secret, done.json["recoveryCodes"]


def test_a_second_step_is_begun_confirmed_asked_and_turned_off(somebody: Somebody) -> None:
    secret, codes = set_up(somebody)
    assert len(codes) == second_factor.CODES
    assert somebody.signs_in().json["code"] == "code-needed"
    assert somebody.signs_in(code=codes_of(secret, 1)).status_code == 201
    renewed = somebody.ask("POST", "/people/me/second-factor/codes", {"code": codes[0]})
    assert renewed.status_code == 200
    assert set(renewed.json["recoveryCodes"]).isdisjoint(codes)
    off = {"code": renewed.json["recoveryCodes"][0]}
    assert somebody.ask("POST", "/people/me/second-factor/removal", off).status_code == 204
    assert somebody.signs_in().status_code == 201
    assert somebody.told() == ["factor-on", "recovery-used", "recovery-codes", "recovery-used", "factor-off"]


def test_it_is_confirmed_by_a_code_of_the_app_alone(somebody: Somebody) -> None:
    confirmation = "/people/me/second-factor/confirmation"
    unbegun = somebody.ask("POST", confirmation, {"code": "123456"})
    assert (unbegun.status_code, unbegun.json["code"]) == (409, "factor-not-begun")
    somebody.ask("POST", "/people/me/second-factor", {})
    wrong = somebody.ask("POST", confirmation, {"code": "nonsense"})
    assert (wrong.status_code, wrong.json["errors"][0]["code"]) == (400, "code-wrong")
    assert somebody.signs_in().status_code == 201, "nothing is asked yet"
    assert somebody.told() == []


def test_what_is_on_is_not_begun_again_and_what_is_off_is_not_turned_off(somebody: Somebody) -> None:
    for path in ("codes", "removal"):
        refused = somebody.ask("POST", f"/people/me/second-factor/{path}", {"code": "123456"})
        assert (refused.status_code, refused.json["code"]) == (409, "factor-is-off")
    secret, _ = set_up(somebody)
    refused = somebody.ask("POST", "/people/me/second-factor", {})
    assert (refused.status_code, refused.json["code"]) == (409, "factor-is-on")
    assert secret not in refused.get_data(as_text=True)


@pytest.mark.parametrize("path", ["codes", "removal"])
def test_without_a_good_code_it_stays_as_it_is_and_few_tries_are_given(somebody: Somebody, path: str) -> None:
    secret, _ = set_up(somebody)
    for _ in range(second_factor.MOST_WRONG):
        wrong = somebody.ask("POST", f"/people/me/second-factor/{path}", {"code": "nonsense"})
        assert (wrong.status_code, wrong.json["errors"][0]["code"]) == (400, "code-wrong")
    blocked = somebody.ask("POST", f"/people/me/second-factor/{path}", {"code": codes_of(secret, 1)})
    assert blocked.json["errors"][0]["code"] == "code-blocked"
    assert somebody.told() == ["factor-on"]
