"""Does an auditor find who did what, and is every state that is shown the one that the log folds to?"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from domain.events import EVENTS, ProposalRevised
from domain.recorded import Moment, Recorded, known_and_true
from projections.view import Document
from service import figures, reading
from service.documents import letters, newsletters
from service.identity.scope import everything
from service.settings import Settings
from service.texts import catalog
from service.web import event_search
from service.web.case_fields import Words, amounts, differences, leaves
from service.web.event_search import AMOUNTS, Wanted, search
from service.web.naming import Names
from service.web.places import Places
from service.web.portfolio_replay import sums_at
from service.web.saying import texts
from service.words import fill
from tests.conftest import fresh_database
from tests.projections.story import DAY, Story, content, submitted
from tests.web.conftest import DESKTOP, PHONE, Opener, Site, Visitor, site_on, violations
from tests.web.figures_story import Told, tell
from tests.web.test_portfolio import csv_of, rows_of

WAITS = texts("nl")["case-fields.waitingFor"]
SEAM = '<span class="seam"></span>'
"""Where a long word may be broken: no part of the word."""


@pytest.fixture(scope="module")
def site(admin_url: str, template: Settings) -> Iterator[Site]:
    """A site of its own: what is found is all there is."""
    with fresh_database(admin_url, template) as settings, site_on(settings) as made:
        yield made


@pytest.fixture(scope="module")
def told(site: Site) -> Told:
    """The story has happened."""
    return tell(site.service)


@pytest.fixture
def auditor(site: Site, told: Told) -> Visitor:
    """Somebody who may read the log."""
    return site.visitor("auditor")


@pytest.fixture
def connection(site: Site, told: Told) -> Iterator[psycopg.Connection[Any]]:
    """The database that the pages read."""
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as opened:
        yield opened


def log_of(site: Site) -> list[Recorded]:
    """Every event."""
    found: list[Recorded] = site.service.app.extensions["besluitspoor"].parts.log.read(0, 100_000)
    return found


def table(html: str, within: str) -> list[list[str]]:
    """The rows of the first table behind a heading with this id, without the head."""
    part = html[html.index(f'id="{within}"') :]
    return rows_of(part[part.index("<table") :].partition("</table>")[0])[1:]


def positions(html: str) -> list[int]:
    """Which events the search shows."""
    return [int(found) for found in re.findall(r'id="event-(\d+)"', html)]


# Search


def test_the_newest_event_comes_first_in_plain_words(site: Site, auditor: Visitor) -> None:
    html = auditor.text("/audit")
    assert positions(html)[0] == site.service.head()
    assert positions(html) == sorted(positions(html), reverse=True)
    first = table(html, "results")[0]
    assert first[3].startswith(
        "Stap begonnen De zaak wacht op de volledigheidstoets door 'Ambtelijk kernteam"
    )
    assert first[2] == "10 november 2020"
    assert first[4] == "Submitter indiener"


IDENTIFIER = re.compile(
    r"\b(?:system|herstelaanpak|regionale-herstelaanpak|stimuleringsfonds|secretariat"
    r"|(?:proposal|envelope|programme|letter|newsletter|person|party)-[\w-]+)\b"
)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_identifier_stands_in_what_an_auditor_reads(
    site: Site, told: Told, auditor: Visitor, language: str
) -> None:
    parts = site.service.app.extensions["besluitspoor"].parts
    letters.issue(parts, "receipt", told.first, parts.log.load(told.first)[0].position)
    newsletter = newsletters.create(
        parts,
        site.service.people["secretary"],
        "regionale-herstelaanpak",
        date(2020, 1, 1),
        date(2020, 3, 31),
    )
    newsletters.approve(parts, site.service.people["secretary"], newsletter.id)
    kinds = {each.name for each in log_of(site)}
    pages = ["/audit/portfolio", *(f"/audit?kind={kind}" for kind in sorted(kinds))]
    pages += [f"/audit/proposals/{told.first}", f"/audit/proposals/{told.second}"]
    for path in pages:
        html = auditor.text(path, headers={"Accept-Language": language})
        main = html[html.index("<main") : html.index("</main>")]
        cells = re.findall(r"<(td|dd|p|div)\b[^>]*>(.*?)</\1>", main, re.DOTALL)
        said = " ".join(unescape(re.sub(r"<[^>]+>", " ", cell)) for _, cell in cells)
        assert IDENTIFIER.findall(said) == [], path
    automatic = {"nl": "Automatisch", "en": "Automatic"}[language]
    for kind in ("ProgrammePublished", "LetterIssued"):
        rows = table(auditor.text(f"/audit?kind={kind}", headers={"Accept-Language": language}), "results")
        assert rows
        assert {row[4] for row in rows} == {automatic}
    envelope = table(auditor.text("/audit?kind=EnvelopeOpened"), "results")[0]
    assert envelope[5].startswith("Regionale Herstelaanpak")


def test_a_search_finds_who_awarded_what_and_leads_to_the_case_at_that_event(
    site: Site, told: Told, auditor: Visitor
) -> None:
    html = auditor.text("/audit?kind=Awarded")
    (row,) = table(html, "results")
    assert "heeft € 200.000,00 toegekend" in row[3]
    assert row[4] == "Db lid, Dagelijks Bestuur"
    position = positions(html)[0]
    assert f'href="/audit/proposals/{told.first}?at={position}"' in html


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ("kind=PhaseReleased", set()),
        ("who=treas", {"EnvelopeOpened", "FundsMoved", "MoneyMovedOut", "MoneyMovedIn", "StageClosed"}),
        ("who=nobody-like-this", set()),
        ("role=treasurer&kind=amounts", {"EnvelopeOpened", "FundsMoved", "MoneyMovedOut", "MoneyMovedIn"}),
        ("about=herstelaanpak", {"EnvelopeOpened", "FundsReserved", "FundsMoved"}),
        ("about=NOT-2020-0001", set()),
        ("words=gedacht", {"MoneyMovedOut"}),
        ("words=winkelstraat", {"ProposalSubmitted", "ProposalRevised"}),
        ("programme=stimuleringsfonds", {"ProgrammePublished"}),
        ("countsFrom=2020-10-05&countsUntil=2020-10-05", {"Awarded", "FundsReserved", "StageClosed"}),
        ("recordedUntil=2020-12-31", set()),
        ("who=treas&recordedFrom=2020-12-31&words=gedacht", {"MoneyMovedOut"}),
    ],
)
def test_each_filter_leaves_what_it_names(site: Site, auditor: Visitor, asked: str, kinds: set[str]) -> None:
    by_position = {each.position: each.name for each in log_of(site)}
    html = auditor.text(f"/audit?{asked}")
    assert {by_position[each] for each in positions(html)} == kinds
    assert ("Er is niets gevonden" in html) == (not kinds)


def test_a_reference_or_its_beginning_finds_the_case(site: Site, told: Told, auditor: Visitor) -> None:
    case = site.service.told("auditor", f"/proposals/{told.third}")
    streams = {each.position: each.stream for each in log_of(site)}
    found = positions(auditor.text(f"/audit?about={case['reference'].lower()}"))
    assert {streams[each] for each in found} == {told.third}
    several = positions(auditor.text(f"/audit?about={case['reference'][:4]}&kind=ProposalSubmitted"))
    assert {streams[each] for each in several} == {told.first, told.second, told.third}


def test_every_page_together_is_what_a_plain_filter_of_the_log_gives(
    site: Site, connection: psycopg.Connection[Any]
) -> None:
    """Whatever is asked, in pages of any size and with no time to look far."""
    chance, events = random.Random(5), log_of(site)
    for _ in range(60):
        kinds = tuple(chance.sample(sorted(EVENTS), chance.choice((0, 1, 6))))
        people = chance.choice((None, [chance.choice(events).by], []))
        role = chance.choice((None, "member", "treasurer"))
        streams = chance.choice((None, None, [chance.choice(events).stream]))
        day = chance.choice(events).effective_on
        wanted = Wanted(
            kinds,
            people,
            role,
            streams,
            counts_from=chance.choice((None, day)),
            counts_until=chance.choice((None, day)),
        )
        expected = [
            each.position
            for each in reversed(events)
            if (not kinds or each.name in kinds)
            and (people is None or each.by in people)
            and (role is None or (each.capacity is not None and each.capacity.role == role))
            and (streams is None or each.stream in streams)
            and (wanted.counts_from is None or each.effective_on >= wanted.counts_from)
            and (wanted.counts_until is None or each.effective_on <= wanted.counts_until)
        ]
        found: list[int] = []
        before = None
        for _ in range(200):
            part = search(
                connection,
                everything(DAY),
                wanted,
                before=before,
                limit=chance.choice((1, 7, 50)),
                patience=chance.choice((0, 1)),
            )
            found += [each.position for each in part.events]
            before = part.older
            if before is None:
                assert part.done
                break
        assert found == expected


def test_a_search_that_is_out_of_time_says_how_far_it_came(
    site: Site, auditor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_search, "FIRST_STRETCH", 10)
    monkeypatch.setattr(event_search, "GROWTH", 1)
    monkeypatch.setattr(event_search, "PATIENCE", 0.0)
    monkeypatch.setattr(
        event_search.search, "__kwdefaults__", {**event_search.search.__kwdefaults__, "patience": 0.0}
    )
    html = auditor.text("/audit?kind=EnvelopeOpened")
    head = site.service.head()
    assert f"Er is gezocht tot en met positie {head - 9}." in html
    for _ in range(20):
        onward = re.search(r'rel="next" href="([^"]*)"', html)
        if onward is None:
            break
        html = auditor.text(unescape(onward[1]))
        if positions(html):
            break
    assert len(table(html, "results")) == 1


def test_the_file_says_what_the_table_says(auditor: Visitor) -> None:
    html = auditor.text("/audit?kind=amounts")
    rows = table(html, "results")
    file = csv_of(auditor.text("/audit/events.csv?kind=amounts"))
    assert len(file) == len(rows) + 1 > 10
    for line, row in zip(file[1:], rows, strict=True):
        position, recorded, _, kind, sentence, by, role, about, _ = line
        assert [position, recorded] == row[:2]
        assert row[3].startswith(f"{kind} {sentence}")
        assert row[4] == f"{by} {role}".strip()
        assert row[5].startswith(about)


def test_what_cannot_be_searched_for_is_said_beside_its_field(auditor: Visitor) -> None:
    refused = auditor.get("/audit?countsFrom=2020-02-31&kind=Nonsense")
    assert refused.status_code == 400
    html = refused.get_data(as_text=True)
    assert 'id="events-countsFrom-error"' in html
    assert 'id="events-kind-error"' in html
    assert positions(html) == []


def test_every_kind_of_event_has_a_name_and_every_amount_a_kind() -> None:
    for language in ("nl", "en"):
        assert [kind for kind in EVENTS if f"audit.kind-{kind}" not in texts(language)] == []
    assert set(AMOUNTS) <= set(EVENTS)


# Who may


@pytest.mark.parametrize("who", ["submitter", "secretary", "poho", "treasurer", "admin"])
def test_only_who_may_read_the_log_comes_here(site: Site, told: Told, who: str) -> None:
    visitor = site.visitor(who)
    for path in ("/audit", "/audit/events.csv", f"/audit/proposals/{told.first}", "/audit/portfolio"):
        refused = visitor.get(path, headers={"Accept": "text/html"})
        assert refused.status_code == 403, path
        assert "controleur" in refused.get_data(as_text=True)
    assert ">Controle<" not in visitor.text("/portfolio")


def test_a_case_that_is_not_there_is_not_found(auditor: Visitor) -> None:
    missing = auditor.get(
        "/audit/proposals/proposal-01a201ca-8d72-781a-86d2-000000000000", headers={"Accept": "text/html"}
    )
    assert missing.status_code == 404


# Replay of a case


def facts_of(html: str, heading: str = "state-title") -> dict[str, str]:
    """What stands beside an event."""
    part = html[html.index(f'id="{heading}"') :].partition("</dl>")[0]
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", part, re.S)
    return {
        unescape(label): " ".join(
            unescape(re.sub(r"<[^>]*>", " ", value.replace(SEAM, ""))).split()
        ).removesuffix(" veranderd")
        for label, value in pairs
    }


def euros(value: str) -> str:
    whole, _, part = value.partition(".")
    return f"€ {int(whole):,}".replace(",", ".") + ("" if part == "00" else f",{part}")


def test_the_state_at_a_position_is_the_fold_up_to_it(
    site: Site, told: Told, auditor: Visitor, connection: psycopg.Connection[Any]
) -> None:
    for proposal in (told.first, told.second, told.third):
        history = reading.history(connection, proposal)
        for recorded in history:
            fold = reading.status_of(known_and_true(history, Moment(recorded.position)))
            assert fold is not None
            html = auditor.text(f"/audit/proposals/{proposal}?at={recorded.position}")
            shown = facts_of(html)
            assert shown["Status"] == texts("nl")[f"kit.status-{fold['status']}"]
            assert shown["Versie van het voorstel"] == str(fold["revision"])
            assert shown["Gevraagd"] == euros(fold["content"]["requested"])
            for label, name in (
                ("Toegekend", "awarded"),
                ("Toegekend en vrij", "committed"),
                ("Ingehouden", "heldBack"),
                ("Teruggegeven", "returned"),
            ):
                assert shown[label] == euros(fold["totals"][name]), (recorded.name, label)
            for waits in fold["waitingFor"]:
                assert day_words(waits["dueOn"]) in shown[WAITS]
            assert (shown[WAITS] == "Niemand: de zaak wacht nergens op") == (not fold["waitingFor"])
            row = next(each for each in table(html, "all-title") if each[0] == str(recorded.position))
            assert row[5:] == [euros(fold["content"]["requested"]), euros(fold["totals"]["awarded"])]


def day_words(iso: str) -> str:
    """A date as the pages write it."""
    return catalog("nl").put("{value:day}", {"value": iso})


def test_an_event_says_what_it_changed(told: Told, auditor: Visitor, site: Site) -> None:
    awarded = next(each.position for each in log_of(site) if each.name == "Awarded")
    html = auditor.text(f"/audit/proposals/{told.first}?at={awarded}")
    changes = {row[0]: row[1:] for row in table(html, "changes-title")}
    assert changes["Toegekend in totaal bedrag"] == ["€ 0", "€ 200.000"]
    assert changes["Toekenning, Fase 2, ingehouden bedrag"] == ["niets", "€ 80.000"]
    assert changes["Toekenning, Fase 2, vrijgavevoorwaarde"] == ["niets", "Een verslag"]
    assert changes["Status"] == ["Wacht op toekenning", "Toegekend"]
    revised = next(each.position for each in log_of(site) if each.name == "ProposalRevised")
    changes = {
        row[0]: row[1:]
        for row in table(auditor.text(f"/audit/proposals/{told.third}?at={revised}"), "changes-title")
    }
    assert changes == {
        "Versie van het voorstel": ["1", "2"],
        "Gevraagd bedrag bedrag": ["€ 200.000", "€ 150.000"],
    }


def test_only_the_events_that_changed_an_amount(told: Told, auditor: Visitor) -> None:
    first = table(auditor.text(f"/audit/proposals/{told.first}?only=amounts"), "all-title")
    assert [(row[3].split()[0], row[6]) for row in first] == [
        ("Submitter", "€ 0"),
        ("Db", "€ 200.000"),
        ("Treasurer", "€ 170.000"),
    ]
    third = table(auditor.text(f"/audit/proposals/{told.third}?only=amounts"), "all-title")
    assert [(row[3].split()[0], row[5]) for row in third] == [
        ("Submitter", "€ 200.000"),
        ("Submitter", "€ 150.000"),
    ]


def test_the_slider_counts_events_and_the_address_says_the_position(
    told: Told, auditor: Visitor, connection: psycopg.Connection[Any]
) -> None:
    history = reading.history(connection, told.first)
    path = f"/audit/proposals/{told.first}"
    assert auditor.get(f"{path}?event=3").headers["Location"] == f"{path}?at={history[2].position}"
    assert auditor.get(f"{path}?event=999").headers["Location"] == f"{path}?at={history[-1].position}"
    between = auditor.text(f"{path}?at={history[3].position - 1}")
    assert "Gebeurtenis 3 van" in between
    html = auditor.text(f"{path}?at={history[3].position}")
    assert f'id="earlier" rel="prev" href="{path}?at={history[2].position}"' in html
    assert f'id="later" rel="next" href="{path}?at={history[4].position}"' in html
    assert 'id="earlier"' not in auditor.text(f"{path}?at=0")
    assert 'id="later"' not in auditor.text(path)


def test_the_difference_between_two_moments(told: Told, auditor: Visitor, site: Site) -> None:
    path = f"/audit/proposals/{told.first}"
    moved = next(each.position for each in log_of(site) if each.name == "MoneyMovedOut")
    by_position = table(auditor.text(f"{path}?from={moved - 1}&to={moved}"), "between-title")
    by_date = table(auditor.text(f"{path}?from=2020-10-31&to=2020-11-02&time=true"), "between-title")
    assert by_position == by_date
    assert ["Ingehouden in totaal bedrag", "€ 80.000", "€ 50.000"] in by_position
    assert "Er is geen verschil" in auditor.text(f"{path}?from=2020-10-31&to=2020-11-01&time=true")
    wrong = auditor.get(f"{path}?from=gisteren&to=5")
    assert wrong.status_code == 400
    assert 'id="from-error"' in wrong.get_data(as_text=True)


def test_what_was_known_then_beside_what_was_true_then(told: Told, auditor: Visitor, site: Site) -> None:
    html = auditor.text(f"/audit/proposals/{told.first}?on=2020-10-31")
    part = html[html.index('id="then-title"') :].replace("\u00a0", " ")
    assert "Deze zaak was er toen nog niet." in part
    assert "€ 200.000" in part
    today = site.service.app.extensions["besluitspoor"].parts.calendar().today
    assert "Wat toen bekend was, was ook waar" in auditor.text(f"/audit/proposals/{told.first}?on={today}")


def test_what_is_recorded_later_differs_between_known_then_and_true_then(site: Site) -> None:
    """An amount that was recorded afterwards, to count from an earlier date, is the difference that is marked."""
    story = Story()
    story.tell(submitted(), on=DAY)
    story.tell(ProposalRevised(2, content("250000.00")), on=DAY + timedelta(days=1))
    known = reading.status_of(known_and_true(story.history, Moment(1)))
    true = reading.status_of(known_and_true(story.history, Moment(None, DAY + timedelta(days=1))))
    with site.service.app.test_request_context():
        found = {
            each.label: (each.before, each.after)
            for each in differences(known, true, Words(Names(), Places()))
        }
    assert found["Amount requested" if "Amount requested" in found else "Gevraagd bedrag"] == (
        "€\u00a0300.000",
        "€\u00a0250.000",
    )


NOTHING: tuple[Any, ...] = (None, "", [], {}, "0.00")


def test_no_difference_goes_unseen_and_every_field_has_a_name(
    site: Site, told: Told, connection: psycopg.Connection[Any]
) -> None:
    """Two states differ in a field exactly where the page says so; nothing is called by its code."""
    with site.service.app.test_request_context(headers={"Accept-Language": "nl"}):
        words = Words(Names(), Places())
        for proposal in (told.first, told.second, told.third):
            history = reading.history(connection, proposal)
            states: list[Document] = []
            for recorded in history:
                state = reading.status_of(known_and_true(history, Moment(recorded.position)))
                assert state is not None
                states.append(fill(state, connection, everything(DAY)))
            for before in (None, *states):
                for after in states:
                    was, now = dict(leaves(before or {})), dict(leaves(after))
                    changed = {
                        path
                        for path in {*was, *now}
                        if was.get(path) != now.get(path)
                        and not (was.get(path) in NOTHING and now.get(path) in NOTHING)
                    }
                    found = differences(before, after, words)
                    assert {each.path for each in found} == changed
                    assert amounts(before, after) == any(each.money for each in found)
                    for each in found:
                        assert each.label[:1].isupper(), each.label
                        assert not re.search(r"[a-z][A-Z]", each.label), each.label


# Replay of the portfolio


def test_the_portfolio_at_each_act_is_what_the_log_sums_to(
    site: Site, told: Told, auditor: Visitor, connection: psycopg.Connection[Any]
) -> None:
    html = auditor.text("/audit/portfolio")
    seen = 0
    while True:
        rows = table(html, "acts-title")
        for row in rows:
            sums = sums_at(connection, Moment(int(row[0])))
            shown = [cell.removesuffix(" veranderd") for cell in row[4:]]
            assert shown == [euros(sums[name]) for name in ("requested", "awarded", "left")], row
            seen += 1
        if len(rows) < 15:
            break
        html = auditor.text(f"/audit/portfolio?at={rows[-1][0]}")
    assert seen >= 7
    total = figures.portfolio(connection)["total"]
    assert [total["requested"], total["awarded"]] == ["450000.00", "200000.00"]


def test_a_position_within_an_act_counts_nothing_of_that_act(
    site: Site, auditor: Visitor, connection: psycopg.Connection[Any]
) -> None:
    awarded = next(each.position for each in log_of(site) if each.name == "Awarded")
    html = auditor.text(f"/audit/portfolio?at={awarded}")
    shown = facts_of_short(html)
    assert (shown["Toegekend"], shown["Nog beschikbaar"]) == ("€ 0", "€ 2.000.000")


def facts_of_short(html: str) -> dict[str, str]:
    part = html[html.index('id="totals-title"') :].partition("</dl>")[0]
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", part, re.S)
    return {
        label: " ".join(unescape(re.sub(r"<[^>]*>", " ", value)).split()).removesuffix(" veranderd")
        for label, value in pairs
    }


def test_the_difference_of_the_portfolio_between_two_moments(auditor: Visitor) -> None:
    html = auditor.text("/audit/portfolio?from=2020-10-31&to=2020-11-30&time=true")
    rows = table(html, "between-title")
    assert ["Totaal", "Alle voorstellen", "Gevraagd", "€ 300.000", "€ 450.000", "+€ 150.000"] in rows
    assert ["Totaal", "Alle voorstellen", "Ingehouden", "€ 80.000", "€ 50.000", "€ -30.000"] in rows
    assert ["Thema", "Opleiden", "Toegekend", "€ 0", "€ 30.000", "+€ 30.000"] in rows


# In a browser


@pytest.mark.parametrize(
    ("locale", "viewport", "dark"),
    [("nl", DESKTOP, False), ("en", PHONE, True)],
    ids=["nl-desktop-light", "en-phone-dark"],
)
def test_an_auditor_finds_who_changed_an_amount_by_mouse_or_finger(
    told: Told, opened: Opener, locale: str, viewport: dict[str, int], dark: bool
) -> None:
    page = opened("auditor", "/", locale=locale, viewport=viewport, dark=dark)
    if viewport == PHONE:
        page.locator(".site-more > summary").click()
    page.locator(".site-menu a[href='/audit']").click()
    expect(page.locator("h1")).to_have_text(texts(locale)["audit.title"])
    assert violations(page) == []
    page.locator("select[name=kind]").select_option(label=texts(locale)["audit.kind-MoneyMovedOut"])
    page.locator("#events button[type=submit]").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert "Treasurer" in page.locator("tbody tr").inner_text()
    assert violations(page) == []
    page.locator("tbody tr a").click()
    page.wait_for_url(f"**/audit/proposals/{told.first}?at=*")
    assert violations(page) == []
    page.locator("#only-amounts").click()
    who_changed_it(page, locale)
    assert violations(page) == []


@pytest.mark.parametrize(
    ("locale", "viewport", "dark"),
    [("nl", PHONE, False), ("en", DESKTOP, True)],
    ids=["nl-phone-light", "en-desktop-dark"],
)
def test_an_auditor_finds_who_changed_an_amount_by_keyboard_alone(
    told: Told, opened: Opener, locale: str, viewport: dict[str, int], dark: bool
) -> None:
    page = opened("auditor", "/audit", locale=locale, viewport=viewport, dark=dark)
    to(page, "select[name=kind]")
    page.keyboard.type(texts(locale)["audit.kind-MoneyMovedOut"])
    expect(page.locator("select[name=kind]")).to_have_value("MoneyMovedOut")
    to(page, "#events button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/audit?**kind=MoneyMovedOut**")
    to(page, "tbody tr a")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/audit/proposals/{told.first}?at=*")
    count = int(page.locator("#event").get_attribute("max") or 0)
    to(page, "#event")
    page.keyboard.press("End")
    expect(page.locator("#event-title")).to_contain_text(str(count))
    expect(page.locator("#later")).to_have_count(0)
    assert violations(page) == []
    to(page, "#earlier")
    page.keyboard.press("Enter")
    expect(page.locator("#event-title")).to_contain_text(str(count - 1))
    expect(page.locator("#event")).to_have_value(str(count - 1))
    to(page, "#only-amounts")
    page.keyboard.press("Enter")
    page.wait_for_url("**only=amounts**")
    assert "Treasurer" in page.locator(".events-of-case tbody tr").last.inner_text()
    assert violations(page) == []


def who_changed_it(page: Page, locale: str) -> None:
    """The treasurer did: 80,000 that waited became 50,000, and the grounds say why."""
    rows = page.locator(".events-of-case tbody tr")
    expect(rows).to_have_count(3)
    assert "Treasurer" in rows.last.inner_text()
    changed = page.locator(
        "#replayed .then-now tbody tr", has_text=texts(locale)["case-fields.totals-heldBack"]
    )
    held = ["€\u00a080.000", "€\u00a050.000"] if locale == "nl" else ["€80,000", "€50,000"]
    assert changed.locator("td").all_inner_texts() == held
    assert "Minder nodig dan gedacht" in page.locator("#replayed").inner_text()


def to(page: Page, selector: str) -> None:
    """Tabs until this has the focus."""
    for _ in range(120):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} can't be reached by keyboard")


def test_the_replay_works_without_scripts(site: Site, told: Told, opened: Opener) -> None:
    page = opened("auditor", f"/audit/proposals/{told.first}", scripts=False)
    page.locator("#event").focus()
    page.keyboard.press("Home")
    page.locator(".slider button").click()
    expect(page.locator("#event-title")).to_contain_text("Gebeurtenis 1 van")
    page.locator("#later").click()
    expect(page.locator("#event-title")).to_contain_text("Gebeurtenis 2 van")


@pytest.mark.parametrize(
    ("viewport", "locale", "dark"),
    [(PHONE, "nl", False), (PHONE, "en", True), (DESKTOP, "nl", True), (DESKTOP, "en", False)],
)
def test_the_pages_are_open_to_everybody(
    site: Site, told: Told, opened: Opener, viewport: dict[str, int], locale: str, dark: bool
) -> None:
    for path in (
        "/audit?role=member",
        "/audit?words=nergens",
        f"/audit/proposals/{told.first}?on=2020-10-31&from=2020-10-31&to=2020-11-02&time=true",
        "/audit/portfolio?from=2020-10-31&to=2020-11-30&time=true",
    ):
        page = opened("auditor", path, viewport=viewport, locale=locale, dark=dark)
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path
        page.context.close()
