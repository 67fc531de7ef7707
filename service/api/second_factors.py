"""How does somebody set up the second step of signing in, and turn it off? Their own; the pages do it with the same."""

from __future__ import annotations

from typing import Any

import structlog
from marshmallow import fields
from psycopg import Connection

from domain.errors import Refused
from service.api.answers import Answer
from service.api.answers_schema import Shape, text
from service.api.blueprint import Resource
from service.api.context import Call, running
from service.api.fields import Given, Text
from service.api.problems import Fault, Problem
from service.api.steps_noted import code_outcome
from service.identity import second_factor
from service.identity.people import Person
from service.identity.permissions import check, needs
from service.messaging import security
from service.web import sessions

__all__ = ["CodeSchema", "confirmed", "renewed", "turned_off"]

api = Resource("second-factor", "A second step of signing in")


class CodeSchema(Given):
    code = Text(
        40, required=True, doc="Of the app; to turn it off or renew the codes a recovery code will do too"
    )


class SecretShape(Shape):
    secret = text("To type into an app")
    address = text("The same for an app, as otpauth://: what a QR code says")


class RecoveryCodesShape(Shape):
    recovery_codes = fields.List(
        fields.String(), required=True, metadata={"description": "Shown once; each is good once"}
    )


EXAMPLE = {"code": "123456"}


@api.change("/people/me/second-factor", Given, shows=SecretShape, example={}, status=201, not_now=True)
@needs("own-sign-in")
def begin_second_factor(call: Call, given: dict[str, Any]) -> Answer:
    """Begin to set up a second step of signing in; nothing is asked before a code confirms it"""
    check(call.person, "own-sign-in")
    settings = running().settings
    with call.parts.pool.connection() as connection:
        second_factor.begin(connection, settings, call.person.id)
        secret = second_factor.to_confirm(connection, settings, call.person.id)
    if secret is None:
        raise Refused("factor-is-on")
    return Answer({"secret": secret, "address": second_factor.address_for_app(call.person, secret)})


@api.change(
    "/people/me/second-factor/confirmation",
    CodeSchema,
    shows=RecoveryCodesShape,
    example=EXAMPLE,
    not_now=True,
)
@needs("own-sign-in")
def confirm_second_factor(call: Call, given: dict[str, Any]) -> Answer:
    """Confirm the second step with a code of the app: from now on one is asked

    The recovery codes are in this answer only. Every session on the pages ends, and you are told by mail.
    """
    check(call.person, "own-sign-in")
    with call.parts.pool.connection() as connection, connection.transaction():
        if not second_factor.state(connection, call.person.id).begun:
            raise Refused("factor-not-begun")
        codes = confirmed(connection, call.person, given["code"])
    if codes is None:
        raise _wrong("wrong")
    return Answer({"recoveryCodes": codes})


@api.change(
    "/people/me/second-factor/codes", CodeSchema, shows=RecoveryCodesShape, example=EXAMPLE, not_now=True
)
@needs("own-sign-in")
def renew_recovery_codes(call: Call, given: dict[str, Any]) -> Answer:
    """Make ten other recovery codes; those of before are good no more, and you are told by mail"""
    check(call.person, "own-sign-in")
    _refuse_wrong(call, given["code"])
    with call.parts.pool.connection() as connection, connection.transaction():
        codes = renewed(connection, call.person)
    return Answer({"recoveryCodes": codes})


@api.change("/people/me/second-factor/removal", CodeSchema, shows=None, example=EXAMPLE, not_now=True)
@needs("own-sign-in")
def turn_off_second_factor(call: Call, given: dict[str, Any]) -> Answer:
    """Turn the second step off, with a code; you are told by mail"""
    check(call.person, "own-sign-in")
    _refuse_wrong(call, given["code"])
    with call.parts.pool.connection() as connection, connection.transaction():
        turned_off(connection, call.person)
    return Answer({})


def confirmed(connection: Connection[Any], person: Person, code: str, but: str = "") -> list[str] | None:
    """From now on a code is asked of this person: the recovery codes. None when this one is not of the secret.

    Who signed in without has to do so again, `but` for this session.
    """
    codes = second_factor.confirm(connection, running().settings, person.id, code)
    if codes is not None:
        sessions.end_all(connection, person.id, but)
        security.tell(connection, person.id, "factor-on")
        structlog.get_logger().info("second factor on", person=person.id)
    return codes


def renewed(connection: Connection[Any], person: Person) -> list[str]:
    """Ten other recovery codes for who showed a code."""
    codes = second_factor.new_codes(connection, person.id)
    security.tell(connection, person.id, "recovery-codes")
    return codes


def turned_off(connection: Connection[Any], person: Person) -> None:
    """No code is asked any more of who showed one."""
    second_factor.remove(connection, person.id)
    security.tell(connection, person.id, "factor-off")
    structlog.get_logger().info("second factor off", person=person.id)


def _refuse_wrong(call: Call, code: str) -> None:
    with call.parts.pool.connection() as connection:
        if not second_factor.is_on(connection, call.person.id):
            raise Refused("factor-is-off")
    outcome = code_outcome(call.person.id, code)
    if outcome not in ("good", "recovery"):
        raise _wrong(outcome)


def _wrong(outcome: str) -> Problem:
    return Problem(400, "invalid-input", Fault(f"code-{outcome}", "/code"))
