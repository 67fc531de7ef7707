"""Which cases exist for this person, and which words may they read? Answered here, for one case and for every query.

A case that is confidential today exists only for whom the table of permissions lets read it; for everybody else it is
in no list, count, sum or message, and its address says what the address of a case that never was says. The words of an
act that is confidential are left out when somebody reads who may not read them (`service/words.py`).

The conditions are over columns of `views.status`: narrow ones, and nothing at all for who sees everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from domain.case import Case
from projections.confidential import secret_until
from projections.plain import day
from service.arrays import array
from service.identity.people import Person
from service.identity.permissions import Reach, reach

__all__ = [
    "CONFIDENTIAL",
    "Scope",
    "Subject",
    "everything",
    "for_applicant",
    "outside",
    "scope_of",
    "subjects",
]

Connection = psycopg.Connection[Any]

CONFIDENTIAL = "confidential"
"""What stands in the place of a case that the reader may not know of, where an amount has to be accounted for."""

ALL = Reach(everything=True)


@dataclass(frozen=True, slots=True)
class Subject:
    """What of a case decides who may see it: whose, where, the bodies on its route, until when it is confidential."""

    owner: str
    route: Collection[str] = ()
    secret_until: str | None = None
    municipalities: Collection[str] = ()

    @classmethod
    def of(cls, case: Mapping[str, Any]) -> Subject:
        """That of a document of `views.status`, whether or not its names are filled in."""
        owner = case["owner"]
        until = secret_until(case.get("confidentiality"))
        places = case["content"]["municipalities"]
        return cls(owner.get("$party") or owner["id"], case.get("route", ()), until, places)

    @classmethod
    def of_case(cls, case: Case) -> Subject:
        """That of a case as the domain folds it."""
        whole = case.confidentiality.get(0)
        until = None if whole is None or whole.level != CONFIDENTIAL else day(whole.until or date.max)
        return cls(case.owner, case.route, until, case.content.municipalities)


@dataclass(frozen=True, slots=True)
class Scope:
    """What somebody sees today: of cases that are open to colleagues, of those that are confidential, and of words.

    `open`, `confidential` and `words` say on which cases; a confidential case must be within both of the first two.
    """

    today: str
    open: Reach = field(default_factory=Reach)
    confidential: Reach = field(default_factory=Reach)
    words: Reach = field(default_factory=Reach)

    def sees(self, subject: Subject) -> bool:
        """Does this case exist for this person?"""
        secret = subject.secret_until is not None and subject.secret_until >= self.today
        return _within(self.open, subject) and (not secret or _within(self.confidential, subject))

    def hides(self, subject: Subject) -> bool:
        """Is this a confidential case that does not exist for this person, whatever else they may not read?"""
        secret = subject.secret_until is not None and subject.secret_until >= self.today
        return secret and not _within(self.confidential, subject)

    def reads_words_of(self, subject: Subject) -> bool:
        """May this person read what bodies wrote in confidential acts on this case?"""
        return _within(self.words, subject)

    def cases(self, row: str = "s") -> str:
        """The cases that exist for this person, as a condition over `row` of `views.status`; see `params`."""
        return f"({_condition(self.open, 'open', row)} AND NOT {self.secret(row)})"

    def secret(self, row: str = "s") -> str:
        """The confidential cases that do not exist for this person, as such a condition."""
        if self.confidential.everything:
            return "false"
        allowed = _condition(self.confidential, "confidential", row)
        return f"({row}.secret_until IS NOT NULL AND {row}.secret_until >= %(scope_today)s AND NOT {allowed})"

    def streams(self, column: str) -> str:
        """The same for a column of another table that holds ids of cases: those that exist for this person."""
        if self.open.everything:
            # Few: looked up once a query, by an index of their own.
            hidden = f"SELECT s.key FROM views.status s WHERE {self.secret()}"
            return "true" if self.confidential.everything else f"{column} NOT IN ({hidden})"
        return f"{column} IN (SELECT s.key FROM views.status s WHERE {self.cases()})"

    def readable(self, row: str = "w") -> str:
        """The words that this person may read, as a condition over `row` of `log.words`."""
        return "true" if self.words.everything else f"{row}.position NOT IN ({self._withheld()})"

    def _withheld(self) -> str:
        """The positions of the words that are withheld: few, of confidential acts and of why they are so.

        And of why such words were taken away.
        """
        beyond = _condition(self.words, "words", "s")
        of_case = "views.confidential c JOIN views.status s ON s.key = c.key CROSS JOIN LATERAL"
        return f"""WITH withheld (position) AS (
                SELECT e.notification_id FROM {of_case} jsonb_array_elements(c.acts) AS act
                JOIN log.events e ON e.originator_id = c.key AND e.originator_version = (act ->> 0)::bigint
                WHERE act ->> 1 >= %(scope_today)s AND NOT {beyond}
                UNION ALL SELECT remark::bigint FROM {of_case} jsonb_array_elements_text(c.remarks) AS remark
                WHERE NOT {beyond})
            SELECT position FROM withheld UNION ALL
            SELECT (gone ->> 'position')::bigint FROM {of_case} jsonb_array_elements(s.document -> 'redactions') AS gone
            WHERE (gone ->> 'about')::bigint IN (SELECT position FROM withheld)"""

    @property
    def params(self) -> dict[str, Any]:
        """What the conditions name."""
        found: dict[str, Any] = {"scope_today": self.today}
        for name, of in (("open", self.open), ("confidential", self.confidential), ("words", self.words)):
            found[f"scope_{name}_owners"] = sorted(of.owners)
            found[f"scope_{name}_bodies"] = sorted(of.bodies)
            found[f"scope_{name}_municipalities"] = sorted(of.municipalities)
        return found

    def hidden(self, connection: Connection) -> tuple[str, ...]:
        """The ids of the confidential cases that do not exist for this person; few, for sums over many rows."""
        if self.confidential.everything:
            return ()
        query = f"SELECT s.key FROM views.status s WHERE {self.secret()} ORDER BY s.key"
        with connection.cursor(row_factory=tuple_row) as cursor:
            return tuple(key for (key,) in cursor.execute(query.encode(), self.params).fetchall())


def scope_of(person: Person, today: date) -> Scope:
    """What this person sees today."""
    return Scope(
        today.isoformat(),
        reach(person, "read-case"),
        reach(person, "read-confidential"),
        reach(person, "read-confidential-words"),
    )


def everything(today: date) -> Scope:
    """What the service itself sees, where nobody reads it."""
    return Scope(today.isoformat(), ALL, ALL, ALL)


def for_applicant(today: date) -> Scope:
    """What the applicant of a case sees of it, whoever of them that is: all but the words of confidential acts."""
    return Scope(today.isoformat(), ALL, ALL)


def outside(today: date) -> Scope:
    """What may leave the house: nothing that is confidential."""
    return Scope(today.isoformat(), ALL)


def subjects(connection: Connection, ids: Iterable[str]) -> dict[str, Subject]:
    """What decides who may see these cases, by id; what is no case is left out."""
    wanted = array(sorted(set(ids)))
    query = (
        "SELECT key, owner, route, secret_until, municipalities FROM views.status WHERE key = ANY(%s::text[])"
    )
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, (wanted,)).fetchall()
    return {key: Subject(owner, route or (), until, places) for key, owner, route, until, places in rows}


def _within(reach: Reach, subject: Subject) -> bool:
    return (
        reach.everything
        or subject.owner in reach.owners
        or not reach.bodies.isdisjoint(subject.route or ())
        or not reach.municipalities.isdisjoint(subject.municipalities)
    )


def _condition(reach: Reach, name: str, row: str) -> str:
    if reach.everything:
        return "true"
    parts = []
    if reach.owners:
        parts.append(f"{row}.owner = ANY(%(scope_{name}_owners)s::text[])")
    if reach.bodies:
        parts.append(f"coalesce({row}.route ?| %(scope_{name}_bodies)s::text[], false)")
    if reach.municipalities:
        parts.append(f"{row}.municipalities ?| %(scope_{name}_municipalities)s::text[]")
    return f"({' OR '.join(parts)})" if parts else "false"
