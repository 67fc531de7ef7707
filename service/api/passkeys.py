"""With which passkeys does somebody sign in? Their own, to see and to remove; they are added in a browser."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from service.api.answers import Answer, utc
from service.api.answers_schema import Shape, instant, listed, text
from service.api.blueprint import Resource
from service.api.context import Call
from service.errors import Missing
from service.identity import passkeys
from service.identity.permissions import check, needs
from service.messaging import security

api = Resource("passkeys", "What you sign in with on the pages, without a password")


class PasskeySchema(Shape):
    id = text("To remove it by")
    name = text()
    synced = fields.Boolean(required=True, metadata={"description": "Can it be on several of your devices?"})
    created_at = instant()
    last_used_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "null when it never was", "format": "date-time"},
    )


class PasskeysSchema(Shape):
    items = listed(PasskeySchema)


@api.question("/passkeys", shows=PasskeysSchema)
@needs("own-account")
def list_passkeys(call: Call, given: dict[str, Any]) -> Answer:
    """Your passkeys, the oldest first"""
    check(call.person, "own-account")
    with call.parts.pool.connection() as connection:
        found = passkeys.kept(connection, call.person.id)
    items = [
        {
            "id": each.id,
            "name": each.name,
            "synced": each.synced,
            "createdAt": utc(each.created_at),
            "lastUsedAt": utc(each.used_at) if each.used_at is not None else None,
        }
        for each in found
    ]
    return Answer({"items": items})


@api.change("/passkeys/<passkey:passkey>", shows=None, method="DELETE")
@needs("own-access")
def remove_passkey(call: Call, given: dict[str, Any], passkey: str) -> Answer:
    """Remove a passkey of yours; you are told by mail"""
    check(call.person, "own-access", owner=call.person.id)
    with call.parts.pool.connection() as connection, connection.transaction():
        if not passkeys.remove(connection, call.person.id, passkey):
            raise Missing("passkey", passkey)
        security.tell(connection, call.person.id, "passkey-removed")
    return Answer({})
