"""Every page of the router, in a real browser: readable for everybody, in both languages, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import psycopg
import pytest
from playwright.sync_api import Page

from service.identity import identities, tokens
from service.ids import new_id
from service.web import sessions
from tests.web.conftest import DESKTOP, PHONE, Opener, Site, violations
from tests.web.test_nonsense import who_for
from tests.web.test_permissions import PUBLIC, Place, place, rules

__all__ = ["place"]

pytestmark = pytest.mark.slow

OF_THE_READER = {"deliveries.as_mail", "newsletters.read_edition", "unsubscribe.ask"}
"""What was sent, or is reached from it, is in the language of who it was sent to."""


@pytest.fixture(scope="module")
def there(place: Place) -> dict[str, str]:
    """What stands in addresses of the place -> what is there instead: things of one's own, a case that is public."""
    site, facts = place.site, place.facts[""]
    rejected, on = site.complete(site.submitted()), {"effectiveOn": "2020-09-04"}
    review = {"body": "taskforce", "advice": "negative", "grounds": "Past niet.", **on}
    site.service.done("taskforce", f"/proposals/{rejected}/reviews", review)
    decision = {"body": "poho", "outcome": "rejected", "grounds": "Past niet.", **on}
    site.service.done("poho", f"/proposals/{rejected}/decisions", decision)
    own, passkey = site.service.people["secretary"].id, new_id("passkey")
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        token, _ = tokens.create(connection, own, timedelta(days=30), name="Maandrapport")
        session = sessions.find(connection, sessions.start(connection, own))
        assert session is not None
        connection.execute(
            "INSERT INTO vault.passkeys (id, credential, person, name, public_key, sign_count, synced)"
            " VALUES (%s, %s, %s, 'Laptop', '', 0, false)",
            (passkey, passkey.encode(), own),
        )
        person = str(facts["person"])
        identities.link(connection, "https://login.example.org", "subject", person)
        identity = identities.of_person(connection, person)[0].id
    known = {
        "token": tokens.id_of(token),
        "session": session.id,
        "passkey": passkey,
        "identity": identity,
        "reference": str(site.service.told("secretary", f"/proposals/{rejected}")["reference"]),
    }
    return {str(facts[name]): value for name, value in known.items()}


@pytest.mark.parametrize(
    ("locale", "viewport", "dark"),
    [("nl", DESKTOP, False), ("en", PHONE, True)],
    ids=["nl-desktop-light", "en-phone-dark"],
)
def test_axe_finds_nothing_and_nothing_sticks_out(
    place: Place,
    there: dict[str, str],
    served: Site,
    opened: Opener,
    locale: str,
    viewport: Mapping[str, int],
    dark: bool,
) -> None:
    shown: dict[str | None, Page] = {}
    wrong, seen = [], set()
    for name, rule in rules(place.site, "GET"):
        who = None if name in PUBLIC else who_for(name)
        address = place.address(rule)
        for absent, present in there.items():
            address = address.replace(absent, present)
        answer = place.site.visitor(who).get(address)
        if answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        if who not in shown:
            shown[who] = opened(
                who, "/permissions" if who else "/sign-in", viewport=viewport, locale=locale, dark=dark
            )
        page = shown[who]
        page.goto(served.address + address)
        seen.add(name)
        said = violations(page)
        if name not in OF_THE_READER and page.evaluate("document.documentElement.lang") != locale:
            said.append("another language")
        if page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") > 0:
            said.append("sticks out")
        wrong += [(name, each) for each in said]
    assert wrong == []
    assert seen >= {
        "sign_in.ask", "choosing_password.ask", "account.index", "account_tokens.index", "account_tokens.ask_revoke",
        "account_sessions.index", "account_sessions.ask_end", "passkeys.index", "passkeys.ask_remove",
        "second_factor.index", "my_data.show", "organisation.show", "permissions.index", "register.index",
        "register.show", "sign_in_record.index", "retention.index", "redaction.ask", "classification.ask",
        "identity_links.ask_end",
    }  # fmt: skip
