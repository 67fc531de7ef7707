"""The newsletter of the demo goes to an address of each of the 21 councils."""

from __future__ import annotations

from dataclasses import replace

import psycopg

from service import demo
from service.documents import councils
from service.settings import Settings


def test_each_council_has_one_address_and_what_is_taken_away_stays_away(settings: Settings) -> None:
    demonstration = replace(settings, demo=True)
    demo.prepare(demonstration)
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        found = councils.by_municipality(connection)
        assert len(found) == 21
        assert {len(addresses) for addresses in found.values()} == {1}
        emails = {address.email for address in councils.listed(connection)}
        assert {"griffie-helmond@example.org", "griffie-nuenen-c-a@example.org"} <= emails
        assert all(councils.is_email(email) and email.endswith("@example.org") for email in emails)
        councils.remove(connection, found["GM0794"][0].id)
        demo.prepare(demonstration)
        assert councils.ids(connection, "GM0794") == []
