"""Of which cases is the term over for which their words are kept? A report of it, and doing exactly what it says.

It never runs by itself. The report is a file that somebody can read, keep and sign for; it is carried out only while
everything is still as it says, and can be carried on where it broke off.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from domain import case as cases
from domain.errors import Refused
from domain.events import RetentionApplied
from domain.recorded import Recorded
from domain.retention import APPROVED, AWARDED, apply_retention, ended, parties_of
from service import copies, reading
from service.commands import Decision, Done, once_only, refuse_stale
from service.documents.edition import NAMED
from service.errors import Missing, Stale
from service.eventstore import Beside, Once
from service.identity.people import Person
from service.identity.permissions import acting_as, check
from service.identity.scope import Subject, everything, scope_of
from service.published import latest, published_codes
from service.wiring import Parts

__all__ = ["Line", "Outcome", "Report", "apply", "apply_to", "as_csv", "from_csv", "refuse_changed", "report"]

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A case whose term is over, why, and what would go: how many texts, names of natural persons, and letters."""

    proposal: str
    reference: str
    programme: str
    ended: str
    ended_on: date
    years: int
    due_on: date
    version: int
    texts: int
    names: int
    letters: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a line: done now, or before (it was carried on); `position`: where the decision is recorded.

    `left` are the texts of the case that are still there: none.
    """

    proposal: str
    reference: str
    outcome: str
    position: int
    texts: int
    names: int
    letters: int
    left: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What is still kept of a case."""

    texts: int
    names: Sequence[str]
    letters: Sequence[str]

    @property
    def all(self) -> int:
        """How much that is together."""
        return self.texts + len(self.names) + len(self.letters)


CANDIDATES = """SELECT s.key FROM views.status s
    JOIN jsonb_to_recordset(%(terms)s) AS t (programme text, status text, years int) USING (programme, status)
    WHERE (document ->> 'lastEffectiveOn')::date + make_interval(years => t.years) <= %(on)s
        AND (%(programme)s::text IS NULL OR programme = %(programme)s) AND NOT {secret}
        AND NOT EXISTS (SELECT FROM log.events r WHERE r.originator_id = s.key AND r.topic = 'RetentionApplied'
            AND r.originator_version >= (document ->> 'version')::int)
    ORDER BY reference"""
"""What may have to go: the years are counted as PostgreSQL does, which is a day earlier after a 29 February."""
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Report:
    """The cases whose term is over; `more`: there are others, which come when these are done."""

    lines: list[Line]
    more: bool = False


def report(
    parts: Parts, person: Person | None, on: date, programme: str | None = None, most: int | None = None
) -> Report:
    """The cases whose term is over on a day, by reference. `person` None: the operator, at the machine itself.

    Confidential cases are in it for who may know of these. Of more than `most` cases, the first.
    """
    today = parts.calendar().today
    scope = everything(today) if person is None else scope_of(person, today)
    if person is not None:
        check(person, "read-retention")
    with parts.pool.connection() as connection:
        asked = {**scope.params, "on": on, "programme": programme, "terms": Jsonb(_terms(parts))}
        query = CANDIDATES.format(secret=scope.secret())
        with connection.cursor(row_factory=tuple_row) as cursor:
            keys = [key for (key,) in cursor.execute(query.encode(), asked).fetchall()]
        due: list[Sequence[Recorded]] = []
        while keys and (most is None or len(due) <= most):
            batch, keys = keys[:AT_ONCE], keys[AT_ONCE:]
            histories = reading.histories(connection, batch)
            found = (histories[key] for key in batch if key in histories)
            due += [history for history in found if _due_by(parts, history, on)]
        more = most is not None and len(due) > most
        return Report(_lines(parts, connection, due[:most]), more)


def apply_to(
    parts: Parts,
    person: Person,
    proposal: str,
    once: Once | None = None,
    if_match: int | None = None,
) -> Done:
    """Takes the words of a case away, the names of natural persons in it, and its letters. Refuses before its time."""

    def decision() -> Decision:
        check(person, "apply-retention")
        history = parts.log.load(proposal) if proposal.startswith("proposal-") else []
        case = cases.fold(history)
        if case is None or scope_of(person, parts.calendar().today).hides(Subject.of_case(case)):
            raise Missing("proposal", proposal)
        refuse_stale(case.version, if_match)
        programme = latest(parts, case.programme)
        assert programme is not None
        with parts.pool.connection() as connection:
            kept = _kept(connection, [history])[proposal]
        today = parts.calendar().today
        events = apply_retention(case, programme.retention, today, kept.all)
        return Decision(
            proposal,
            [(proposal, event) for event in events],
            {proposal: case.version},
            today,
            acting_as(person, "apply-retention"),
            before=history,
            beside=_beside(parts, proposal, history),
        )

    done = once_only(parts, person, once, decision)
    if parts.settings.mail_folder:
        with parts.pool.connection() as connection:
            copies.remove_mail(parts.settings, connection)
    return done


def refuse_changed(parts: Parts, lines: Sequence[Line]) -> None:
    """Refuses a report that is not what it would be now, for the cases in it that were not done yet."""
    today = parts.calendar().today
    with parts.pool.connection() as connection:
        histories = reading.histories(connection, [line.proposal for line in lines])
        now = {line.proposal: line for line in _lines(parts, connection, list(histories.values()))}
    changed = [
        line.reference
        for line in lines
        if _done_at(histories.get(line.proposal, ()), line) is None
        and (now.get(line.proposal) != line or line.due_on > today)
    ]
    if changed:
        raise Refused("retention-changed", lines=changed)


def apply(parts: Parts, person: Person, lines: Sequence[Line]) -> Iterator[Outcome]:
    """Carries out a report, a case at a time; what was done before is passed over. Refuses one that is out of date."""
    check(person, "apply-retention")
    refuse_changed(parts, lines)
    for line in lines:
        at, outcome = _done_at(parts.log.load(line.proposal), line), "before"
        if at is None:
            try:
                at, outcome = apply_to(parts, person, line.proposal, if_match=line.version).position, "now"
            except Stale:
                raise Refused("retention-changed", lines=[line.reference]) from None
        with parts.pool.connection() as connection:
            left = _kept(connection, [parts.log.load(line.proposal)])[line.proposal].texts
        yield Outcome(line.proposal, line.reference, outcome, at, line.texts, line.names, line.letters, left)


def as_csv(rows: Iterable[Line | Outcome], of: type[Line | Outcome]) -> str:
    """A report as a file, one line a case."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(of)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()


def from_csv(text: str) -> list[Line]:
    """The report in a file. Refuses what is none."""
    reader = csv.DictReader(io.StringIO(text))
    names = [field.name for field in fields(Line)]
    if list(reader.fieldnames or ()) != names:
        raise Refused("retention-report-invalid", why=f"its first line should be {','.join(names)}")
    lines = []
    for row in reader:
        try:
            lines.append(
                Line(
                    proposal=row["proposal"],
                    reference=row["reference"],
                    programme=row["programme"],
                    ended=row["ended"],
                    ended_on=date.fromisoformat(row["ended_on"]),
                    years=int(row["years"]),
                    due_on=date.fromisoformat(row["due_on"]),
                    version=int(row["version"]),
                    texts=int(row["texts"]),
                    names=int(row["names"]),
                    letters=int(row["letters"]),
                )
            )
        except (TypeError, ValueError):
            raise Refused("retention-report-invalid", why=f"line {reader.line_num}") from None
    return lines


def _due_by(parts: Parts, history: Sequence[Recorded], on: date) -> bool:
    """Is the term of this case over on that day?"""
    case = cases.fold(history)
    programme = latest(parts, case.programme) if case is not None else None
    end = ended(case, programme.retention) if case is not None and programme is not None else None
    return end is not None and end.due_on <= on


def _terms(parts: Parts) -> list[dict[str, object]]:
    """How many years the words of a case are kept, by its programme and status."""
    found = []
    for code in published_codes(parts):
        programme = latest(parts, code)
        if programme is not None:
            of = programme.retention
            years = {
                AWARDED: of.awarded,
                APPROVED: of.awarded,
                "rejected": of.rejected,
                "withdrawn": of.withdrawn,
            }
            found += [{"programme": code, "status": status, "years": each} for status, each in years.items()]
    return found


def _lines(parts: Parts, connection: Connection, histories: Sequence[Sequence[Recorded]]) -> list[Line]:
    """What a report on these cases together says of each now; nothing of one where nothing has to go."""
    lines, kept = [], _kept(connection, histories)
    for history in histories:
        case = cases.fold(history)
        programme = latest(parts, case.programme) if case is not None else None
        end = ended(case, programme.retention) if case is not None and programme is not None else None
        if case is None or end is None or not kept[case.proposal].all:
            continue
        goes = kept[case.proposal]
        lines.append(
            Line(
                proposal=case.proposal,
                reference=case.reference,
                programme=case.programme,
                ended=end.how,
                ended_on=end.on,
                years=end.years,
                due_on=end.due_on,
                version=case.version,
                texts=goes.texts,
                names=len(goes.names),
                letters=len(goes.letters),
            )
        )
    return lines


def _done_at(history: Sequence[Recorded], line: Line) -> int | None:
    """Where it is recorded that this line was carried out, if it was."""
    return next(
        (
            recorded.position
            for recorded in history
            if isinstance(recorded.event, RetentionApplied) and recorded.version == line.version + 1
        ),
        None,
    )


# Natural persons whom no account belongs to and no other case names, but those whose words go or are gone too.
PERSONS = """WITH theirs AS (SELECT p.id FROM vault.parties p
        WHERE p.id = ANY(%(ids)s) AND p.kind <> ALL(%(organisations)s)
        AND NOT EXISTS (SELECT FROM vault.people a WHERE a.organisation = p.id)),
    elsewhere AS (SELECT convert_from(e.state, 'UTF8') AS state FROM log.events e
        WHERE e.originator_id <> ALL(%(among)s) AND e.topic IN ('ProposalSubmitted', 'ProposalRevised')
        AND NOT EXISTS (SELECT FROM log.events r
            WHERE r.originator_id = e.originator_id AND r.topic = 'RetentionApplied')
        AND EXISTS (SELECT FROM theirs)),
    named AS MATERIALIZED (SELECT DISTINCT words[1] AS id FROM elsewhere, regexp_matches(state, '"([^"]+)"', 'g') words)
    SELECT id FROM theirs EXCEPT SELECT id FROM named"""
TEXTS = """SELECT e.originator_id, count(*) FROM log.events e
    JOIN log.words w ON w.position = e.notification_id, jsonb_object_keys(w.texts)
    WHERE e.originator_id = ANY(%s) GROUP BY e.originator_id"""
LETTERS = """SELECT proposal, array_agg(id ORDER BY id) FROM documents.letters
    WHERE proposal = ANY(%s) AND redacted IS NULL AND pdf IS NOT NULL GROUP BY proposal"""


def _kept(connection: Connection, histories: Sequence[Sequence[Recorded]]) -> dict[str, Kept]:
    """What is still kept of each of these cases, and which names go when all of these go."""
    named = {history[0].stream: parties_of(history) for history in histories if history}
    streams = sorted(named)
    asked = {
        "ids": sorted(set().union(*named.values())),
        "organisations": sorted(NAMED),
        "among": streams,
    }
    with connection.cursor(row_factory=tuple_row) as cursor:
        texts: dict[str, int] = dict(cursor.execute(TEXTS, (streams,)).fetchall())
        letters: dict[str, list[str]] = dict(cursor.execute(LETTERS, (streams,)).fetchall())
        going = {id for (id,) in cursor.execute(PERSONS, asked).fetchall()}
    return {
        stream: Kept(texts.get(stream, 0), sorted(named[stream] & going), letters.get(stream, []))
        for stream in streams
    }


def _beside(parts: Parts, proposal: str, history: Sequence[Recorded]) -> Beside:
    """What goes with the words: every copy, every letter, every mail about the case, and names."""

    def before(connection: Connection) -> Any:
        copies.nobody_copies(connection)
        along = copies.find_all(parts, connection, proposal, history)
        names = _kept(connection, [history])[proposal].names

        def after(first: int, _: int) -> None:
            copies.remove(connection, along, first)
            connection.execute("DELETE FROM vault.parties WHERE id = ANY(%s)", (list(names),))
            connection.execute("DELETE FROM web.drafts WHERE proposal = %s", (proposal,))

        return after

    return before
