"""How do I want to hear things? Each kind of message over each channel, quiet hours, language, and who stands in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, url_for
from psycopg import Connection
from werkzeug.wrappers import Response as AnyResponse

from service.api.preferences_schema import PreferencesGivenSchema, chosen, content, hearing_of
from service.identity import undeliverable
from service.identity.people import Person
from service.identity.permissions import needs
from service.messaging import preferences
from service.messaging.preferences import CHOOSABLE, MODES
from service.texts import LANGUAGES
from service.web import visit
from service.web.forms import Form
from service.web.rendering import page, say

__all__ = ["ALWAYS", "AT_THE_END", "area"]

area = Blueprint("preferences", __name__)

GROUPS = {
    "work": ("turn", "supplement", "revised", "resumed"),
    "case": ("receipt", "named", "advised", "decided", "awarded", "money", "withdrawn"),
    "terms": ("term-near", "term-passed", "term-escalated"),
    "programme": ("envelope", "programme", "erasure"),
}
"""The kinds as they stand together on the page."""

ALWAYS = ("receipt", "supplement")
"""What the law requires that an applicant is told: nothing to choose."""
AT_THE_END = ("decided", "awarded")
"""Required too, where it ends one's own case; one may choose about the rest."""

APPLICANTS_ONLY = frozenset({"receipt"})
ADMINISTRATORS_ONLY = frozenset({"erasure"})
NOT_FOR_APPLICANTS = frozenset({"envelope"})


@area.get("/inbox/preferences")
@needs("own-account")
def ask() -> Response:
    """How it is now."""
    person = visit.person()
    with visit.parts().pool.connection() as connection:
        return _shown(connection, Form.holding(PreferencesGivenSchema(), _content(connection, person)))


@area.post("/inbox/preferences")
@needs("own-account")
def change() -> AnyResponse:
    """From now on it is so."""
    person = visit.person()
    form = Form.sent(PreferencesGivenSchema())
    with visit.parts().pool.connection() as connection:
        with form.refusals():
            given = form.load()
            with connection.transaction():
                preferences.hear(connection, person, hearing_of(given))
                preferences.choose(connection, person.id, chosen(given))
        if not form.ok:
            return _shown(connection, form)
    return visit.kept(url_for("web.preferences.ask"), "preferences.kept")


def _content(connection: Connection[Any], person: Person) -> dict[str, Any]:
    return content(preferences.hearing(connection, person.id), preferences.modes(connection, person.id))


def _kinds(person: Person) -> dict[str, list[str]]:
    """The kinds that this person can come to hear, by group; what is not shown stays as it was."""
    hidden: frozenset[str] = frozenset()
    if "submitter" not in person.roles:
        hidden |= APPLICANTS_ONLY
    if "admin" not in person.roles:
        hidden |= ADMINISTRATORS_ONLY
    if person.roles <= {"submitter"}:
        hidden |= NOT_FOR_APPLICANTS
    return {
        group: [kind for kind in kinds if kind in CHOOSABLE and kind not in hidden]
        for group, kinds in GROUPS.items()
    }


def _shown(connection: Connection[Any], form: Form) -> Response:
    person = visit.person()
    today = visit.parts().calendar().today
    now = preferences.hearing(connection, person.id)
    stand_ins = [(other.id, other.name) for other in preferences.stand_ins(connection, person)]
    applicant = "submitter" in person.roles
    return page(
        "preferences/ask.html",
        form.status,
        form=form,
        groups=[(group, kinds) for group, kinds in _kinds(person).items() if kinds],
        always=ALWAYS if applicant else (),
        at_the_end=AT_THE_END if applicant else (),
        modes={
            channel: [(mode, say(f"preferences.mode-{mode}")) for mode in each]
            for channel, each in MODES.items()
        },
        languages=[(each, say(f"preferences.language-{each}")) for each in LANGUAGES],
        stand_ins=stand_ins,
        absent=now.absent_on(today),
        until=now.absent_until,
        stand_in=dict(stand_ins).get(now.stand_in or ""),
        refused=undeliverable.refusal(connection, person.email) is not None,
    )
