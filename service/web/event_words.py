"""What happened, in plain words? An event as people read it: names in place of codes, who did it, in which role."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from domain.events import Awarded, EnvelopeOpened, LetterIssued, MoneyMovedIn
from domain.recorded import Recorded
from service.api.sentences import Called, told
from service.documents.contents import LETTERS
from service.web.linking import address_of
from service.web.naming import Names
from service.web.rendering import has_text, money, say, word
from service.web.visit import language
from service.words import fill

__all__ = ["Happened", "happened", "kind_of", "references"]

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, readable. `about`: what its stream is called, `address`: where that can be read."""

    position: int
    version: int
    command: str
    stream: str
    kind: str
    sentence: str
    recorded_at: str
    effective_on: str
    by: str
    role: str
    said: list[tuple[str, str]]
    about: str
    address: str | None


def happened(connection: Connection, events: Sequence[Recorded], names: Names) -> list[Happened]:
    """These events in words, in the same order."""
    about = _called(connection, {each.stream for each in events})
    envelopes = _envelopes_named(connection, events)

    def own(each: Recorded) -> Called:
        """An envelope says its own code where others say which envelope it is."""
        opened = isinstance(each.event, EnvelopeOpened) and each.stream in about
        return {("code", each.stream.removeprefix(ENVELOPE)): about[each.stream][0]} if opened else {}

    entries = [
        told(
            [each],
            language(),
            {**_codes(names, about.get(each.stream, NOWHERE)[1]), **envelopes, **own(each)},
        )[0]
        for each in events
    ]
    return [
        _happened(entry, recorded, names, *about.get(recorded.stream, NOWHERE))
        for entry, recorded in zip(fill(entries, connection), events, strict=True)
    ]


def references(connection: Connection, streams: Iterable[str]) -> dict[str, str]:
    """What people call these cases and envelopes, by stream."""
    return {stream: name for stream, (name, _) in _called(connection, streams).items()}


NOWHERE = ("", "")


def _called(connection: Connection, streams: Iterable[str]) -> dict[str, tuple[str, str]]:
    """What people call these cases (a letter goes by its case) and envelopes, and the programme, by stream."""
    query = """SELECT key, reference, programme FROM views.status WHERE key = ANY(%(keys)s)
        UNION ALL SELECT l.id, s.reference, s.programme FROM documents.letters l
            JOIN views.status s ON s.key = l.proposal WHERE l.id = ANY(%(keys)s)"""
    keys = set(streams)
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, {"keys": list(keys)}).fetchall()
    envelopes = _envelopes(connection, keys)
    return {
        **{key: (name, programme) for key, name, programme in rows},
        **{key: (name, "") for key, name in envelopes.items()},
    }


ENVELOPE = "envelope-"


def _envelopes(connection: Connection, streams: Iterable[str]) -> dict[str, str]:
    """What these envelopes are called, by stream; by its code where the name was taken away."""
    query = "SELECT key, code, document -> 'name' FROM views.budget WHERE key = ANY(%s)"
    wanted = [stream for stream in streams if stream.startswith(ENVELOPE)]
    if not wanted:
        return {}
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, (wanted,)).fetchall()
    names = fill([name for _, _, name in rows], connection)
    return {key: name or code for (key, code, _), name in zip(rows, names, strict=True)}


def _envelopes_named(connection: Connection, events: Sequence[Recorded]) -> dict[tuple[str, str], str]:
    """What the envelopes are called from which these events gave money, by the code in the event."""
    codes = {each.event.envelope for each in events if isinstance(each.event, Awarded | MoneyMovedIn)}
    found = _envelopes(connection, [f"{ENVELOPE}{code}" for code in codes])
    return {("envelope", key.removeprefix(ENVELOPE)): name for key, name in found.items()}


def _codes(names: Names, programme: str) -> Called:
    """What the codes in the events of a programme are called."""
    return {
        **{("body", code): names.body(code, programme) for code in names.bodies},
        **{("stage", code): name for (of, code), name in names.stages.items() if of == programme},
        **{("stage", code): names.stage(programme, code) for code in ("supplement", "held-over")},
        **{("code", code): name for code, name in names.programmes.items()},
        **{("letter", letter): say(f"letters.{letter}") for letter in LETTERS},
    }


def _who(entry: dict[str, Any], names: Names, programme: str) -> tuple[str, str]:
    """Who did it, and in which capacity: the role, for which body, in whose place."""
    by, acted = entry["by"], entry["capacity"]
    role = ""
    if acted:
        role = word(acted["role"])
        if acted["body"]:
            role = say("audit.role-of", role=role, body=names.body(acted["body"], programme))
        if acted["substituteFor"]:
            role = say(
                "audit.in-place-of", role=role, name=acted["substituteFor"]["name"] or say("audit.erased")
            )
    # Whoever acts is a person, or else the service itself.
    nobody = "audit.erased" if by["id"].startswith("person-") else "audit.automatic"
    return by["name"] or say(nobody), role


def _happened(
    entry: dict[str, Any], recorded: Recorded, names: Names, about: str, programme: str
) -> Happened:
    by, role = _who(entry, names, programme)
    return Happened(
        position=recorded.position,
        version=recorded.version,
        command=recorded.command_id,
        stream=recorded.stream,
        kind=kind_of(recorded.name),
        sentence=entry["sentence"],
        recorded_at=entry["recordedAt"],
        effective_on=entry["effectiveOn"],
        by=by,
        role=role,
        said=_said(entry["facts"]),
        about=about or _about(recorded, names),
        address=_address(recorded),
    )


def _about(recorded: Recorded, names: Names) -> str:
    """What an event is about that is of no case and no envelope."""
    kind, _, code = recorded.stream.partition("-")
    if kind == "programme":
        return names.programme(code)
    return say("audit.about-newsletter" if kind == "newsletter" else "audit.about-something")


def kind_of(name: str) -> str:
    """What a kind of event is called."""
    key = f"audit.kind-{name}"
    return say(key) if has_text(key) else name


SAID = ("remarks", "grounds", "conditions")
"""The words of an event that say why."""


def _said(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """What the sentence leaves out: the amount, where a proposal or a source says it, and why."""
    found = []
    if "content" in facts:
        found.append((say("audit.m-requested"), money(facts["content"]["requested"])))
    for source in [facts["source"]] if "source" in facts else facts.get("sources", ()):
        found.append((source["name"] or say("audit.source"), money(source["amount"])))
    for name in SAID:
        value = facts.get(name)
        texts = value if isinstance(value, list) else [value]
        found += [(say(f"audit.{name}"), text) for text in texts if text]
    return found


def _address(recorded: Recorded) -> str | None:
    """Where the case is shown as it stood after this event; of a letter, the letter."""
    match recorded.kind:
        case "letter" if isinstance(recorded.event, LetterIssued):
            return address_of(
                "web.letters.download", proposal=recorded.event.proposal, letter=recorded.stream
            )
        case "proposal":
            return address_of("web.replay.case", proposal=recorded.stream, at=recorded.position)
        case "envelope":
            return address_of("web.money.envelope", code=recorded.stream.removeprefix("envelope-"))
        case "programme":
            return address_of("web.programme_pages.index")
    return None
