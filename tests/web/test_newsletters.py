"""The newsletter desk: drawn, edited beside a preview, approved after a look at who gets it, kept as it was sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from html import unescape

import psycopg
import pytest
from playwright.sync_api import expect

from service.documents import councils
from service.identity import undeliverable
from service.messaging import ledger
from service.messaging.ledger import Making, Planned
from service.texts import LANGUAGES
from tests.documents.newsletter_story import PROGRAMME, Story, submitted, tell
from tests.web.conftest import DESKTOP, PHONE, Opener, Site, Visitor, violations

QUARTER = {"programme": PROGRAMME, "firstDay": "2020-10-01", "lastDay": "2020-12-31"}


@pytest.fixture(scope="module")
def story(site: Site) -> Story:
    return tell(site.service)


def drafted(site: Site, first: str = "2020-10-01", last: str = "2020-12-31") -> tuple[Visitor, str]:
    """The secretary with a new draft before them, and its address."""
    visitor = site.visitor("secretary")
    visitor.text("/newsletters/new")
    period = {"programme": PROGRAMME, "firstDay": first, "lastDay": last}
    response = visitor.post("/newsletters/new", period)
    assert response.status_code == 303, response.get_data(as_text=True)
    address = response.headers["Location"]
    visitor.text(address)
    return visitor, address


def filled(html: str) -> dict[str, str]:
    """Everything that is filled in in the form with the words."""
    form = html.partition('id="newsletter"')[2].partition("</form>")[0]
    found = {
        name: unescape(value)
        for name, value in re.findall(r'<input[^>]*name="([a-zA-Z0-9.]+)"[^>]*?value="([^"]*)"', form)
        if not name.endswith("leaveOut")
    }
    found.update(
        {
            name: unescape(typed).lstrip("\n")
            for name, typed in re.findall(
                r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL
            )
        }
    )
    return {name: value for name, value in found.items() if name not in ("csrf", "once", "version")}


def row_of(fields: Mapping[str, str], proposal: str) -> str:
    """The beginning of the names of the fields of a project."""
    name = next(name for name, value in fields.items() if value == proposal)
    return name.removesuffix("proposal")


def test_a_new_newsletter_is_about_the_last_quarter_unless_somebody_says_otherwise(site: Site) -> None:
    html = site.visitor("secretary").text("/newsletters/new")
    first, last = re.findall(r'name="(?:firstDay|lastDay)"[^>]*value="([^"]+)"', html)
    assert first[5:] in ("01-01", "04-01", "07-01", "10-01")
    assert last[5:] in ("03-31", "06-30", "09-30", "12-31")
    given = site.visitor("secretary").text("/newsletters/new?firstDay=2020-10-01&lastDay=2020-12-31")
    assert 'value="2020-10-01"' in given


def test_a_period_that_cannot_be_is_refused_beside_its_field(site: Site) -> None:
    visitor = site.visitor("secretary")
    visitor.text("/newsletters/new")
    response = visitor.post("/newsletters/new", {**QUARTER, "lastDay": "2199-01-01"})
    assert response.status_code == 400
    assert "Kies als laatste dag vandaag of een eerdere dag." in response.get_data(as_text=True)


def test_a_draft_holds_every_word_and_shows_the_edition_of_a_municipality(site: Site, story: Story) -> None:
    visitor, address = drafted(site)
    html = visitor.text(f"{address}?municipality=GM0794&language=en")
    assert 'value="Nieuwsbrief Regionale Herstelaanpak: vierde kwartaal van 2020"' in html
    assert "Dit gaat over Lichtjes." in html
    assert "Projects in Helmond" in html
    assert '<option value="GM0794" selected>' in html


def test_what_is_written_comes_back_and_is_in_the_edition(site: Site, story: Story) -> None:
    visitor, address = drafted(site)
    fields = filled(visitor.text(address))
    asked, rejected = row_of(fields, story.asked), row_of(fields, story.rejected)
    changes = {
        "title": "Nieuws <uit> de regio",
        f"{asked}text": "Een winkelstraat krijgt nieuw leven.",
        f"{asked}place": "1",
        f"{rejected}leaveOut": "true",
    }
    response = visitor.post(address, {**fields, **changes})
    assert response.status_code == 303
    html = visitor.text(f"{address}?municipality=GM0866")
    assert "Bewaard." in html
    edition = html.partition('id="preview"')[2]
    assert "Nieuws &lt;uit&gt; de regio" in edition
    assert edition.index("Een winkelstraat krijgt nieuw leven.") < edition.index("Digitale werkplaats")
    assert "Lichtjes" not in edition
    after = filled(html)
    assert list(after.values()).index(story.asked) < list(after.values()).index(story.awarded)
    emptied = visitor.post(address, {**after, "title": ""})
    assert emptied.status_code == 303
    assert "Nieuwsbrief Regionale Herstelaanpak: vierde kwartaal van 2020" in visitor.text(address)


def test_moving_a_project_down_puts_it_behind_the_one_whose_place_it_takes(site: Site, story: Story) -> None:
    visitor, address = drafted(site)
    fields = filled(visitor.text(address))
    order = [value for name, value in fields.items() if name.endswith(".proposal")]
    visitor.post(address, {**fields, "items.0.place": "3"})
    after = filled(visitor.text(address))
    assert [value for name, value in after.items() if name.endswith(".proposal")] == [
        order[1], order[2], order[0], *order[3:],
    ]  # fmt: skip


def test_a_text_that_is_too_long_is_refused_and_nothing_is_lost(site: Site, story: Story) -> None:
    visitor, address = drafted(site)
    fields = filled(visitor.text(address))
    long = "woord " * 300
    response = visitor.post(address, {**fields, "items.0.text": long, "introduction": "Mijn begin"})
    html = response.get_data(as_text=True)
    assert response.status_code == 400
    assert "Mijn begin" in html
    assert long.strip() in html


def test_who_saves_on_an_old_page_is_told_sees_how_it_is_and_loses_nothing(site: Site, story: Story) -> None:
    visitor, address = drafted(site)
    other = site.visitor("secretary")
    fields = filled(other.text(address))
    other.post(address, {**fields, "title": "Van de een"})
    response = visitor.post(address, {**fields, "title": "Van de ander"})
    html = response.get_data(as_text=True)
    assert response.status_code == 412
    assert "Zo is de nieuwsbrief intussen bewaard door iemand anders" in html
    assert "Van de een" in html
    assert 'value="Van de ander"' in html
    assert visitor.post(address, {**filled(html), "title": "Van de ander"}).status_code == 303
    assert 'value="Van de ander"' in visitor.text(address)


def test_what_was_recorded_since_is_shown_and_drawn_again_with_what_is_typed(
    site: Site, story: Story
) -> None:
    submitted(site.service, "2021-04-01", "Eerste plan", 10_000, 30_000, ["Best"])
    visitor, address = drafted(site, "2021-04-01", "2021-04-30")
    submitted(site.service, "2021-04-02", "Tweede plan", 20_000, 30_000, ["Best"])
    visitor.get("/")  # a page that has seen it
    html = site.visitor("secretary").text(address)
    assert "De cijfers zijn intussen anders" in html
    assert "Binnengekomen voorstellen: 1 wordt 2" in unescape(html)
    assert re.search(r"RHA-\d+-\d+ Tweede plan komt erbij", html)
    stale = visitor.text(f"{address}/approve")
    assert "Haal ze eerst opnieuw op" in stale
    refused = visitor.post(f"{address}/approve", {})
    assert refused.status_code == 409
    fields = filled(visitor.text(address))
    assert visitor.post(address, {**fields, "introduction": "Getypt.", "do": "draw"}).status_code == 303
    html = visitor.text(address)
    assert "De cijfers zijn opnieuw opgehaald. Wat je schreef staat er nog." in html
    assert "De cijfers zijn intussen anders" not in html
    assert "Getypt." in html
    assert "Tweede plan" in html


def test_the_preview_follows_what_is_typed(site: Site, story: Story) -> None:
    visitor, address = drafted(site)
    fields = filled(visitor.text(address))
    typed = {**fields, "title": "Nog niet bewaard", "municipality": "GM0866", "language": "nl"}
    html = visitor.post(f"{address}/preview", typed).get_data(as_text=True)
    assert "Nog niet bewaard" in html
    assert "Projecten in Waalre" in html
    assert "<h1" not in html
    visitor.text(address)
    assert visitor.post(f"{address}/preview", {**typed, "items.0.text": "x" * 2_000}).status_code == 204


def test_the_confirmation_says_to_whom_it_goes_and_who_gets_nothing(site: Site, story: Story) -> None:
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        made = [
            councils.add(connection, "GM0772", "griffie@example.org"),
            councils.add(connection, "GM0772", "raad@example.org"),
            councils.add(connection, "GM0794", "helmond@example.org", "en"),
        ]
        visitor, address = drafted(site, "2020-09-01", "2020-09-30")
        html = unescape(visitor.text(f"{address}/approve"))
        assert "De nieuwsbrief gaat naar 3 adressen, van 2 gemeenten" in html
        assert "19 gemeenten hebben geen adres en krijgen niets" in html
        nobody = html.partition("krijgen niets")[2].partition("</p>")[2].partition("</p>")[0]
        assert "Waalre" in nobody
        assert "Eindhoven" not in nobody
        assert "Keur goed en verstuur naar 3 adressen" in html
        for each in made:
            councils.remove(connection, each)


def test_who_unsubscribed_or_takes_no_mail_is_named_and_put_back_with_one_click(
    site: Site, story: Story
) -> None:
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        off = councils.add(connection, "GM0772", "griffie@example.org")
        dead = councils.add(connection, "GM0794", "helmond@example.org")
        councils.unsubscribe(connection, off)
        undeliverable.note(connection, "helmond@example.org", "550 5.1.1 <b>gone</b>")
    visitor, address = drafted(site, "2020-05-01", "2020-05-31")
    html = unescape(visitor.text(f"{address}/approve"))
    assert "De nieuwsbrief gaat naar 0 adressen" in html
    assert "1 adres is afgemeld en krijgt niets" in html
    assert "1 adres neemt geen mail aan" in html
    assert "19 gemeenten hebben geen adres" in html
    html = visitor.text("/newsletters/addresses")
    assert "afgemeld op" in html
    assert "550 5.1.1 &lt;b&gt;gone" in html
    items = {each["id"]: each for each in site.service.told("secretary", "/council-addresses")["items"]}
    assert items[off]["unsubscribedAt"] is not None
    assert (items[dead]["refused"], items[off]["refused"]) == ("550 5.1.1 <b>gone</b>", None)
    for id in (off, dead):
        visitor.text("/newsletters/addresses")
        assert visitor.post(f"/newsletters/addresses/{id}/again", {}).status_code == 303
        assert "De nieuwsbrief gaat weer naar dit adres" in visitor.text("/newsletters/addresses")
    assert "De nieuwsbrief gaat naar 2 adressen, van 2 gemeenten" in unescape(
        visitor.text(f"{address}/approve")
    )
    visitor.text("/newsletters/addresses")
    gone = "address-0197a000-0000-7000-8000-000000000009"
    assert visitor.post(f"/newsletters/addresses/{gone}/again", {}).status_code == 404
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        councils.remove(connection, off)
        councils.remove(connection, dead)


def test_what_is_approved_is_everybodys_to_read_with_its_hash_and_how_far_the_mails_are(
    site: Site, story: Story
) -> None:
    visitor, address = drafted(site, "2020-08-01", "2020-08-31")
    visitor.text(f"{address}/approve")
    response = visitor.post(f"{address}/approve", {})
    assert response.status_code == 303
    id = address.rpartition("/")[2]
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        one = councils.add(connection, "GM0772", "griffie@example.org")
        making = Making("event:0", "newsletter", 1, id, "normal", {}, _now(connection))
        states = (
            ("sent", one), ("waiting", "address-a"), ("dead", "address-b"), ("bounced", "address-c"),
            ("dropped", "address-d"),
        )  # fmt: skip
        ledger.add(connection, [(making, [Planned(who, "email", "council", state) for state, who in states])])
        html = visitor.text(address)
        assert "1 verzonden, 0 onderweg, 0 afgemeld, 0 niet aangekomen" in html
        counted = site.service.told("secretary", f"/newsletters/{id}")["deliveries"]
        assert counted == {"sent": 1, "waiting": 1, "off": 1, "lost": 2}
        assert "Alle edities zijn nog precies zoals vastgelegd" in html
        councils.remove(connection, one)
    for who in ("auditor", "submitter", "taskforce", "integration"):
        reader = site.visitor(who)
        said = reader.text(address)
        assert "Edities zoals verstuurd" in said
        assert "onderweg" not in said
        assert "Projecten in Waalre" in unescape(reader.text(f"{address}/editions/GM0866"))
    (digest,) = re.findall(r"GM0866/file\"[^>]*>([0-9a-f]{64})<", html)
    kept = visitor.get(f"{address}/editions/GM0866/file").get_data()
    assert hashlib.sha256(kept).hexdigest() == digest
    again = visitor.text("/newsletters")
    assert id in again.partition('id="sent"')[2]


def _now(connection: psycopg.Connection[tuple[object, ...]]) -> object:
    row = connection.execute("SELECT now()").fetchone()
    assert row is not None
    return row[0]


def test_an_edition_is_shown_as_in_the_mail_under_a_policy_that_allows_its_style_alone(
    site: Site, story: Story
) -> None:
    visitor, address = drafted(site)
    response = visitor.get(f"{address}/editions/GM0794?language=en")
    policy = response.headers["Content-Security-Policy"]
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        policy,
    )
    assert response.headers["Content-Language"] == "en"
    assert visitor.get(f"{address}/editions/GM9999").status_code == 404
    assert visitor.get(f"{address}/editions/GM0794/file").status_code == 404


def test_what_was_approved_meanwhile_is_not_saved_over(site: Site, story: Story) -> None:
    visitor, address = drafted(site, "2020-06-01", "2020-06-30")
    fields = filled(visitor.text(address))
    other = site.visitor("secretary")
    other.text(f"{address}/approve")
    assert other.post(f"{address}/approve", {}).status_code == 303
    response = visitor.post(address, {**fields, "title": "Te laat"})
    assert response.status_code == 409
    assert "Deze nieuwsbrief is goedgekeurd en verandert niet meer." in response.get_data(as_text=True)
    assert visitor.get(f"{address}/approve").status_code == 303
    assert visitor.get(f"{address}/remove").status_code == 303


def test_a_draft_is_the_secretariats_alone(site: Site, story: Story) -> None:
    _, address = drafted(site)
    for who in ("submitter", "taskforce", "treasurer", "auditor", "admin"):
        reader = site.visitor(who)
        for path in ("", "/approve", "/remove", "/editions/GM0772", "/editions/GM0772/file"):
            assert reader.get(address + path).status_code in (403, 404)
        assert address not in reader.text("/newsletters")


def test_a_draft_can_be_thrown_away_after_a_question(site: Site, story: Story) -> None:
    visitor, address = drafted(site, "2020-05-01", "2020-05-31")
    assert "Alles wat erbij is geschreven is dan weg." in visitor.text(f"{address}/remove")
    assert visitor.post(f"{address}/remove", {}).status_code == 303
    assert "Het concept is weggegooid." in visitor.text("/newsletters")
    assert visitor.get(address).status_code == 404


def test_addresses_are_pasted_and_the_lines_that_are_wrong_stay(site: Site) -> None:
    visitor = site.visitor("secretary")
    visitor.text("/newsletters/addresses")
    lines = "GM0772; griffie@example.org\nNergens; a@example.org\nNuenen ca; nuenen@example.org; en"
    response = visitor.post("/newsletters/addresses", {"lines": lines})
    html = unescape(response.get_data(as_text=True))
    assert response.status_code == 400
    assert "2 adressen zijn toegevoegd. Wat hieronder staat nog niet." in html
    assert "Regel 1: er is geen gemeente 'Nergens' in deze regio." in html
    assert re.search(r"<textarea[^>]*>Nergens; a@example.org</textarea>", html)
    removal = re.findall(r'href="(/newsletters/addresses/[^"]+/remove)"', html)
    assert len(removal) == 2
    for each in removal:
        visitor.text("/newsletters/addresses")
        assert visitor.post(each, {}).status_code == 303
    html = visitor.text("/newsletters/addresses")
    assert html.count("Geen adres: deze raad krijgt niets.") == 21
    assert visitor.post(removal[0], {}).status_code == 404


@pytest.mark.parametrize(
    ("language", "dark", "viewport"),
    [("nl", False, PHONE), ("en", True, PHONE), ("en", False, DESKTOP), ("nl", True, DESKTOP)],
    ids=["nl-light-phone", "en-dark-phone", "en-light-desktop", "nl-dark-desktop"],
)
def test_nothing_keeps_anybody_out(
    opened: Opener, story: Story, site: Site, language: str, dark: bool, viewport: Mapping[str, int]
) -> None:
    _, draft = drafted(site)
    visitor, sent = drafted(site, "2020-02-01", "2020-02-29")
    visitor.text(f"{sent}/approve")
    visitor.post(f"{sent}/approve", {})
    for path in ("/newsletters", "/newsletters/new", "/newsletters/addresses", draft, f"{draft}/approve",
                 f"{draft}/remove", sent):  # fmt: skip
        page = opened("secretary", path, locale=language, dark=dark, viewport=viewport)
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        page.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_an_edition_keeps_nobody_out_either(
    opened: Opener, story: Story, site: Site, language: str, dark: bool
) -> None:
    _, draft = drafted(site)
    page = opened("secretary", f"{draft}/editions/GM0794?language={language}", dark=dark, viewport=PHONE)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (
        sum(map(int, re.findall(r"\d+", background)[:3])) < 200 if dark else background != "rgba(0, 0, 0, 0)"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_desk_is_walked_with_a_preview_that_follows(opened: Opener, story: Story) -> None:
    page = opened("secretary", "/newsletters/new?firstDay=2020-10-01&lastDay=2020-12-31")
    page.get_by_label("Programma").select_option(PROGRAMME)
    page.get_by_role("button", name="Maak het concept").click()
    page.get_by_label("Titel").wait_for()
    page.wait_for_load_state("load")  # scripts come after the words
    page.get_by_label("Titel").fill("Nieuws dat nog niet is bewaard")
    page.locator("#preview", has_text="Nieuws dat nog niet is bewaard").wait_for()
    page.get_by_label("Gemeente").select_option("GM0866")
    page.locator("#preview", has_text="Projecten in Waalre").wait_for()
    page.get_by_role("button", name="Bewaar en ga naar goedkeuren").click()
    page.get_by_role("button", name="Keur goed en verstuur naar").click()
    page.get_by_text("Goedgekeurd. De nieuwsbrief gaat nu op weg.").wait_for()
    page.get_by_role("link", name="Nederlands, editie van Waalre").click()
    expect(page.locator("h1")).to_have_text("Nieuws dat nog niet is bewaard")


def test_the_desk_works_without_scripts(opened: Opener, story: Story) -> None:
    page = opened(
        "secretary", "/newsletters/new?firstDay=2020-10-01&lastDay=2020-11-30", scripts=False, viewport=PHONE
    )
    page.get_by_label("Programma").select_option(PROGRAMME)
    page.get_by_role("button", name="Maak het concept").click()
    page.get_by_label("Titel").fill("Zonder scripts")
    page.get_by_role("button", name="Bewaar", exact=True).click()
    page.get_by_label("Gemeente").select_option("GM0794")
    page.get_by_role("button", name="Toon").click()
    expect(page.locator("#preview")).to_contain_text("Zonder scripts")
    expect(page.locator("#preview")).to_contain_text("Projecten in Helmond")
