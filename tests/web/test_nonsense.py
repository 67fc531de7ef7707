"""What do pages answer to nonsense? Whatever stands in an address or a form, never that the fault is ours."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from service.documents import councils
from service.identity import identities, tokens
from service.ids import new_id
from service.web import drafts, sessions
from tests.web.test_permissions import PUBLIC, Place, colleague, place, rules, sent, signed_in

__all__ = ["place"]

NONSENSE = (
    "\x00", "a\x00b", "9" * 30, "9" * 5_000, "-1", "²", "１２", "1e400", "NaN", "'\"><script>alert(1)</script>",
    "2020-02-30", "0000-00-00", "9999-12-31", "0001-01-01", "x" * 5_000, "\ud7ff\uffff\u202e", "%", "\\", "[", "//[",
    "2020-W01-1", "20200101", "2021-01-01T00:00:00+99:99", "null", "{}", "W10=", "=1+1", "💥",
)  # fmt: skip
QUERY = (
    "q", "cursor", "sort", "status", "programme", "body", "theme", "municipality", "asOf", "atPosition", "effectiveOn",
    "limit", "page", "month", "from", "to", "time", "on", "at", "event", "only", "before", "kind", "who", "role",
    "about", "words", "recordedFrom", "recordedUntil", "countsFrom", "countsUntil", "urgency", "next", "case",
    "version", "edit", "confirm", "state", "channel", "person", "delivery",
    "code", "left",
    "_external", "_scheme", "_anchor", "_method", "endpoint", "self", "values",
)  # fmt: skip
FORM = (
    "title", "summary", "themes", "applicant.name", "applicant.kind", "partners.0.name", "partners.².name",
    "partners.99999999999.name", "partners.name", "partners", "municipalities", "requested", "cofinancing.0.amount",
    "period.start", "effectiveOn", "goals", "subregionSupport.x.evidence", "subregionSupport.0.evidence", "go", "once",
    "version", "case", "kind", "step", "outcome", "grounds", "remarks", "scores.x", "advice", "body", "amount", "to",
    "conditions.².text", "phases.0.amount", "sources.0.amount", "sources.².amount", "code", "name", "email", "roles",
    "bodies", "organisation.name", "password", "definition", "programme", "find", "form", "themes.0.name.nl",
    "tenders.0.opens", "stages.x.term", "next", "demo", "do",
    "message", "only", "cursor", "delivery", "from", "kinds.turn.email", "kinds.x.x", "language", "quietFrom",
    "quietUntil", "absentFrom", "absentUntil", "standIn", "municipality", "firstDay", "lastDay", "introduction",
    "closing", "items.0.proposal", "items.0.text", "items.0.place", "items.0.leaveOut", "lines", "chairs", "url",
    "channel", "types", "programmes", "state",
)  # fmt: skip
SEES = {
    "money": "treasurer",
    "audit": "auditor",
    "replay": "auditor",
    "admin": "admin",
    "identity_links": "admin",
    "programme_pages": "admin",
    "subscriptions": "integration",
    "organisation": "submitter",
    "sign_in_record": "admin",
}
OWN = (
    {"once": "\x00"},
    {"once": "a\x00b", "version": "\x00"},
    {"once": "x" * 5_000},
    {"once": "\ud7ff\uffff"},
)
"""What a page puts into its forms by itself."""


ELSEWHERE = (
    "elsewhere.go", "elsewhere.show", "passkeys.ask_to_sign_in", "passkeys.sign_in",
)  # fmt: skip


def who_for(name: str) -> str:
    """Somebody who gets past the permissions of a route."""
    area = name.partition(".")[0]
    if name in ("supplement.ask", "supplement.send", "supplement.keep") or area == "submission":
        return "submitter"
    return "taskforce" if name == "queues.together" else SEES.get(area, "secretary")


def taken_away(place: Place, name: str, address: str) -> str:
    """The same address, of a thing that nobody misses, for a form that takes it away."""
    if name == "subscriptions.remove":
        given = {"name": "Weg ermee", "url": "https://receiver.example.org/in"}
        made = place.site.service.done("integration", "/subscriptions", given)["id"]
        return address.replace(str(place.facts["subscriptions"]["subscription"]), made)
    if name == "organisation.remove":
        return address.replace(str(place.facts["organisation"]["person"]), colleague(place.site))
    if name == "identity_links.end":
        with psycopg.connect(place.site.service.settings.database_url, autocommit=True) as connection:
            person = place.site.service.people["neighbour"].id
            identities.link(connection, "https://login.example.org", "neighbour", person)
            return address.replace("identity-1", identities.of_person(connection, person)[0].id)
    if name in ("account_tokens.revoke", "account_sessions.end", "passkeys.remove"):
        return f"{address.rpartition('/')[0].rpartition('/')[0]}/{of_ones_own(place, name)}/{name.partition('.')[2]}"
    if name == "newsletters.remove_address":
        with psycopg.connect(place.site.service.settings.database_url, autocommit=True) as connection:
            made = councils.add(connection, "GM0794", "griffie@example.org")
        return address.replace(str(place.facts["newsletters"]["address"]), made)
    return address.replace(str(place.facts[""]["draft"]), new_draft(place))


def of_ones_own(place: Place, name: str) -> str:
    """A token, session or passkey of who is sent there."""
    person = place.site.service.people[who_for(name)].id
    with psycopg.connect(place.site.service.settings.database_url, autocommit=True) as connection:
        if name == "account_tokens.revoke":
            return tokens.id_of(tokens.create(connection, person, timedelta(hours=1), name="Weg ermee")[0])
        if name == "account_sessions.end":
            found = sessions.find(connection, sessions.start(connection, person))
            assert found is not None
            return found.id
        passkey = new_id("passkey")
        connection.execute(
            "INSERT INTO vault.passkeys (id, credential, person, name, public_key, sign_count, synced)"
            " VALUES (%s, %s, %s, 'Weg ermee', '', 0, false)",
            (passkey, passkey.encode(), person),
        )
        return passkey


def new_draft(place: Place) -> str:
    """A draft of the submitter, to be sent nonsense."""
    with psycopg.connect(place.site.service.settings.database_url, autocommit=True) as connection:
        person = place.site.service.people["submitter"].id
        return drafts.begin(connection, person, "regionale-herstelaanpak", {}).id


@pytest.mark.slow
@pytest.mark.parametrize("nonsense", NONSENSE)
def test_an_address_with_nonsense_in_it_gets_an_answer(place: Place, nonsense: str) -> None:
    everybody = ("submitter", "secretary", "treasurer", "auditor", "admin", "integration")
    visitors = {who: signed_in(place.site, who) for who in everybody}
    wrong = []
    for name, rule in rules(place.site, "GET"):
        query = {each: [nonsense, "x"] for each in QUERY}
        visitor = visitors[who_for(name)] if name not in PUBLIC else place.site.visitor(None)
        for asked in (query, *({each: nonsense} for each in ("next", "cursor", "at", "asOf", "q", "case"))):
            response = visitor.get(place.address(rule), query_string=asked)
            if response.status_code >= 500:
                wrong.append((name, sorted(asked)[:1], response.status_code))
            assert b"<script>alert" not in response.get_data(), name
    assert wrong == []


@pytest.mark.slow
def test_nothing_in_an_address_sends_its_links_elsewhere(place: Place) -> None:
    wrong = []
    for name, rule in rules(place.site, "GET"):
        visitor = signed_in(place.site, who_for(name))
        elsewhere = {"_external": "1", "_scheme": "javascript", "x": "\nalert(1)"}
        for asked in (elsewhere, {"_anchor": "x"}, {"endpoint": "x"}, {"_method": "DELETE"}):
            response = visitor.get(place.address(rule), query_string=asked)
            if response.status_code >= 500 or b'href="javascript:' in response.get_data():
                wrong.append((name, asked, response.status_code))
    assert wrong == []


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\uff1d", "\uff20"])
def test_a_file_for_a_spreadsheet_holds_no_formulas(place: Place, begin: str) -> None:
    place.site.submitted(title=f"{begin}1+HYPERLINK(1)")
    said = signed_in(place.site, "secretary").text("/proposals.csv")
    assert f"'{begin}1+HYPERLINK(1)" in said
    assert f";{begin}1+HYPERLINK(1)" not in said


@pytest.mark.parametrize(
    "next_",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "//[",
        "http://[",
        "evil",
    ],
)
def test_signing_in_never_leads_elsewhere(place: Place, next_: str) -> None:
    visitor = signed_in(place.site, "submitter")
    for path in ("/sign-in", "/language/nl", "/theme/dark"):
        response = visitor.get(path, query_string={"next": next_})
        assert (response.status_code, response.headers["Location"]) == (303, "/"), path


@pytest.mark.slow
@pytest.mark.parametrize("nonsense", NONSENSE)
def test_a_form_with_nonsense_in_it_gets_an_answer(place: Place, nonsense: str) -> None:
    assert refusing(place, {each: [nonsense, nonsense] for each in FORM}) == []


@pytest.mark.slow
@pytest.mark.parametrize("fields", OWN)
def test_a_form_whose_own_fields_hold_nonsense_gets_an_answer(place: Place, fields: dict[str, str]) -> None:
    assert refusing(place, {name: [value] for name, value in fields.items()}) == []


def refusing(place: Place, fields: dict[str, list[str]]) -> list[tuple[str, int]]:
    """Every form that fails when it is sent with these fields, with its status."""
    wrong = []
    for name, rule in rules(place.site, "POST"):
        # What goes to a provider needs one, and a passkey an address with a name: tests/web/test_elsewhere.py and
        # tests/web/test_passkeys.py have them.
        if name in ("sign_in.sign_in", "sign_in.sign_out", "submission.delete", *ELSEWHERE):
            continue
        visitor = signed_in(place.site, who_for(name))
        # Whoever would be told that it is not there gets no further.
        address = taken_away(place, name, place.address(rule))
        response = sent(visitor, address, fields)
        if response.status_code >= 500 or response.status_code in (403, 404):
            wrong.append((name, response.status_code))
        assert b"<script>alert" not in response.get_data(), name
    return wrong
