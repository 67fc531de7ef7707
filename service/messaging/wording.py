"""What does a message say? A delivery in plain words, for its reader; `texts/<kind>.toml` holds them, nl beside en.

Of each text the most particular one counts: of `subject`, `lines` and `action` there may be one for what happened
(`subject-released`; of a turn after a supplement `subject-advice-revised`), for the relation of the reader
(`subject-submitter`), or both (`subject-released-submitter`). Each line of `lines` is a paragraph; one that needs a
fact that isn't there (words that were redacted, say) is left out.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from domain.programme import APPLICANT, Name, Programme
from domain.recorded import stream_kind
from projections.view import Document
from projections.words import person as person_ref
from service.identity import people
from service.identity.people import Person
from service.identity.permissions import may
from service.messaging.ledger import Delivery
from service.published import latest, programme_of
from service.texts import side_by_side
from service.wiring import Parts
from service.words import fill

__all__ = ["ITEM", "Message", "has_text", "messages", "may_hear", "said"]

PACKAGE = "service.messaging"

ITEM = "– "
"""What a line of a list begins with."""
ITEMS = "{conditions:items}"
"""Where the items of a list come: each becomes a line of its own."""

WHAT = {
    "turn": "stageKind",
    "decided": "outcome",
    "money": "what",
    "unreached": "letter",
    "envelope": "what",
    "digest": "mode",
}
"""The fact that says what happened, of kinds that tell of several things."""

WRITTEN = ("grounds", "conditions", "remarks")
"""What people wrote about a case: only for who may read the case."""

OUTSIDERS = ("partner", "municipality", "admin")
"""Relations in which one hears what happens in a case without the right to read it."""

SUPPLEMENTING = ("supplement", "term-near", "term-passed", "term-escalated")
"""Kinds that ask the submitter for a supplement."""


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery in words: the subject, a paragraph a line, and where the reader can go on, and what for.

    Without a place to go to, `action` and `path` are empty. A line of a list begins with ITEM.
    """

    subject: str
    lines: tuple[str, ...]
    action: str
    path: str


def messages(parts: Parts, deliveries: Sequence[Delivery], language: str) -> list[Message]:
    """What each of these says in this language, in the same order."""
    if not deliveries:
        return []
    with parts.pool.connection() as connection:
        facts: list[Document] = fill(
            [
                {**each.facts, "insteadOf": person_ref(each.instead_of) if each.instead_of else None}
                for each in deliveries
            ],
            connection,
        )
        readers = people.some(connection, {each.recipient for each in deliveries})
    return [
        _message(
            delivery, _called(parts, delivery, known, language), readers.get(delivery.recipient), language
        )
        for delivery, known in zip(deliveries, facts, strict=True)
    ]


def may_hear(delivery: Delivery, reader: Person | None) -> bool:
    """May this reader still hear what a delivery tells? Whoever may not read its case any more may not.

    Somebody may have left the body or the organisation since it was planned; an inbox says it as long as it is kept.
    Of who is nobody (any more, or a program) there is no right to ask for.
    """
    of_case = stream_kind(delivery.stream) == "proposal"
    return (
        not of_case or reader is None or delivery.relation in OUTSIDERS or _may_read(delivery.facts, reader)
    )


def said(language: str, key: str, **facts: Any) -> str:
    """A text of `texts/` about these facts. Raises KeyError when there is none, or a fact it names is missing."""
    return side_by_side.said(PACKAGE, language, key, facts)


def has_text(key: str) -> bool:
    """Is there a text with this key?"""
    return key in side_by_side.texts(PACKAGE, "nl")


def _message(delivery: Delivery, facts: Document, reader: Person | None, language: str) -> Message:
    of_case = stream_kind(delivery.stream) == "proposal" and bool(facts.get("reference"))
    if not may_hear(delivery, reader):
        subject = said(language, "case.subject", **facts) if of_case else said(language, "case.subject-none")
        return Message(subject, (said(language, "case.no-longer"),), "", "")
    path = _path(delivery, facts, reader)
    if of_case and not path:
        facts = {name: value for name, value in facts.items() if name not in WRITTEN}
    template = _text(delivery, "subject", language)
    if template is None or not _told(template, facts):
        template = _at(language, "case.subject" if of_case else "case.subject-none")
    # A subject is one line, whatever stands in a title or a name.
    subject = " ".join(_put(template, facts, language).split())
    lines = [*_lines(_text(delivery, "lines", language), facts, language)]
    if of_case:
        lines += _lines(_of_relation("case.about", delivery.relation, language), facts, language)
    if delivery.instead_of:
        lines += _lines(_at(language, "case.stand-in"), facts, language)
    action = _text(delivery, "action", language) or _of_relation("case.action", delivery.relation, language)
    return Message(subject, tuple(lines), action if path else "", path)


def _lines(template: str | None, facts: Mapping[str, Any], language: str) -> Iterator[str]:
    """The paragraphs of a text, without those that need a fact that is not there."""
    for line in (template or "").split("\n"):
        if not line or not _told(line, facts):
            continue
        if line.endswith(ITEMS):
            yield _put(line.removesuffix(ITEMS), facts, language).strip()
            yield from (ITEM + each for each in facts["conditions"] if each)
        else:
            yield _put(line, facts, language)


def _told(template: str, facts: Mapping[str, Any]) -> bool:
    """Is everything there that this text needs?"""
    return all(facts.get(name) not in (None, "", []) for name in _needed(template))


@cache
def _needed(template: str) -> tuple[str, ...]:
    return tuple(name for _, name, _, _ in string.Formatter().parse(template) if name)


def _put(template: str, facts: Mapping[str, Any], language: str) -> str:
    return side_by_side.put(language, template, facts)


def _text(delivery: Delivery, part: str, language: str) -> str | None:
    """The most particular text there is of this part of a message of this kind."""
    texts = side_by_side.texts(PACKAGE, language)
    of = delivery.facts.get(WHAT.get(delivery.kind, ""), "")
    again = (f"-{of}-revised",) if delivery.kind == "turn" and delivery.facts.get("revision") else ()
    happened = [
        f"{each}{of_relation}" for of_relation in (f"-{delivery.relation}", "") for each in (*again, f"-{of}")
    ]
    for ending in (*happened, f"-{delivery.relation}", ""):
        found = texts.get(f"{delivery.kind}.{part}{ending}")
        if isinstance(found, str):
            return found
    return None


def _of_relation(key: str, relation: str, language: str) -> str:
    return _at(language, f"{key}-{relation}" if has_text(f"{key}-{relation}") else key)


def _at(language: str, key: str) -> str:
    found = side_by_side.texts(PACKAGE, language)[key]
    assert isinstance(found, str)
    return found


def _path(delivery: Delivery, facts: Document, reader: Person | None) -> str:
    """Where the reader can see more; empty where there is nothing that this reader may see."""
    if reader is None:
        return ""
    kind = stream_kind(delivery.stream)
    if delivery.kind == "digest":
        return "/inbox"
    if kind == "envelope":
        return f"/money/{delivery.stream.removeprefix('envelope-')}" if may(reader, "read-envelopes") else ""
    if kind == "programme":
        return f"/programmes/{delivery.stream.removeprefix('programme-')}"
    if kind != "proposal":
        return ""
    if not _may_read(facts, reader):
        return ""
    if delivery.kind == "unreached":
        return "/desk" if may(reader, "post-letters") else f"/proposals/{delivery.stream}"
    supplementing = delivery.relation == "submitter" and delivery.kind in SUPPLEMENTING
    return f"/proposals/{delivery.stream}" + ("/supplement" if supplementing else "")


def _may_read(facts: Document, reader: Person) -> bool:
    """May this reader read the case that these facts are of?"""
    return may(reader, "read-case", owner=facts.get("owner"))


def _called(parts: Parts, delivery: Delivery, facts: Document, language: str) -> Document:
    """The facts with names in place of codes and people, as the programme that the case is bound to calls them."""
    programme = _programme(parts, facts)
    said_: Document = dict(facts)
    said_["programmeName"] = _name(programme.name, language) if programme else facts.get("programme")
    if "title" in facts:
        said_["title"] = facts["title"] or _at(language, "case.no-title")
    for name in ("applicant", "insteadOf"):
        if isinstance(facts.get(name), dict):
            said_[name] = facts[name]["name"] or _at(language, "case.no-name")
    if facts.get("body"):
        said_["body"] = _body(programme, facts["body"], language)
    if facts.get("stage"):
        said_["stage"] = _stage(programme, facts["stage"], language)
    if facts.get("envelope"):
        planned = {each.code: each.name for each in programme.envelopes} if programme else {}
        code = facts["envelope"]
        said_["envelopeName"] = _name(planned[code], language) if code in planned else code
    if delivery.kind == "envelope" and not facts.get("name"):
        said_["name"] = facts.get("code")
    if delivery.kind == "turn" and facts.get("revision"):
        said_["revisionSaid"] = said(language, "turn.revised", revision=facts["revision"])
    if facts.get("nobody"):
        said_["nobodySaid"] = _at(language, "case.nobody")
    if delivery.kind == "unreached" and facts.get("letter"):
        said_["letterSaid"] = _at(language, f"unreached.{facts['letter']}")
    if facts.get("provisional"):
        said_["provisionalSaid"] = _at(language, "awarded.provisional")
    if delivery.kind == "awarded" and facts.get("phases"):
        said_["phasesSaid"] = said(language, "awarded.phases", count=facts["phases"])
    if delivery.kind == "term-near" and facts.get("workingDays") is not None:
        said_["daysSaid"] = said(language, "term-near.days", count=facts["workingDays"])
    return said_


def _programme(parts: Parts, facts: Document) -> Programme | None:
    """The version of the programme that these facts name: that of the case, or else the one in force."""
    code, version = facts.get("programme"), facts.get("programmeVersion") or facts.get("version")
    if not isinstance(code, str):
        return None
    if not isinstance(version, int):
        return latest(parts, code)
    try:
        return programme_of(parts, code, version)
    except IndexError:
        return None


def _body(programme: Programme | None, code: str, language: str) -> str:
    if code == APPLICANT:
        return _at(language, "case.applicant")
    bodies = programme.bodies if programme else ()
    return next((_name(body.name, language) for body in bodies if body.code == code), code)


def _stage(programme: Programme | None, code: str, language: str) -> str:
    if has_text(f"case.{code}"):
        return _at(language, f"case.{code}")
    stages = programme.stages if programme else ()
    return next((_name(stage.name, language) for stage in stages if stage.code == code), code)


def _name(name: Name, language: str) -> str:
    return name.en if language == "en" else name.nl
