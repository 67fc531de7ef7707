"""Who can sign in to a demonstration? Somebody for each role; the password of all of them is `demo`."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from service.demo.addresses import add_addresses
from service.identity import parties, people
from service.identity.parties import Party
from service.settings import Settings

__all__ = ["DEMO_PEOPLE", "PASSWORD", "DemoPerson", "NotADemo", "prepare"]

PASSWORD = "demo"
ORGANISATION = "Voorbeeldorganisatie Brainport"


class NotADemo(Exception):
    """People whose password everybody knows belong in a demonstration only."""


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody to sign in as; `applies`: on behalf of the demo's organisation."""

    email: str
    name: str
    role: str
    bodies: tuple[str, ...] = ()
    applies: bool = False
    chairs: tuple[str, ...] = ()
    municipalities: tuple[str, ...] = ()


DEMO_PEOPLE = (
    DemoPerson("submitter@example.org", "Indiener", "submitter", applies=True),
    DemoPerson("secretary@example.org", "Secretaris", "secretary", ("secretariat",)),
    DemoPerson("taskforce@example.org", "Lid van de taskforce", "member", ("taskforce",)),
    DemoPerson("adviesgroep@example.org", "Lid van de adviesgroep", "member", ("adviesgroep",)),
    DemoPerson("poho@example.org", "Lid van het portefeuillehoudersoverleg", "member", ("poho",)),
    DemoPerson("db@example.org", "Lid van het dagelijks bestuur", "member", ("db",)),
    DemoPerson(
        "chair@example.org", "Voorzitter van het dagelijks bestuur", "member", ("db",), chairs=("db",)
    ),
    DemoPerson(
        "municipality@example.org",
        "Portefeuillehouder van Helmond",
        "member",
        ("poho",),
        municipalities=("GM0794",),
    ),
    DemoPerson("treasurer@example.org", "Penningmeester", "treasurer"),
    DemoPerson("auditor@example.org", "Controleur", "auditor"),
    DemoPerson("admin@example.org", "Beheerder", "admin"),
)


def prepare(settings: Settings) -> None:
    """Make the demo's people and the addresses of councils, what is not there yet; again does nothing.

    Raises NotADemo outside demo mode.
    """
    if not settings.demo:
        raise NotADemo("Demo people are made in demo mode only.")
    with psycopg.connect(settings.database_url) as connection:
        # Several processes may start at once: one makes them, the others find them.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('besluitspoor demo people'))")
        for wanted in DEMO_PEOPLE:
            if people.by_email(connection, wanted.email) is None:
                _add(connection, wanted)
        add_addresses(connection)


def _add(connection: psycopg.Connection[tuple[object, ...]], wanted: DemoPerson) -> None:
    organisation: Party | None = None
    if wanted.applies:
        organisation = parties.new("foundation", ORGANISATION)
        parties.add(connection, organisation)
    people.add(
        connection,
        email=wanted.email,
        name=wanted.name,
        roles=[wanted.role],
        bodies=wanted.bodies,
        organisation=organisation.id if organisation else None,
        password=PASSWORD,
        chairs=wanted.chairs,
        municipalities=wanted.municipalities,
    )
