"""What did a request carry? Strict JSON and plain query parameters, before their schema sees them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NoReturn

from flask import Request, g
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from service.api.problems import Fault, Problem, faults_in, pointer

__all__ = ["MOST_BYTES", "REFUSED", "Parser"]

MOST_BYTES = 1_000_000
"""A request's body at most."""

SUSPECT = re.compile(rb"\\[ubf]|\x7f|\xc2[\x80-\x9f]")
"""Only a body with one of these can hold a control character or half a surrogate pair."""
REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class Parser(FlaskParser):
    """Takes what a schema describes and nothing else; what is wrong is a problem that says where."""

    DEFAULT_VALIDATION_STATUS = 400
    # None leaves it to the schema, which refuses what it does not know.
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {"json": None, "query": None}  # noqa: RUF012

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The JSON of the body, which is kept in `g.body` too. Raises Problem when it has none."""
        if req.mimetype != "application/json" and (req.mimetype or req.content_length):
            raise Problem(415, "unsupported-media-type", headers={"Accept": "application/json"})
        try:
            data = req.get_data()
        except HTTPException:
            raise
        except Exception:  # the server that reads the body has errors of its own, for chunks that are none
            raise Problem(400, "bad-request") from None
        if len(data) > MOST_BYTES:
            raise Problem(413, "body-too-large")
        if not data and not any(field.required for field in schema.fields.values()):
            data = b"{}"
        try:
            repeated: list[tuple[dict[str, Any], str]] = []
            body = json.loads(
                data.decode("utf-8"),
                parse_constant=_no_constant,
                object_pairs_hook=lambda pairs: _object(pairs, repeated),
            )
        except UnicodeDecodeError:
            raise Problem(400, "not-utf8", Fault("not-utf8", "")) from None
        except (ValueError, RecursionError):
            raise Problem(400, "malformed-json", Fault("malformed-json", "")) from None
        if repeated:
            raise Problem(
                400, "invalid-input", *(Fault("repeated-field", at) for at in _places(body, repeated))
            )
        if SUSPECT.search(data):
            faults = [Fault("control-character", at) for at in _refused(body, ())]
            if faults:
                raise Problem(400, "invalid-input", *faults)
        g.body = body
        return body

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """The query parameters, each of which may be given once."""
        given = req.args
        if not given:
            return {}
        faults = [
            Fault("repeated-parameter" if len(values) > 1 else "control-character", name, "parameter")
            for name, values in given.lists()
            if len(values) > 1 or REFUSED.search(name + values[0])
        ]
        if faults:
            raise Problem(400, "invalid-input", *faults)
        return given.to_dict()

    def handle_error(self, error: ValidationError, req: Request, schema: Schema, **kwargs: Any) -> NoReturn:
        """What does not fit its schema is a 400 that points at each field."""
        assert isinstance(error.messages, dict)
        (location, messages), *_ = error.messages.items()
        if location == "query":
            faults = [
                Fault("unknown-parameter" if f.code == "unknown-field" else f.code, f.at, f.place, f.facts)
                for f in faults_in(ValidationError(messages), "parameter")
            ]
        else:
            faults = list(faults_in(ValidationError(messages)))
        raise Problem(400, "invalid-input", *faults)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]], repeated: list[tuple[dict[str, Any], str]]) -> dict[str, Any]:
    """The object of these members; names that it has twice go to `repeated`: readers differ on which counts."""
    made = dict(pairs)
    if len(made) < len(pairs):
        times = Counter(name for name, _ in pairs)
        repeated += [(made, name) for name, count in times.items() if count > 1]
    return made


def _places(body: Any, repeated: list[tuple[dict[str, Any], str]]) -> Iterator[str]:
    """Where in a body these members are; within a value that another replaced, the replaced one is told of only."""
    names: dict[int, list[str]] = {}
    for made, name in repeated:
        names.setdefault(id(made), []).append(name)
    todo: list[tuple[Any, tuple[str | int, ...]]] = [(body, ())]
    while todo:
        value, steps = todo.pop()
        if isinstance(value, dict):
            yield from (pointer((*steps, name)) for name in names.get(id(value), ()))
            todo += [(each, (*steps, name)) for name, each in value.items()]
        elif isinstance(value, list):
            todo += [(each, (*steps, index)) for index, each in enumerate(value)]


def _refused(value: Any, steps: tuple[str | int, ...]) -> Iterator[str]:
    """Where in a body there are characters that no field takes; PostgreSQL would not store some of them."""
    if isinstance(value, str):
        if REFUSED.search(value):
            yield pointer(steps)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _refused(each, (*steps, index))
    elif isinstance(value, dict):
        for key, each in value.items():
            if REFUSED.search(key):
                yield pointer((*steps, key))
            yield from _refused(each, (*steps, key))
