"""Can a reader turn off the mail they got, and nobody else? And is the mail of a demonstration there to be read?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from email import message_from_bytes
from email.policy import SMTP, default
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service import wiring
from service.app import create_app
from service.documents import councils
from service.messaging import preferences
from service.messaging.channels.email import Email
from service.messaging.ledger import Delivery
from service.messaging.mail import unsubscribe
from service.messaging.mail.unsubscribe import Subscription
from service.settings import Settings
from tests.conftest import fresh_database
from tests.messaging.mailing import Office
from tests.web.conftest import DESKTOP, PHONE, Opener, Site, site_on, violations


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the mail of the demonstration goes."""
    return tmp_path_factory.mktemp("mail") / "outbox"


@pytest.fixture(scope="module")
def site(admin_url: str, template: Settings, folder: Path) -> Iterator[Site]:
    """A demonstration, with a folder for its mail."""
    with (
        fresh_database(admin_url, template) as settings,
        site_on(replace(settings, demo=True, mail_folder=str(folder))) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def office(site: Site) -> Iterator[Office]:
    """What is to be mailed to the people of the site."""
    with closing(wiring.build(site.service.settings)) as parts:
        yield Office(parts)


@pytest.fixture
def anybody(site: Site) -> FlaskClient:
    """Somebody with the link, who is not signed in."""
    return site.service.app.test_client()


def path_of(office: Office, subscription: Subscription) -> str:
    settings = office.parts.settings
    return unsubscribe.link(settings, subscription).removeprefix(settings.public_url)


def mode(office: Office, person: str, kind: str) -> str:
    with office.parts.pool.connection() as connection:
        return preferences.modes(connection, person)[kind, "email"]


def mailed(office: Office, recipient: str, **how: object) -> Delivery:
    """A delivery that went into the folder."""
    delivery = office.to(recipient, **how)  # type: ignore[arg-type]
    with closing(Email(office.parts.settings)) as channel:
        assert office.send(channel, delivery)[0] == "sent"
    return delivery


# Turning mail off


def test_a_page_asks_first_and_changes_nothing(office: Office, anybody: FlaskClient) -> None:
    """Programs open links to see what is behind them."""
    person = office.person()
    path = path_of(office, Subscription(person.id, "decided"))
    html = anybody.get(path).get_data(as_text=True)
    assert "Wil je hierover geen mail meer: Er is een besluit genomen?" in html
    assert mode(office, person.id, "decided") == "at-once"


def test_the_form_turns_it_off_without_signing_in(office: Office, anybody: FlaskClient) -> None:
    person = office.person()
    path = path_of(office, Subscription(person.id, "decided"))
    answer = anybody.post(path)
    assert answer.status_code == 200
    assert "Deze mail staat uit" in answer.get_data(as_text=True)
    assert mode(office, person.id, "decided") == "off"
    assert mode(office, person.id, "turn") == "at-once", "other kinds stay on"
    assert anybody.post(path).status_code == 200, "a second click does no harm"


def test_a_mail_program_does_it_with_one_click_from_anywhere(office: Office, anybody: FlaskClient) -> None:
    person = office.person()
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://mail.example.org"}
    answer = anybody.post(
        path_of(office, Subscription(person.id, "turn")),
        data={"List-Unsubscribe": "One-Click"},
        headers=headers,
    )
    assert answer.status_code == 200
    assert mode(office, person.id, "turn") == "off"


def test_who_is_signed_in_as_another_turns_off_the_mail_of_the_reader_alone(
    office: Office, site: Site
) -> None:
    person = office.person()
    secretary = site.service.people["secretary"]
    site.visitor("secretary").client.post(path_of(office, Subscription(person.id, "awarded")))
    assert mode(office, person.id, "awarded") == "off"
    assert mode(office, secretary.id, "awarded") == "at-once"


def test_the_page_is_in_the_language_of_the_reader(office: Office, anybody: FlaskClient) -> None:
    person = office.person(language="en")
    html = anybody.get(
        path_of(office, Subscription(person.id, "decided")), headers={"Accept-Language": "nl"}
    ).get_data(as_text=True)
    assert '<html lang="en"' in html
    assert "Do you want no more mail about this: A decision was taken?" in html


def test_what_the_law_requires_stays_on_and_the_page_says_why(office: Office, anybody: FlaskClient) -> None:
    person = office.person()
    path = path_of(office, Subscription(person.id, "decided", required=True))
    asked, sent = anybody.get(path), anybody.post(path)
    assert (asked.status_code, sent.status_code) == (200, 409)
    for answer in (asked, sent):
        html = answer.get_data(as_text=True)
        assert "De wet zegt dat we je dit moeten laten weten" in html
        assert "<form" not in html.partition("<main")[2].partition("</main>")[0]
    assert mode(office, person.id, "decided") == "at-once"


@pytest.mark.parametrize("token", ["x", "x.y", "..", "%00", "e30.e30"])
def test_a_link_that_we_did_not_make_leads_nowhere(anybody: FlaskClient, token: str) -> None:
    assert anybody.get(f"/unsubscribe/{token}").status_code == 404
    assert anybody.post(f"/unsubscribe/{token}").status_code == 404


def test_an_address_of_a_council_is_kept_as_unsubscribed(office: Office, anybody: FlaskClient) -> None:
    with office.parts.pool.connection() as connection:
        id = councils.add(connection, "GM0772", "griffie@example.org")
        other = councils.add(connection, "GM0772", "raad@example.org")
    path = path_of(office, Subscription(id, "newsletter"))
    assert "Moet dit adres de nieuwsbrief niet meer krijgen?" in anybody.get(path).get_data(as_text=True)
    assert "Dit adres is afgemeld" in anybody.post(path).get_data(as_text=True)
    with office.parts.pool.connection() as connection:
        assert councils.ids(connection, "GM0772") == [other]
        kept = councils.address(connection, id)
        assert kept is not None
        assert kept.unsubscribed_at is not None
    assert anybody.post(path).status_code == 200


def test_who_is_gone_can_still_follow_the_link(office: Office, anybody: FlaskClient) -> None:
    person = office.person()
    office.do("DELETE FROM vault.people WHERE id = %s", person.id)
    path = path_of(office, Subscription(person.id, "decided"))
    assert (anybody.get(path).status_code, anybody.post(path).status_code) == (200, 200)


@pytest.mark.parametrize("mode_of", ["daily", "weekly", "terms"])
def test_every_digest_has_a_name(office: Office, anybody: FlaskClient, mode_of: str) -> None:
    html = anybody.get(path_of(office, Subscription(office.person().id, "digest", mode_of))).get_data(
        as_text=True
    )
    assert "Wil je hierover geen mail meer" in html


# The outbox of a demonstration


def test_the_mail_of_a_demonstration_is_listed_newest_first(office: Office, anybody: FlaskClient) -> None:
    first, second = mailed(office, office.person().id), mailed(office, office.person(language="en").id)
    html = anybody.get("/outbox").get_data(as_text=True)
    assert html.index(f"/outbox/{second.id}") < html.index(f"/outbox/{first.id}")
    assert "RHA-2026-0012: there is a decision" in html


def test_a_mail_is_read_as_text_and_as_html_under_a_policy_of_its_own(
    office: Office, anybody: FlaskClient
) -> None:
    delivery = mailed(office, office.person().id)
    page = anybody.get(f"/outbox/{delivery.id}").get_data(as_text=True)
    assert "Besluit van: Portefeuillehoudersoverleg Economie." in page
    assert "List-Unsubscribe-Post" in page
    html = anybody.get(f"/outbox/{delivery.id}/html")
    policy = html.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert html.headers["X-Frame-Options"] == "DENY"


def test_what_is_attached_can_be_downloaded(office: Office, anybody: FlaskClient, folder: Path) -> None:
    delivery = mailed(office, office.person().id)
    file = folder / f"{delivery.id}.eml"
    mail = message_from_bytes(file.read_bytes(), policy=default)
    mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename='br"ief\\../x.pdf')
    mail.add_attachment(b"<script>", maintype="text", subtype="html", filename="x.html")
    file.write_bytes(mail.as_bytes(policy=SMTP))
    found = anybody.get(f"/outbox/{delivery.id}/attachments/1")
    assert (found.data, found.content_type) == (b"%PDF-1.7", "application/pdf")
    assert found.headers["Content-Disposition"] == "attachment; filename=brief..x.pdf"
    assert anybody.get(f"/outbox/{delivery.id}/attachments/2").content_type == "application/octet-stream"
    assert anybody.get(f"/outbox/{delivery.id}/attachments/3").status_code == 404
    assert anybody.get(f"/outbox/{delivery.id}/attachments/0").status_code == 404


def test_there_is_no_outbox_where_people_work_or_where_mail_goes_out(site: Site, folder: Path) -> None:
    for changes in ({"demo": False}, {"mail_folder": ""}, {"smtp_url": "smtp://127.0.0.1:9"}):
        app = create_app(replace(site.service.settings, **changes))  # type: ignore[arg-type]
        try:
            client = app.test_client()
            name = "delivery-0197a000-0000-7000-8000-000000000002"
            for path in (
                "/outbox",
                f"/outbox/{name}",
                f"/outbox/{name}/html",
                f"/outbox/{name}/attachments/1",
            ):
                assert client.get(path).status_code == 404
            assert "/outbox" not in client.get("/sign-in").get_data(as_text=True)
        finally:
            app.extensions["besluitspoor"].close()


@pytest.mark.parametrize("name", ["..", "..%2f..%2fetc%2fpasswd", "delivery-1", ".part"])
def test_nothing_else_than_a_mail_can_be_asked_for(anybody: FlaskClient, name: str) -> None:
    assert anybody.get(f"/outbox/{name}").status_code == 404


@pytest.mark.parametrize("query", ["from=-1", "from=x", "from=99999", "from=9999999999999"])
def test_a_strange_page_number_is_an_empty_page_or_the_first(anybody: FlaskClient, query: str) -> None:
    assert anybody.get(f"/outbox?{query}").status_code == 200


# In a browser


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_pages_work_for_everybody(
    office: Office, opened: Opener, viewport: dict[str, int], dark: bool
) -> None:
    person = office.person()
    delivery = mailed(office, person.id)
    required = path_of(office, Subscription(person.id, "decided", required=True))
    paths = ["/outbox", f"/outbox/{delivery.id}", f"/outbox/{delivery.id}/html", required]
    for path in paths:
        page = opened(None, path, viewport=viewport, dark=dark)
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path
    page = opened(None, path_of(office, Subscription(person.id, "decided")), viewport=viewport, dark=dark)
    assert violations(page) == []
    page.get_by_role("button", name="Zet deze mail uit").click()
    page.get_by_text("Deze mail staat uit").wait_for()
    assert violations(page) == []
    assert mode(office, person.id, "decided") == "off"
