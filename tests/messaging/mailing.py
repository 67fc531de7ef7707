"""People, deliveries to them and a channel that mails them: for tests of mail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg

from service.identity import people
from service.identity.people import Person
from service.messaging import ledger
from service.messaging.channels.channel import Channel
from service.messaging.courier import deliver
from service.messaging.ledger import Delivery, Making, Planned
from service.wiring import Parts

CASE = "proposal-0197a000-0000-7000-8000-000000000001"
OF_CASE: dict[str, Any] = {
    "owner": "party-1",
    "reference": "RHA-2026-0012",
    "programme": "regionale-herstelaanpak",
    "programmeVersion": 1,
    "title": "Digitale werkplaats",
    "applicant": {"id": "party-1", "name": "Stichting Werkplaats", "kind": "foundation"},
    "effectiveOn": "2026-03-02",
}
DECIDED: dict[str, Any] = {
    **OF_CASE, "stage": "decision", "body": "poho", "outcome": "approved-with-conditions",
    "grounds": "Het plan is goed.\nHet helpt de regio.", "conditions": ["Begin dit jaar", "Meld wat je deed"],
}  # fmt: skip


@dataclass
class Office:
    """A database with people in it, and what is to be mailed to them."""

    parts: Parts

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.parts.settings.database_url, autocommit=True) as connection:
            return connection.execute(query.encode(), values or None).fetchall()

    def do(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.parts.settings.database_url, autocommit=True) as connection:
            connection.execute(statement.encode(), values or None)

    def person(self, role: str = "secretary", language: str = "nl", **given: Any) -> Person:
        """Somebody new."""
        with psycopg.connect(self.parts.settings.database_url, autocommit=True) as connection:
            name = uuid4().hex[:8]
            made = people.add(
                connection,
                **{"email": f"{name}@example.org", "name": f"Iemand {name}", "roles": [role], **given},
            )
            connection.execute(
                "INSERT INTO vault.hearing (person, language) VALUES (%s, %s)", (made.id, language)
            )
        return made

    def to(
        self,
        recipient: Person | str,
        kind: str = "decided",
        facts: dict[str, Any] = DECIDED,
        *,
        stream: str = CASE,
        letter: str | None = None,
        cause: str = "",
        **planned: Any,
    ) -> Delivery:
        """A delivery by mail that is due."""
        making = Making(
            cause or f"test:{uuid4().hex}", kind, 1, stream, "normal", facts, datetime.now(UTC), letter
        )
        id = recipient if isinstance(recipient, str) else recipient.id
        plan = Planned(
            id, "email", planned.pop("relation", "watcher"), planned.pop("state", "waiting"), **planned
        )
        with psycopg.connect(self.parts.settings.database_url) as connection:
            ledger.add(connection, [(making, [plan])])
            row = connection.execute(
                "SELECT d.id FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice"
                " WHERE n.cause = %s AND n.kind = %s AND d.recipient = %s",
                (making.cause, kind, id),
            ).fetchone()
            assert row is not None
            found = ledger.by_id(connection, row[0])
        assert found is not None
        return found

    def send(self, channel: Channel, delivery: Delivery) -> tuple[Any, ...]:
        """One try, now, as a courier makes it; the state and the error it leaves."""
        self.do("UPDATE ledger.deliveries SET due_at = now() WHERE id = %s", delivery.id)
        deliver(self.parts, channel, delivery.id)
        return self.state(delivery)

    def state(self, delivery: Delivery) -> tuple[Any, ...]:
        """State and error of a delivery."""
        (found,) = self.ask("SELECT state, error FROM ledger.deliveries WHERE id = %s", delivery.id)
        return found

    def with_settings(self, **changes: Any) -> Parts:
        """The same parts by other settings."""
        return replace(self.parts, settings=replace(self.parts.settings, **changes))
