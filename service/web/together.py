"""What becomes of several cases judged at once? Each is foreseen and recorded by itself: one refused stops none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import psycopg
from psycopg.rows import tuple_row

from domain.errors import Refused
from service import commands
from service.api.problems import Problem, problem_of
from service.commands import CaseCommand
from service.errors import KeyReused, Missing, Stale
from service.eventstore import Conflict, Once
from service.identity.people import Person
from service.identity.permissions import Forbidden
from service.identity.scope import Scope
from service.texts import catalog
from service.web.filling import fill
from service.web.rendering import say
from service.web.visit import language
from service.wiring import Parts

__all__ = ["MOST", "Chosen", "chosen", "common_kind", "foreseen", "recorded"]

MOST = 50
"""Cases at once, at most: a page of the queue."""

Connection = psycopg.Connection[Any]
Once_ = Callable[[str], Once]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A case that was chosen, at the `version` that was seen; `kind` of the stage in which it waits for this body now.

    `next`: what it waits for once this has been recorded. `refused`: why it is not, or cannot be, in words.
    """

    proposal: str
    version: int
    reference: str
    title: str
    kind: str | None
    refused: str | None = None
    next: Sequence[tuple[str, str]] = ()
    position: int | None = None

    @property
    def mark(self) -> str:
        """How a form names it."""
        return f"{self.proposal}:{self.version}"


CHOSEN = """SELECT s.key, s.reference, s.document #> '{content,title}', (s.document ->> 'version')::int,
        (SELECT q.document ->> 'kind' FROM views.queue q WHERE q.stream = s.key AND q.body = %(body)s LIMIT 1)
    FROM views.status s WHERE s.key = ANY(%(ids)s) AND {scope}"""


def chosen(connection: Connection, scope: Scope, body: str, marks: Iterable[str]) -> list[Chosen]:
    """The cases that a form names, in the order in which it does; what names none is left out."""
    versions: dict[str, int] = {}
    for mark in marks:
        proposal, _, version = mark.partition(":")
        if version.isdecimal() and len(version) < 10 and len(versions) < MOST:
            versions.setdefault(proposal, int(version))
    with connection.cursor(row_factory=tuple_row) as cursor:
        query = CHOSEN.replace("{scope}", scope.cases())
        given = {**scope.params, "body": body, "ids": list(versions)}
        rows = cursor.execute(query.encode(), given).fetchall()
    said: list[Any] = fill([msgspec.to_builtins(row) for row in rows], connection, scope)
    found = {
        key: Chosen(key, versions[key], reference, title or say("cases.redacted"), kind)
        for key, reference, title, _, kind in said
    }
    return [found[proposal] for proposal in versions if proposal in found]


def common_kind(cases: Sequence[Chosen]) -> str | None:
    """The kind of stage in which most of them wait for this body; None when none does."""
    kinds = Counter(case.kind for case in cases if case.kind is not None)
    return kinds.most_common(1)[0][0] if kinds else None


def foreseen(parts: Parts, person: Person, cases: Sequence[Chosen], command: CaseCommand) -> list[Chosen]:
    """What would become of each, decided by the rules but not recorded."""

    def foresee(case: Chosen) -> Chosen:
        seen = commands.foresee(parts, person, case.proposal, command, case.version)
        opened = [event for event in seen.events if type(event).__name__ == "StageOpened"]
        return replace(case, next=[(event.stage, event.body) for event in opened])  # type: ignore[union-attr]

    return [_tried(case, foresee) for case in cases]


def recorded(
    parts: Parts, person: Person, cases: Sequence[Chosen], command: CaseCommand, once: Once_
) -> list[Chosen]:
    """Records the same judgement on each, once however often it is sent; `once` is the key of each case."""

    def act(case: Chosen) -> Chosen:
        done = commands.act(parts, person, case.proposal, command, once(case.proposal), case.version)
        return replace(case, position=done.position)

    return [_tried(case, act) for case in cases]


def _tried(case: Chosen, do: Callable[[Chosen], Chosen]) -> Chosen:
    try:
        return do(case)
    except Stale:
        return replace(case, refused=say("queues.changed"))
    except (Refused, Missing, Forbidden, KeyReused, Conflict) as error:
        return replace(case, refused=_why(problem_of(error)))


def _why(problem: Problem) -> str:
    return catalog(language()).say(problem.code, problem.facts)
