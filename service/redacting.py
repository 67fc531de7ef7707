"""How are words of a case taken away? What is there, what goes along, and the act: all of it in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from domain import case as cases
from domain.case import Case
from domain.event_texts import texts_of
from domain.recorded import Recorded
from domain.redaction import Redact, gone, redact
from service import copies
from service.commands import Decision, Done, once_only, refuse_stale
from service.copies import Copies
from service.errors import Missing
from service.eventstore import Beside, Once
from service.identity.people import Person
from service.identity.permissions import acting_as, check
from service.identity.scope import Subject, scope_of
from service.quoting import repeated
from service.wiring import Parts

__all__ = ["CaseText", "Preview", "preview", "take_away", "texts"]

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class CaseText:
    """A text of a case: its `name` (`12/content.summary`), and what it says; None once it is gone, on this `ground`."""

    name: str
    recorded: Recorded
    path: str
    text: str | None
    ground: str | None


@dataclass(frozen=True)
class Preview:
    """What would go: these texts, and what quotes them. `repeats`: other texts of the case that say the same."""

    texts: Sequence[CaseText]
    repeats: Sequence[CaseText]
    along: Copies


def texts(parts: Parts, person: Person, proposal: str) -> tuple[Case, list[CaseText]]:
    """Every text of a case in the order of its events, for who may take them away."""
    case, history = _case(parts, person, proposal)
    with parts.pool.connection() as connection:
        return case, _texts(connection, history)


def preview(parts: Parts, person: Person, proposal: str, names: Sequence[str]) -> Preview:
    """What would go with the texts of these names; what is not there any more is left out."""
    _, found = texts(parts, person, proposal)
    there = {each.name: each for each in found if each.text is not None}
    chosen = [name for name in names if name in there]
    said = {name: each.text for name, each in there.items() if each.text is not None}
    repeats = [there[name] for name in repeated(said, chosen)]
    with parts.pool.connection() as connection, connection.transaction():
        along = copies.find(parts, connection, proposal, _words([there[name] for name in chosen]))
    return Preview([there[name] for name in chosen], repeats, along)


def take_away(
    parts: Parts,
    person: Person,
    proposal: str,
    names: Sequence[str],
    ground: str,
    remarks: str,
    once: Once | None = None,
    if_match: int | None = None,
) -> Done:
    """Takes texts of a case away by a recorded decision, with everything that quotes them.

    The words, their copies and the decision go in one transaction. Mail in a folder goes as soon as that is recorded.
    """

    def decision() -> Decision:
        case, history = _case(parts, person, proposal)
        refuse_stale(case.version, if_match)
        command = Redact(tuple(names), ground, remarks, parts.calendar().today)
        events = redact(command, history)
        return Decision(
            proposal,
            [(proposal, event) for event in events],
            {proposal: case.version},
            command.effective_on,
            acting_as(person, "redact"),
            before=history,
            beside=_beside(parts, proposal, history, frozenset(names)),
        )

    done = once_only(parts, person, once, decision)
    if parts.settings.mail_folder:
        with parts.pool.connection() as connection:
            copies.remove_mail(parts.settings, connection)
    return done


def _beside(parts: Parts, proposal: str, history: Sequence[Recorded], names: frozenset[str]) -> Beside:
    """Finds the copies while the words are there, and takes them away once it is recorded that these are gone."""

    def before(connection: Connection) -> Any:
        copies.nobody_copies(connection)
        going = [each for each in _texts(connection, history) if each.name in names]
        along = copies.find(parts, connection, proposal, _words(going))
        return lambda first, _: copies.remove(connection, along, first)

    return before


def _case(parts: Parts, person: Person, proposal: str) -> tuple[Case, list[Recorded]]:
    history = parts.log.load(proposal) if proposal.startswith("proposal-") else []
    case = cases.fold(history)
    if case is None or not scope_of(person, parts.calendar().today).sees(Subject.of_case(case)):
        raise Missing("proposal", proposal)
    check(person, "redact", owner=case.owner)
    return case, history


def _texts(connection: Connection, history: Sequence[Recorded]) -> list[CaseText]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            "SELECT position, texts FROM log.words WHERE position = ANY(%s)",
            ([recorded.position for recorded in history],),
        ).fetchall()
    said: Mapping[int, Mapping[str, str]] = dict(rows)
    grounds = gone(history)
    return [
        CaseText(name, recorded, path, said.get(recorded.position, {}).get(path), grounds.get(name))
        for recorded in history
        for path in texts_of(recorded.event)
        for name in (f"{recorded.position}/{path}",)
    ]


def _words(going: Sequence[CaseText]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for each in going:
        found.setdefault(each.recorded.position, {})[each.path] = each.text or ""
    return found
