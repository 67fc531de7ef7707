"""The table of permissions, read back as sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.recorded import Capacity
from service.identity.people import ROLES, Person
from service.identity.permissions import (
    GUARDED,
    TABLE,
    Forbidden,
    acting_as,
    check,
    check_person,
    may,
    refused_change,
)


def person(*roles: str, bodies: tuple[str, ...] = (), organisation: str | None = None) -> Person:
    return Person("person-1", "a@example.org", "A", frozenset(roles), frozenset(bodies), organisation)


def test_every_role_of_the_table_exists_and_every_role_may_do_something() -> None:
    named = {rule.role for rules in TABLE.values() for rule in rules}
    assert named == set(ROLES)


@pytest.mark.parametrize(
    ("act", "roles"),
    [
        ("submit", {"submitter", "secretary"}),
        ("completeness", {"secretary"}),
        ("resume", {"secretary"}),
        ("release", {"treasurer"}),
        ("reallocate", {"treasurer"}),
        ("return", {"treasurer"}),
        ("open-envelope", {"treasurer"}),
        ("add-source", {"treasurer"}),
        ("publish", {"secretary", "admin"}),
        ("read-events", {"auditor", "integration"}),
        ("subscribe", {"auditor", "integration", "admin"}),
        ("subscribe-others", {"admin"}),
        ("read-people", {"secretary", "admin"}),
        ("resend", {"secretary", "admin"}),
        ("post-letters", {"secretary"}),
        ("change-people", {"secretary", "admin"}),
        ("change-guarded-people", {"admin"}),
        ("read-portfolio", set(ROLES)),
        ("read-envelopes", set(ROLES)),
    ],
)
def test_who_may_by_role_alone(act: str, roles: set[str]) -> None:
    assert {role for role in ROLES if may(person(role), act)} == roles


def test_submitters_have_their_own_organisations_cases() -> None:
    own, other = person("submitter", organisation="party-1"), person("submitter", organisation="party-2")
    for act in ("read-case", "revise", "withdraw"):
        assert may(own, act, owner="party-1")
        assert not may(other, act, owner="party-1")
        assert not may(person("submitter"), act, owner=None)


def test_bodies_secretariat_treasurer_and_auditors_read_all_cases() -> None:
    assert {role for role in ROLES if may(person(role), "read-case", owner="party-1")} == {
        "secretary",
        "member",
        "treasurer",
        "auditor",
    }


@pytest.mark.parametrize("act", ["review", "decide", "award", "read-queue"])
def test_a_member_acts_for_the_own_body_only(act: str) -> None:
    member = person("member", bodies=("poho",))
    assert may(member, act, body="poho")
    assert not may(member, act, body="db")
    assert not may(person("auditor", bodies=("poho",)), act, body="poho")


def test_a_refusal_says_which_role_may() -> None:
    with pytest.raises(Forbidden) as refused:
        check(person("auditor"), "decide", body="poho")
    assert (refused.value.roles, refused.value.body) == (("member",), "poho")
    check(person("treasurer"), "release")


def test_the_capacity_names_the_role_and_the_body() -> None:
    member = person("member", "secretary", bodies=("poho",))
    assert acting_as(member, "decide", body="poho") == Capacity("member", "poho")
    assert acting_as(member, "completeness") == Capacity("secretary")
    assert acting_as(member, "publish") == Capacity("secretary")
    assert acting_as(member, "change-guarded-people") is None


@pytest.mark.parametrize("role", sorted(GUARDED))
def test_only_an_administrator_gives_takes_or_touches_a_guarded_role(role: str) -> None:
    secretary, admin = replace(person("secretary"), id="person-2"), replace(person("admin"), id="person-3")
    plain, guarded = person("treasurer"), person("treasurer", role)
    for before, after, why in (
        (None, guarded, "role-guarded"),
        (plain, guarded, "role-guarded"),
        (guarded, plain, "person-guarded"),
        (guarded, replace(guarded, email="b@example.org"), "person-guarded"),
    ):
        assert refused_change(secretary, before, after) == why
        assert refused_change(admin, before, after) is None
    with pytest.raises(Forbidden) as refused:
        check_person(secretary, guarded)
    assert refused.value.roles == ("admin",)
    check_person(admin, guarded)
    check_person(secretary, plain)
    with pytest.raises(Forbidden):
        check_person(person("treasurer"), plain)


def test_a_secretary_changes_others_and_not_what_they_may_do_themselves() -> None:
    me = person("secretary", organisation="party-1")
    other = replace(person("member", bodies=("db",)), id="person-2")
    assert refused_change(me, None, other) is None
    assert refused_change(me, other, replace(other, roles=frozenset({"secretary", "treasurer"}))) is None
    assert refused_change(me, me, replace(me, name="B", email="b@example.org")) is None
    for changed in (
        replace(me, roles=frozenset({"secretary", "treasurer"})),
        replace(me, roles=frozenset()),
        replace(me, bodies=frozenset({"db"})),
        replace(me, organisation="party-2"),
    ):
        assert refused_change(me, me, changed) == "own-rights"


def test_an_administrator_stays_one_until_another_takes_it_away() -> None:
    me, other = person("admin"), replace(person("admin"), id="person-2")
    assert refused_change(me, me, replace(me, roles=frozenset({"auditor"}))) == "own-admin"
    assert refused_change(me, me, replace(me, roles=frozenset({"admin", "auditor"}))) is None
    assert refused_change(me, other, replace(other, roles=frozenset())) is None
