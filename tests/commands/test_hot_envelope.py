"""Many awards from one envelope at once: never a cent too much, and each refusal says what is left."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from domain.award import Reallocate, Release, Return
from domain.errors import Refused
from domain.events import Phase
from service import commands
from service.commands import Done
from service.settings import Settings
from tests.commands.office import DAY, DB, TREASURER, Office, at_once, award_of, office_of
from tests.conftest import fresh_database


def test_awards_from_one_envelope_at_once_stop_where_it_is_empty(office: Office) -> None:
    office.open_envelope("krap", [1_000])
    cases = [office.to_award(100) for _ in range(20)]
    before = office.rows()
    answers = at_once(20, lambda index: office.act(DB, cases[index], award_of(100, envelope="krap")))
    done = [answer for answer in answers if isinstance(answer, Done)]
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert (len(done), len(refused)) == (10, 10)
    assert {(r.code, r.facts["left"]) for r in refused} == {("envelope-exhausted", Decimal(0))}
    assert office.left("krap") == 0
    after = office.rows()
    # An award is three events, none with words: an award, a stage that closed, money reserved.
    assert after == before | {"log.events": before["log.events"] + 30}


def test_who_waits_for_an_envelope_waits_in_line_and_decides_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.open_envelope("rij", [10_000])
    cases = [office.to_award(100) for _ in range(12)]
    append, tried = office.parts.log.append, []
    monkeypatch.setattr(
        office.parts.log, "append", lambda *args, **how: tried.append(1) or append(*args, **how)
    )
    answers = at_once(12, lambda index: office.act(DB, cases[index], award_of(100, envelope="rij")))
    assert {type(answer) for answer in answers} == {Done}
    assert len(tried) == 12, "somebody came too late and had to decide again"


def test_a_refusal_says_what_was_left_at_that_moment(office: Office) -> None:
    office.open_envelope("oneven", [250])
    cases = [office.to_award(100) for _ in range(6)]
    answers = at_once(6, lambda index: office.act(DB, cases[index], award_of(100, envelope="oneven")))
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert [(r.code, r.facts["left"]) for r in refused] == [("envelope-exhausted", Decimal(50))] * 4


def test_all_kinds_of_acts_on_the_money_of_one_envelope_at_once(office: Office) -> None:
    office.open_envelope("druk", [10_000])
    phases = (Phase(1, Decimal(500), ""), Phase(2, Decimal(500), "later"))
    givers, takers = [office.to_award(1_000) for _ in range(4)], [office.to_award(200) for _ in range(4)]
    for case in givers:
        office.act(DB, case, award_of(1_000, phases, envelope="druk"))

    def act(index: int) -> Done:
        case = givers[index % 4]
        if index < 4:
            return office.act(TREASURER, case, Reallocate(2, takers[index], Decimal(200), "Over.", DAY))
        if index < 8:
            return office.act(TREASURER, case, Return(Decimal(50), "Over.", DAY))
        return office.act(TREASURER, case, Release(1, "Gemeld.", DAY))

    answers = at_once(12, act)
    assert sum(isinstance(answer, Done) for answer in answers) == 8
    assert {answer.code for answer in answers if isinstance(answer, Refused)} == {"phase-holds-nothing-back"}
    envelope = commands.load_envelope(office.parts, "druk")
    assert envelope is not None
    assert (envelope.committed, envelope.held_back) == (Decimal(2_800), Decimal(1_000))


def restored(owner: psycopg.Connection[Any], position: int) -> None:
    """As after a backup of a moment ago was put back: what was recorded behind this position never was."""
    owner.execute("ALTER TABLE log.events DISABLE TRIGGER ALL")
    owner.execute("DELETE FROM log.events WHERE notification_id > %s", (position,))
    owner.execute("ALTER TABLE log.events ENABLE TRIGGER ALL")


def test_an_envelope_remembered_from_before_a_restore_is_forgotten(
    admin_url: str, template: Settings
) -> None:
    with (
        fresh_database(admin_url, template) as own,
        office_of(own) as office,
        psycopg.connect(own.database_owner_url, autocommit=True) as owner,
    ):
        office.open_envelope(amounts=(1_000,))
        first, second = office.to_award(1_000), office.to_award(1_000)
        kept = office.parts.log.head()
        office.award(first, 1_000)
        assert office.left() == 0
        restored(owner, kept)
        assert office.left() == 1_000
        office.award(first, 100)
        assert office.left() == 900
        restored(owner, kept)
        with office_of(own) as elsewhere:
            elsewhere.award(second, 1_000)
        # Now there is another award of the same version as the one that never was.
        with pytest.raises(Refused) as refused:
            office.award(first, 500)
        assert refused.value.code == "envelope-exhausted"
        assert [r.version for r in office.parts.log.load("envelope-herstelaanpak")] == [1, 2]
