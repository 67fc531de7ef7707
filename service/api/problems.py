"""What does an error look like? Always RFC 9457 problem+json, in the reader's language, for every kind of error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import structlog
from flask import Flask, Response, request
from marshmallow import ValidationError
from psycopg.errors import QueryCanceled
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from domain.definition_fields import DefinitionErrors
from domain.errors import Invalid, Refused
from service.api.fields import Said
from service.api.refusals_noted import because
from service.documents.letters import Erased
from service.errors import KeyReused, Missing, Removed, Stale
from service.eventstore import UNAVAILABLE, Conflict, LogError
from service.identity.permissions import Barred, BeyondToken, Forbidden
from service.identity.tokens import SHOWING
from service.texts import DEFAULT, LANGUAGES, Catalog, catalog

__all__ = [
    "CONTENT_TYPE", "Fault", "Problem", "faults_in", "language", "pointer", "problem_of", "register",
    "response_to",
]  # fmt: skip

CONTENT_TYPE = "application/problem+json"
MOST_FAULTS = 100
"""Faults that an answer lists; who sends more has enough to do."""

CODES = {
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    414: "uri-too-long",
    415: "unsupported-media-type",
    431: "headers-too-large",
    503: "service-unavailable",
}
"""What the router and the server refuse with, by status."""

PASSES = ("08", "40", "53", "55P03", "57P")
"""What SQLSTATE begins with for what passes: no connection, a lost race, no room, a lock, a server that stops."""
LIMIT = "54"
"""What it begins with when something is larger than the database takes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one part of the request. `place`: pointer (in the body), parameter or header."""

    code: str
    at: str
    place: str = "pointer"
    facts: Mapping[str, object] = field(default_factory=dict)
    said: str | None = None
    """The sentence, where no catalog has it."""


class Problem(Exception):
    """An answer that says what is wrong; `facts` fill in its sentence and are members of it.

    `language`: the only one in which it can be said, where there is one.
    """

    def __init__(
        self,
        status: int,
        code: str,
        *faults: Fault,
        headers: Mapping[str, str] | None = None,
        facts: Mapping[str, object] | None = None,
        language: str | None = None,
        **more: object,
    ) -> None:
        super().__init__(status, code, faults)
        self.status = status
        self.code = code
        self.faults = faults
        self.headers = dict(headers or {})
        self.language = language
        self.facts = {**(facts or {}), **more}


def register(app: Flask, answer: Callable[[Exception], Response]) -> None:
    """From now on every error of this application gets this answer."""
    for kind in (
        Problem, Refused, Missing, Removed, Erased, Stale, KeyReused, Barred, BeyondToken, Forbidden, Conflict,
        ValidationError, DefinitionErrors, HTTPException, psycopg.Error, LogError, Exception,
    ):  # fmt: skip
        app.register_error_handler(kind, answer)


def response_to(error: Exception) -> Response:
    """The answer to an error, in the language that was asked for."""
    if isinstance(error, HTTPException) and error.code is not None and error.code < 400:
        return Response(status=error.code, headers=list(error.get_headers()))
    problem = problem_of(error)
    sentences = catalog(problem.language or language())
    try:
        body = json.dumps(_body(problem, sentences), default=_plain)
    except Exception as unsaid:  # a sentence that is missing must not hide what went wrong
        structlog.get_logger().error("problem without a sentence", code=problem.code, exc_info=unsaid)
        problem = Problem(500, "server-error")
        body = json.dumps(_body(problem, sentences))
    response = Response(body, problem.status, mimetype=CONTENT_TYPE)
    response.headers["Content-Language"] = sentences.language
    response.headers.update(problem.headers)
    response.vary.add("Accept-Language")
    return response


def language() -> str:
    """The language of the answer: Dutch, unless the reader would rather have another that we have."""
    return request.accept_languages.best_match(LANGUAGES, default=DEFAULT) or DEFAULT


def _body(problem: Problem, sentences: Catalog) -> dict[str, Any]:
    # Names stand in the sentence, in the right language.
    facts = {name: value for name, value in problem.facts.items() if name != "names" and value is not None}
    body = {
        "type": f"urn:besluitspoor:problem:{problem.code}",
        "title": sentences.title(problem.status),
        "status": problem.status,
        "detail": sentences.say(problem.code, problem.facts),
        "code": problem.code,
        **facts,
    }
    if problem.faults:
        body["errors"] = [
            {
                fault.place: fault.at,
                "detail": fault.said or sentences.say(fault.code, fault.facts),
                "code": fault.code,
            }
            for fault in problem.faults[:MOST_FAULTS]
        ]
    return body


def problem_of(error: Exception) -> Problem:
    """What an error comes to; one nobody foresaw is logged, and is a 500."""
    problem = _problem_of(error)
    because(problem.code, *(fault.code for fault in problem.faults))
    return problem


def _problem_of(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case Invalid():
            return Problem(400, error.code, _fault(error), facts=error.facts)
        case Refused():
            return Problem(409, error.code, facts=error.facts)
        case ValidationError():
            return Problem(400, "invalid-input", *faults_in(error))
        case DefinitionErrors():
            faults = (Fault("definition", p.pointer, said=f"{p.message} {p.remedy}") for p in error.problems)
            # What is wrong with a definition is said in English, the language of its keys.
            return Problem(400, "invalid-input", *faults, language="en")
        case Missing():
            return Problem(404, "missing", what=error.what, id=error.id)
        case Removed():
            return Problem(410, "removed-by-redaction", what=error.what, id=error.id)
        case Erased():
            return Problem(404, "letter-erased")
        case Forbidden():
            code = "forbidden-body" if error.body else "forbidden"
            return Problem(403, code, act=error.act, roles=list(error.roles), body=error.body)
        case BeyondToken():
            code = "sign-in-anew" if error.act in SHOWING else "token-scope"
            return Problem(403, code, act=error.act)
        case Barred():
            return Problem(403, error.code)
        case Stale():
            return Problem(412, "stale", version=error.version)
        case KeyReused():
            return Problem(409, "idempotency-key-reused")
        case Conflict():
            return Problem(503, "busy", headers={"Retry-After": "1"})
        case psycopg.Error() | LogError() if problem := _of_database(error):
            return problem
        case HTTPException():
            return _of_http(error)
    structlog.get_logger().error("request failed", method=request.method, path=request.path, exc_info=error)
    return Problem(500, "server-error")


def _of_database(error: Exception) -> Problem | None:
    """What a failure of the database comes to; None where a statement of ours is wrong, which is for its makers."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__ or error
    if isinstance(cause, QueryCanceled):
        structlog.get_logger().warning("question cut off", endpoint=request.endpoint)
        return Problem(503, "took-too-long", headers={"Retry-After": "60"})
    if isinstance(cause, psycopg.Error) and cause.sqlstate is not None:
        if cause.sqlstate.startswith(LIMIT):
            return Problem(400, "too-large-to-keep")
        if not cause.sqlstate.startswith(PASSES):
            return None
    elif not isinstance(cause, (psycopg.OperationalError, psycopg.InterfaceError, *UNAVAILABLE)):
        return None
    structlog.get_logger().warning("database unavailable", error=str(error))
    return Problem(503, "service-unavailable", headers={"Retry-After": "5"})


def _fault(error: Invalid) -> Fault:
    """What is wrong stands in the body of an act, and in the query of a question."""
    if request.method != "GET":
        return Fault(error.code, error.field, facts=error.facts)
    return Fault(error.code, error.field.removeprefix("/"), "parameter", error.facts)


def _of_http(error: HTTPException) -> Problem:
    status = error.code or 500
    if isinstance(error, MethodNotAllowed):
        allowed = sorted(error.valid_methods or ())
        return Problem(405, "method-not-allowed", headers={"Allow": ", ".join(allowed)}, allowed=allowed)
    if status == 500:
        return Problem(500, "server-error")
    return Problem(status, CODES.get(status, "bad-request" if status == 400 else "http-error"))


def faults_in(error: ValidationError, place: str = "pointer") -> Iterator[Fault]:
    """Every fault that marshmallow found, where it is."""
    for steps, code in _leaves(error.messages, ()):
        facts = code.facts if isinstance(code, Said) else {}
        at = pointer(steps) if place == "pointer" else ".".join(map(str, steps))
        yield Fault(str(code), at, place, facts)


def pointer(steps: Sequence[str | int]) -> str:
    """The JSON pointer (RFC 6901) of these steps: of nothing, the whole body."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _leaves(messages: Any, steps: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(messages, Mapping):
        for step, below in messages.items():
            # What is wrong with an object as a whole.
            yield from _leaves(below, steps if step == "_schema" else (*steps, step))
    elif isinstance(messages, list):
        for message in messages:
            yield from _leaves(message, steps)
    else:
        yield steps, messages


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
