"""What was somebody told? Messages put straight into the ledger, as the fold would have put them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg

from service.messaging import ledger
from service.messaging.ledger import Making, Planned
from tests.web.conftest import Site

__all__ = ["ids", "told"]


def told(
    site: Site,
    who: str,
    proposal: str,
    kind: str = "turn",
    *,
    channel: str = "inbox",
    state: str = "sent",
    urgency: str = "high",
    relation: str = "body",
    required: bool = False,
    instead_of: str | None = None,
    recipient: str = "",
    **facts: Any,
) -> str:
    """Tells somebody something about a case, or a subscription of theirs as `recipient`; the id of the delivery."""
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        seen = site.service.told("secretary", f"/proposals/{proposal}")
        assert seen["id"] == proposal
        row = connection.execute(
            """SELECT document -> 'reference', document -> 'content' -> 'title', document -> 'content' -> 'applicant',
                document -> 'programme', document -> 'programmeVersion', document -> 'position', owner
            FROM views.status WHERE key = %s""",
            (proposal,),
        ).fetchone()
        assert row is not None, proposal
        names = ("reference", "title", "applicant", "programme", "programmeVersion", "position", "owner")
        of_case = dict(zip(names, row, strict=True))
        position = of_case.pop("position")
        usual = {
            "stage": "taskforce", "stageKind": "advice", "body": "taskforce", "dueOn": "2020-10-01",
            "effectiveOn": "2020-09-02",
        }  # fmt: skip
        made = Making(
            f"test:{uuid4()}",
            kind,
            position,
            proposal,
            urgency,
            {**of_case, **usual, **facts},
            datetime.now(UTC),
        )
        person = site.service.people[who].id
        plan = Planned(recipient or person, channel, relation, state, required, instead_of=instead_of)
        with connection.transaction():
            ledger.add(connection, [(made, [plan])])
        return ids(site, made.cause)[0]


def ids(site: Site, cause: str) -> list[str]:
    """The deliveries of what has this cause."""
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT d.id FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice WHERE n.cause = %s"
            " ORDER BY d.id",
            (cause,),
        )
        return [id for (id,) in found.fetchall()]
