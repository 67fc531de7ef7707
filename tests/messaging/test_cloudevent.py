"""Does the outside world get proper CloudEvents, with the facts and without words or names?"""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from domain.events import (
    EVENTS,
    Awarded,
    EnvelopeOpened,
    Phase,
    ProgrammePublished,
    ProposalWithdrawn,
    Reviewed,
    Source,
)
from domain.recorded import Capacity, Recorded
from service.messaging.cloudevent import MOST_BYTES, encode, to_cloudevent

MARK = "Zeldzaam woord"
OIN = "00000001234567890000"
URL = "https://besluitspoor.example.org"
AT = datetime(2026, 6, 19, 9, 12, 31, 402113, tzinfo=UTC)


def sample(of: Any) -> Any:
    """A value of a type: the mark for every text, something plain for the rest."""
    if get_origin(of) is Annotated:
        return MARK
    if of is Any:
        return {"name": MARK}
    if get_origin(of) is tuple:
        return (sample(get_args(of)[0]),) * 2
    if get_origin(of) is dict:
        return {"a": sample(get_args(of)[1])}
    if get_origin(of) in (Union, UnionType):
        return sample(next(part for part in get_args(of) if part is not NoneType))
    if is_dataclass(of) and isinstance(of, type):
        hints = get_type_hints(of, include_extras=True)
        return of(**{field.name: sample(hints[field.name]) for field in fields(of)})
    plain: dict[Any, Any] = {
        str: "code",
        int: 7,
        bool: True,
        Decimal: Decimal("12.50"),
        date: date(2026, 1, 5),
    }
    return plain[of]


def recorded(event: Any, stream: str = "proposal-1", **changed: Any) -> Recorded:
    capacity = Capacity("member", "poho", None, "person-9")
    one = Recorded(214, stream, 8, AT, date(2026, 6, 17), "person-1", capacity, "command-1", None, event)
    return replace(one, **changed)


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS)
def test_every_event_is_a_valid_cloudevent_of_the_dutch_profile_without_words(kind: type) -> None:
    one = recorded(sample(kind))
    body = encode(one, oin=OIN, public_url=URL)
    event = JSONFormat().read(CloudEvent, body)  # validates, or raises
    assert MARK not in body.decode()
    assert len(body) <= MOST_BYTES
    attributes = event.get_attributes()
    assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in attributes)
    assert attributes["specversion"] == "1.0"
    assert attributes["source"] == f"urn:nld:oin:{OIN}:systeem:besluitspoor"
    assert re.fullmatch(r"nl(\.[a-z]+(-[a-z]+)*)+\.v\d+", attributes["type"])
    assert len(re.findall(r"\bv\d", attributes["type"])) == 1
    assert (attributes["id"], attributes["subject"]) == ("proposal-1:8", "proposal-1")
    assert attributes["time"] == AT
    assert int(attributes["sequence"]) == 214
    assert attributes["datacontenttype"] == "application/json"
    assert to_cloudevent(one, oin=OIN, public_url=URL) == json.loads(body)


def test_the_facts_are_there_in_camel_case_and_money_as_text() -> None:
    phases = (Phase(1, Decimal("150000.00"), ""), Phase(2, Decimal("2E+3"), MARK))
    event = Awarded("award", "db", "herstelaanpak", Decimal("152000.00"), True, phases, 2, "9f2c", 1)
    assert to_cloudevent(recorded(event), oin=OIN, public_url=URL) == {
        "specversion": "1.0",
        "id": "proposal-1:8",
        "source": f"urn:nld:oin:{OIN}:systeem:besluitspoor",
        "type": "nl.besluitspoor.proposal.awarded.v1",
        "subject": "proposal-1",
        "time": "2026-06-19T09:12:31.402113Z",
        "sequence": "0000000000000000214",
        "dataref": f"{URL}/api/v1/proposals/proposal-1/timeline",
        "datacontenttype": "application/json",
        "data": {
            "stream": "proposal-1",
            "version": 8,
            "effectiveOn": "2026-06-17",
            "by": "person-1",
            "commandId": "command-1",
            "capacity": {"role": "member", "body": "poho", "substituteFor": "person-9"},
            "payload": {
                "stage": "award",
                "body": "db",
                "envelope": "herstelaanpak",
                "amount": "152000.00",
                "provisional": True,
                "phases": [{"number": 1, "amount": "150000.00"}, {"number": 2, "amount": "2000"}],
                "revision": 2,
                "contentHash": "9f2c",
                "programmeVersion": 1,
            },
        },
    }


def test_codes_that_are_keys_stay_as_they_are() -> None:
    event = Reviewed("r", "t", "positive", MARK, (MARK,), {"own_money": 3}, 1, "h", 1, {"on_board": True})
    payload = to_cloudevent(recorded(event), oin=OIN, public_url=URL)["data"]["payload"]
    assert payload["scores"] == {"own_money": 3}
    assert payload["assessments"] == {"on_board": True}
    assert "grounds" not in payload
    assert "conditions" not in payload


@pytest.mark.parametrize(
    ("stream", "event", "expected"),
    [
        ("envelope-her/stel", EnvelopeOpened("c", MARK, "db", None, ()), "/api/v1/envelopes/her%2Fstel"),
        ("programme-rha", ProgrammePublished("rha", 1, {}), "/api/v1/programmes/rha"),
        ("meeting-1", ProposalWithdrawn(MARK), "/api/v1/events?after=213&limit=1"),
    ],
)
def test_what_is_left_out_can_be_asked_for(stream: str, event: Any, expected: str) -> None:
    assert to_cloudevent(recorded(event, stream), oin=OIN, public_url=URL)["dataref"] == URL + expected


def test_a_definition_is_left_out() -> None:
    event = to_cloudevent(recorded(sample(ProgrammePublished), "programme-rha"), oin=OIN, public_url=URL)
    assert event["data"]["payload"] == {"code": "code", "version": 7}


def test_facts_that_do_not_fit_are_left_out_whole() -> None:
    sources = tuple(Source(MARK, Decimal("1.00")) for _ in range(10_000))
    one = recorded(EnvelopeOpened("c", MARK, "db", None, sources), "envelope-c")
    assert len(encode(one, oin=OIN, public_url=URL)) <= MOST_BYTES
    event = to_cloudevent(one, oin=OIN, public_url=URL)
    assert "payload" not in event["data"]
    assert event["data"]["commandId"] == "command-1"
    assert event["dataref"] == f"{URL}/api/v1/envelopes/c"


def test_time_is_in_utc_whatever_the_session_said() -> None:
    local = AT.astimezone(timezone(timedelta(hours=2)))
    event = to_cloudevent(recorded(sample(ProposalWithdrawn), recorded_at=local), oin=OIN, public_url=URL)
    assert event["time"] == "2026-06-19T09:12:31.402113Z"


def test_sequences_sort_as_text_in_the_order_of_events() -> None:
    def sequence(position: int) -> str:
        one = recorded(sample(ProposalWithdrawn), position=position)
        return str(to_cloudevent(one, oin=OIN, public_url=URL)["sequence"])

    positions = [1, 9, 10, 99, 100, 2**31, 2**63 - 1]
    assert sorted(map(sequence, positions)) == list(map(sequence, positions))


def test_who_acted_without_a_capacity_and_what_caused_it() -> None:
    data = to_cloudevent(
        recorded(sample(ProposalWithdrawn), capacity=None, cause="e-1"), oin=OIN, public_url=URL
    )["data"]
    assert "capacity" not in data
    assert data["cause"] == "e-1"
