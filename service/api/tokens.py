"""How does a program sign in? With an account of its own it gets a token, which every other call asks for."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from service.api.answers import written
from service.api.answers_schema import Shape, instant, text
from service.api.blueprint import Resource
from service.api.context import running
from service.api.fields import Given, Plain, Text, refusal
from service.api.openapi import CallDoc
from service.api.password_sign_in import HeldBack, by_password
from service.api.problems import Problem
from service.identity import tokens

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


class TokenSchema(Shape):
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
    with pool.connection() as connection:
        token, expires_at = tokens.create(connection, person.id, tokens.SIGNED_IN)
    return written({"token": token, "expiresAt": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")}, 201)


api.routed(
    "/tokens",
    "POST",
    sign_in,
    CallDoc(operation="sign_in", shows=TokenSchema, status=201, body=True, public=True, refuses=(401, 429)),
    api.arguments(taken, example={"email": "submitter@example.org", "password": "demo"}),
)
