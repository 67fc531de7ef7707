"""What must somebody hear about their own account? That it was changed, or the link by which they can sign in.

None of it can be turned off, goes to a stand-in, or waits for the end of quiet hours: who did not do it themselves has
to know at once. It goes through the ledger as all mail does, so it is tried again, and one sees where it comes from.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg

from service.ids import new_id
from service.messaging import ledger
from service.messaging.ledger import Making, Planned

__all__ = ["CHANGES", "KINDS", "mail_link", "tell"]

Connection = psycopg.Connection[Any]

KINDS = ("security", "link")
"""Kinds of notices that go at once, whatever somebody chose."""

CHANGES = (
    "password", "token-made", "token-revoked", "sessions-ended", "factor-on", "factor-off", "factor-reset",
    "recovery-codes", "recovery-used", "passkey-added", "passkey-removed", "passkey-copied",
)  # fmt: skip
"""What one is told of."""

RELATION = "account"


def tell(connection: Connection, person: str, what: str) -> None:
    """Tells the person with this id that this was changed about their account, when the caller's transaction ends."""
    assert what in CHANGES
    both = [
        Planned(person, "inbox", RELATION, "sent", required=True),
        Planned(person, "email", RELATION, "waiting", required=True),
    ]
    _add(connection, f"security:{new_id('change')}", "security", {"what": what}, both)


def mail_link(connection: Connection, person: str, purpose: str, link: str) -> None:
    """Mails the person with this id the link with this id, when the caller's transaction ends.

    The ledger has its id only: the link itself is made of it when it goes out, and can't be made without the secret.
    """
    facts = {"what": purpose, "link": link}
    _add(
        connection,
        f"link:{link}",
        "link",
        facts,
        [Planned(person, "email", RELATION, "waiting", required=True)],
    )


def _add(
    connection: Connection, cause: str, kind: str, facts: dict[str, str], planned: list[Planned]
) -> None:
    making = Making(cause, kind, 0, "", "high", facts, datetime.now(UTC))
    ledger.add(connection, [(making, planned)])
