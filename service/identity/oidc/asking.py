"""How is a provider asked something? Over HTTPS, within seconds, for a JSON object; it sends us nowhere else."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from service.identity.oidc.refusal import NotAccepted

__all__ = ["Answer", "ask", "pool"]

CONNECT_SECONDS, READ_SECONDS, SECONDS = 3.0, 5.0, 10.0
"""For the connection, for a piece of the answer, and for all of it."""
LONGEST = 1_000_000
PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said: its status, and the object that it sent."""

    status: int
    content: dict[str, Any]


def pool() -> urllib3.PoolManager:
    """Connections to providers: certificates are checked as the system does, no proxy, nothing tried twice."""
    return urllib3.PoolManager(
        num_pools=20, maxsize=4, retries=False, timeout=Timeout(CONNECT_SECONDS, READ_SECONDS)
    )


def ask(
    connections: urllib3.PoolManager,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
) -> Answer:
    """Asks once. Raises NotAccepted when there is no answer in time, or none that can be read."""
    until = time.monotonic() + SECONDS
    given = {"Accept": "application/json", "User-Agent": "Besluitspoor", **(headers or {})}
    try:
        response = connections.request(
            method, url, headers=given, body=body, redirect=False, preload_content=False
        )
        try:
            content = _read(response, until)
        finally:
            response.close()
    except (HTTPError, OSError) as error:
        raise NotAccepted("unreachable", f"{url}: {type(error).__name__}") from error
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NotAccepted("unreachable", f"{url}: status {response.status}, and no JSON object")
    return Answer(response.status, found)


def _read(response: urllib3.BaseHTTPResponse, until: float) -> bytes:
    content = bytearray()
    while piece := response.read1(PIECE):
        content += piece
        if len(content) > LONGEST:
            raise HTTPError("the answer is too long")
        if time.monotonic() > until:
            raise HTTPError("the answer takes too long")
    return bytes(content)
