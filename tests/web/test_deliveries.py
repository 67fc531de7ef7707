"""What was sent to whom, and did it arrive? The office sees why not, where it comes from, and sends it again."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import expect

from service.documents import letters
from service.messaging import ledger
from service.messaging.ledger import STATES
from tests.web.conftest import DESKTOP, PHONE, Opener, Site, violations
from tests.web.hands import Hands, Keyboard, Pointer
from tests.web.messages import told

ERROR = "550 5.1.1 <b>User unknown</b>"


@pytest.fixture
def case(site: Site) -> str:
    """A proposal that waits for the task force; nothing was sent yet."""
    made = site.complete(site.submitted(title="Digitale werkplaats"))
    with database(site) as connection:
        connection.execute("DELETE FROM ledger.deliveries")
    return made


def database(site: Site) -> psycopg.Connection[Any]:
    return psycopg.connect(site.service.settings.database_url, autocommit=True)


def dead(site: Site, case: str, who: str = "taskforce", state: str = "dead", **facts: Any) -> str:
    """A mail that was tried three times and given up."""
    id = told(site, who, case, channel="email", state=state, **facts)
    with database(site) as connection:
        connection.execute("UPDATE ledger.deliveries SET error = %s, tries = 3 WHERE id = %s", (ERROR, id))
        for number in (1, 2, 3):
            connection.execute(
                "INSERT INTO ledger.tries (delivery, number, outcome, detail) VALUES (%s, %s, 'failed', %s)",
                (id, number, f"try {number}"),
            )
        connection.execute(
            """UPDATE ledger.notices n SET cause = 'event:' || n.position FROM ledger.deliveries d
            WHERE d.notice = n.id AND d.id = %s AND NOT EXISTS (SELECT FROM ledger.notices o
                WHERE o.cause = 'event:' || n.position AND o.kind = n.kind)""",
            (id,),
        )
    return id


def state_of(site: Site, id: str) -> str:
    with database(site) as connection:
        row = connection.execute("SELECT state FROM ledger.deliveries WHERE id = %s", (id,)).fetchone()
    assert row is not None
    return str(row[0])


def listed(html: str) -> list[str]:
    """The deliveries that a page lists."""
    return re.findall(r'href="/deliveries/(delivery-[0-9a-f-]+)"', html)


def test_each_state_is_said_in_words(site: Site, case: str) -> None:
    for state in STATES:
        told(site, "taskforce", case, channel="email", state=state)
    said = site.visitor("secretary").text("/deliveries")
    for words in ("Wacht op een overzicht", "Ging mee in een overzicht", "Wacht om te gaan", "In de rij",
                  "Wordt nu verstuurd", "Verstuurd", "Gemaakt en bewaard bij de zaak", "Moet nog op de post",
                  "Opgegeven", "Teruggekomen", "Niet verstuurd"):  # fmt: skip
        assert words in said
    assert "3 berichten kwamen niet aan" in said
    english = site.visitor("secretary").text("/deliveries", headers={"Accept-Language": "en"})
    assert "Given up" in english


def test_the_list_is_narrowed_by_state_channel_person_and_case(site: Site, case: str) -> None:
    lost = dead(site, case)
    mail = told(site, "poho", case, channel="email", state="waiting")
    message = told(site, "poho", case)
    other = told(site, "taskforce", site.submitted(), channel="email", state="sent")
    visitor = site.visitor("secretary")
    reference = site.service.told("secretary", f"/proposals/{case}")["reference"]
    for query, expected in {
        "": [other, message, mail, lost],
        "state=lost": [lost],
        "state=dead": [lost],
        "state=under-way": [mail],
        "channel=inbox": [message],
        "person=poho": [message, mail],
        "person=poho&channel=email": [mail],
        f"case={reference.lower()}": [message, mail, lost],
        "person=nobody-we-know": [],
        "case=RHA-1999-0001": [],
        "state=nonsense&channel=nonsense&cursor=nonsense": [other, message, mail, lost],
    }.items():
        assert listed(visitor.text(f"/deliveries?{query}")) == expected, query


def test_what_the_law_requires_and_did_not_arrive_stands_on_the_desk_and_where_one_begins(
    site: Site, case: str
) -> None:
    visitor = site.visitor("secretary")
    said = "2 berichten die van de wet moeten, kwamen niet aan"
    dead(site, case)
    told(site, "submitter", case, channel="email", required=True)
    for path in ("/", "/desk"):
        assert "van de wet" not in visitor.text(path), "what one may turn off, or what arrived, alarms nobody"
    lost = dead(site, case, "submitter", required=True, relation="submitter", kind="awarded")
    back = dead(site, case, "submitter", "bounced", required=True, relation="submitter", kind="receipt")
    for path in ("/", "/desk"):
        html = visitor.text(path)
        assert said in html
        found = re.search(r'href="(/deliveries\?[^"]+)">Bekijk waarom', html)
        assert found is not None
        assert listed(visitor.text(found[1].replace("&amp;", "&"))) == [back, lost]
    assert listed(visitor.text("/deliveries?state=went-wrong&law=no")) != []
    shown = site.service.told("secretary", "/deliveries?state=dead&required=true")["items"]
    assert [each["id"] for each in shown] == [lost]
    for who in ("submitter", "taskforce", "admin"):
        assert "van de wet" not in site.visitor(who).text("/")


def test_what_could_not_be_mailed_is_posted_and_alarms_nobody_any_more(site: Site, case: str) -> None:
    lost = dead(site, case, "submitter", required=True, relation="submitter", kind="awarded")
    other = dead(site, case, "taskforce")
    own = dead(
        site, case, "secretary", required=True, relation="secretariat", kind="unreached", letter="award"
    )
    visitor = site.visitor("secretary")
    for id, may_post in ((lost, True), (other, False), (own, False)):
        assert ("Ik deed hem op de post" in visitor.text(f"/deliveries/{id}")) == may_post
        visitor.post(f"/desk/posted/{id}", {})
        assert state_of(site, id) == ("sent" if may_post else "dead")
    said = visitor.text(f"/deliveries/{lost}")
    assert "Op de post gedaan" in said
    with database(site) as connection:
        assert not ledger.bounced(connection, lost, "550 late"), "what comes back later changes nothing"
    assert "try 3" in said, "what went wrong is still to be seen"
    assert "1 bericht dat van de wet moet, kwam niet aan" in visitor.text("/desk")
    assert "Ik deed hem op de post" not in site.visitor("admin").text(f"/deliveries/{own}")


def test_a_long_list_has_pages(site: Site, case: str) -> None:
    made = [told(site, "taskforce", case) for _ in range(60)]
    visitor = site.visitor("secretary")
    first = visitor.text("/deliveries")
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = visitor.text(following[1].replace("&amp;", "&"))
    assert listed(first) + listed(second) == sorted(made, reverse=True)


def test_what_was_given_up_shows_why_every_try_and_where_it_comes_from(site: Site, case: str) -> None:
    id = dead(site, case)
    said = site.visitor("secretary").text(f"/deliveries/{id}")
    assert "550 5.1.1 &lt;b&gt;User unknown" in said
    for words in ("Opgegeven", "3 pogingen", "try 1", "try 2", "try 3", "Taskforce", "lid van het orgaan"):
        assert words in said
    assert "Gebeurtenis" in said
    assert f'href="/proposals/{case}"' in said
    assert f"/proposals/{case}?atPosition=" in said


def test_what_came_back_shows_what_the_server_said_when_it_took_it_too(site: Site, case: str) -> None:
    id = told(site, "taskforce", case, channel="email", state="sent")
    with database(site) as connection:
        connection.execute("UPDATE ledger.deliveries SET tries = 1 WHERE id = %s", (id,))
        connection.execute(
            "INSERT INTO ledger.tries (delivery, number, outcome, detail) VALUES (%s, 1, 'sent', '250 queued as 7')",
            (id,),
        )
        assert ledger.bounced(connection, id, "550 5.1.1 no such user")
    said = site.visitor("secretary").text(f"/deliveries/{id}")
    for words in (
        "1 poging<",
        "Poging 1",
        "250 queued as 7",
        "Na poging 1",
        "Teruggekomen",
        "550 5.1.1 no such user",
    ):
        assert words in said
    english = site.visitor("secretary").text(f"/deliveries/{id}", headers={"Accept-Language": "en"})
    assert "After try 1" in english
    every = site.service.told("secretary", f"/deliveries/{id}")["everyTry"]
    assert [(each["number"], each["outcome"], each["detail"]) for each in every] == [
        (1, "sent", "250 queued as 7"),
        (1, "bounced", "550 5.1.1 no such user"),
    ]


def test_a_mail_is_shown_as_it_would_be_sent(site: Site, case: str) -> None:
    id = dead(site, case)
    visitor = site.visitor("secretary")
    said = visitor.text(f"/deliveries/{id}")
    assert "jullie advies is gevraagd" in said
    assert "taskforce@example.org" in said
    mail = visitor.get(f"/deliveries/{id}/mail")
    assert mail.status_code == 200
    policy = mail.headers["Content-Security-Policy"]
    assert "style-src 'sha256-" in policy
    assert "script" not in policy
    assert "default-src 'none'" in policy
    message = told(site, "taskforce", case)
    assert visitor.get(f"/deliveries/{message}/mail").status_code == 404


def test_the_administrator_sees_that_it_went_wrong_and_not_what_it_says(site: Site, case: str) -> None:
    id = dead(site, case)
    visitor = site.visitor("admin")
    for path in ("/deliveries", f"/deliveries/{id}", f"/deliveries/resend?delivery={id}"):
        said = visitor.text(path)
        assert "Opgegeven" in said
        assert "Digitale werkplaats" not in said
        assert "jullie advies" not in said
        assert "Bericht over RHA-" in said
        assert "Aan de beurt" not in said
    assert "Wat er gebeurde, mag jij niet lezen" in visitor.text(f"/deliveries/{id}")
    assert visitor.get(f"/deliveries/{id}/mail").status_code == 403


def test_of_a_letter_of_a_case_the_administrator_sees_no_more_than_of_the_case(site: Site, case: str) -> None:
    parts = site.service.app.extensions["besluitspoor"].parts
    letter = letters.issue(parts, "receipt", case, parts.log.load(case)[0].position)
    issued = parts.log.load(letter.id)[0].position
    id = told(site, "integration", case, "event", channel="queue", relation="subscriber")
    with database(site) as connection:
        connection.execute(
            """UPDATE ledger.notices n SET stream = %s, position = %s, cause = %s, facts = '{}'
            FROM ledger.deliveries d WHERE d.notice = n.id AND d.id = %s""",
            (letter.id, issued, f"event:{issued}", id),
        )
    assert "ntvangst" in site.visitor("secretary").text(f"/deliveries/{id}")
    said = site.visitor("admin").text(f"/deliveries/{id}")
    assert "Wat er gebeurde, mag jij niet lezen" in said
    assert "ntvangst" not in said
    assert site.service.told("admin", f"/deliveries/{id}")["kind"] is None


@pytest.mark.parametrize("who", ["submitter", "taskforce", "treasurer", "auditor", "integration"])
def test_others_see_nothing_of_it(site: Site, case: str, who: str) -> None:
    id = dead(site, case)
    visitor = site.visitor(who)
    visitor.text("/keys")
    for path in (
        "/deliveries",
        f"/deliveries/{id}",
        f"/deliveries/{id}/mail",
        f"/deliveries/resend?delivery={id}",
    ):
        assert visitor.get(path).status_code == 403, path
    visitor.text("/keys")
    assert visitor.post("/deliveries/resend", {"delivery": id}).status_code == 403
    assert state_of(site, id) == "dead"


def test_before_it_is_sent_again_one_sees_what_will_happen(site: Site, case: str) -> None:
    lost, sent = dead(site, case), told(site, "poho", case, channel="email", state="sent")
    way, message = told(site, "poho", case, channel="email", state="queued"), told(site, "poho", case)
    visitor = site.visitor("secretary")
    asked = "&".join(f"delivery={id}" for id in (lost, sent, way, message))
    said = visitor.text(f"/deliveries/resend?{asked}")
    assert "als je 2 berichten opnieuw verstuurt" in said
    assert "toont het één keer" in said
    assert "kan ze twee keer krijgen" in said
    assert "Deze 2 blijven zoals ze zijn" in said
    assert state_of(site, lost) == "dead", "seeing is not sending"
    answer = visitor.post("/deliveries/resend", {"delivery": [lost, sent]})
    assert answer.status_code == 303
    assert "Het gaat opnieuw" in visitor.text("/deliveries")
    assert [state_of(site, id) for id in (lost, sent, way, message)] == [
        "waiting",
        "waiting",
        "queued",
        "sent",
    ]


def test_sending_it_again_twice_does_it_once(site: Site, case: str) -> None:
    id = dead(site, case)
    visitor = site.visitor("secretary")
    for notice in ("Het gaat opnieuw", "het was al onderweg"):
        visitor.text(f"/deliveries/resend?delivery={id}")
        assert visitor.post("/deliveries/resend", {"delivery": id}).status_code == 303
        assert notice in visitor.text(f"/deliveries/{id}")


def test_nothing_chosen_is_said(site: Site, case: str) -> None:
    visitor = site.visitor("secretary")
    for path in (
        "/deliveries/resend",
        "/deliveries/resend?delivery=x",
        f"/deliveries/resend?delivery=delivery-{uuid4()}",
    ):
        assert "Je hebt niets gekozen" in visitor.text(path)
    assert visitor.post("/deliveries/resend", {}).status_code == 400


def test_a_digest_shows_what_is_in_it(site: Site, case: str) -> None:
    digest = told(
        site, "taskforce", case, "digest", channel="email", relation="self", mode="daily", day="2026-01-05"
    )
    part = told(site, "taskforce", case, channel="email", state="bundled")
    with database(site) as connection:
        connection.execute("UPDATE ledger.deliveries SET bundle = %s WHERE id = %s", (digest, part))
        connection.execute(
            "UPDATE ledger.notices SET cause = 'digest:daily:2026-01-05', stream = '' WHERE kind = 'digest'"
        )
    visitor = site.visitor("secretary")
    said = visitor.text(f"/deliveries/{digest}")
    assert part in listed(said)
    assert "Een overzicht van 5 januari 2026" in said
    assert digest in listed(visitor.text(f"/deliveries/{part}"))


@pytest.mark.parametrize(
    ("viewport", "locale", "dark"),
    [(DESKTOP, "nl", False), (DESKTOP, "en", True), (PHONE, "nl", True), (PHONE, "en", False)],
)
def test_it_is_accessible_and_fits(
    opened: Opener, served: Site, case: str, viewport: dict[str, int], locale: str, dark: bool
) -> None:
    id, message = dead(served, case), told(served, "poho", case)
    for path in ("/deliveries", "/deliveries?state=sending", f"/deliveries/{id}",
                 f"/deliveries/resend?delivery={id}&delivery={message}", "/deliveries/resend"):  # fmt: skip
        page = opened("secretary", path, viewport=viewport, locale=locale, dark=dark)
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path
    page = opened("secretary", f"/deliveries/{id}/mail", viewport=viewport, dark=dark)
    assert violations(page) == []


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("hands", [Pointer(), Keyboard()], ids=["mouse", "keyboard"])
def test_sending_again_in_a_browser(
    opened: Opener, served: Site, case: str, hands: Hands, scripts: bool
) -> None:
    id = dead(served, case)
    page = opened("secretary", "/deliveries?state=lost", scripts=scripts)
    page.locator(f'input[value="{id}"]').focus()
    page.keyboard.press("Space")
    hands.press(page, 'form[action="/deliveries/resend"] button')
    expect(page.locator("h1")).to_have_text("Opnieuw versturen")
    hands.press(page, 'form[method="post"][action="/deliveries/resend"] button')
    expect(page.locator("[data-recorded]")).to_contain_text("Het gaat opnieuw")
    assert state_of(served, id) == "waiting"
