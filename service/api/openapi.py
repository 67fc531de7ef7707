"""What is published about the API? OpenAPI 3.1, made from the schemas and from how each call is declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apispec import APISpec
from flask import Flask
from flask_smorest import Api
from flask_smorest.spec.plugins import FlaskPlugin
from marshmallow import EXCLUDE, Schema, fields

from service.api import paths
from service.api.fields import camel
from service.api.paths import CONVERTERS
from service.api.problems import CONTENT_TYPE, MOST_FAULTS

__all__ = ["PREFIX", "VERSION", "CallDoc", "Published", "described", "published"]

PREFIX = "/api/v1"
VERSION = "1.0.0"

SETTINGS = {
    "API_TITLE": "Besluitspoor",
    "API_VERSION": VERSION,
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": (
                "Carries a proposal from submission to money and keeps the trail that proves it. Money is euros as a "
                "decimal text, dates are year-month-day, instants are UTC. Errors are RFC 9457 problems, in Dutch or "
                "(Accept-Language: en) in English."
            ),
            "contact": {
                "name": "Besluitspoor",
                "email": "besluitspoor@example.org",
                "url": "https://example.org/besluitspoor",
            },
        },
        "servers": [{"url": PREFIX}],
    },
}


class FaultSchema(Schema):
    pointer = fields.String(metadata={"description": "Where in the body: a JSON pointer (RFC 6901)"})
    parameter = fields.String(metadata={"description": "Which query parameter"})
    header = fields.String(metadata={"description": "Which header"})
    detail = fields.String(required=True)
    code = fields.String(required=True)


class ProblemSchema(Schema):
    """RFC 9457. What the sentence in `detail` is about stands in further members, such as `left` or `waitsFor`."""

    class Meta:
        unknown = EXCLUDE

    type = fields.String(required=True, metadata={"format": "uri"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "A sentence for people"})
    code = fields.String(required=True, metadata={"description": "For programs: it keeps its meaning"})
    errors = fields.List(
        fields.Nested(FaultSchema),
        metadata={"description": f"What is wrong with the input, at most {MOST_FAULTS}"},
    )


@dataclass(frozen=True, slots=True)
class CallDoc:
    """What is published about one call, beside its summary and what it takes."""

    operation: str
    shows: type[Schema] | None
    status: int
    body: bool = False
    once: bool = False
    keyed: bool = False
    conditional: bool = False
    public: bool = False
    many: bool = False
    pages: bool = False
    refuses: tuple[int, ...] = ()
    content_type: str = "application/json"


def header(description: str, kind: str = "string", **keywords: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind, **keywords}}


HEADERS = {
    "API-Version": header("The full version of this interface", examples=[VERSION]),
    "ETag": header(
        "The version of what is answered with a digest after it, or either alone", examples=['"3"']
    ),
    "Event-Position": header(
        "The position in the log that this answer has seen", pattern="^[0-9]+$", examples=["42"]
    ),
    "Location": header("Where the resource is", format="uri-reference"),
    "Link": header("RFC 8288: the pages before and after this one (prev, next)"),
    "Content-Disposition": header("What to keep the file under"),
    "WWW-Authenticate": header("How to sign in"),
    "Retry-After": header("Seconds to wait", pattern="^[0-9]+$"),
    "Content-Language": header("The language of the sentences", enum=["nl", "en"]),
}

IF_MATCH = r'^(\*|(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*)$'

PARAMETERS = {
    "Idempotency-Key": {
        "description": "The same key and request give the first answer again, without doing anything twice",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    },
    "If-Match": {
        "description": "Act only on this version, or one of these, as an ETag told it; otherwise 412",
        "schema": {"type": "string", "pattern": IF_MATCH},
    },
    "If-None-Match": {
        "description": "Answer 304 when the ETag is still one of these",
        "schema": {"type": "string"},
    },
    "Event-Position": {
        "description": "Answer only once this position of the log can be seen, such as an act answered with",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    },
    "Accept-Language": {
        "description": "The language of the sentences in a problem: nl (the default) or en",
        "schema": {"type": "string"},
    },
}

PROBLEMS = {
    400: ("BadRequest", "What was sent is not right; `errors` says where", ()),
    401: ("Unauthorized", "Nobody has signed in", ("WWW-Authenticate",)),
    403: ("Forbidden", "This person may not do this; `roles` may", ()),
    404: ("NotFound", "There is no such thing, or this person may not see it", ()),
    409: ("Conflict", "Not possible now, or the Idempotency-Key was used for another request", ()),
    410: (
        "Gone",
        "It was there, and is no more: it quoted redacted words, or is a link that was used",
        (),
    ),
    412: ("PreconditionFailed", "There is a newer version than If-Match asks for", ()),
    413: ("ContentTooLarge", "The body is larger than 1 MB", ()),
    415: ("UnsupportedMediaType", "The body is not application/json", ()),
    429: ("TooManyRequests", "Too much at once; try again after so many seconds", ("Retry-After",)),
    503: ("ServiceUnavailable", "Not available for a moment; try again", ("Retry-After",)),
}


class OwnPaths(FlaskPlugin):
    """Paths as they are under the server's address, which holds the major version."""

    def path_helper(self, rule: Any, operations: Any, parameters: Any, **kwargs: Any) -> str:
        path: str = super().path_helper(rule, operations, parameters, **kwargs)
        return path.removeprefix(PREFIX)


class Published(Api):
    """The API with its document; its errors are problems, and so are those in the document."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """The application answers every error as a problem already."""

    def _register_etag_headers(self) -> None:
        """Ours are among HEADERS and PARAMETERS."""

    def _register_pagination_header(self) -> None:
        """Pages are told by Link."""

    def _register_responses(self) -> None:
        for name, member in HEADERS.items():
            self.spec.components.header(_component(name), member)
        for name, parameter in PARAMETERS.items():
            self.spec.components.parameter(_component(name), "header", {"name": name, **parameter})
        for name, description, headers in PROBLEMS.values():
            response = {
                "description": description,
                "headers": _headers("API-Version", "Content-Language", *headers),
                "content": {CONTENT_TYPE: {"schema": ProblemSchema}},
            }
            self.spec.components.response(name, response)
        self.spec.components.security_scheme(
            "bearer",
            {
                "type": "http",
                "scheme": "bearer",
                "description": "A token from POST /tokens, or from the command `token create`",
            },
        )


def published(app: Flask) -> Published:
    """The API of this application, still without calls."""
    app.config.update(SETTINGS)
    api = Published(app, spec_kwargs={"flask_plugin": OwnPaths()})
    for converter in CONVERTERS.values():
        api.register_converter(converter, paths.described)
    return api


def described(
    doc: dict[str, Any], doc_info: dict[str, Any], *, api: Any, spec: APISpec, method: str, **kwargs: Any
) -> dict[str, Any]:
    """flask-smorest asks this for each call: adds its headers, its answers and who may call it."""
    call: CallDoc = doc_info["call"]
    doc["operationId"] = camel(call.operation)
    doc["security"] = [] if call.public else [{"bearer": []}]
    named = ["Accept-Language"]
    if call.keyed:
        named.append("Idempotency-Key")
    if call.conditional:
        named.append("If-Match")
    if method == "get":
        named += ["If-None-Match", "Event-Position"]
    parameters = [_component(name) for name in named]
    doc["parameters"] = [*doc.get("parameters", []), *parameters]
    doc["responses"] = _responses(call, method, doc_info)
    return doc


def _responses(call: CallDoc, method: str, doc_info: dict[str, Any]) -> dict[str, Any]:
    schema: Any = call.shows
    if call.shows is None:
        schema = {"contentMediaType": call.content_type}
    elif call.many:
        schema = call.shows(many=True)
    names = ["API-Version"]
    if call.once or method == "get":
        names += ["ETag", "Event-Position"]
    if call.once or (call.keyed and call.status == 201):
        names.append("Location")
    if call.many or call.pages:
        names.append("Link")
    if call.shows is None and call.status == 200:
        names.append("Content-Disposition")
    answer = {
        "description": "Done" if call.status in (201, 204) else "The answer",
        "headers": _headers(*names),
    }
    if call.status != 204:
        answer["content"] = {call.content_type: {"schema": schema}}
    answers: dict[str, Any] = {str(call.status): answer}
    if method == "get":
        answers["304"] = {
            "description": "Nothing has changed since",
            "headers": _headers("API-Version", "ETag"),
        }
    statuses = {400, 404, 503, *call.refuses}
    if not call.public:
        statuses |= {401, 403}
    if call.body:
        statuses |= {413, 415}
    if method != "get" and not call.public:
        statuses.add(429)
    if call.once or call.keyed:
        statuses.add(409)
    if call.conditional:
        statuses.add(412)
    for status in sorted(statuses):
        answers[str(status)] = PROBLEMS[status][0]
    return answers


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{_component(name)}"} for name in names}


def _component(name: str) -> str:
    return name.replace("-", "")
