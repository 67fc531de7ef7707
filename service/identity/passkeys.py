"""Who signs in with a passkey (WebAuthn), and which passkeys has somebody? Judged by a library, kept here.

Each answer of an authenticator is about a challenge that was given out here, for that purpose, and is good once: it is
taken away before anything of the answer is judged.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
import webauthn
from psycopg import Connection
from psycopg.rows import class_row
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from service.identity.people import Person
from service.ids import new_id
from service.settings import Settings

__all__ = [
    "LASTS", "LONGEST", "MOST", "Passkey", "Place", "NotAccepted", "add", "kept", "log_refusal", "options_to_add",
    "options_to_sign_in", "place",
    "remove", "sign_in", "take_challenge",
]  # fmt: skip

LASTS = timedelta(minutes=5)
"""How long a challenge is good."""
MOST = 20
"""Passkeys that one person can have."""
LONGEST = 20_000
"""Characters of an answer of an authenticator."""
NAME = "Besluitspoor"


class NotAccepted(Exception):
    """This is no answer to go by; `code` says why, for ourselves: outside all of them are told alike."""

    def __init__(self, code: str, person: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.person = person


@dataclass(frozen=True, slots=True)
class Place:
    """Where passkeys are for: the name that they are bound to, and the pages that may ask for them."""

    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its owner sees it; `synced`: it can be on several of their devices."""

    id: str
    name: str
    synced: bool
    created_at: datetime
    used_at: datetime | None


def place(settings: Settings) -> Place | None:
    """Where passkeys are for; None where browsers know none: they want a name, and TLS but for localhost."""
    address = urlsplit(settings.public_url)
    name = address.hostname or ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        local = name == "localhost" or name.endswith(".localhost")
        if name and (address.scheme == "https" or local):
            return Place(name, f"{address.scheme}://{address.netloc.rpartition('@')[2]}")
    return None


def options_to_add(connection: Connection[Any], where: Place, person: Person) -> str:
    """What a browser is told, as JSON, to make a passkey that its owner unlocks and that is found without a name."""
    rows = connection.execute(
        "SELECT credential FROM vault.passkeys WHERE person = %s", (person.id,)
    ).fetchall()
    options = webauthn.generate_registration_options(
        rp_id=where.name,
        rp_name=NAME,
        user_id=person.id.encode(),
        user_name=person.email,
        user_display_name=person.name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=bytes(row[0])) for row in rows],
    )
    _keep(connection, options.challenge, "add", person.id)
    return webauthn.options_to_json(options)


def options_to_sign_in(connection: Connection[Any], where: Place) -> str:
    """What a browser is told, as JSON, to ask for any passkey of this place."""
    options = webauthn.generate_authentication_options(
        rp_id=where.name, user_verification=UserVerificationRequirement.REQUIRED
    )
    _keep(connection, options.challenge, "sign-in", None)
    return webauthn.options_to_json(options)


def take_challenge(
    connection: Connection[Any], purpose: str, answer: str, person: str | None = None
) -> bytes | None:
    """The challenge that this is the answer to, which is good no more; None when we gave none for this, to this one."""
    try:
        parsed = _registration(answer) if purpose == "add" else _authentication(answer)
        challenge = parse_client_data_json(parsed.response.client_data_json).challenge
    except NotAccepted:
        return None
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return None
    row = connection.execute(
        """DELETE FROM web.challenges WHERE challenge = %s AND purpose = %s AND expires_at > now()
        AND person IS NOT DISTINCT FROM %s RETURNING challenge""",
        (challenge, purpose, person),
    ).fetchone()
    return bytes(row[0]) if row is not None else None


def add(
    connection: Connection[Any], where: Place, person: Person, name: str, answer: str, challenge: bytes
) -> Passkey:
    """A new passkey of this person. Raises NotAccepted."""
    try:
        found = webauthn.verify_registration_response(
            credential=_registration(answer),
            expected_challenge=challenge,
            expected_rp_id=where.name,
            expected_origin=where.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotAccepted(f"not-right: {error}"[:200], person.id) from error
    if len(kept(connection, person.id)) >= MOST:
        raise NotAccepted("too-many", person.id)
    with connection.cursor(row_factory=class_row(Passkey)) as cursor:
        made = cursor.execute(
            """INSERT INTO vault.passkeys (id, credential, person, name, public_key, sign_count, synced)
            VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (credential) DO NOTHING
            RETURNING id, name, synced, created_at, used_at""",
            (
                new_id("passkey"), found.credential_id, person.id, name, found.credential_public_key,
                found.sign_count, found.credential_backed_up,
            ),
        ).fetchone()  # fmt: skip
    if made is None:
        raise NotAccepted("known-already", person.id)
    return made


def sign_in(connection: Connection[Any], where: Place, answer: str, challenge: bytes) -> str:
    """Whose passkey this is, by id. Raises NotAccepted; `copied` when it was used more often elsewhere."""
    parsed = _authentication(answer)
    with connection.transaction():
        row = connection.execute(
            "SELECT id, person, public_key, sign_count FROM vault.passkeys WHERE credential = %s FOR UPDATE",
            (parsed.raw_id,),
        ).fetchone()
        if row is None:
            raise NotAccepted("unknown")
        id, person, public_key, before = row
        if parsed.response.user_handle != person.encode():
            raise NotAccepted("another-person", person)
        try:
            found = webauthn.verify_authentication_response(
                credential=parsed,
                expected_challenge=challenge,
                expected_rp_id=where.name,
                expected_origin=where.origin,
                credential_public_key=bytes(public_key),
                # Its counter is judged below: one that goes back is another thing than an answer that is not right.
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise NotAccepted(f"not-right: {error}"[:200], person) from error
        if max(found.new_sign_count, before) > 0 and found.new_sign_count <= before:
            raise NotAccepted("copied", person)
        connection.execute(
            "UPDATE vault.passkeys SET sign_count = %s, synced = %s, used_at = now() WHERE id = %s",
            (found.new_sign_count, found.credential_backed_up, id),
        )
    return str(person)


def kept(connection: Connection[Any], person: str) -> list[Passkey]:
    """The passkeys of the person with this id, the oldest first."""
    with connection.cursor(row_factory=class_row(Passkey)) as cursor:
        return cursor.execute(
            """SELECT id, name, synced, created_at, used_at FROM vault.passkeys WHERE person = %s
            ORDER BY created_at, id""",
            (person,),
        ).fetchall()


def remove(connection: Connection[Any], person: str, id: str) -> bool:
    """This passkey opens nothing any more, if it is one of this person; was it?"""
    query = "DELETE FROM vault.passkeys WHERE id = %s AND person = %s"
    return connection.execute(query, (id, person)).rowcount > 0


def _keep(connection: Connection[Any], challenge: bytes, purpose: str, person: str | None) -> None:
    connection.execute("DELETE FROM web.challenges WHERE expires_at < now()")
    connection.execute(
        "INSERT INTO web.challenges (challenge, purpose, person, expires_at) VALUES (%s, %s, %s, now() + %s)",
        (challenge, purpose, person, LASTS),
    )


def _registration(answer: str) -> RegistrationCredential:
    try:
        return parse_registration_credential_json(answer[:LONGEST])
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotAccepted("unreadable") from error


def _authentication(answer: str) -> AuthenticationCredential:
    try:
        return parse_authentication_credential_json(answer[:LONGEST])
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotAccepted("unreadable") from error


def log_refusal(refused: NotAccepted) -> None:
    """So that somebody who tries things is seen."""
    structlog.get_logger().warning("passkey refused", why=refused.code, person=refused.person)
