"""How does somebody say how they want to hear things? The kinds of messages, quiet hours, language, absence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from service.api.answers_schema import Shape, named, text
from service.api.fields import Day, Given, MapOf, OneOf, Part, Text, TimeOfDay
from service.messaging.preferences import CHOOSABLE, MODES, Hearing, default_mode
from service.texts import DEFAULT, LANGUAGES

__all__ = ["EXAMPLE", "PreferencesGivenSchema", "PreferencesSchema", "chosen", "content", "hearing_of"]


class ModesGivenSchema(Given):
    inbox = OneOf(*MODES["inbox"], load_default=None, doc="In the application; at-once when left out")
    email = OneOf(*MODES["email"], load_default=None, doc="As it is by itself when left out")


class PreferencesGivenSchema(Given):
    """All of it: what is left out is as it is by itself."""

    language = OneOf(*LANGUAGES, load_default=DEFAULT, doc="Of the messages")
    quiet_from = TimeOfDay(load_default=None, allow_none=True, doc="No mail from this time of day ...")
    quiet_until = TimeOfDay(
        load_default=None,
        allow_none=True,
        doc="... until this one, which may be the next day; 16 hours at most",
    )
    absent_from = Day(load_default=None, allow_none=True, doc="The first day of an absence")
    absent_until = Day(
        load_default=None, allow_none=True, doc="The last day; until further notice when left out"
    )
    stand_in = Text(100, load_default=None, allow_none=True, doc="The id of who gets the mail meanwhile")
    kinds = MapOf(Part(ModesGivenSchema), len(CHOOSABLE), load_default=dict, doc="By kind of message")


class ModesSchema(Shape):
    inbox = text("at-once or off")
    email = text("at-once, daily, weekly or off")


class StandInSchema(Shape):
    id = text()
    name = text()


class PreferencesSchema(Shape):
    """What the law requires is told at once whatever is chosen here."""

    language = text()
    quiet_from = text("HH:MM, in the region", allow_none=True)
    quiet_until = text(allow_none=True)
    absent_from = text(allow_none=True)
    absent_until = text(allow_none=True)
    stand_in = text("The id of a person", allow_none=True)
    kinds = fields.Dict(keys=fields.String(), values=fields.Nested(ModesSchema), required=True)
    stand_ins = fields.List(named(StandInSchema), required=True, metadata={"description": "Who may stand in"})


EXAMPLE = {
    "language": "nl",
    "quietFrom": "19:00",
    "quietUntil": "07:30",
    "kinds": {"turn": {"inbox": "at-once", "email": "daily"}},
}


def hearing_of(given: Mapping[str, Any]) -> Hearing:
    """What was given, but for the kinds."""
    names = ("language", "quiet_from", "quiet_until", "absent_from", "absent_until", "stand_in")
    return Hearing(**{name: given[name] for name in names})


def chosen(given: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """How each kind that was given is to be heard, by kind and channel; what was left out as it is by itself."""
    return {
        (kind, channel): modes[channel] or default_mode(kind, channel)
        for kind, modes in given["kinds"].items()
        for channel in MODES
    }


def content(hearing: Hearing, modes: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """How somebody hears things, as the API takes and answers it."""
    kinds: dict[str, dict[str, str]] = {}
    for (kind, channel), mode in modes.items():
        kinds.setdefault(kind, {})[channel] = mode
    return {
        "language": hearing.language,
        "quietFrom": f"{hearing.quiet_from:%H:%M}" if hearing.quiet_from else None,
        "quietUntil": f"{hearing.quiet_until:%H:%M}" if hearing.quiet_until else None,
        "absentFrom": hearing.absent_from.isoformat() if hearing.absent_from else None,
        "absentUntil": hearing.absent_until.isoformat() if hearing.absent_until else None,
        "standIn": hearing.stand_in,
        "kinds": kinds,
    }
