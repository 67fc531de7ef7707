"""May this person follow this case? Who may read it; and who may no longer can still stop."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from service import reading
from service.errors import Missing
from service.identity.people import Person
from service.identity.scope import Scope
from service.messaging import preferences

__all__ = ["follow"]


def follow(connection: Connection[Any], person: Person, scope: Scope, proposal: str, wanted: bool) -> None:
    """From now on this person follows a case, or no longer does.

    Raises Missing where there is no such case, and for one that this person may not read and does not follow.
    """
    readable = reading.sees(connection, proposal, scope)
    if not readable and (wanted or not preferences.watches(connection, person.id, proposal)):
        raise Missing("proposal", proposal)
    (preferences.watch if wanted else preferences.unwatch)(connection, person.id, proposal)
