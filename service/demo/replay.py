"""How do the demo's cases come into the service? Through the public API, as people would have done it.

Every act carries an Idempotency-Key of its own: a replay that was broken off goes on where it stopped, and a second one
adds nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from service.calendar import calendar
from service.demo.client import Answer, Api, Unanswered
from service.demo.people import PASSWORD, NotADemo
from service.demo.story import ENVELOPE, Step, envelope_total, opening, story
from service.settings import Settings

__all__ = ["Replayed", "replay", "send"]

TELL_EVERY = 100

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did: how many steps it sent (0 when the demo was complete), and which steps were refused."""

    steps: int
    refused: tuple[str, ...] = ()


def replay(settings: Settings, base_url: str, progress: Progress = lambda sentence: None) -> Replayed:
    """Bring the demo's cases into the service at this address; does nothing when they are there.

    A case in which somebody acted in the middle of a replay is left as it is. Raises NotADemo outside demo mode, and
    Unanswered when the service doesn't answer or its log holds another envelope `herstelaanpak`.
    """
    if not settings.demo:
        raise NotADemo("The demo's cases are replayed in demo mode only.")
    api = Api(base_url, PASSWORD)
    try:
        if _complete(api):
            return Replayed(0)
        began = _began(api, settings.timezone)
        return send(api, story(began, calendar(settings.timezone).holidays), progress)
    finally:
        api.close()


def _complete(api: Api) -> bool:
    """Has the last step been replayed?"""
    answer = api.get("treasurer", f"/envelopes/{ENVELOPE}")
    return answer.ok and Decimal(answer.body["amount"]) >= envelope_total()


def _began(api: Api, timezone: str) -> date:
    """The day on which the demo's first step was recorded: a replay that goes on later counts from the same day."""
    answer = _post(api, opening(), {})
    if not answer.ok:
        raise Unanswered(f"The demo can't begin: {answer.detail}")
    position = int(answer.headers["event-position"])
    events = api.get("auditor", f"/events?after={position - 1}&limit=1")
    if not events.ok:
        raise Unanswered(f"The log can't be read: {events.detail}")
    return datetime.fromisoformat(events.body[0]["time"]).astimezone(ZoneInfo(timezone)).date()


def send(api: Api, steps: Sequence[Step], progress: Progress) -> Replayed:
    """Send these steps, submissions among them; once a step is refused, the rest of its case stays unsent."""
    began_at = time.monotonic()
    ids: dict[str, str] = {}
    left_alone: set[str] = set()
    refused: list[str] = []
    for number, step in enumerate(steps, start=1):
        if step.case in left_alone:
            continue
        answer = _post(api, step, ids)
        if not answer.ok:
            refused.append(step.key)
            progress(f"Demo: {step.key} was refused ({answer.detail}); going on without it")
            if step.case:
                left_alone.add(step.case)
        elif step.path == "/proposals":
            ids[step.case] = answer.headers["location"].rpartition("/")[2]
        if number % TELL_EVERY == 0:
            progress(f"Demo: {number} of {len(steps)} steps")
    progress(f"Demo: {len(ids)} cases in {time.monotonic() - began_at:.1f} s")
    return Replayed(len(steps), tuple(refused))


def _post(api: Api, step: Step, ids: dict[str, str]) -> Answer:
    """Send one step, with the ids of the cases it names."""
    body = dict(step.body)
    if "to" in body:
        body["to"] = ids.get(body["to"], body["to"])
    path = step.path.replace("{case}", ids.get(step.case, ""))
    return api.post(step.who, path, body, step.key)
