"""Everybody who hears something: people in the vault by role, an office in which they act, and what they were told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg

from service import commands
from service.identity import parties, people
from service.identity.people import Person
from service.messaging import noticing
from service.proposal_input import PartyInput
from service.settings import Settings
from service.wiring import Parts
from tests.commands.office import DAY, Office, office_of, proposal_input

Connection = psycopg.Connection[Any]

PROGRAMME = "regionale-herstelaanpak"
APPLICANT = PartyInput("Voorbeeldorganisatie", "foundation")
PARTNER = PartyInput("Voorbeeldschool", "knowledge-institute")
HELMOND = "GM0794"


class Message(NamedTuple):
    """What somebody finds in their inbox: of which event, what kind, and as what they hear it.

    `letter` goes along to those who must be told; `mail` is the state of the mail that brings it too.
    """

    stream: str
    position: int
    kind: str
    who: str
    relation: str
    required: bool
    letter: str
    mail: str | None


@dataclass
class Staff:
    """People by what they are called in a test, and the office that they act in."""

    office: Office
    connection: Connection
    called: dict[str, Person] = field(default_factory=dict)

    @property
    def parts(self) -> Parts:
        """The parts of the process that acts and folds."""
        return self.office.parts

    def __getitem__(self, who: str) -> Person:
        return self.called[who]

    def add(self, who: str, *roles: str, bodies: Sequence[str] = (), **more: Any) -> Person:
        """Somebody with these roles."""
        email = f"{who.replace(' ', '-')}@example.org"
        self.called[who] = people.add(
            self.connection, email=email, name=who, roles=roles, bodies=bodies, **more
        )
        return self.called[who]

    def organisation(self, party: PartyInput) -> str:
        """The id of an organisation."""
        return parties.find_or_add(self.connection, party.kind, party.name)

    def submit(self, who: str = "submitter", requested: int = 100_000, **changes: Any) -> str:
        """A proposal of the applicant with a partner, in Helmond."""
        usual = {"applicant": APPLICANT, "partners": (PARTNER,), "municipalities": ("Helmond",)}
        given = proposal_input(requested, APPLICANT.name, **{**usual, **changes})
        return commands.submit(self.parts, self[who], PROGRAMME, given, DAY).stream

    def act(self, who: str, proposal: str, command: commands.CaseCommand) -> commands.Done:
        """An act of one of them on a case."""
        return commands.act(self.parts, self[who], proposal, command)

    def fold(self, limit: int = 500) -> int:
        """Makes all notices there are to make; answers the position."""
        return fold_all(self.parts, self.connection, limit)

    def skip(self) -> None:
        """Whatever happened so far is told to nobody."""
        self.connection.execute(
            "UPDATE ledger.position SET position = (SELECT max(notification_id) FROM log.events)"
        )

    def messages(self, stream: str = "") -> list[Message]:
        """What everybody was told (about one case), in the order in which it happened."""
        return sorted(
            Message(row[0], row[1], row[2], self.name(row[3]), *row[4:])
            for row in self.connection.execute(
                """SELECT n.stream, n.position, n.kind, d.recipient, d.relation, d.required,
                    CASE WHEN d.required THEN coalesce(n.letter, '') ELSE '' END,
                    (SELECT m.state FROM ledger.deliveries m
                        WHERE m.notice = d.notice AND m.recipient = d.recipient AND m.channel = 'email')
                FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
                WHERE d.channel = 'inbox' AND (n.stream = %(stream)s OR %(stream)s = '')""",
                {"stream": stream},
            ).fetchall()
        )

    def heard(self, stream: str = "") -> list[tuple[str, str]]:
        """Who heard which kind of thing, in the order in which it happened."""
        return [(message.who, message.kind) for message in self.messages(stream)]

    def letters(self, stream: str = "") -> list[tuple[str, str]]:
        """Which letters are to be made, and for whom."""
        return [
            (letter, recipient)
            for letter, recipient in self.connection.execute(
                """SELECT n.letter, d.recipient FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
                WHERE d.channel = 'letter' AND (n.stream = %(stream)s OR %(stream)s = '') ORDER BY n.position""",
                {"stream": stream},
            ).fetchall()
        ]

    def name(self, id: str) -> str:
        """What somebody is called."""
        return next((who for who, person in self.called.items() if person.id == id), id)


def fold_all(parts: Parts, connection: Connection, limit: int = 500) -> int:
    """Makes all notices there are to make; answers the position."""
    at = noticing.position(connection)
    while (reached := noticing.fold_batch(parts, connection, at, limit)) != at:
        at = reached
    return at


@contextmanager
def staff_of(settings: Settings) -> Iterator[Staff]:
    """An office with everybody in it, its programmes published and an envelope open, of which nobody was told."""
    with office_of(settings) as office, psycopg.connect(settings.database_url, autocommit=True) as connection:
        office.open_envelope()
        staff = Staff(office, connection)
        applicant, partner = staff.organisation(APPLICANT), staff.organisation(PARTNER)
        staff.add("submitter", "submitter", organisation=applicant)
        staff.add("colleague", "submitter", organisation=applicant)
        staff.add("partner", "submitter", organisation=partner)
        staff.add("contact", "submitter", municipalities=[HELMOND])
        staff.add("elsewhere", "submitter", municipalities=["GM0743"])
        staff.add("secretary", "secretary")
        staff.add("clerk", "secretary")
        staff.add("taskforce", "member", bodies=["taskforce"])
        staff.add("chair", "member", bodies=["taskforce"], chairs=["taskforce"])
        staff.add("poho", "member", bodies=["poho"])
        staff.add("board", "member", bodies=["db"])
        staff.add("treasurer", "treasurer")
        staff.add("auditor", "auditor")
        staff.add("admin", "admin")
        staff.add("program", "integration", organisation=applicant)
        staff.skip()
        yield staff
