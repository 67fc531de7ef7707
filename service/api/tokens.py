"""How does a program sign in? With an account of its own it gets a token, which every other call asks for.

For longer, and for less, there are tokens with a name: made, seen and revoked here by whose they are.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Response, request
from marshmallow import fields

from domain.errors import Refused
from service.api.answers import Answer, utc, written
from service.api.answers_schema import Shape, instant, listed, text
from service.api.blueprint import Resource
from service.api.context import Call, running
from service.api.fields import Given, ListOf, OneOf, Plain, Text, Whole, refusal
from service.api.openapi import CallDoc
from service.api.password_sign_in import HeldBack, by_password
from service.api.problems import Problem
from service.api.steps_noted import code_outcome
from service.errors import Missing
from service.identity import second_factor, tokens
from service.identity.people import Person
from service.identity.permissions import check, needs
from service.identity.tokens import LISTABLE, LONGEST, SCOPES, Kept
from service.messaging import security

api = Resource("tokens", "Signing in")


class Password(Plain):
    """A text as it is: spaces count, and no other form of Unicode is the same."""

    MOST = 1_000

    def __init__(self) -> None:
        about = {"type": "string", "format": "password", "minLength": 1, "maxLength": self.MOST}
        super().__init__(required=True, metadata=about)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise refusal("not-a-text")
        if not 0 < len(value) <= self.MOST:
            raise refusal("text-too-long" if value else "text-empty", length=len(value), maximum=self.MOST)
        return value


class SignInSchema(Given):
    email = Text(320, required=True)
    password = Password()
    code = Text(
        40, load_default=None, doc="Of the app, or a recovery code; where the account has a second factor"
    )


class TokenSchema(Shape):
    token = text("Shown once: send it as Authorization: Bearer")
    expires_at = instant()


class TokenGivenSchema(Given):
    name = Text(100, required=True, doc="To recognise it by: which program uses it")
    days = Whole(1, LONGEST.days, load_default=90, doc="How long it is good")
    scope = OneOf(*SCOPES, load_default="read", doc="read: changes nothing; act: acts too")
    acts = ListOf(
        OneOf(*LISTABLE), len(LISTABLE), load_default=list,
        doc="The only acts that it is for; whatever its scope and you allow, when left out",
    )  # fmt: skip


def _maybe_instant(description: str) -> fields.String:
    about = {"description": description, "format": "date-time"}
    return fields.String(required=True, allow_none=True, metadata=about)


class NamedTokenSchema(Shape):
    id = text("To revoke it by")
    name = text("Empty: from signing in")
    scope = text("read or act")
    acts = fields.List(
        fields.String(), required=True, allow_none=True, metadata={"description": "null: all of them"}
    )
    created_at = instant()
    expires_at = instant()
    last_used_at = _maybe_instant("To the minute; null when it never was")


class NamedTokensSchema(Shape):
    items = listed(NamedTokenSchema)


class NewTokenSchema(Shape):
    id = text("To revoke it by")
    token = text("Shown once: send it as Authorization: Bearer")
    expires_at = instant()


taken, nothing = SignInSchema(), Given()


def sign_in() -> Response:
    """Get a token for a local account

    The token is in this answer only, so this call takes no Idempotency-Key: calling again gives another token.
    """
    if request.query_string:
        api.ARGUMENTS_PARSER.parse(nothing, request, location="query")
    given = api.ARGUMENTS_PARSER.parse(taken, request, location="json")
    pool = running().parts.pool
    person = by_password(given["email"], given["password"], "token")
    if isinstance(person, HeldBack):
        raise Problem(
            429, "sign-in-held-back", headers={"Retry-After": str(person.seconds)}, minutes=person.minutes
        )
    if person is None:
        # The same for an unknown address: nobody learns here who has an account.
        challenge = 'Bearer realm="besluitspoor"'
        raise Problem(401, "wrong-password", headers={"WWW-Authenticate": challenge})
    _second_step(person, given["code"])
    with pool.connection() as connection:
        token, expires_at = tokens.create(connection, person.id, tokens.SIGNED_IN)
    return written({"token": token, "expiresAt": utc(expires_at)}, 201)


def _second_step(person: Person, code: str | None) -> None:
    """Raises a Problem for who has a second factor and did not show it; and for who has to have one and has not."""
    with running().parts.pool.connection() as connection:
        on = second_factor.is_on(connection, person.id)
    if not on:
        if second_factor.is_needed(running().settings, person):
            raise Problem(403, "second-factor-needed")
        return
    outcome = code_outcome(person.id, code) if code is not None else "needed"
    if outcome not in ("good", "recovery"):
        raise Problem(401, f"code-{outcome}", headers={"WWW-Authenticate": 'Bearer realm="besluitspoor"'})


api.routed(
    "/tokens",
    "POST",
    sign_in,
    CallDoc(
        operation="sign_in", shows=TokenSchema, status=201, body=True, public=True, refuses=(401, 403, 429)
    ),
    api.arguments(taken, example={"email": "submitter@example.org", "password": "demo"}),
)


@api.question("/tokens", shows=NamedTokensSchema)
@needs("own-account")
def list_tokens(call: Call, given: dict[str, Any]) -> Answer:
    """Your tokens, the last to expire at the end"""
    check(call.person, "own-account")
    with call.parts.pool.connection() as connection:
        found = tokens.kept(connection, call.person.id)
    return Answer({"items": [_shown(each) for each in found]})


@api.change(
    "/tokens/named",
    TokenGivenSchema,
    shows=NewTokenSchema,
    example={"name": "Zaaksysteem", "days": 90, "scope": "read"},
    status=201,
    not_now=True,
)
@needs("own-sign-in")
def create_token(call: Call, given: dict[str, Any]) -> Answer:
    """Make a token with a name

    The token is in this answer only, so this call takes no Idempotency-Key: calling again makes another token. You are
    told by mail. Sign in for it anew: a token that you got by signing in does this for ten minutes, and no other does.
    """
    check(call.person, "own-sign-in")
    token, expires_at = made(call, given)
    return Answer({"id": tokens.id_of(token), "token": token, "expiresAt": utc(expires_at)})


@api.change("/tokens/<token:token>", shows=None, method="DELETE")
@needs("own-access")
def revoke_token(call: Call, given: dict[str, Any], token: str) -> Answer:
    """Revoke a token of yours; in this process it has lost its force at once, in others within five seconds"""
    check(call.person, "own-access", owner=call.person.id)
    revoked(call, token)
    return Answer({})


def made(call: Call, given: dict[str, Any]) -> tuple[str, datetime]:
    """A new token, and until when it is good. Raises Refused when its person has as many as one can have."""
    with call.parts.pool.connection() as connection, connection.transaction():
        if sum(bool(each.name) for each in tokens.kept(connection, call.person.id)) >= tokens.MOST:
            raise Refused("too-many-tokens", most=tokens.MOST)
        new = tokens.create(
            connection, call.person.id, timedelta(days=given["days"]),
            name=given["name"], scope=given["scope"], acts=given["acts"] or None,
        )  # fmt: skip
        security.tell(connection, call.person.id, "token-made")
    return new


def revoked(call: Call, id: str) -> None:
    """From now on the token of this person that goes by this id is nobody's. Raises Missing when there is none."""
    with call.parts.pool.connection() as connection, connection.transaction():
        name = next((each.name for each in tokens.kept(connection, call.person.id) if each.id == id), None)
        if name is None or not tokens.revoke_by_id(connection, id, call.person.id):
            raise Missing("token", id)
        if name:
            security.tell(connection, call.person.id, "token-revoked")
    running().callers.forget(call.person.id)


def _shown(each: Kept) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.name,
        "scope": each.scope,
        "acts": list(each.acts) if each.acts is not None else None,
        "createdAt": utc(each.created_at),
        "expiresAt": utc(each.expires_at),
        "lastUsedAt": utc(each.used_at) if each.used_at is not None else None,
    }
