"""What was I told? One's own messages, what is new on every page at once, and nothing lost that is put away."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Page, expect

from service.messaging import noticing
from service.messaging.channels import inbox
from tests.conftest import fresh_database
from tests.web.conftest import DESKTOP, PHONE, Opener, Site, Visitor, site_on, violations
from tests.web.hands import Hands, Keyboard, Pointer
from tests.web.messages import told

UNREAD = re.compile(r"data-unread-count>(\d+\+?)<")


@pytest.fixture
def case(site: Site) -> str:
    """A proposal that waits for the task force, with an empty inbox for everybody."""
    made = site.complete(site.submitted(title="Digitale werkplaats"))
    with database(site) as connection:
        connection.execute("DELETE FROM ledger.deliveries")
        connection.execute("DELETE FROM vault.watching")
    until(lambda: "Digitale werkplaats" in site.visitor("secretary").text(f"/proposals/{made}"))
    return made


def database(site: Site) -> psycopg.Connection[Any]:
    return psycopg.connect(site.service.settings.database_url, autocommit=True)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def do(visitor: Visitor, what: str, *messages: str) -> int:
    """Ticks these messages on the page that is shown, and presses a button."""
    return visitor.post("/inbox", {"do": what, "message": list(messages)}).status_code


def count(html: str) -> str:
    """The number of unread messages that the header of a page says; empty when it says none."""
    found = UNREAD.search(html)
    assert found is not None
    return "" if "data-unread hidden" in html else found[1]


def ticks(id: str) -> str:
    """What stands in a list that holds this message."""
    return f'name="message" value="{id}"'


def marks(site: Site, id: str) -> tuple[bool, bool]:
    """Has this message been read, and archived?"""
    with database(site) as connection:
        row = connection.execute(
            "SELECT read_at IS NOT NULL, archived_at IS NOT NULL FROM ledger.deliveries WHERE id = %s", (id,)
        ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_a_message_says_what_happened_how_urgent_it_is_and_when(site: Site, case: str) -> None:
    told(site, "taskforce", case, "turn", urgency="high")
    told(site, "taskforce", case, "advised", urgency="low", advice="positive")
    said = site.visitor("taskforce").text("/inbox")
    assert said.index("er is een advies") < said.index("jullie advies is gevraagd"), "the newest first"
    for part in (
        "Vandaag",
        "Digitale werkplaats",
        "Vraagt je aandacht",
        "Ter informatie",
        "Bestuurlijke taskforce",
    ):
        assert part in said
    english = site.visitor("taskforce").text("/inbox", headers={"Accept-Language": "en"})
    for part in ("Today", "Needs your attention", "your advice is asked"):
        assert part in english


def test_every_page_says_how_many_are_unread(site: Site, case: str) -> None:
    visitor = site.visitor("taskforce")
    assert count(visitor.text("/proposals")) == ""
    assert "nieuw bericht" not in visitor.text("/")
    told(site, "taskforce", case)
    assert "Je hebt 1 nieuw bericht" in visitor.text("/")
    told(site, "taskforce", case, "decided", outcome="approved")
    assert count(visitor.text("/proposals")) == "2"
    assert "Je hebt 2 nieuwe berichten" in visitor.text("/")
    missing = visitor.get(f"/proposals/proposal-{uuid4()}", headers={"Accept": "text/html"})
    assert count(missing.get_data(as_text=True)) == "2"


@pytest.mark.slow
def test_more_than_can_be_counted_cheaply_is_many(site: Site, case: str) -> None:
    for _ in range(inbox.MOST_COUNTED + 1):
        told(site, "taskforce", case)
    visitor = site.visitor("taskforce")
    assert "99+" in visitor.text("/proposals")
    assert "Je hebt meer dan 99 nieuwe berichten" in visitor.text("/")
    seen: list[str] = []
    path = "/inbox"
    while path:
        said = visitor.text(path)
        seen += re.findall(r'name="message" value="([^"]+)"', said)
        following = re.search(r'rel="next" href="([^"]+)"', said)
        path = following[1].replace("&amp;", "&") if following else ""
    assert len(seen) == len(set(seen)) == inbox.MOST_COUNTED + 1
    assert seen == sorted(seen, reverse=True)


def test_the_link_leads_to_the_case_and_the_message_counts_as_read(site: Site, case: str) -> None:
    message = told(site, "taskforce", case)
    visitor = site.visitor("taskforce")
    assert visitor.client.head(f"/inbox/{message}").status_code == 303
    assert marks(site, message) == (False, False), "asking whether it is there is no reading"
    answer = visitor.get(f"/inbox/{message}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/proposals/{case}")
    assert marks(site, message) == (True, False)
    assert count(visitor.text("/")) == ""


def test_who_may_not_read_the_case_reads_the_message_itself(site: Site, case: str) -> None:
    message = told(site, "neighbour", case, "named", relation="partner")
    said = site.visitor("neighbour").text(f"/inbox/{message}")
    assert "Bij dit bericht hoort geen pagina die jij kunt openen" in said
    assert f"/proposals/{case}" not in said


def test_what_is_ticked_is_archived_and_can_be_put_back(site: Site, case: str) -> None:
    first, second, third = (told(site, "taskforce", case) for _ in range(3))
    visitor = site.visitor("taskforce")
    visitor.text("/inbox")
    assert do(visitor, "archive", first, second) == 303
    assert "Naar het archief gebracht" in visitor.text("/inbox")
    assert (ticks(first) in visitor.text("/inbox"), ticks(third) in visitor.text("/inbox")) == (False, True)
    assert count(visitor.text("/")) == "1", "what is archived asks for nothing"
    archived = visitor.text("/inbox?only=archived")
    assert ticks(first) in archived
    assert ticks(second) in archived
    assert ticks(third) not in archived
    assert do(visitor, "put-back", first) == 303
    assert ticks(first) in visitor.text("/inbox")
    assert do(visitor, "read", first, third) == 303
    assert "Je hebt alles gelezen" in visitor.text("/inbox?only=unread")
    assert do(visitor, "unread", third) == 303
    unread = visitor.text("/inbox?only=unread")
    assert ticks(third) in unread
    assert ticks(first) not in unread


def test_all_at_once(site: Site, case: str) -> None:
    these = [told(site, "taskforce", case) for _ in range(3)]
    visitor = site.visitor("taskforce")
    visitor.text("/inbox")
    assert do(visitor, "read", these[0]) == 303
    visitor.text("/inbox")
    assert do(visitor, "archive-read") == 303
    assert [marks(site, each) for each in these] == [(True, True), (False, False), (False, False)]
    visitor.text("/inbox")
    assert do(visitor, "read-all") == 303
    assert [marks(site, each)[0] for each in these] == [True, True, True]


def test_nothing_ticked_is_said_and_the_page_stays(site: Site, case: str) -> None:
    told(site, "taskforce", case)
    visitor = site.visitor("taskforce")
    visitor.text("/inbox?only=unread")
    for fields in ({"do": "archive"}, {"do": "archive", "message": "x\x00"}, {"do": "nonsense"}, {}):
        answer = visitor.post("/inbox", {**fields, "only": "unread"})
        assert answer.status_code == 400
        assert "Kies eerst een of meer berichten" in answer.get_data(as_text=True)


def test_an_empty_inbox_says_what_will_come(site: Site, case: str) -> None:
    visitor = site.visitor("taskforce")
    assert "Je hebt geen berichten" in visitor.text("/inbox")
    assert "Je archief is leeg" in visitor.text("/inbox?only=archived")
    assert "Je hebt geen berichten" in visitor.text("/inbox?only=nonsense&cursor=nonsense")


def test_nobody_reaches_the_messages_of_another(site: Site, case: str) -> None:
    message = told(site, "taskforce", case)
    other = site.visitor("poho")
    assert "Je hebt geen berichten" in other.text("/inbox")
    assert count(other.text("/")) == ""
    absent = f"delivery-{uuid4()}"
    said = [other.get(f"/inbox/{id}").get_data(as_text=True).replace(id, "") for id in (message, absent)]
    assert re.sub(r'csrf" value="[^"]*', "", said[0]) == re.sub(r'csrf" value="[^"]*', "", said[1])
    other.text("/inbox")
    for what in ("read", "archive", "read-all", "archive-read"):
        do(other, what, message)
        assert marks(site, message) == (False, False), what


def test_a_mail_is_no_message_here(site: Site, case: str) -> None:
    mail = told(site, "taskforce", case, channel="email", state="waiting")
    visitor = site.visitor("taskforce")
    assert "Je hebt geen berichten" in visitor.text("/inbox")
    assert visitor.get(f"/inbox/{mail}").status_code == 404


def test_a_stand_in_sees_for_whom(site: Site, case: str) -> None:
    told(site, "taskforce", case, instead_of=site.service.people["poho"].id)
    assert "in plaats van Poho, die afwezig is" in site.visitor("taskforce").text("/inbox")


def test_a_case_can_be_followed_and_no_longer(site: Site, case: str) -> None:
    visitor = site.visitor("auditor")
    assert "Volg dit voorstel" in visitor.text(f"/proposals/{case}")
    answer = visitor.post(f"/proposals/{case}/watch", {"do": "follow"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/proposals/{case}")
    assert "Stop met volgen" in visitor.text(f"/proposals/{case}")
    assert "Volg dit voorstel" in site.visitor("treasurer").text(f"/proposals/{case}")
    listed = visitor.text("/inbox")
    assert "Digitale werkplaats" in listed
    assert visitor.post(f"/proposals/{case}/watch", {"do": "stop", "from": "inbox"}).status_code == 303
    assert "Je volgt nog geen voorstel" in visitor.text("/inbox")


def test_what_one_may_not_read_one_cannot_follow(site: Site, case: str) -> None:
    visitor = site.visitor("neighbour")
    for id in (case, f"proposal-{uuid4()}"):
        for what in ("follow", "stop"):
            visitor.text("/inbox")
            assert visitor.post(f"/proposals/{id}/watch", {"do": what}).status_code == 404, (id, what)
    with database(site) as connection:
        person = site.service.people["neighbour"].id
        connection.execute("INSERT INTO vault.watching (person, stream) VALUES (%s, %s)", (person, case))
    listed = visitor.text("/inbox")
    assert "je mag dit voorstel niet meer lezen" in listed
    assert "Digitale werkplaats" not in listed
    assert visitor.post(f"/proposals/{case}/watch", {"do": "stop", "from": "inbox"}).status_code == 303
    assert "Je volgt nog geen voorstel" in visitor.text("/inbox")


# An open page hears of it


def asked(visitor: Visitor, inbox_: str, tag: str = "") -> tuple[int, str, str | None]:
    headers = {"If-None-Match": tag} if tag else {}
    answer = visitor.get("/live", query_string={"inbox": inbox_}, headers=headers)
    return answer.status_code, answer.headers["ETag"], answer.headers.get("Inbox")


def test_an_open_page_hears_of_its_own_messages_only(site: Site, case: str) -> None:
    visitor = site.visitor("taskforce")
    time.sleep(0.3)
    _, tag, mark = asked(visitor, "")
    assert mark is not None
    assert mark.startswith("0-")
    assert asked(visitor, mark, tag)[0] == 304
    told(site, "poho", case)
    until(lambda: asked(visitor, mark, tag)[1] != tag)
    assert asked(visitor, mark, tag)[0] == 304, "of another"
    tag = asked(visitor, mark, tag)[1]
    told(site, "taskforce", case)
    until(lambda: asked(visitor, mark, tag)[0] == 204)
    _, tag, now = asked(visitor, mark, tag)
    assert now is not None
    assert now.startswith("1-")
    assert asked(visitor, now, tag) == (304, tag, None)


def test_while_nothing_happens_a_page_that_asks_costs_no_question_about_its_inbox(
    site: Site, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = site.visitor("taskforce")
    time.sleep(0.3)
    _, tag, mark = asked(visitor, "")
    looked: list[str] = []
    real = inbox.mark
    monkeypatch.setattr(
        inbox, "mark", lambda connection, person: looked.append(person) or real(connection, person)
    )
    for _ in range(20):
        assert asked(visitor, str(mark), tag) == (304, tag, None)
    assert looked == []


@pytest.fixture(scope="module")
def folded(admin_url: str, template: Any) -> Iterator[Site]:
    """A site whose notices are folded when a test says so."""
    with fresh_database(admin_url, template) as settings, site_on(settings) as made:
        yield made


def fold(site: Site) -> None:
    """Makes the notices of all that happened."""
    parts = site.service.app.extensions["besluitspoor"].parts
    with database(site) as connection:
        at = noticing.position(connection)
        while (now := noticing.fold_batch(parts, connection, at, 100)) != at:
            at = now


def test_who_is_told_finds_it_and_hears_no_more_of_it_once_it_is_read(folded: Site) -> None:
    folded.complete(folded.submitted())
    fold(folded)
    visitor = folded.visitor("taskforce")
    assert "jullie advies is gevraagd" in visitor.text("/inbox")
    before = count(visitor.text("/"))
    fold(folded)
    assert count(visitor.text("/")) == before, "told once"
    assert "ontvangen" in folded.visitor("submitter").text("/inbox")


# In a browser


@pytest.mark.parametrize(
    ("viewport", "locale", "dark"),
    [(DESKTOP, "nl", False), (DESKTOP, "en", True), (PHONE, "nl", True), (PHONE, "en", False)],
)
def test_it_is_accessible_and_fits(
    opened: Opener, served: Site, case: str, viewport: dict[str, int], locale: str, dark: bool
) -> None:
    told(served, "taskforce", case)
    told(served, "taskforce", case, "advised", urgency="low", advice="positive")
    message = told(served, "neighbour", case, "named", relation="partner")
    for who, path in (
        ("taskforce", "/inbox"), ("taskforce", "/inbox?only=archived"), ("taskforce", "/"),
        ("taskforce", f"/proposals/{case}"), ("neighbour", f"/inbox/{message}"),
    ):  # fmt: skip
        page = opened(who, path, viewport=viewport, locale=locale, dark=dark)
        assert violations(page) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= viewport["width"], path


@pytest.mark.parametrize("hands", [Pointer(), Keyboard()], ids=["mouse", "keyboard"])
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_reading_archiving_and_following(
    opened: Opener, served: Site, case: str, hands: Hands, scripts: bool
) -> None:
    first, second = told(served, "taskforce", case), told(served, "taskforce", case)
    page = opened("taskforce", "/inbox", scripts=scripts)
    hands.press(page, f'a[href="/inbox/{first}"]')
    expect(page).to_have_url(re.compile(f"/proposals/{case}$"))
    hands.press(page, 'button[value="follow"]')
    expect(page.locator("[data-recorded]")).to_contain_text("Je volgt dit voorstel")
    page.goto(f"{served.address}/inbox")
    box = page.locator(f'input[value="{second}"]')
    box.focus()
    page.keyboard.press("Space")
    hands.press(page, 'button[value="archive"]')
    expect(page.locator("[data-recorded]")).to_contain_text("archief")
    expect(page.locator(".message")).to_have_count(1)
    hands.press(page, ".followed__case button")
    expect(page.locator("#followed")).to_be_visible()
    expect(page.get_by_text("Je volgt nog geen voorstel")).to_be_visible()


def header(page: Page) -> Any:
    return page.locator(".site-menu [data-unread]")


def has_asked(page: Page) -> bool:
    """Did this page ask what is new, and hear the answer?"""
    heard = "() => performance.getEntriesByType('resource').some(each => each.name.includes('/live?'))"
    return bool(page.evaluate(heard))


def test_an_open_page_of_another_browser_says_so_within_a_poll(
    opened: Opener, served: Site, case: str
) -> None:
    fold(served)
    with database(served) as connection:
        connection.execute("DELETE FROM ledger.deliveries")
    other = served.complete(served.submitted(title="Iets anders"))
    inbox_page = opened("taskforce", "/inbox")
    form = opened("taskforce", "/inbox/preferences")
    start = opened("taskforce", "/")
    for page in (inbox_page, form, start):
        expect(header(page)).to_be_hidden()
    for page in (inbox_page, form, start):
        until(lambda page=page: has_asked(page))
    fold(served)
    for page in (inbox_page, form, start):
        expect(header(page)).to_contain_text("1")
    expect(inbox_page.locator(".message")).to_contain_text("Iets anders")
    # What only a script can do is still there in what was put in place.
    expect(inbox_page.get_by_label("Kies alles op deze pagina")).to_be_visible()
    expect(start.locator("#new-messages")).to_contain_text("1 nieuw bericht")
    # Reading it in one browser is seen in the others.
    inbox_page.locator(".message a").click()
    expect(inbox_page).to_have_url(re.compile(f"/proposals/{other}$"))
    expect(header(form)).to_be_hidden()


def test_on_a_phone_the_count_stands_beside_the_menu(opened: Opener, served: Site, case: str) -> None:
    told(served, "taskforce", case)
    page = opened("taskforce", "/proposals", viewport=PHONE)
    expect(page.locator(".site-inbox")).to_contain_text("1")
    page.locator(".site-inbox").click()
    expect(page).to_have_url(re.compile("/inbox$"))
    page.locator(".site-more > summary").click()
    expect(header(page)).to_be_visible()
