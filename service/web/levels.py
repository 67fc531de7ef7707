"""How is a level of confidentiality said, and between which can one choose?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from domain.confidentiality import GROUNDS, LEVELS
from projections.confidential import NO_END, secret_until
from service.web import visit
from service.web.rendering import day, say, word

__all__ = ["level_options", "secret"]


def level_options() -> dict[str, list[tuple[str, str]]]:
    """What can be chosen: the levels, and the grounds in law."""
    return {
        "levels": [(level, say(f"classification.level-{level}")) for level in LEVELS],
        "grounds": [(ground, word(ground)) for ground in GROUNDS],
    }


def secret(level: Mapping[str, Any] | None, on: date | None = None) -> str | None:
    """On which ground and until when something is confidential, in words; None when it is not today, or on that day."""
    until = secret_until(dict(level) if level is not None else None)
    if level is None or until is None or until < (on or visit.parts().calendar().today).isoformat():
        return None
    if until == NO_END:
        return say("classification.secret", ground=word(level["ground"]))
    return say("classification.secret-until", ground=word(level["ground"]), until=day(until))
