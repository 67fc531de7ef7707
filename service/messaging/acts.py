"""What did each command do on each stream, and how did the case stand before and after it?

No moment lies within a command: a case is as all that its command recorded has left it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from domain import case as cases
from domain import envelope as envelopes
from domain.case import Case
from domain.envelope import Envelope
from domain.events import EnvelopeOpened, LetterIssued, NewsletterApproved, ProposalSubmitted
from domain.recorded import Recorded, stream_kind
from service.arrays import array
from service.folding import Event, Unreadable
from service.viewstore import LOG_COLUMNS, decoded

__all__ = ["Act", "acts_of", "histories_of", "programmes_of"]

Connection = psycopg.Connection[Any]
Histories = Mapping[str, Sequence[Event]]

HISTORIES = f"""SELECT {LOG_COLUMNS} FROM log.events
    WHERE originator_id = ANY(%s::text[]) AND notification_id <= %s
    UNION ALL SELECT {LOG_COLUMNS} FROM log.events WHERE originator_id = ANY(%s::text[]) AND originator_version = 1
    ORDER BY 2, 3"""


@dataclass(frozen=True, slots=True)
class Act:
    """What one command did on one stream: its events, and the case (or the envelope as it was opened) after it.

    `trouble`: why the case is not known.
    """

    events: Sequence[Event]
    about: Case | Envelope | None = None
    before: Case | None = None
    trouble: str = ""

    @property
    def readable(self) -> list[Recorded]:
        """Those of its events that can be read."""
        return [event for event in self.events if isinstance(event, Recorded)]


def histories_of(connection: Connection, events: Sequence[Event]) -> dict[str, list[Event]]:
    """What happened on the streams of these events, up to the last of them; of an envelope only how it began.

    Of a letter that is: how the proposal began that it is about.
    """
    touched = {event.stream: stream_kind(event.stream) for event in events}
    whole = {stream for stream, kind in touched.items() if kind == "proposal"}
    begun = {stream for stream, kind in touched.items() if kind == "envelope"}
    for event in events:
        if isinstance(event, Recorded) and isinstance(event.event, LetterIssued):
            begun.add(event.event.proposal)
    begun -= whole
    found: dict[str, list[Event]] = {}
    if whole or begun:
        given = (array(list(whole)), events[-1].position, array(list(begun)))
        with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            for event in decoded(cursor.execute(HISTORIES, given).fetchall()):
                found.setdefault(event.stream, []).append(event)
    return found


def acts_of(events: Sequence[Event], histories: Histories) -> list[Act]:
    """What each command did on each stream, of these events, in order."""
    wanted = {event.position for event in events}
    found: list[Act] = []
    for stream, history in histories.items():
        if stream_kind(stream) == "proposal":
            # By any of its events: what could be read of a command may have been told before the rest of it.
            found += [
                act for act in _of_case(history) if any(event.position in wanted for event in act.events)
            ]
    for event in events:
        match stream_kind(event.stream):
            case "proposal":
                continue
            case "envelope":
                found.append(_of_envelope(event, histories[event.stream][0]))
            case _:
                found.append(Act((event,), trouble=event.error if isinstance(event, Unreadable) else ""))
    return sorted(found, key=lambda act: act.events[0].position)


def programmes_of(events: Sequence[Event], histories: Histories) -> dict[str, str]:
    """The code of the programme by stream, of these events' streams that belong to one."""
    found: dict[str, str] = {}
    for stream, history in histories.items():
        match history[0]:
            case Recorded(event=ProposalSubmitted(programme=code) | EnvelopeOpened(programme=str(code))):
                found[stream] = code
            case _:
                pass
    for each in events:
        match each:
            case Recorded(stream=stream, event=LetterIssued(proposal=proposal)) if proposal in found:
                found[stream] = found[proposal]
            case Recorded(stream=stream, event=NewsletterApproved(programme=code)):
                found[stream] = code
            case _ if stream_kind(each.stream) == "programme":
                found[each.stream] = each.stream.removeprefix("programme-")
            case _:
                pass
    return found


def _of_case(history: Sequence[Event]) -> Iterator[Act]:
    """What each command did on a case. Beyond what cannot be read nobody knows how the case stands."""
    case: Case | None = None
    trouble = ""
    for _, group in groupby(history, key=_command):
        own, before = list(group), case
        for event in own:
            if isinstance(event, Unreadable):
                trouble = trouble or event.error
            elif not trouble:
                case = cases.evolve(case, event)
        yield Act(own, trouble=trouble) if trouble else Act(own, case, before)


def _command(event: Event) -> str:
    return event.command_id if isinstance(event, Recorded) else f"unreadable {event.position}"


def _of_envelope(event: Event, opening: Event) -> Act:
    """Something that happened to an envelope; of the envelope its code and its name are needed only."""
    for each in (event, opening):
        if isinstance(each, Unreadable):
            return Act((event,), trouble=each.error)
    assert isinstance(opening, Recorded)
    return Act((event,), envelopes.evolve(None, opening))
