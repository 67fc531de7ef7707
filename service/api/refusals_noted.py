"""Who was refused what? A line in the log of the process for each, so that somebody who tries doors is seen.

Lines name a person by id, an address by its pattern and things by id: no name, nothing that was typed.
"""

from __future__ import annotations

import re

import structlog
from flask import Response, g, request

from service.api.paths import UUID

__all__ = ["FORM_TOKEN", "because", "note"]

STRANGE = frozenset(
    {
        "malformed-json", "not-utf8", "unknown-parameter", "repeated-parameter", "unknown-field", "repeated-field",
        "control-character", "unknown-choice",
    }
)  # fmt: skip
"""What no page of ours sends: who does is trying out what we take, or has a mistake in a program."""
FORM_TOKEN = "form-token"
"""A form without the token of the session it came with."""
ID = re.compile(rf"[a-z]+-{UUID}")


def because(*codes: str) -> None:
    """Why this request is refused, if it is."""
    g.refused_because = (*g.get("refused_because", ()), *codes)


def note(response: Response) -> None:
    """Writes a line about this answer where it refuses what somebody may not do, or should not have sent."""
    why = _why(response.status_code, g.pop("refused_because", ()))
    if why is None:
        return
    rule = request.url_rule
    logger = structlog.get_logger()
    # Mostly it is just not there, which is no reason to look up.
    (logger.info if why == "missing" else logger.warning)(
        "request refused",
        why=why,
        status=response.status_code,
        person=_person(),
        method=request.method,
        address=rule.rule if rule is not None else None,
        endpoint=request.endpoint,
        about=[each for each in (request.view_args or {}).values() if ID.fullmatch(str(each))],
    )


def _why(status: int, codes: tuple[str, ...]) -> str | None:
    if FORM_TOKEN in codes:
        return FORM_TOKEN
    if status in (403, 429):
        return codes[0] if codes else "too-many" if status == 429 else "forbidden"
    if status == 404 and request.url_rule is not None and _person() is not None:
        # It is not there, or not for them: whom it is not for is told nothing else.
        return "missing"
    if status == 400:
        return next((code for code in codes if code in STRANGE), None)
    return None


def _person() -> str | None:
    """The id of who asks, by a token or a session; None for nobody who signed in."""
    caller, session = g.get("person"), g.get("session")
    found = caller or (session.person if session is not None else None)
    return found.id if found is not None else None
