"""Which people stand in these relations? All of them in one query, as they are now.

Who was erased, or has no role any more, is nobody; a program is told in its own way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, LiteralString

import psycopg
from psycopg.rows import tuple_row

from service.arrays import array
from service.identity.people import Person
from service.identity.permissions import may

__all__ = ["Relation", "people"]

Connection = psycopg.Connection[Any]

NOWHERE: Mapping[str, Collection[str]] = {}

Relation = tuple[str, str]
"""A relation of `projections.notices.RELATIONS`, and of what."""

ROLES: Mapping[str, str] = {
    "secretariat": "secretary",
    "treasurer": "treasurer",
    "auditor": "auditor",
    "admin": "admin",
}
"""The relations in which everybody with a role stands."""

OF_PARTY: LiteralString = "JOIN vault.people p ON p.organisation = w.of"
OF_BODY: LiteralString = "JOIN (SELECT *, unnest({}) AS one FROM vault.people) AS p ON p.one = w.of"
BY_RELATION: Mapping[str, tuple[LiteralString, ...]] = {
    # Who submitted without an organisation is a party of one.
    "submitter": (OF_PARTY, "JOIN vault.people p ON p.id = w.of"),
    "partner": (OF_PARTY,),
    "municipality": (OF_BODY.format("municipalities"),),
    # As in the table of permissions: a member is so of bodies, and so is their chair.
    "body": (OF_BODY.format("bodies") + " AND 'member' = ANY(p.roles)",),
    "chair": (OF_BODY.format("chairs") + " AND 'member' = ANY(p.roles)",),
    "watcher": ("JOIN vault.watching s ON s.stream = w.of JOIN vault.people p ON p.id = s.person",),
    **{relation: (f"JOIN vault.people p ON '{role}' = ANY(p.roles)",) for relation, role in ROLES.items()},
}
"""How the people of each relation are found. Of others than people (councils, programs) there are none."""


def people(
    connection: Connection,
    relations: Iterable[Relation],
    owners: Mapping[str, str],
    places: Mapping[str, Collection[str]] = NOWHERE,
) -> dict[Relation, list[str]]:
    """The ids of the people in each of these relations, by age; a relation with nobody in it is left out.

    `owners` says whose case a stream is, `places` in which municipalities: who watches a case, or is of the
    organisation that submitted it, and may not read it (any more) is left out.
    """
    asked: dict[str, list[str]] = {}
    for relation, of in dict.fromkeys(relations):
        asked.setdefault(relation, []).append(of)
    parts, given = [], {}
    for relation, ofs in asked.items():
        for join in BY_RELATION.get(relation, ()):
            parts.append(
                f"SELECT '{relation}', w.of, p.id, p.roles, p.bodies, p.organisation, p.municipalities"
                f" FROM unnest(%({relation})s::text[]) AS w (of) {join}"
                " WHERE p.roles NOT IN ('{}', '{integration}')"
            )
            given[relation] = array(ofs)
    if not parts:
        return {}
    found: dict[Relation, list[str]] = {}
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(" UNION ".join(parts) + " ORDER BY 3", given).fetchall()
    for relation, of, id, roles, bodies, organisation, contact in rows:
        owner = of if relation == "submitter" else owners.get(of) if relation == "watcher" else None
        if owner is not None:
            somebody = Person(
                id,
                "",
                "",
                frozenset(roles),
                frozenset(bodies),
                organisation,
                municipalities=frozenset(contact),
            )
            if not may(somebody, "read-case", owner=owner, municipalities=places.get(of, ())):
                continue
        found.setdefault((relation, of), []).append(id)
    return found
