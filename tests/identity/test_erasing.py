"""Who is erased is nowhere any more: no table, mail or letter has the name; the log is as it was, and replays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.events import PersonErased
from projections.views import VIEWS
from service import erasing, held, rebuild
from service.api.sentences import told
from service.documents import letters
from service.errors import Missing
from service.identity import (
    changing,
    guard,
    identities,
    links,
    parties,
    passkeys,
    people,
    second_factor,
    sign_ins,
    tokens,
    undeliverable,
)
from service.identity.changing import SYSTEM
from service.identity.oidc import on_their_way
from service.identity.oidc.asked import Begun
from service.identity.people import Person
from service.identity.scope import everything
from service.messaging import by_post, courier, noticing, preferences
from service.messaging.channels.email import Email
from service.messaging.channels.letter import LetterChannel
from service.messaging.preferences import Hearing
from service.settings import Settings
from service.web import drafts, sessions
from service.wiring import Parts
from service.words import fill
from tests.api.conftest import Service, a_proposal, running_service
from tests.documents.conftest import Pdf
from tests.dumped import pg_dump

NAME, EMAIL = "Quirine Zwanenburg-Abcoude", "q.zwanenburg@voorbeeld.example"
TRADE = "Zwanenburg Lasadvies"
TODAY = date(2026, 11, 30)


@dataclass
class World:
    """A service with somebody in it who applied for herself, and everything that can be kept of somebody."""

    service: Service
    parts: Parts
    person: Person
    case: str
    token: str

    @property
    def settings(self) -> Settings:
        return self.parts.settings

    def ask(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        """A question to the database, as its owner."""
        with psycopg.connect(self.settings.database_owner_url, autocommit=True) as connection:
            return connection.execute(query.encode(), given or None).fetchall()

    def events(self) -> list[tuple[Any, ...]]:
        return self.ask("SELECT * FROM log.events ORDER BY notification_id")

    def views(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every document of every view, and every row of its facts."""
        tables = [view.name for view in VIEWS] + [view.facts.name for view in VIEWS if view.facts]
        return {
            table: sorted(self.ask(f"SELECT to_jsonb(t) FROM views.{table} t"), key=repr) for table in tables
        }

    def filled(self) -> Any:
        """Every document of every view with its words and names, and the timeline of the case."""
        documents = [
            document
            for view in VIEWS
            for (document,) in self.ask(f"SELECT document FROM views.{view.name} ORDER BY key")
        ]
        with self.parts.pool.connection() as connection:
            scope = everything(self.parts.calendar().today)
            return fill([documents, told(self.parts.log.load(self.case), "nl")], connection, scope)


@pytest.fixture
def world(settings: Settings, tmp_path: Path) -> Iterator[World]:
    given = replace(settings, mail_folder=str(tmp_path / "mail"), demo=True)
    with running_service(given) as service:
        parts = service.app.extensions["besluitspoor"].parts
        person = people.new(email=EMAIL, name=NAME, roles=["submitter"])
        changing.add(parts.log, SYSTEM, TODAY, person, "wachtwoord van haar")
        with parts.pool.connection() as connection:
            token, _ = tokens.create(connection, person.id, timedelta(hours=1))
        service.tokens = {**service.tokens, "her": token}
        service.people = {**service.people, "her": person}
        mine = {"name": NAME, "kind": "natural-person"}
        case = service.done("her", "/proposals", a_proposal(applicant=mine))["id"]
        other = {"name": TRADE, "kind": "sole-trader"}
        service.done("her", "/proposals", a_proposal(applicant=other, partners=[mine]))
        service.done(
            "secretary",
            f"/proposals/{case}/completeness",
            {"outcome": "supplement", "remarks": "De begroting ontbreekt."},
        )
        world = World(service, parts, person, case, token)
        fill_everything(world)
        assert parts.clock.wait_for(parts.log.head(), 30)
        yield world


def fill_everything(world: World) -> None:
    """Everything that can be kept of somebody is kept of her."""
    service, parts, person = world.service, world.parts, world.person
    service.head()
    with parts.pool.connection() as connection:
        sessions.start(connection, person.id)
        preferences.hear(connection, person, Hearing("en"))
        preferences.choose(connection, person.id, {("turn", "email"): "off"})
        preferences.watch(connection, person.id, world.case)
        typed = {"title": ["Nog een plan"], "applicant.name": [NAME]}
        drafts.begin(connection, person.id, "regionale-herstelaanpak", typed)
        secretary = service.people["secretary"].id
        others = {"applicant.name": [NAME], "summary": [f"Gebeld met {NAME}, zie {EMAIL}."]}
        drafts.begin(connection, secretary, "regionale-herstelaanpak", others)
        fill_ways_in(world, connection)
        at = noticing.position(connection)
        while (reached := noticing.fold_batch(parts, connection, at, 100)) != at:
            at = reached
        waiting = connection.execute(
            "UPDATE ledger.deliveries SET state = 'queued', queued_at = now()"
            " WHERE channel IN ('email', 'letter') AND state = 'waiting' RETURNING id, channel"
        ).fetchall()
    for id, channel in waiting:
        made = LetterChannel(parts.settings) if channel == "letter" else Email(parts.settings)
        courier.deliver(parts, made, id)
    with parts.pool.connection() as connection:
        undeliverable.note(connection, EMAIL, "550 5.2.1 closed")
        connection.execute(
            "INSERT INTO ledger.tries SELECT id, 99, now(), 'failed', %s FROM ledger.deliveries WHERE recipient = %s",
            (f"550 no mail for {NAME}", person.id),
        )


def fill_ways_in(world: World, connection: psycopg.Connection[Any]) -> None:
    """By every way in something is kept: of her, of her address before it was linked, of what was under way."""
    person = world.person
    identities.link(connection, "https://idp.example", "subject-1", person.id)
    identities.note(connection, "https://idp.example", "subject-2", EMAIL.upper(), NAME)
    links.ask(connection, EMAIL)
    second_factor.begin(connection, world.settings, person.id)
    place = passkeys.place(replace(world.settings, public_url="http://localhost:8000"))
    assert place is not None
    passkeys.options_to_add(connection, place, person)
    connection.execute(
        "INSERT INTO vault.passkeys (id, credential, person, name, public_key, sign_count, synced)"
        " VALUES ('passkey-1', 'c', %s, %s, 'k', 0, false)",
        (person.id, f"Telefoon van {NAME}"),
    )
    tried = guard.of(world.settings.secret, EMAIL, "192.0.2.7")
    sign_ins.note(connection, tried, person.id, "password", "refused")
    begun = Begun("https://idp.example/authorize", "state", "nonce", "verifier")
    on_their_way.keep(connection, begun, "idp", "/proposals/new", [("summary", f"Gebeld met {NAME}")])


def dump(world: World) -> str:
    """The whole database as text: what pg_dump writes, with bytes read as text where they are, and every PDF read."""
    text = pg_dump(world.settings, "--inserts")
    found = [text]
    for escaped in re.findall(r"\\x((?:[0-9a-f]{2})+)", text):
        content = bytes.fromhex(escaped)
        found.append(Pdf(content).text if content.startswith(b"%PDF") else content.decode("utf-8", "replace"))
    return "\n".join(found)


def mails(world: World) -> str:
    """Every mail in the folder, decoded."""
    from email import message_from_bytes
    from email.policy import default

    found = []
    for path in Path(world.settings.mail_folder).glob("*.eml"):
        message = message_from_bytes(path.read_bytes(), policy=default)
        found += [str(value) for value in message.values()]
        for part in message.walk():
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                found.append(
                    Pdf(content).text if content.startswith(b"%PDF") else content.decode("utf-8", "replace")
                )
    return "\n".join(found)


SAID = re.compile("Quirine|Zwanenburg|Abcoude", re.IGNORECASE)


def test_nothing_holds_the_name_any_more_and_the_log_is_as_it_was(world: World) -> None:
    before, events, views, filled = dump(world), world.events(), world.views(), world.filled()
    assert len(SAID.findall(before)) > 10
    assert SAID.search(mails(world))
    done = world.service.client().put(
        f"/api/v1/people/{world.person.id}/erasure",
        json={"ground": "request"},
        headers={"Authorization": f"Bearer {world.service.tokens['admin']}"},
    )
    assert done.status_code == 200, done.get_data(as_text=True)
    assert done.json["mentions"] == []  # type: ignore[index]
    assert done.json["letters"] > 1  # type: ignore[index]
    assert done.json["named"] is None  # type: ignore[index]
    assert [line for line in dump(world).splitlines() if SAID.search(line)] == []
    assert not SAID.search(mails(world))
    (*same, new) = world.events()
    assert same == events
    assert world.parts.log.load(world.person.id)[-1].event == PersonErased("request")
    assert new[0] == world.person.id
    assert world.parts.clock.wait_for(world.parts.log.head(), 30)
    assert world.views() == views
    rebuild.rebuild(world.settings)
    assert world.views() == views
    assert world.filled() == without_names(filled)


def without_names(value: Any) -> Any:
    """The same with nobody where she was."""
    if isinstance(value, dict):
        if SAID.search(str(value.get("name", ""))):
            return {**value, "name": None, **({"kind": None} if "kind" in value else {})}
        return {name: without_names(each) for name, each in value.items()}
    if isinstance(value, list):
        return [without_names(each) for each in value]
    return value


def test_no_answer_page_or_file_has_the_name_and_where_it_was_it_says_erased(world: World) -> None:
    erasing.erase(world.parts, SYSTEM, world.person.id, "request")
    world.service.app.extensions["besluitspoor"].callers._known.clear()
    assert world.service.ask("her", "/proposals").status_code == 401
    case = world.service.told("secretary", f"/proposals/{world.case}")
    assert case["content"]["applicant"]["name"] is case["submittedBy"]["name"] is None
    client = world.service.app.test_client()
    with world.parts.pool.connection() as connection:
        shown = {
            who: sessions.start(connection, world.service.people[who].id)
            for who in ("secretary", "auditor", "admin")
        }
    for who, path in (
        ("secretary", f"/proposals/{world.case}"),
        ("secretary", "/proposals"),
        ("secretary", "/proposals.csv"),
        ("secretary", "/search?q=RHA"),
        ("secretary", "/desk"),
        ("secretary", "/"),
        ("auditor", "/audit"),
        ("auditor", "/audit/events.csv"),
        ("auditor", f"/audit/proposals/{world.case}"),
        ("auditor", "/portfolio"),
    ):
        client.set_cookie("besluitspoor", shown[who])
        html = client.get(path).get_data(as_text=True)
        assert not SAID.search(html), path
        if path not in ("/search?q=RHA", "/", "/portfolio", "/desk"):
            assert "gewiste persoon" in html, path
    for letter in world.service.told("secretary", f"/proposals/{world.case}/letters")["items"]:
        assert (letter["erased"], letter["size"]) == (True, 0)
        response = world.service.ask("secretary", f"/proposals/{world.case}/letters/{letter['id']}")
        assert (response.status_code, response.json["code"]) == (404, "letter-erased")  # type: ignore[index]
        with pytest.raises(letters.Erased):
            letters.read(world.parts, world.case, letter["id"])


@pytest.mark.slow
def test_who_read_the_case_before_is_not_told_that_it_is_still_the_same(world: World) -> None:
    """The version of the case stays: nothing happened to it. What it says does not."""
    path = f"/proposals/{world.case}"
    before = world.service.ask("secretary", path)
    tag = {"If-None-Match": before.headers["ETag"]}
    assert world.service.ask("secretary", path, headers=tag).status_code == 304
    erasing.erase(world.parts, SYSTEM, world.person.id, "request")
    after = world.service.ask("secretary", path, headers=tag)
    assert after.status_code == 200
    assert not SAID.search(after.get_data(as_text=True))
    assert after.json["version"] == before.json["version"]  # type: ignore[index]


@pytest.mark.slow
def test_who_read_the_draft_of_another_before_does_not_put_the_name_back(world: World) -> None:
    service, headers = world.service, {"Authorization": f"Bearer {world.service.tokens['secretary']}"}
    (id,) = [each["id"] for each in service.told("secretary", "/drafts")["items"]]
    before = service.ask("secretary", f"/drafts/{id}")
    assert NAME in before.text
    erasing.erase(world.parts, SYSTEM, world.person.id, "request")
    stale = service.client().put(
        f"/api/v1/drafts/{id}",
        json={"fields": before.json["fields"]},
        headers={**headers, "If-Match": before.headers["ETag"]},
    )
    assert stale.status_code == 412
    assert not SAID.search(service.ask("secretary", f"/drafts/{id}").text)


@pytest.mark.slow
def test_a_letter_that_is_made_after_it_is_to_an_erased_person(world: World) -> None:
    case = world.service.done(
        "her", "/proposals", a_proposal(applicant={"name": NAME, "kind": "natural-person"})
    )["id"]
    about = world.parts.log.load(case)[0].position
    erasing.erase(world.parts, SYSTEM, world.person.id, "request")
    letter = letters.issue(world.parts, "receipt", case, about)
    text = Pdf(letter.pdf).text
    assert "gewiste persoon" in text
    assert not SAID.search(text)


@pytest.mark.slow
def test_what_had_to_be_posted_to_who_is_erased_is_not_and_what_named_them_is_written_anew(
    world: World,
) -> None:
    with world.parts.pool.connection() as connection:
        connection.execute(
            "UPDATE ledger.deliveries SET state = 'to-post', by_post = true WHERE channel = 'letter'"
        )
        before = by_post.to_post(connection, 100)
        others, *hers = [each.delivery for each in before]
        connection.execute("UPDATE ledger.deliveries SET recipient = 'party-x' WHERE id = %s", (others,))
    assert hers
    assert all(each.letter and each.document for each in before)
    erasing.erase(world.parts, SYSTEM, world.person.id, "request")
    with world.parts.pool.connection() as connection:
        (left,) = by_post.to_post(connection, 100)
        assert (left.delivery, left.letter, left.document) == (others, None, None)
        states = connection.execute(
            "SELECT DISTINCT state, error FROM ledger.deliveries WHERE id = ANY(%s)", (hers,)
        ).fetchall()
    assert states == [("dropped", "erased")]


@pytest.mark.slow
def test_letters_that_name_nobody_erased_stay_as_they_are(world: World) -> None:
    other = world.service.done("submitter", "/proposals", a_proposal())["id"]
    letter = letters.issue(world.parts, "receipt", other, world.parts.log.load(other)[0].position)
    erasing.erase(world.parts, SYSTEM, world.person.id, "request")
    assert letters.read(world.parts, other, letter.id) == letter


@pytest.mark.slow
def test_a_letter_cannot_be_made_into_another_by_the_service(world: World) -> None:
    with psycopg.connect(world.settings.database_url) as connection:  # noqa: SIM117
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE documents.letters SET pdf = 'x'::bytea, erased_at = now()")


def test_texts_in_which_the_name_was_typed_are_told_to_be_redacted(world: World) -> None:
    case = world.service.done("submitter", "/proposals", a_proposal(summary=f"Met hulp van {NAME}."))["id"]
    done = erasing.erase(world.parts, SYSTEM, world.person.id, "objection")
    assert [mention.stream for mention in done.mentions] == [case]


def test_who_acted_in_office_stays_named_in_those_acts_with_the_ground_and_is_gone_elsewhere(
    world: World,
) -> None:
    secretary = world.service.people["secretary"]
    with world.parts.pool.connection() as connection:
        named = replace(secretary, name="Wendelmoet Ambtelijk", email="wendelmoet@elders.example")
        people.change(connection, named)
    done = erasing.erase(world.parts, SYSTEM, secretary.id, "not-needed")
    assert done.named
    assert world.ask("SELECT * FROM vault.office_holders") == [
        (secretary.id, "Wendelmoet Ambtelijk", "acted-in-office")
    ]
    left = [line for line in dump(world).splitlines() if re.search("wendelmoet", line, re.IGNORECASE)]
    assert len(left) == 1
    assert "office_holders" in left[0]
    assert world.parts.log.load(secretary.id)[-1].event == PersonErased("not-needed", "acted-in-office")
    entries = world.service.told("auditor", f"/proposals/{world.case}/timeline")["entries"]
    (checked,) = [each for each in entries if each["event"] == "CompletenessChecked"]
    assert checked["by"] == {
        "id": secretary.id, "name": "Wendelmoet Ambtelijk", "nameKept": "acted-in-office",
    }  # fmt: skip
    client = world.service.app.test_client()
    with world.parts.pool.connection() as connection:
        client.set_cookie("besluitspoor", sessions.start(connection, world.service.people["auditor"].id))
    html = client.get(f"/proposals/{world.case}").get_data(as_text=True)
    assert (
        "Wendelmoet Ambtelijk (gewist; naam blijft: adviseerde, besliste of beheerde geld in functie)" in html
    )


@pytest.mark.slow
def test_a_company_of_several_people_keeps_its_name(world: World) -> None:
    organisation = parties.new("sole-trader", "Werk Samen")
    two = [
        people.new(
            email=f"{each}@samen.example", name=each, roles=["submitter"], organisation=organisation.id
        )
        for each in ("Adelheid", "Balthazar")
    ]
    changing.add(world.parts.log, SYSTEM, TODAY, two[0], organisation=organisation)
    changing.add(world.parts.log, SYSTEM, TODAY, two[1])
    erasing.erase(world.parts, SYSTEM, two[0].id, "request")
    assert world.ask("SELECT name FROM vault.parties WHERE id = %s", organisation.id) == [("Werk Samen",)]
    erasing.erase(world.parts, SYSTEM, two[1].id, "request")
    assert world.ask("SELECT name FROM vault.parties WHERE id = %s", organisation.id) == []


def test_nobody_is_erased_twice_and_administrators_not_by_themselves(world: World) -> None:
    erasing.erase(world.parts, SYSTEM, world.person.id, "request")
    head = world.parts.log.head()
    with pytest.raises(Missing):
        erasing.erase(world.parts, SYSTEM, world.person.id, "request")
    admin = world.service.people["admin"]
    answer = world.service.client().put(
        f"/api/v1/people/{admin.id}/erasure",
        json={"ground": "request"},
        headers={"Authorization": f"Bearer {world.service.tokens['admin']}"},
    )
    assert (answer.status_code, answer.json["code"]) == (409, "own-erasure")  # type: ignore[index]
    assert world.parts.log.head() == head


def test_everything_that_is_held_is_told_to_who_it_is_of_but_what_signs_in(world: World) -> None:
    told_ = world.service.told("her", "/people/me/data")
    assert (told_["person"]["name"], told_["person"]["hasPassword"]) == (NAME, True)
    tables = {each["table"] for each in told_["held"]}
    assert tables >= {
        "vault.tokens", "vault.hearing", "vault.preferences", "vault.watching", "vault.undeliverable", "web.sessions",
        "web.drafts",
    }  # fmt: skip
    assert not re.search(r"argon2|csrf|\"hash\"", str(told_))
    assert {"ProposalSubmitted"} <= {each["event"] for each in told_["acts"]}
    assert told_["messages"]
    assert [each["event"] for each in told_["history"]] == ["PersonAdded"]


def test_every_table_that_refers_to_people_is_known(world: World) -> None:
    with world.parts.pool.connection() as connection:
        found = {place.name for place in held.places(connection)}
    assert found >= {
        "ledger.subscriptions", "vault.council_addresses", "vault.hearing", "vault.preferences", "vault.tokens",
        "vault.undeliverable", "vault.watching", "web.drafts", "web.sessions",
    }  # fmt: skip


@pytest.mark.slow
def test_who_asks_to_be_erased_is_told_of_to_administrators_once(world: World) -> None:
    for _ in range(2):
        erasing.ask(world.parts, world.person)
    with world.parts.pool.connection() as connection:
        at = noticing.position(connection)
        while (reached := noticing.fold_batch(world.parts, connection, at, 100)) != at:
            at = reached
    inbox = world.service.told("admin", "/inbox")["items"]
    (message,) = [each for each in inbox if each["kind"] == "erasure"]
    assert message["subject"] == f"{NAME} vraagt om de eigen gegevens te wissen"
    assert message["path"] == f"/admin/people/{world.person.id}"
    erasing.erase(world.parts, SYSTEM, world.person.id, "request")
    (message,) = [
        each for each in world.service.told("admin", "/inbox")["items"] if each["kind"] == "erasure"
    ]
    assert message["subject"] == "gewiste persoon vraagt om de eigen gegevens te wissen"
