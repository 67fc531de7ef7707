"""Who can sign in to a demonstration? Somebody for each role; the password of all of them is `demo`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import psycopg

from service.calendar import calendar
from service.demo.addresses import add_addresses
from service.eventstore import Log
from service.identity import changing, parties, people
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
    organisation_role: str = "editor"
    seats: tuple[tuple[str, str], ...] = ()


DEMO_PEOPLE = (
    DemoPerson("submitter@example.org", "Indiener", "submitter", applies=True, organisation_role="manager"),
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
        seats=(("poho", "GM0794"),),
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
        missing = [each for each in DEMO_PEOPLE if people.by_email(connection, each.email) is None]
        with Log.open(settings) as log:
            for wanted in missing:
                _add(log, calendar(settings.timezone).today, wanted)
        add_addresses(connection)


def _add(log: Log, today: date, wanted: DemoPerson) -> None:
    organisation = parties.new("foundation", ORGANISATION) if wanted.applies else None
    person = people.new(
        email=wanted.email,
        name=wanted.name,
        roles=[wanted.role],
        bodies=wanted.bodies,
        organisation=organisation.id if organisation else None,
        chairs=wanted.chairs,
        municipalities=wanted.municipalities,
        organisation_role=wanted.organisation_role,
        seats=wanted.seats,
    )
    changing.add(log, changing.SYSTEM, today, person, PASSWORD, organisation)
