"""How is an answer sent? JSON with the headers that say which version it is and how far in the log it has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from flask import Response, request

from service.paging import Page

__all__ = ["Answer", "page_url", "paged", "shown", "utc", "written"]

_JSON = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question is answered with. `body` is JSON already when it is bytes.

    `version` is that of the resource as it is now, and stands in the ETag before a digest of the body: names can be
    erased and words come open on a day while the version stays. Without one the ETag is the digest alone, also for what
    was at a moment. `position` is how far in the log the answer has seen. `links`
    are addresses by relation (prev, next). `filename` is what a file is kept under,
    `location` where to find what was made.
    """

    body: Any
    version: int | None = None
    position: int | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    filename: str = ""
    location: str = ""


def shown(answer: Answer) -> Response:
    """200 with the answer, or 304 when the caller has it already."""
    body = answer.body if isinstance(answer.body, bytes) else _JSON.encode(answer.body)
    digest = hashlib.sha256(body).hexdigest()[:32]
    tag = f"{answer.version}.{digest}" if answer.version is not None else digest
    headers = {"ETag": f'"{tag}"'}
    if answer.position is not None:
        headers["Event-Position"] = str(answer.position)
    if answer.links:
        headers["Link"] = ", ".join(f'<{url}>; rel="{rel}"' for rel, url in answer.links.items())
    if answer.filename:
        headers["Content-Disposition"] = f'attachment; filename="{answer.filename}"'
    if "If-None-Match" in request.headers and request.if_none_match.contains_weak(tag):
        return Response(status=304, headers=headers)
    return Response(body, 200, headers, content_type=answer.content_type)


def paged(page: Page[Any], items: list[Any], position: int) -> Answer:
    """A page with these items, with links to the pages before and after it."""
    links = {
        relation: page_url(cursor=cursor)
        for relation, cursor in (("prev", page.previous), ("next", page.next))
        if cursor is not None
    }
    return Answer({"items": items}, position=position, links=links)


def written(body: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer with this status."""
    return Response(_JSON.encode(body), status, headers, content_type="application/json")


def utc(at: datetime) -> str:
    """An instant as answers have it: in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def page_url(**parameters: object) -> str:
    """The address of another page of this answer: this one's, with these parameters."""
    merged = {**request.args.to_dict(), **{name: str(value) for name, value in parameters.items()}}
    return f"{request.path}?{urlencode(merged)}"
