"""Does the portfolio show the figures of the moment that is asked for, all of the same moment?"""

from __future__ import annotations

import csv
import io
import random
import re
import time
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from html import unescape

import psycopg
import pytest
from psycopg.rows import tuple_row

from domain.recorded import Moment
from domain.working_days import working_days_until
from service import figures
from service.calendar import dutch_holidays
from service.settings import Settings
from service.web.lead_times import LeadTime, lead_times
from service.web.portfolio_figures import FIGURES
from tests.conftest import fresh_database
from tests.web.conftest import DESKTOP, PHONE, Opener, Site, site_on, violations
from tests.web.figures_story import Told, tell


@pytest.fixture(scope="module")
def site(admin_url: str, template: Settings) -> Iterator[Site]:
    """A site of its own: these figures are about everything there is."""
    with fresh_database(admin_url, template) as settings, site_on(settings) as made:
        yield made


@pytest.fixture(scope="module")
def told(site: Site) -> Told:
    """The story has happened."""
    return tell(site.service)


def key_figures(html: str) -> dict[str, str]:
    """What stands in short at the top."""
    part = html[html.index('id="in-short"') :].partition("</dl>")[0]
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", part)
    return {unescape(label): unescape(value).replace("\u00a0", " ") for label, value in pairs}


def table_after(html: str, title: str) -> list[list[str]]:
    """The rows of the first table whose caption says this, head first, as plain text."""
    part = html[re.search(rf"<caption[^>]*>{re.escape(title)}</caption>", html).start() :]  # type: ignore[union-attr]
    return rows_of(part.partition("</table>")[0])


def rows_of(table: str) -> list[list[str]]:
    cells = r"<t[hd][^>]*>(.*?)</t[hd]>"
    plain = [
        [
            " ".join(unescape(re.sub(r"<[^>]*>", "", cell.replace("<br>", " "))).split())
            for cell in re.findall(cells, row, re.S)
        ]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.S)
    ]
    return [row for row in plain if row]


def csv_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))


def amount(text: str) -> Decimal:
    """What an amount in a table or a file comes to, however it is written."""
    bare = re.sub(r"[^0-9,.-]", "", text)
    return Decimal(bare.replace(".", "").replace(",", ".") if "," in bare or "€" in text else bare)


def test_the_figures_of_now(site: Site, told: Told) -> None:
    shown = key_figures(site.visitor("auditor").text("/portfolio"))
    assert shown == {
        "Voorstellen": "3",
        "Gevraagd": "€ 450.000",
        "Toegekend": "€ 200.000",
        "Daarvan ingehouden": "€ 50.000",
        "Nog beschikbaar": "€ 1.800.000",
        "Multiplier": "1,44",
    }


def test_a_date_moves_all_figures_together_and_says_so_in_words(site: Site, told: Told) -> None:
    html = site.visitor("auditor").text("/portfolio?effectiveOn=2020-10-31")
    assert "Je ziet wat op 31 oktober 2020 gold, met wat we nu weten." in html
    shown = key_figures(html)
    assert (shown["Voorstellen"], shown["Gevraagd"], shown["Daarvan ingehouden"]) == (
        "2",
        "€ 300.000",
        "€ 80.000",
    )
    days = table_after(html, "Toegekend, ingehouden en nog beschikbaar")
    assert days[1:] == [
        ["1 juli 2020", "€ 0", "€ 0", "€ 2.000.000"],
        ["5 oktober 2020", "€ 120.000", "€ 80.000", "€ 1.800.000"],
    ]
    html = site.visitor("auditor").text("/portfolio?effectiveOn=2020-10-31&programme=regionale-herstelaanpak")
    stages = table_after(html, "Doorlooptijd per stap")
    assert [row[:2] for row in stages[1:]] == [
        ["Volledigheidstoets", "2"],
        ["Beoordeling door de taskforce", "2"],
        ["Besluitvorming in het PHO", "2"],
        ["Toekenning door het Dagelijks Bestuur", "1"],
    ]


def test_what_was_known_before_anything_was_recorded_is_nothing(site: Site, told: Told) -> None:
    html = site.visitor("auditor").text("/portfolio?asOf=2020-12-31&effectiveOn=2020-10-31")
    assert "Wat bekend was op 31 december 2020 van wat gold op 31 oktober 2020." in html
    assert "Er was toen nog niets" in html


def test_a_proposal_counts_fully_under_each_of_its_themes(site: Site, told: Told) -> None:
    rows = table_after(site.visitor("auditor").text("/portfolio"), "Gevraagd en toegekend per thema")
    assert rows[0][1:3] == ["Toegekend", "Gevraagd, niet toegekend"]
    found = {row[0]: row[1:] for row in rows[1:]}
    assert found["Opleiden"] == ["€ 30.000", "€ 70.000", "€ 100.000"]
    assert found["Digitaliseren in het mkb"] == ["€ 200.000", "€ 100.000", "€ 300.000"]
    assert found["Vitale kernen"] == ["€ 0", "€ 150.000", "€ 150.000"]


def test_names_come_from_the_programmes_never_codes(site: Site, told: Told) -> None:
    html = site.visitor("auditor").text("/portfolio")
    assert {"Asten", "Deurne", "Eindhoven"} <= {
        row[0] for row in table_after(html, "Gevraagd en toegekend per gemeente")
    }
    assert {"De Peel", "Stedelijk Gebied"} <= {
        row[0] for row in table_after(html, "Gevraagd en toegekend per subregio")
    }
    assert "GM07" not in re.sub(r"<[^>]*>", "", html)


def test_another_programme_has_figures_of_its_own(site: Site, told: Told) -> None:
    html = site.visitor("auditor").text("/portfolio?programme=stimuleringsfonds")
    assert "Er was toen nog niets" in html


@pytest.mark.parametrize("figure", sorted({*FIGURES} - {"map"}))
@pytest.mark.parametrize("at", ["", "?effectiveOn=2020-10-31"])
def test_the_file_says_what_the_table_says(site: Site, told: Told, figure: str, at: str) -> None:
    titles = {
        "envelope": "Toegekend, ingehouden en nog beschikbaar",
        "themes": "Gevraagd en toegekend per thema",
        "subregions": "Gevraagd en toegekend per subregio",
        "municipalities": "Gevraagd en toegekend per gemeente",
        "multiplier": "Multiplier per thema",
        "lead-times": "Doorlooptijd per stap",
        "all": "Alle cijfers bij elkaar",
    }
    visitor = site.visitor("auditor")
    rows = table_after(visitor.text(f"/portfolio{at}"), titles[figure])
    file = csv_of(visitor.text(f"/portfolio/{figure}.csv{at}"))
    assert len(file) == len(rows) > 1
    width = len(file[0])
    assert file[0] == rows[0][:width]
    words = {"all": 2}.get(figure, 1)
    for line, row in zip(file[1:], rows[1:], strict=True):
        if figure != "envelope":
            assert line[:words] == row[:words]
        assert [amount(cell) for cell in line[words:]] == [amount(cell) for cell in row[words:width]]


def test_the_file_of_the_map_names_every_municipality_with_what_it_was_awarded(
    site: Site, told: Told
) -> None:
    visitor = site.visitor("auditor")
    html = visitor.text("/portfolio")
    assert 'href="/portfolio/map.csv"' in html
    file = csv_of(visitor.text("/portfolio/map.csv"))
    by_name = {line[0]: line[1] for line in csv_of(visitor.text("/portfolio/municipalities.csv"))[1:]}
    assert file[0] == ["Gemeente", "Toegekend"]
    assert len(file) == 1 + 21
    assert {line[0]: line[1] for line in file[1:] if line[1]} == by_name


def test_a_month_of_the_slider_has_an_address_of_its_own(site: Site, told: Told) -> None:
    visitor = site.visitor("auditor")
    october = 2020 * 12 + 9
    moved = visitor.get(f"/portfolio?month={october}&programme=regionale-herstelaanpak")
    assert moved.status_code == 303
    assert moved.headers["Location"] == "/portfolio?programme=regionale-herstelaanpak&effectiveOn=2020-10-31"
    swapped = visitor.get(f"/portfolio?month={october}", headers={"HX-Request": "true"})
    assert swapped.headers["HX-Push-Url"] == "/portfolio?effectiveOn=2020-10-31"
    assert key_figures(swapped.get_data(as_text=True))["Voorstellen"] == "2"
    # There, around midnight, it may be another day than where the tests run.
    today = site.service.app.extensions["besluitspoor"].parts.calendar().today
    this_month = today.year * 12 + today.month - 1
    assert visitor.get(f"/portfolio?month={this_month}").headers["Location"] == "/portfolio"


def test_a_date_that_is_none_is_said_beside_its_field(site: Site, told: Told) -> None:
    visitor = site.visitor("auditor")
    refused = visitor.get("/portfolio?effectiveOn=gisteren")
    assert refused.status_code == 400
    html = refused.get_data(as_text=True)
    assert re.search(r'id="moment-effectiveOn-error">[^<]*datum', html)
    assert key_figures(html)["Voorstellen"] == "3"


def test_nobody_who_did_not_sign_in_sees_the_figures(site: Site) -> None:
    visitor = site.visitor(None)
    assert visitor.get("/portfolio").headers["Location"].startswith("/sign-in")
    assert visitor.get("/portfolio/themes.csv").headers["Location"].startswith("/sign-in")


def test_a_figure_that_is_not_there_is_not_found(site: Site) -> None:
    assert site.visitor("auditor").get("/portfolio/nothing.csv").status_code == 404


def test_lead_times_are_those_of_the_working_days_of_the_domain(site: Site, told: Told) -> None:
    """Of turns drawn by chance: the same median and p90 as counted day by day."""
    chance, holidays = random.Random(11), dutch_holidays()
    turns = [
        (
            since := date(2020, 4, 1) + timedelta(days=chance.randrange(400)),
            since + timedelta(days=chance.randrange(90)),
        )
        for _ in range(300)
    ]
    expected = sorted(working_days_until(since, ended, holidays) for since, ended in turns)
    with psycopg.connect(site.service.settings.database_url) as connection:
        connection.execute("DELETE FROM views.lead_times")
        with connection.cursor(row_factory=tuple_row) as cursor:
            cursor.executemany(
                "INSERT INTO views.lead_times VALUES (%s, %s, 'proposal-x', 'review', 'advice', 'taskforce', %s)",
                [(number, ended, since) for number, (since, ended) in enumerate(turns)],
            )
        assert lead_times(connection, Moment(), holidays) == [
            LeadTime("review", 300, expected[149], expected[269])
        ]
        assert lead_times(connection, Moment(), holidays, "regionale-herstelaanpak") == []
        assert lead_times(connection, Moment(99), holidays)[0].turns == 100
        assert lead_times(connection, Moment(None, date(2000, 1, 1)), holidays) == []
        connection.rollback()


def test_the_days_of_an_envelope_end_where_the_envelope_stands(site: Site, told: Told) -> None:
    with psycopg.connect(site.service.settings.database_url) as connection:
        head = site.service.head()
        for position in range(1, head + 1):
            for on in (None, date(2020, 10, 5), date(2020, 11, 1)):
                at = Moment(position, on)
                budgets = figures.budgets(connection, at)
                days = figures.budget_days(connection, [each["id"] for each in budgets], at)
                assert [each["left"] for each in budgets] == [
                    str((Decimal(amount - committed - held) / 100).quantize(Decimal("0.01")))
                    for _, amount, committed, held in days[-1:]
                ]


def test_a_page_of_figures_costs_little(site: Site, told: Told) -> None:
    visitor = site.visitor("auditor")
    visitor.text("/portfolio")
    taken = []
    for _ in range(15):
        began = time.thread_time()  # its own work, whatever the machine does beside it
        visitor.text("/portfolio?effectiveOn=2020-10-31")
        taken.append(time.thread_time() - began)
    assert sorted(taken)[7] < 0.5


def test_the_slider_moves_the_figures_without_a_new_page(site: Site, told: Told, opened: Opener) -> None:
    page = opened("auditor", "/portfolio")
    page.evaluate("window.same = true")
    first = page.locator("#month")
    months = int(first.get_attribute("value") or 0) - (2020 * 12 + 9)
    first.focus()
    first.evaluate("(slider, back) => { slider.value = Number(slider.value) - back + 1; }", months)
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/portfolio?effectiveOn=2020-10-31")
    page.get_by_text("Je ziet wat op 31 oktober 2020 gold").wait_for()
    assert page.evaluate("window.same")
    assert page.locator("#month-said").inner_text() == "oktober 2020"
    assert first.get_attribute("aria-valuetext") == "oktober 2020"
    assert page.locator("#moment-effectiveOn").input_value() == "2020-10-31"
    assert key_figures(page.content())["Voorstellen"] == "2"
    assert page.evaluate("document.activeElement.id") == "month"


def test_a_session_that_is_over_leads_to_the_sign_in_not_to_an_empty_page(
    site: Site, told: Told, opened: Opener
) -> None:
    page = opened("auditor", "/portfolio")
    page.context.clear_cookies()
    page.locator("#month").focus()
    page.keyboard.press("Home")
    page.wait_for_url("**/sign-in?next=**")
    assert page.locator("h1").count() == 1


def test_without_scripts_the_button_does_it(site: Site, told: Told, opened: Opener) -> None:
    page = opened("auditor", "/portfolio", scripts=False)
    page.locator("#month").focus()
    page.keyboard.press("Home")
    page.locator("#slider button").click()
    page.wait_for_url("**/portfolio?effectiveOn=2020-07-31")
    assert key_figures(page.content())["Voorstellen"] == "0"


@pytest.mark.parametrize(
    ("viewport", "locale", "dark"), [(PHONE, "nl", True), (DESKTOP, "en", False)], ids=["phone", "desktop"]
)
def test_the_figures_are_open_to_everybody(
    site: Site, told: Told, opened: Opener, viewport: dict[str, int], locale: str, dark: bool
) -> None:
    page = opened("auditor", "/portfolio?effectiveOn=2020-10-31", viewport=viewport, locale=locale, dark=dark)
    page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
