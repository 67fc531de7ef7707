"""An organisation's people see and continue each other's proposals, each as their role in it allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from domain.errors import Refused
from service import organisations
from service.errors import Missing
from service.identity import changing, people, tokens
from service.identity.changing import SYSTEM
from service.identity.people import Person
from service.identity.permissions import GUARDED, Forbidden
from service.settings import Settings
from service.web import sessions
from service.wiring import Parts
from tests.api.conftest import Service, a_proposal, running_service
from tests.conftest import fresh_database

TODAY = date(2026, 11, 30)


@pytest.fixture(scope="module")
def service(admin_url: str, template: Settings) -> Iterator[Service]:
    with fresh_database(admin_url, template) as settings, running_service(settings) as made:
        yield made


@pytest.fixture(scope="module")
def parts(service: Service) -> Parts:
    found: Parts = service.app.extensions["besluitspoor"].parts
    return found


@pytest.fixture(scope="module")
def manager(service: Service, parts: Parts) -> Person:
    """The submitter, who manages the people of the organisation."""
    known = service.people["submitter"]
    changed = replace(known, organisation_role="manager")
    changing.change(parts.log, SYSTEM, TODAY, known, changed)
    return changed


def colleague(service: Service, parts: Parts, manager: Person, name: str, role: str) -> Person:
    """Somebody added by the manager, with a token."""
    made = organisations.invite(
        parts, manager, email=f"{name}@example.org", name=name.capitalize(), role=role
    )
    with parts.pool.connection() as connection:
        token, _ = tokens.create(connection, made.id, timedelta(hours=1))
    service.tokens = {**service.tokens, name: token}
    return made


def ids(service: Service, who: str, path: str = "/proposals?limit=100") -> set[str]:
    return {case["id"] for case in service.told(who, path)["items"]}


def test_a_colleague_sees_and_continues_what_another_submitted(
    service: Service, parts: Parts, manager: Person
) -> None:
    case = service.done("submitter", "/proposals", a_proposal())["id"]
    colleague(service, parts, manager, "bewerker", "editor")
    assert case in ids(service, "bewerker")
    assert case not in ids(service, "neighbour")
    withdrawn = service.act("bewerker", f"/proposals/{case}/withdrawal", {"grounds": "Toch niet."})
    assert withdrawn.status_code == 201


def test_a_reader_sees_and_changes_nothing(service: Service, parts: Parts, manager: Person) -> None:
    case = service.done("submitter", "/proposals", a_proposal())["id"]
    colleague(service, parts, manager, "lezer", "reader")
    assert case in ids(service, "lezer")
    head = service.head()
    for path, body in (("/proposals", a_proposal()), (f"/proposals/{case}/withdrawal", {"grounds": "Nee."})):
        assert service.act("lezer", path, body).status_code == 403, path
    assert service.head() == head


def test_only_a_manager_adds_and_removes_and_what_is_done_is_recorded(
    service: Service, parts: Parts, manager: Person
) -> None:
    made = colleague(service, parts, manager, "even", "reader")
    (added,) = parts.log.load(made.id)
    assert (added.by, added.name) == (manager.id, "PersonAdded")
    assert added.capacity is not None
    assert added.capacity.role == "submitter"
    with parts.pool.connection() as connection:
        assert not people.has_password(connection, made.id)
    changed = organisations.set_role(parts, manager, made.id, "editor")
    with pytest.raises(Forbidden):
        organisations.remove(parts, changed, manager.id)
    organisations.remove(parts, manager, made.id)
    assert [each.name for each in parts.log.load(made.id)] == [
        "PersonAdded",
        "PersonChanged",
        "PersonChanged",
    ]
    with pytest.raises(Missing):
        organisations.remove(parts, manager, made.id)


def test_people_of_another_organisation_are_not_there_for_a_manager(
    service: Service, parts: Parts, manager: Person
) -> None:
    other = service.people["neighbour"]
    for attempt in (
        lambda: organisations.set_role(parts, manager, other.id, "reader"),
        lambda: organisations.remove(parts, manager, other.id),
    ):
        with pytest.raises(Missing):
            attempt()
    assert other.id not in {each["id"] for each in service.told("submitter", "/organisation")["people"]}


def test_an_address_that_somebody_has_cannot_be_added_and_it_is_not_said_whose_it_is(
    service: Service, parts: Parts, manager: Person
) -> None:
    with pytest.raises(Refused, match="address-not-possible"):
        organisations.invite(parts, manager, email="NEIGHBOUR@example.org", name="Dief", role="reader")


def test_an_organisation_keeps_a_manager(service: Service, parts: Parts, manager: Person) -> None:
    for attempt in (
        lambda: organisations.set_role(parts, manager, manager.id, "editor"),
        lambda: organisations.remove(parts, manager, manager.id),
    ):
        with pytest.raises(Refused, match="last-manager"):
            attempt()
    second = colleague(service, parts, manager, "tweede", "manager")
    organisations.set_role(parts, second, second.id, "reader")


@pytest.fixture(scope="module")
def contact(service: Service, parts: Parts) -> Person:
    """The contact of Helmond, who is a member of nothing."""
    made = people.new(
        email="helmond@example.org", name="Helmond", roles=["submitter"], municipalities=["GM0794"]
    )
    changing.add(parts.log, SYSTEM, TODAY, made)
    with parts.pool.connection() as connection:
        token, _ = tokens.create(connection, made.id, timedelta(hours=1))
    service.tokens = {**service.tokens, "helmond": token}
    return made


def test_the_contact_of_a_municipality_reads_the_cases_in_it_and_no_others(
    service: Service, contact: Person
) -> None:
    within = service.done(
        "submitter", "/proposals", a_proposal(title="Glaspaviljoen", municipalities=["Helmond"])
    )["id"]
    outside = service.done(
        "submitter", "/proposals", a_proposal(title="Glaspaviljoen", municipalities=["Eindhoven"])
    )["id"]
    for path in (
        "/proposals?limit=100",
        "/proposals?q=glaspaviljoen",
        "/proposals?effectiveOn=2026-11-30&limit=100",
        f"/proposals?atPosition={service.head()}&limit=100",
    ):
        found = ids(service, "helmond", path)
        assert within in found, path
        assert outside not in found, path
    assert ids(service, "helmond", "/proposals?municipality=Eindhoven") == set()
    for part in ("", "/timeline", "/letters"):
        assert service.ask("helmond", f"/proposals/{within}{part}").status_code == 200, part
        assert service.ask("helmond", f"/proposals/{outside}{part}").status_code == 404, part
    watch: dict[str, Any] = {"json": {"watching": True}}
    headers = {"Authorization": f"Bearer {service.tokens['helmond']}"}
    for case, status in ((within, 200), (outside, 404)):
        asked = service.client().put(f"/api/v1/proposals/{case}/watch", headers=headers, **watch)
        assert asked.status_code == status
    refused = service.act("helmond", f"/proposals/{within}/withdrawal", {"grounds": "Nee."})
    assert refused.status_code == 403


def test_a_confidential_case_does_not_exist_for_the_contact_either(service: Service, contact: Person) -> None:
    case = service.done("submitter", "/proposals", a_proposal(title="Geheim", municipalities=["Helmond"]))
    reference = service.told("helmond", f"/proposals/{case['id']}")["reference"]
    headers = {"Authorization": f"Bearer {service.tokens['helmond']}"}
    watch = f"/api/v1/proposals/{case['id']}/watch"
    assert service.client().put(watch, headers=headers, json={"watching": True}).status_code == 200
    assert case["id"] in str(service.told("helmond", "/people/me/data")["held"])
    level = {"level": "confidential", "ground": "woo-5-2"}
    service.done("secretary", f"/proposals/{case['id']}/confidentiality", level)
    for path in (
        "/proposals?limit=100",
        "/proposals?q=geheim",
        "/proposals?effectiveOn=2026-11-30&limit=100",
        f"/proposals?atPosition={service.head()}&limit=100",
    ):
        assert case["id"] not in ids(service, "helmond", path), path
    for part in ("", "/timeline", "/letters"):
        assert service.ask("helmond", f"/proposals/{case['id']}{part}").status_code == 404, part
    held = str(service.told("helmond", "/people/me/data"))
    assert case["id"] not in held
    assert reference not in held
    assert "confidential" in held


def test_a_member_who_sits_for_a_municipality_acts_on_that_seat(service: Service, parts: Parts) -> None:
    seated = people.new(
        email="zetel@example.org",
        name="Zetel",
        roles=["member"],
        bodies=["taskforce"],
        seats=[("taskforce", "GM0794")],
    )
    changing.add(parts.log, SYSTEM, TODAY, seated)
    with parts.pool.connection() as connection:
        token, _ = tokens.create(connection, seated.id, timedelta(hours=1))
    service.tokens = {**service.tokens, "zetel": token}
    case = service.done("submitter", "/proposals", a_proposal())["id"]
    service.done("secretary", f"/proposals/{case}/completeness", {"outcome": "complete"})
    review = {"body": "taskforce", "advice": "positive", "grounds": "Goed"}
    service.done("zetel", f"/proposals/{case}/reviews", review)
    entries = service.told("auditor", f"/proposals/{case}/timeline")["entries"]
    (told,) = [each for each in entries if each["event"] == "Reviewed"]
    assert told["capacity"] == {
        "role": "member",
        "body": "taskforce",
        "seat": "GM0794",
        "substituteFor": None,
    }
    client = service.app.test_client()
    with parts.pool.connection() as connection:
        client.set_cookie("besluitspoor", sessions.start(connection, service.people["auditor"].id))
    for path in (f"/proposals/{case}", f"/audit/proposals/{case}"):
        assert "namens Helmond" in client.get(path).get_data(as_text=True), path


def test_a_database_keeps_no_other_role_in_an_organisation(service: Service, parts: Parts) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), parts.pool.connection() as connection:
        connection.execute("UPDATE vault.people SET organisation_role = 'boss'")


@pytest.mark.parametrize("role", sorted(GUARDED))
def test_a_manager_changes_no_colleague_who_keeps_an_eye_on_the_others(
    service: Service, parts: Parts, manager: Person, role: str
) -> None:
    made = colleague(service, parts, manager, f"guarded-{role}", "editor")
    guarded = replace(made, roles=made.roles | {role})
    changing.change(parts.log, SYSTEM, TODAY, made, guarded)
    for act in (
        lambda: organisations.set_role(parts, manager, made.id, "manager"),
        lambda: organisations.remove(parts, manager, made.id),
    ):
        with pytest.raises(Forbidden) as refused:
            act()
        assert refused.value.roles == ("admin",)
    with parts.pool.connection() as connection:
        assert people.get(connection, made.id) == guarded
