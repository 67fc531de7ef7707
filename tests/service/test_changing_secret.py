"""The secret of the service changes step by step: what was made with the one before counts, and nothing new is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyotp
import pytest
from argon2 import PasswordHasher

from service.app import create_app
from service.identity import links, people, second_factor
from service.identity.sealing import Unsealable, seal, unseal
from service.ids import new_id
from service.keyed import once_for
from service.messaging import subscriptions
from service.messaging.mail import unsubscribe
from service.settings import Settings, SettingsError
from service.web import visit
from service.web.sessions import Session
from tests.api.conftest import PASSWORD, Service, a_proposal, running_service
from tests.conftest import SECRET, fresh_database

NEW = b"the next secret, long enough to be one too"


@pytest.fixture(scope="module")
def service(admin_url: str, template: Settings) -> Iterator[Service]:
    with fresh_database(admin_url, template) as settings, running_service(settings) as made:
        yield made


@pytest.fixture
def before(service: Service) -> Settings:
    """As it was: one secret."""
    return service.settings


@pytest.fixture
def changing(before: Settings) -> Settings:
    """While it changes: the new one, and the one before."""
    return replace(before, secret=NEW, previous_secret=SECRET)


@pytest.fixture
def after(before: Settings) -> Settings:
    """Once the one before has gone."""
    return replace(before, secret=NEW)


@pytest.fixture
def db(before: Settings) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(before.database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def while_changing(service: Service, changing: Settings) -> Iterator[Service]:
    """The service with the new secret, and the one before."""
    app = create_app(changing)
    yield replace(service, app=app)
    app.extensions["besluitspoor"].close()


def test_links_that_were_mailed_before_stay_good_and_new_ones_are_of_the_new_secret(
    before: Settings, changing: Settings, after: Settings
) -> None:
    id = new_id("link")
    mailed, mailed_now = (links.address(each, id).rsplit("/", 1)[1] for each in (before, changing))
    assert links.read(changing, mailed) == links.read(changing, mailed_now) == id
    assert links.read(after, mailed) is None
    assert links.read(after, mailed_now) == id
    assert links.read(before, mailed_now) is None, "nothing new is made with the secret of before"


def test_unsubscribing_by_a_mail_of_before_stays_possible(
    before: Settings, changing: Settings, after: Settings
) -> None:
    mail = unsubscribe.Subscription("person-1", "decided")
    mailed, mailed_now = (unsubscribe.link(each, mail).rsplit("/", 1)[1] for each in (before, changing))
    assert unsubscribe.read(changing, mailed) == unsubscribe.read(changing, mailed_now) == mail
    assert unsubscribe.read(after, mailed) is None
    assert unsubscribe.read(before, mailed_now) is None


def test_what_was_sealed_before_opens_and_what_is_sealed_now_is_of_the_new_secret(
    before: Settings, changing: Settings, after: Settings
) -> None:
    assert unseal(changing, "one", "person-1", seal(before, "one", "person-1", b"x")) == b"x"
    assert unseal(after, "one", "person-1", seal(changing, "one", "person-1", b"x")) == b"x"
    with pytest.raises(Unsealable):
        unseal(before, "one", "person-1", seal(changing, "one", "person-1", b"x"))


def test_a_second_factor_is_sealed_anew_by_whoever_uses_it(
    db: psycopg.Connection[Any], before: Settings, changing: Settings, after: Settings
) -> None:
    ours, others = (
        people.add(db, email=f"{who}@example.org", name=who, roles=["auditor"]).id
        for who in ("ours", "others")
    )
    now = datetime.now(UTC)
    keys = {}
    for each in (ours, others):
        second_factor.begin(db, before, each)
        keys[each] = second_factor.to_confirm(db, before, each) or ""
        second_factor.confirm(db, before, each, pyotp.TOTP(keys[each]).at(now), now)
    later = now + timedelta(minutes=2)
    typed = {each: pyotp.TOTP(keys[each]).at(later) for each in keys}
    assert second_factor.check(db, changing, ours, typed[ours], later) == "good"
    latest = later + timedelta(minutes=2)
    assert second_factor.check(db, after, ours, pyotp.TOTP(keys[ours]).at(latest), latest) == "good"
    with pytest.raises(Unsealable):
        second_factor.check(db, after, others, typed[others], later)


def test_a_request_that_is_repeated_across_the_change_is_done_once(
    service: Service, while_changing: Service, after: Settings
) -> None:
    proposal, headers = a_proposal(), {"Idempotency-Key": "across-the-change"}
    first = service.act("submitter", "/proposals", proposal, headers=headers)
    again = while_changing.act("submitter", "/proposals", proposal, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json["id"] == again.json["id"]
    other = while_changing.act("submitter", "/proposals", a_proposal(title="Iets anders"), headers=headers)
    assert (other.status_code, other.json["code"]) == (409, "idempotency-key-reused")
    recorded = once_for(service.settings, "key", b"what was asked").request
    assert not once_for(after, "key", b"what was asked").is_of(recorded)


def test_a_subscription_that_is_asked_for_again_across_the_change_is_made_once(
    service: Service, while_changing: Service
) -> None:
    wanted = {"name": "Dashboard", "channel": "webhook", "url": "https://example.org/hook"}
    headers = {"Idempotency-Key": "subscribe-across"}
    first = service.act("integration", "/subscriptions", wanted, headers=headers)
    again = while_changing.act("integration", "/subscriptions", wanted, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201), (first.json, again.json)
    assert first.json["id"] == again.json["id"]


def test_receivers_of_webhooks_can_verify_by_the_secret_they_have(
    db: psycopg.Connection[Any], service: Service, before: Settings, changing: Settings, after: Settings
) -> None:
    one, _ = subscriptions.add(
        db, person=service.people["integration"].id, name="x", channel="webhook", url="https://example.org/"
    )
    now = datetime.now(UTC)
    old, new = subscriptions.secret(before, one), subscriptions.secret(after, one)
    assert subscriptions.secret(changing, one) == new, "what its owner is shown"
    assert subscriptions.signing(changing, one, now) == [new, old]
    assert subscriptions.signing(after, one, now) == [new]


def test_who_typed_a_form_before_the_change_is_still_known(service: Service, while_changing: Service) -> None:
    somebody, other = service.people["submitter"], service.people["neighbour"]
    with service.app.test_request_context():
        typed, not_theirs = visit.mark_of(somebody.id), visit.mark_of(other.id)
    session = Session(hash=b"", person=somebody, csrf="x", position=0, notice=None, how="password")
    with while_changing.app.test_request_context():
        visit.come_in(session)
        assert visit.is_reader(typed)
        assert visit.is_reader(visit.reader())
        assert visit.reader() != typed
        assert not visit.is_reader(not_theirs)
        assert not visit.is_reader("")
        visit.come_in(None)
        assert visit.is_reader("")
        assert not visit.is_reader(typed)


@pytest.mark.usefixtures("as_served")
def test_a_password_is_kept_as_passwords_are_kept_now_once_its_person_signs_in(
    db: psycopg.Connection[Any], service: Service
) -> None:
    lighter = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("een goed wachtwoord")
    person = people.add(db, email="since-long@example.org", name="Al lang", roles=["auditor"])
    people.set_password_hash(db, person.id, lighter)

    def kept() -> str:
        row = db.execute("SELECT password_hash FROM vault.people WHERE id = %s", (person.id,)).fetchone()
        assert row is not None
        return str(row[0])

    def sign_in(password: str) -> int:
        return service.act(None, "/tokens", {"email": person.email, "password": password}).status_code

    assert sign_in("een ander wachtwoord") == 401
    assert kept() == lighter, "who does not know it changes nothing"
    assert sign_in("een goed wachtwoord") == 201
    now = kept()
    assert now.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert sign_in("een goed wachtwoord") == 201
    assert kept() == now
    assert (
        service.act(None, "/tokens", {"email": "submitter@example.org", "password": PASSWORD}).status_code
        == 201
    )


def test_the_secret_of_before_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "previous"
    file.write_bytes(b"p" * 40 + b"\n")
    given = {"DATABASE_URL": "postgresql://x", "SECRET": "s" * 40}
    assert Settings.from_environment(given).secrets == (b"s" * 40,)
    for more in ({"PREVIOUS_SECRET_FILE": str(file)}, {"PREVIOUS_SECRET": "p" * 40}):
        assert Settings.from_environment({**given, **more}).secrets == (b"s" * 40, b"p" * 40)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"PREVIOUS_SECRET": "s" * 40}, "the same as the secret"),
        ({"PREVIOUS_SECRET": "short"}, "shorter than 32"),
        ({"PREVIOUS_SECRET_FILE": "/not/there"}, "PREVIOUS_SECRET_FILE /not/there cannot be read"),
    ],
)
def test_a_secret_of_before_that_can_be_none_is_refused(more: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.from_environment({"DATABASE_URL": "postgresql://x", "SECRET": "s" * 40, **more})
