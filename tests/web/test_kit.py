"""The kit: does every component work for everybody, in both languages, light and dark, on a phone and on a desk?"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from flask import render_template_string
from playwright.sync_api import expect

from service.settings import Settings
from service.texts import LANGUAGES
from service.web.charts import Bars, Lines, Tiles
from tests.conftest import fresh_database
from tests.web.conftest import AXE, DESKTOP, PHONE, Opener, Site, site_on, violations

FIRST_LOAD = 150_000
"""Bytes of everything that a first visit fetches, as sent."""
HARDLY = 0.01
"""A layout shift (CLS) that nobody sees; 0.1 is the limit of what is called good."""


@pytest.fixture(scope="module")
def site(admin_url: str, template: Settings) -> Iterator[Site]:
    """A demonstration: only there is the page with all components."""
    with fresh_database(admin_url, template) as settings, site_on(replace(settings, demo=True)) as made:
        yield made


def test_all_components_are_on_one_page_in_a_demonstration(site: Site) -> None:
    html = site.visitor(None).text("/kit")
    for part in (
        "<form",
        "facts",
        "steps",
        "timeline",
        "badge--ok",
        "term--late",
        "callout--error",
        "<dialog",
        "<figure",
    ):
        assert part in html


@pytest.mark.parametrize("csv", [None, ""])
@pytest.mark.parametrize("kind", ["bars", "lines", "tiles"])
def test_there_is_no_chart_without_its_figures_as_a_file(site: Site, kind: str, csv: str | None) -> None:
    chart = {
        "bars": Bars("T", "count", [], []),
        "lines": Lines("T", "count", [], []),
        "tiles": Tiles("T", "count", {}),
    }
    argument = "" if csv is None else f", csv='{csv}'"
    template = "{% import 'kit/charts.html' as c with context %}{{ c." + f"{kind}(chart{argument})" + " }}"
    with site.service.app.test_request_context("/kit"), pytest.raises(ValueError, match="has no CSV"):
        render_template_string(template, chart=chart[kind])


def test_where_people_work_there_is_no_page_of_components(admin_url: str, template: Settings) -> None:
    with fresh_database(admin_url, template) as settings, site_on(settings) as real:
        response = real.visitor(None).get("/kit", headers={"Accept": "text/html"})
    assert response.status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_keeps_anybody_out(
    opened: Opener, language: str, dark: bool, viewport: Mapping[str, int]
) -> None:
    page = opened(None, "/kit", locale=language, dark=dark, viewport=viewport)
    for summary in page.locator(".chart__table > summary").all():
        summary.click()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_words_in_a_tile_stand_out_from_it(opened: Opener, dark: bool) -> None:
    """axe does not look at the words in a drawing."""
    page = opened(None, "/kit", dark=dark)
    pairs = page.evaluate(
        """() => [...document.querySelectorAll('.tile')].flatMap(tile => [...tile.querySelectorAll('text')].map(
            text => [getComputedStyle(text).fill, getComputedStyle(tile.querySelector('rect')).fill]))"""
    )
    assert len({ground for _, ground in pairs}) >= 4
    for words, ground in pairs:
        assert _contrast(words, ground) >= 4.5, (words, ground)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_bars_and_lines_stand_out_from_the_page(opened: Opener, dark: bool) -> None:
    page = opened(None, "/kit", dark=dark)
    paper = page.evaluate("getComputedStyle(document.querySelector('.chart')).backgroundColor")
    for number in (1, 2, 3):
        colour = page.evaluate(f"getComputedStyle(document.querySelector('.bars .series--{number}')).fill")
        assert _contrast(colour, paper) >= 3, (number, colour)


def test_a_chosen_theme_goes_before_that_of_the_device(opened: Opener) -> None:
    page = opened(None, "/theme/light?next=/sign-in", dark=True)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.goto(page.url.replace("/sign-in", "/theme/dark?next=/sign-in"))
    page.emulate_media(color_scheme="light")
    assert _luminance(page.evaluate("getComputedStyle(document.body).backgroundColor")) < 0.05


def test_paper_is_light_and_without_menus(opened: Opener) -> None:
    page = opened("secretary", "/kit", dark=True)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert _luminance(page.evaluate("getComputedStyle(document.querySelector('h1')).color")) < 0.1
    for hidden in (".site-menu", ".site-footer", ".actions", ".site-demo"):
        assert not page.locator(hidden).first.is_visible(), hidden
    assert page.locator("svg.tiles").first.is_visible()


@pytest.mark.parametrize(("who", "path"), [(None, "/sign-in"), ("secretary", "/"), (None, "/kit")])
def test_a_first_visit_is_light_and_asks_no_other_host(opened: Opener, who: str | None, path: str) -> None:
    page = opened(who, path)
    page.wait_for_load_state("networkidle")
    fetched = page.evaluate(
        """() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
            .map(each => [each.name, each.transferSize])"""
    )
    fetched = [(name, size) for name, size in fetched if "/live?" not in name]  # that comes every few seconds
    assert any(name.endswith(".woff2") for name, _ in fetched)
    assert len(fetched) == len({name for name, _ in fetched}), "something is fetched twice"
    assert sum(size for _, size in fetched) < FIRST_LOAD, fetched


@pytest.mark.parametrize("path", ["/kit", "/sign-in"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_jumps_while_a_page_loads(opened: Opener, path: str, viewport: Mapping[str, int]) -> None:
    page = opened(None, path, viewport=viewport)
    page.wait_for_load_state("networkidle")
    shifted = page.evaluate(
        """() => new Promise(resolve => {
            let sum = 0;
            new PerformanceObserver(list => { for (const each of list.getEntries()) sum += each.value; })
                .observe({type: 'layout-shift', buffered: true});
            setTimeout(() => resolve(sum), 200);
        })"""
    )
    assert shifted < HARDLY


def test_the_keyboard_begins_at_a_link_that_skips_the_menu(opened: Opener) -> None:
    page = opened("secretary", "/kit")
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.get_attribute("href") == "#main"
    box = skip.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_wherever_the_keyboard_is_it_shows(opened: Opener, dark: bool) -> None:
    page = opened("secretary", "/kit", dark=dark)
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        style = page.evaluate(
            """() => { const s = getComputedStyle(document.activeElement);
                return [document.activeElement.tagName, s.outlineStyle, parseFloat(s.outlineWidth), s.boxShadow]; }"""
        )
        assert style[1] == "solid", style
        assert style[2] >= 2, style
        assert style[3] != "none", style
        seen.add(style[0])
    assert seen >= {"A", "BUTTON", "INPUT", "SELECT", "TEXTAREA"}


def test_the_menu_opens_on_a_phone_without_scripts(opened: Opener) -> None:
    page = opened("secretary", "/kit", viewport=PHONE, scripts=False)
    menu = page.get_by_role("navigation", name="Menu")
    assert not menu.is_visible()
    page.locator(".site-more > summary").click()
    assert menu.get_by_role("link").first.is_visible()
    assert page.get_by_role("button", name="Afmelden").is_visible()


def test_on_a_wide_screen_the_menu_is_there_at_once(opened: Opener) -> None:
    page = opened("secretary", "/kit", scripts=False)
    assert page.get_by_role("navigation", name="Menu").get_by_role("link").first.is_visible()
    assert not page.locator(".site-more > summary").is_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_behind_every_chart_stands_a_table_with_the_same_figures(opened: Opener, language: str) -> None:
    page = opened(None, "/kit", locale=language)
    charts = page.locator("figure.chart").all()
    drawn = [chart for chart in charts if chart.locator("svg").count()]
    assert len(drawn) == 6
    for chart in drawn:
        assert chart.locator("svg[role=img] > title").count() >= 1
        chart.locator("summary").click()
        assert chart.locator("table td").count() >= 3
    bars = drawn[0]
    shown = bars.locator(".bars__value").all_inner_texts()
    assert bars.locator("table td").all_inner_texts() == shown
    tiles = drawn[-1]
    assert tiles.locator("tbody tr").count() == tiles.locator(".tile").count() == 21


def test_what_is_wrong_stands_beside_the_field_and_leads_to_it(opened: Opener) -> None:
    page = opened(None, "/kit", scripts=False)
    form = page.locator("form#wrong")
    for link in form.locator("[role=alert] a").all():
        target = page.locator(link.get_attribute("href") or "")
        described = (target.get_attribute("aria-describedby") or "").split()
        said = [page.locator(f"[id='{each}']").inner_text() for each in described]
        assert any(text and text in form.locator("[role=alert]").inner_text() for text in said)
    assert form.locator("[name=amount]").input_value() == "€ veel"
    assert form.locator("[name=amount]").get_attribute("aria-invalid") == "true"


def test_two_forms_on_a_page_have_ids_of_their_own(site: Site) -> None:
    ids = re.findall(r'\bid="([^"]+)"', site.visitor(None).text("/kit"))
    assert len(ids) == len(set(ids))


def test_an_amount_is_shown_as_the_reader_writes_it_and_read_back(site: Site) -> None:
    html = {
        language: site.visitor(None).text("/kit", headers={"Accept-Language": language})
        for language in LANGUAGES
    }
    assert 'value="125000,00"' in html["nl"]
    assert 'value="125000.00"' in html["en"]


def test_a_style_sheet_names_its_font_by_the_address_that_never_changes(site: Site) -> None:
    visitor = site.visitor(None)
    sheet = re.search(r'href="(/assets/[0-9a-f]+/web/theme\.css)"', visitor.text("/sign-in"))
    assert sheet is not None
    font = re.search(r'url\("(/assets/[0-9a-f]+/vendor/noto-sans/[^"]+)"\)', visitor.text(sheet[1]))
    assert font is not None
    answer = visitor.get(font[1])
    assert (answer.status_code, answer.content_type) == (200, "font/woff2")
    assert "immutable" in answer.headers["Cache-Control"]


def test_the_dark_turns_round_every_colour_of_the_light() -> None:
    """A colour that only one of the two has would be left as it is, on the wrong ground."""
    folder = Path(__file__).parents[2] / "service/static/web"
    light, dark = (_colours((folder / name).read_text("utf-8")) for name in ("theme.css", "dark.css"))
    own = {
        name
        for name, value in light.items()
        if re.match(r"#[0-9a-f]{6}$", value) and name.startswith("--our-")
    }
    palettes = {name for name in light if name.startswith("--voorbeeld-kleuren-")}
    assert own | palettes <= set(dark)
    assert {name for name in dark if name.startswith("--our-")} <= set(light)


def test_what_the_tests_bring_along_is_as_it_was_published() -> None:
    lock = tomllib.loads((AXE.parent / "vendor.lock").read_text("utf-8"))
    found = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in AXE.parent.iterdir()
        if file.name != "vendor.lock"
    }
    assert {name: digest for package in lock.values() for name, digest in package["sha256"].items()} == found
    assert all(package["licence"] and package["version"] in package["source"] for package in lock.values())


def _colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"(--[a-z0-9-]+):\s*([^;]+);", css))


def _luminance(colour: str) -> float:
    red, green, blue = (int(each) / 255 for each in re.findall(r"\d+", colour)[:3])

    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


def _contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG counts it."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
