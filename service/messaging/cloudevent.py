"""What does the outside world see of an event? A CloudEvent (NL GOV): ids and facts, no words, no names."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from urllib.parse import quote

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from domain.events import EVENTS, LetterIssued
from domain.recorded import Recorded
from service.identity.scope import CONFIDENTIAL

__all__ = [
    "CONTENT_TYPE",
    "MOST_BYTES",
    "TEST_TYPE",
    "TYPES",
    "encode",
    "encode_test",
    "event_type",
    "to_cloudevent",
]

CONTENT_TYPE = "application/cloudevents+json"

MOST_BYTES = 64 * 1024
"""Whoever passes CloudEvents on has to pass on this much, and may refuse more."""

TEST_TYPE = "nl.besluitspoor.subscription.test.v1"
"""What is sent to try out a subscription: nothing happened."""

KINDS: Mapping[str, str] = {
    "EnvelopeOpened": "envelope",
    "SourceAdded": "envelope",
    "FundsReserved": "envelope",
    "FundsReleased": "envelope",
    "FundsMoved": "envelope",
    "FundsReturned": "envelope",
    "ProgrammePublished": "programme",
    "LetterIssued": "letter",
    "NewsletterApproved": "newsletter",
    "PersonAdded": "person",
    "PersonChanged": "person",
    "AccessEnded": "person",
    "ErasureRequested": "person",
    "PersonErased": "person",
}
"""The kind of stream that an event stands on; a proposal's, where it is not named here."""

# As many digits as the largest position has: the extension asks for a string that sorts in the order of
# events.
_SEQUENCE_DIGITS = 19


def to_cloudevent(recorded: Recorded, *, oin: str, public_url: str) -> dict[str, Any]:
    """The event as a CloudEvent in its JSON form, ready to be serialised: exactly what `encode` sends.

    `oin` is the organisation's 20-digit number, `public_url` where the API is found from outside (no final
    slash).
    """
    event: dict[str, Any] = json.loads(encode(recorded, oin=oin, public_url=public_url))
    return event


def encode(recorded: Recorded, *, oin: str, public_url: str, secret: Collection[str] = frozenset()) -> bytes:
    """The event as a CloudEvent, serialised (structured mode); at most MOST_BYTES.

    Of the cases in `secret` the reader may not know: where the event names one, CONFIDENTIAL stands there.

    An event whose facts do not fit leaves them out, `payload` and all: `dataref` says where they are.
    """
    attributes = {
        "specversion": "1.0",
        "id": f"{recorded.stream}:{recorded.version}",
        "source": _source(oin),
        "type": event_type(recorded),
        "subject": recorded.stream,
        "time": recorded.recorded_at.astimezone(UTC),
        "sequence": str(recorded.position).zfill(_SEQUENCE_DIGITS),
        "dataref": _dataref(recorded, public_url),
        "datacontenttype": "application/json",
    }
    data = _concealed(_data(recorded), secret)
    encoded = JSONFormat().write(CloudEvent(attributes, data))
    if len(encoded) > MOST_BYTES:
        del data["payload"]
        encoded = JSONFormat().write(CloudEvent(attributes, data))
    return encoded


def encode_test(id: str, subject: str, at: datetime, *, oin: str) -> bytes:
    """A CloudEvent that says nothing but that it arrived; it stands at no position of the log."""
    attributes = {
        "specversion": "1.0",
        "id": id,
        "source": _source(oin),
        "type": TEST_TYPE,
        "subject": subject,
        "time": at.astimezone(UTC),
        "datacontenttype": "application/json",
    }
    return JSONFormat().write(CloudEvent(attributes, {}))


def event_type(recorded: Recorded) -> str:
    """For example `nl.besluitspoor.proposal.proposal-submitted.v1`: the system's name, for owners change.

    The version goes up when what consumers rely on changes; a new field does not count.
    """
    return _type(recorded.kind, recorded.name)


def _type(kind: str, name: str) -> str:
    kebab = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
    return f"nl.besluitspoor.{kind}.{kebab}.v1"


TYPES: Mapping[str, str] = {_type(KINDS.get(name, "proposal"), name): name for name in EVENTS}
"""Every type there is, with the name that the log has for it."""


def _source(oin: str) -> str:
    return f"urn:nld:oin:{oin}:systeem:besluitspoor"


def _dataref(recorded: Recorded, public_url: str) -> str:
    """Where to ask for what the message leaves out: the case's timeline, the letter, the envelope or the programme."""
    api = f"{public_url}/api/v1"
    code = quote(recorded.stream.partition("-")[2], safe="")
    match recorded.kind:
        case "proposal":
            return f"{api}/proposals/{quote(recorded.stream, safe='')}/timeline"
        case "letter" if isinstance(recorded.event, LetterIssued):
            proposal = quote(recorded.event.proposal, safe="")
            return f"{api}/proposals/{proposal}/letters/{quote(recorded.stream, safe='')}"
        case "envelope":
            return f"{api}/envelopes/{code}"
        case "programme":
            return f"{api}/programmes/{code}"
    return f"{api}/events?after={recorded.position - 1}&limit=1"


def _data(recorded: Recorded) -> dict[str, Any]:
    data: dict[str, Any] = {
        "stream": recorded.stream,
        "version": recorded.version,
        "effectiveOn": recorded.effective_on.isoformat(),
        "by": recorded.by,
        "commandId": recorded.command_id,
    }
    if recorded.capacity is not None:
        data["capacity"] = {
            name: value for name, value in _facts(recorded.capacity).items() if value is not None
        }
    if recorded.cause is not None:
        data["cause"] = recorded.cause
    data["payload"] = _facts(recorded.event)
    return data


def _concealed(value: Any, secret: Collection[str]) -> Any:
    if not secret:
        return value
    if isinstance(value, dict):
        return {name: _concealed(each, secret) for name, each in value.items()}
    if isinstance(value, list):
        return [_concealed(each, secret) for each in value]
    return CONFIDENTIAL if isinstance(value, str) and value in secret else value


def _facts(record: object) -> dict[str, Any]:
    """A dataclass as JSON, without the fields that hold words."""
    kind: type = type(record)
    return {name: _json(getattr(record, field)) for field, name in _published_fields(kind)}


def _json(value: Any) -> Any:
    if is_dataclass(value):
        return _facts(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    return value


@cache
def _published_fields(kind: type) -> tuple[tuple[str, str], ...]:
    """The fields of a dataclass that may go out, each with its camelCase name."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        (field.name, _camel(field.name)) for field in fields(kind) if not _may_hold_words(hints[field.name])
    )


def _may_hold_words(annotation: Any) -> bool:
    """Text does, wherever it stands in the annotation; so may Any (a programme's definition has titles)."""
    if annotation is Any:
        return True
    if get_origin(annotation) is Annotated and "text" in annotation.__metadata__:
        return True
    return any(_may_hold_words(part) for part in get_args(annotation))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
