"""Words are redacted by a recorded decision: they are gone from everywhere, and everywhere says so; the log stays."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from html import unescape
from pathlib import Path

import psycopg
import pytest

from domain.recorded import Recorded
from service import copies, redacting
from service.documents import councils, letters, newsletters
from service.documents.newsletters import Content, Item
from service.messaging.channels.email import Email
from service.messaging.courier import deliver
from service.rebuild import rebuild
from service.settings import Settings
from service.web import drafts
from service.wiring import Parts
from tests.conftest import fresh_database
from tests.dumped import dump, files_in, log_rows
from tests.messaging.staff import fold_all
from tests.views.conftest import contents
from tests.web.conftest import PHONE, Opener, Site, site_on, violations
from tests.web.test_retention import made as ended_long_ago

PROGRAMME = "regionale-herstelaanpak"
WORD = "kwetterzwaluw"
SENTENCE = "Mevrouw Kwetterzwaluw van de Lindelaan leert zes winkeliers verkopen op het web."
NAMED = re.compile(r'name="texts" value="([^"]+)"( checked)?')


@dataclass
class Case:
    """A case in which the same words stand in four places of the log, and everything that was made of them."""

    site: Site
    proposal: str
    folder: Path
    letters: dict[str, str]
    sent: str
    draft: str

    @property
    def parts(self) -> Parts:
        parts: Parts = self.site.service.app.extensions["besluitspoor"].parts
        return parts

    @property
    def path(self) -> str:
        return f"/proposals/{self.proposal}"

    def names(self) -> list[str]:
        """The texts in which the words stand, by the name that a redaction calls them."""
        found = self.site.service.told("secretary", f"{self.path}/texts")["items"]
        return [each["name"] for each in found if WORD in (each["text"] or "").lower()]

    def redact(self, **given: object) -> dict[str, object]:
        body = {
            "texts": self.names(),
            "ground": "privacy",
            "remarks": "Op verzoek van een deelnemer.",
            **given,
        }
        return self.site.service.done("secretary", f"{self.path}/redactions", body)


@pytest.fixture(scope="module")
def settings(
    admin_url: str, template: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with fresh_database(admin_url, template) as made:
        yield replace(made, mail_folder=str(tmp_path_factory.mktemp("mails")))


@pytest.fixture(scope="module")
def site(settings: Settings) -> Iterator[Site]:
    with site_on(settings) as made:
        yield made


def a_case(site: Site, folder: Path, months: tuple[int, int]) -> Case:
    """The words were submitted, asked about, repeated in a supplement and in an advice; letters, a newsletter, mail and
    drafts were made of them."""
    service = site.service
    parts: Parts = service.app.extensions["besluitspoor"].parts
    first = f"2020-{months[0]:02}"
    content = {"summary": f"{SENTENCE} Verder is er weinig te zeggen.", "title": "Winkels op het web"}
    proposal = site.submitted(**content, effectiveOn=f"{first}-06")
    asked = {"outcome": "supplement", "remarks": f"Klopt dit? {SENTENCE}", "effectiveOn": f"{first}-07"}
    service.done("secretary", f"/proposals/{proposal}/completeness", asked)
    supplement = service.told("submitter", f"/proposals/{proposal}")["content"]
    revised = {
        "title": supplement["title"], "summary": f"Ja. {SENTENCE}", "themes": supplement["themes"],
        "applicant": {"name": "Stichting Werkplaats", "kind": "foundation"}, "municipalities": ["Eindhoven"],
        "requested": "200000.00", "cofinancing": [{"source": "TU/e", "amount": "250000.00", "status": "granted"}],
        "period": supplement["period"], "effect": supplement["effect"],
        "structuralEffect": supplement["structuralEffect"], "goals": supplement["goals"],
        "subregionSupport": [{"subregion": "Stedelijk Gebied", "evidence": "Een brief"}],
        "effectiveOn": f"{first}-08",
    }  # fmt: skip
    service.done("submitter", f"/proposals/{proposal}/revisions", revised)
    service.done(
        "secretary",
        f"/proposals/{proposal}/completeness",
        {"outcome": "complete", "effectiveOn": f"{first}-09"},
    )
    advice = {
        "body": "taskforce", "advice": "revise", "grounds": f"{SENTENCE} Dat kan niet.", "effectiveOn": f"{first}-12",
    }  # fmt: skip
    service.done("taskforce", f"/proposals/{proposal}/reviews", advice)
    history = parts.log.load(proposal)
    about = {
        "receipt": next(each.position for each in history if each.name == "ProposalSubmitted"),
        "supplement": next(each.position for each in history if each.name == "CompletenessChecked"),
    }
    made = {letter: letters.issue(parts, letter, proposal, at).id for letter, at in about.items()}
    service.told("secretary", f"/proposals/{proposal}")
    secretary = service.people["secretary"]
    with psycopg.connect(service.settings.database_url, autocommit=True) as connection:
        councils.add(connection, "GM0772", f"griffie{months[0]}@example.org", "nl")
    days = date(2020, months[0], 1), date(2020, months[1], 28)
    sent = newsletters.create(parts, secretary, PROGRAMME, *days)
    newsletters.approve(parts, secretary, sent.id)
    draft = newsletters.create(parts, secretary, PROGRAMME, *days)
    written = Content(title="Nieuws", introduction=f"Lees over {SENTENCE}", items=(Item(proposal, SENTENCE),))
    newsletters.change(parts, secretary, draft.id, None, written)
    with psycopg.connect(service.settings.database_url, autocommit=True) as connection:
        submitter = service.people["submitter"].id
        values = {"title": ["Winkels op het web"], "summary": [f"Toch: {SENTENCE}"]}
        drafts.supplement(connection, submitter, proposal, PROGRAMME, values, 2)
        fold_all(parts, connection)
        connection.execute(
            "UPDATE ledger.deliveries SET due_at = now(), state = 'waiting' WHERE channel = 'email'"
        )
        mails = connection.execute("SELECT id FROM ledger.deliveries WHERE channel = 'email'").fetchall()
    with closing(Email(service.settings)) as channel:
        for (mail,) in mails:
            deliver(parts, channel, mail)
    return Case(site, proposal, folder, made, sent.id, draft.id)


@pytest.fixture(scope="module")
def case(site: Site, settings: Settings) -> Case:
    return a_case(site, Path(settings.mail_folder), (10, 12))


def boxes(html: str) -> dict[str, bool]:
    """The texts that can be chosen on a page, and whether each is."""
    return {unescape(name): bool(checked) for name, checked in NAMED.findall(html)}


def page_text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_the_words_go_from_everywhere_and_everything_else_stays(case: Case, settings: Settings) -> None:
    site, service = case.site, case.site.service
    head = service.head()
    before = log_rows(settings, head)
    with_them = dump(settings).lower()
    assert with_them.count(WORD) > 10
    assert WORD in files_in(case.folder).lower()
    names = case.names()
    assert len(names) == 4

    secretary = site.visitor("secretary")
    assert f"{case.path}/redaction" in secretary.text(case.path)
    chosen = boxes(secretary.text(f"{case.path}/redaction"))
    assert set(names) < set(chosen)
    assert not any(chosen.values())
    shown = secretary.post(
        f"{case.path}/redaction",
        {
            "texts": names[:1],
            "ground": "privacy",
            "remarks": "Op verzoek van een deelnemer.",
            "go": "preview",
        },
    ).get_data(as_text=True)
    # What repeats it elsewhere in the case is offered, and chosen.
    assert boxes(shown) == dict.fromkeys(names, True)
    said = page_text(shown)
    assert "persoonsgegevens (AVG)" in said
    assert "Brieven met deze woorden worden weggehaald: 2." in said
    assert "alle edities: 1." in said
    assert "Uit concepten van een aanvulling gaat wat deze woorden herhaalt: 1." in said
    assert "Uit concepten van nieuwsbrieven gaat wat deze woorden herhaalt: 1." in said
    assert dump(settings).lower().count(WORD) == with_them.count(WORD), "looking changes nothing"
    done = secretary.post(
        f"{case.path}/redaction",
        {"texts": names, "ground": "privacy", "remarks": "Op verzoek van een deelnemer.", "go": "redact"},
    )
    assert done.status_code == 303
    assert "zwartgelakt, en dat is vastgelegd" in secretary.text(case.path)

    assert WORD not in dump(settings).lower()
    assert WORD not in files_in(case.folder).lower()
    assert log_rows(settings, head) == before


def test_after_it_everybody_reads_that_it_is_redacted_and_why(case: Case) -> None:
    site, service = case.site, case.site.service
    answer = service.told("submitter", case.path)
    assert answer["content"]["summary"] is None
    assert answer["content"]["title"] == "Winkels op het web"
    assert [each["ground"] for each in answer["redactions"]] == ["privacy"] * 4
    assert {each["remarks"] for each in answer["redactions"]} == {"Op verzoek van een deelnemer."}
    entries = service.told("submitter", f"{case.path}/timeline")["entries"]
    assert sum(each["event"] == "TextRedacted" for each in entries) == 4
    mark = "[zwartgelakt: persoonsgegevens (AVG)]"
    auditor, submitter = site.visitor("auditor"), site.visitor("submitter")
    for visitor, path in (
        (submitter, case.path),
        (submitter, f"{case.path}/differences"),
        (
            auditor,
            f"/audit/proposals{case.path.removeprefix('/proposals')}?at={answer['redactions'][-1]['about']}",
        ),
        (auditor, "/audit"),
        (auditor, "/audit/events.csv"),
        (site.visitor("secretary"), f"{case.path}/redaction"),
    ):
        text = page_text(visitor.text(path))
        assert WORD not in text.lower(), path
        assert mark in text or "zwartgelakt (persoonsgegevens (AVG))" in text, path
    assert "[redacted: personal data (GDPR)]" in page_text(
        site.visitor("submitter").text(case.path, headers={"Accept-Language": "en"})
    )
    assert case.proposal not in site.visitor("secretary").text("/search?q=kwetterzwaluw")
    assert service.told("secretary", "/proposals?q=kwetterzwaluw")["items"] == []
    # The supplement that is awaited can still be given; the form does not put marks in the place of words.
    form = submitter.text(f"{case.path}/supplement")
    assert mark not in re.findall(r"<textarea[^>]*>[^<]*</textarea>", form)
    # What was chosen by mistake twice, or is none, is refused in words.
    gone = answer["redactions"][0]
    again = service.act(
        "secretary",
        f"{case.path}/redactions",
        {"texts": [f"{gone['about']}/{gone['paths'][0]}"], "ground": "woo"},
    )
    assert (again.status_code, again.json["errors"][0]["code"]) == (400, "text-redacted-before")


def test_letters_and_editions_that_had_the_words_say_that_they_are_removed(case: Case) -> None:
    site, service = case.site, case.site.service
    items = service.told("submitter", f"{case.path}/letters")["items"]
    # Asked for a supplement twice: by the secretariat and by the taskforce.
    assert sorted((each["letter"], each["removed"]) for each in items) == [
        ("receipt", False), ("supplement", True), ("supplement", True),
    ]  # fmt: skip
    assert all(re.fullmatch("[0-9a-f]{64}", each["sha256"]) for each in items)
    kept = service.ask("submitter", f"{case.path}/letters/{case.letters['receipt']}")
    assert kept.data.startswith(b"%PDF")
    gone = service.ask("submitter", f"{case.path}/letters/{case.letters['supplement']}")
    assert (gone.status_code, gone.json["code"]) == (410, "removed-by-redaction")
    page = site.visitor("submitter").get(
        f"{case.path}/letters/{case.letters['supplement']}", headers={"Accept": "text/html"}
    )
    assert page.status_code == 410
    assert "zwartgelakt" in page.get_data(as_text=True)
    assert "weggehaald, er stond tekst in die is zwartgelakt" in site.visitor("submitter").text(case.path)

    whole = service.told("secretary", f"/newsletters/{case.sent}")
    assert all(each["removed"] and each["sound"] for each in whole["editions"])
    edition = service.ask("secretary", f"/newsletters/{case.sent}/editions/GM0772")
    assert (edition.status_code, edition.json["code"]) == (410, "removed-by-redaction")
    visitor = site.visitor("secretary")
    assert "Weggehaald door zwartlakken" in visitor.text(f"/newsletters/{case.sent}")
    read = visitor.get(f"/newsletters/{case.sent}/GM0772", headers={"Accept": "text/html"})
    assert read.status_code in (404, 410)
    draft = service.told("secretary", f"/newsletters/{case.draft}")
    assert draft["title"] == "Nieuws"
    assert [each["text"] for each in draft["items"] if each["proposal"] == case.proposal] == [""]


def test_a_mail_that_still_had_to_go_goes_without_it_or_not_at_all(case: Case, settings: Settings) -> None:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        rows = connection.execute(
            """UPDATE ledger.deliveries d SET due_at = now(), state = 'waiting', settled_at = NULL FROM ledger.notices n
            WHERE n.id = d.notice AND d.channel = 'email' RETURNING d.id, n.kind"""
        ).fetchall()
        with closing(Email(settings)) as channel:
            for id, _ in rows:
                deliver(case.parts, channel, id)
        states = dict(
            connection.execute("SELECT id, state FROM ledger.deliveries WHERE channel = 'email'").fetchall()
        )
    assert WORD not in files_in(case.folder).lower()
    kinds = {kind: states[id] for id, kind in rows}
    assert kinds["newsletter"] == "dropped"
    assert kinds["supplement"] == "sent"


def test_a_rebuild_from_zero_gives_the_same_views(case: Case, settings: Settings) -> None:
    case.site.service.told("secretary", case.path)
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        live = contents(connection)
        rebuild(settings)
        assert contents(connection) == live


def test_a_case_goes_on_after_it_on_any_earlier_day_that_it_could(case: Case) -> None:
    # Redacted today, and the supplement came in long ago.
    done = case.site.service.done(
        "submitter", f"{case.path}/withdrawal", {"grounds": "Toch niet.", "effectiveOn": "2020-12-14"}
    )
    assert done["status"] == "withdrawn"


@pytest.mark.parametrize("who", ["submitter", "taskforce", "auditor", "admin", "treasurer"])
def test_only_the_secretariat_may(who: str, case: Case) -> None:
    body = {"texts": ["1/content.summary"], "ground": "privacy"}
    assert case.site.service.act(who, f"{case.path}/redactions", body).status_code == 403
    assert case.site.service.ask(who, f"{case.path}/texts").status_code == 403
    assert f"{case.path}/redaction" not in case.site.visitor(who).get(case.path).get_data(as_text=True)


def test_what_is_asked_wrongly_is_said_beside_it_and_takes_nothing_away(site: Site) -> None:
    proposal = site.submitted()
    path, visitor = f"/proposals/{proposal}/redaction", site.visitor("secretary")
    visitor.text(path)
    nothing = visitor.post(path, {"go": "redact"})
    assert nothing.status_code == 400
    (first, *_) = boxes(visitor.text(path))
    site.service.done("submitter", f"/proposals/{proposal}/withdrawal", {"effectiveOn": "2020-09-02"})
    stale = visitor.post(path, {"texts": [first], "ground": "woo", "go": "redact"})
    assert stale.status_code == 412
    unknown = site.service.act(
        "secretary", f"/proposals/{proposal}/redactions", {"texts": ["0/content.summary"], "ground": "woo"}
    )
    assert (unknown.status_code, unknown.json["errors"][0]["code"]) == (400, "unknown-text")
    assert site.service.told("secretary", f"/proposals/{proposal}")["redactions"] == []


def test_words_that_stand_elsewhere_too_may_stay_there_when_somebody_says_so(site: Site) -> None:
    proposal = site.submitted(summary=SENTENCE, effect=f"Wat volgt: {SENTENCE}")
    path, visitor = f"/proposals/{proposal}/redaction", site.visitor("secretary")
    texts = site.service.told("secretary", f"/proposals/{proposal}/texts")["items"]
    summary = next(each for each in texts if each["path"] == "content.summary")
    (repeats,) = summary["repeats"]
    visitor.text(path)
    given = {"texts": [summary["name"]], "ground": "mistake", "go": "preview"}
    assert boxes(visitor.post(path, given).get_data(as_text=True)) == {summary["name"]: True, repeats: True}
    again = visitor.post(f"{path}?seen=1", given).get_data(as_text=True)
    assert boxes(again) == {summary["name"]: True, repeats: False}
    assert visitor.post(f"{path}?seen=1", {**given, "go": "redact"}).status_code == 303
    content = site.service.told("secretary", f"/proposals/{proposal}")["content"]
    assert (content["summary"], content["effect"]) == (None, f"Wat volgt: {SENTENCE}")


def test_a_mail_that_is_being_sent_just_now_is_taken_away_when_it_is_there(
    site: Site, settings: Settings
) -> None:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        (mail,) = connection.execute(
            "SELECT id FROM ledger.deliveries WHERE channel = 'email' LIMIT 1"
        ).fetchone()  # type: ignore[misc]
        set_to = (
            "UPDATE ledger.deliveries SET state = %s, claimed_until = now() + interval '1 hour' WHERE id = %s"
        )
        connection.execute(set_to, ("sending", mail))
        connection.execute("INSERT INTO ledger.mail_to_remove VALUES (%s)", (mail,))
        assert copies.remove_mail(settings, connection) == 0
        file = Path(settings.mail_folder) / f"{mail}.eml"
        file.write_text("Subject: late\n\nlate")
        connection.execute(set_to, ("sent", mail))
        assert copies.remove_mail(settings, connection) == 1
        assert not file.exists()


def test_nobody_makes_a_letter_of_words_that_are_going_just_now(site: Site, settings: Settings) -> None:
    proposal = site.submitted(title=f"Titel {SENTENCE}")
    parts: Parts = site.service.app.extensions["besluitspoor"].parts
    made: list[bytes] = []
    with psycopg.connect(settings.database_url) as connection:
        copies.nobody_copies(connection)
        at = parts.log.load(proposal)[0].position
        maker = threading.Thread(
            target=lambda: made.append(letters.issue(parts, "receipt", proposal, at).pdf), daemon=True
        )
        maker.start()
        waiting = (
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7133003 AND NOT granted"
        )
        until = time.monotonic() + 60
        while connection.execute(waiting).fetchone() == (0,) and time.monotonic() < until:
            time.sleep(0.05)
        assert made == []
    maker.join(60)
    assert made


KILLED = """
import os, signal, sys
from contextlib import closing
from domain.recorded import Recorded
from service import copies, redacting
from service.identity.people import Person
from service.settings import Settings
from service.wiring import build

url, proposal, name = sys.argv[1:]
copies.remove = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
secretary = Person("person-1", "s@example.org", "S", frozenset({"secretary"}), frozenset(), None)
with closing(build(Settings(url, url, b"a secret that is long enough to be one"))) as parts:
    redacting.take_away(parts, secretary, proposal, [name], "privacy", "")
"""


def test_who_is_killed_halfway_has_taken_nothing_away(site: Site, settings: Settings, project: Path) -> None:
    proposal = site.submitted(summary=SENTENCE)
    name = next(
        each["name"]
        for each in site.service.told("secretary", f"/proposals/{proposal}/texts")["items"]
        if each["path"] == "content.summary"
    )
    head = site.service.head()
    process = subprocess.run(
        [sys.executable, "-c", KILLED, settings.database_url, proposal, name],
        cwd=project, env={**os.environ}, timeout=120, check=False,
    )  # fmt: skip
    assert process.returncode == -signal.SIGKILL
    assert site.service.head() == head
    assert site.service.told("secretary", f"/proposals/{proposal}")["content"]["summary"] == SENTENCE
    done = site.service.done(
        "secretary", f"/proposals/{proposal}/redactions", {"texts": [name], "ground": "privacy"}
    )
    assert done["content"]["summary"] is None


def reviewed(site: Site, **given: object) -> tuple[str, Recorded]:
    """A case of which the taskforce said SENTENCE, and the event of that."""
    proposal, done = site.submitted(), site.service.done
    done(
        "secretary",
        f"/proposals/{proposal}/completeness",
        {"outcome": "complete", "effectiveOn": "2020-09-02"},
    )
    said = {"body": "taskforce", "grounds": SENTENCE, "effectiveOn": "2020-09-03", **given}
    done("taskforce", f"/proposals/{proposal}/reviews", said)
    parts: Parts = site.service.app.extensions["besluitspoor"].parts
    return proposal, next(each for each in parts.log.load(proposal) if each.name == "Reviewed")


def test_that_confidential_words_are_redacted_shows_only_to_who_could_read_them(site: Site) -> None:
    secret = {"level": "confidential", "ground": "woo-5-2"}
    proposal, review = reviewed(site, advice="positive", confidentiality=secret)
    path, why = f"/proposals/{proposal}", "Het ging over een buurman."
    given = {"texts": [f"{review.position}/grounds"], "ground": "privacy", "remarks": why}
    site.service.done("secretary", f"{path}/redactions", given)
    mark = "[zwartgelakt: persoonsgegevens (AVG)]"
    for who, may in (("auditor", True), ("taskforce", True), ("submitter", False), ("treasurer", False)):
        assert (mark in page_text(site.visitor(who).text(path))) is may, who
        (redaction,) = site.service.told(who, path)["redactions"]
        assert redaction["remarks"] == (why if may else None), who


def test_a_letter_goes_too_when_its_words_became_confidential_after_it_was_sent(site: Site) -> None:
    proposal, review = reviewed(site, advice="revise")
    parts: Parts = site.service.app.extensions["besluitspoor"].parts
    letters.issue(parts, "supplement", proposal, review.position)
    path = f"/proposals/{proposal}"
    level = {"about": review.version, "level": "confidential", "ground": "woo-5-2"}
    site.service.done("secretary", f"{path}/confidentiality", level)
    given = {"texts": [f"{review.position}/grounds"], "ground": "privacy"}
    site.service.done("secretary", f"{path}/redactions", given)
    (letter,) = site.service.told("secretary", f"{path}/letters")["items"]
    assert letter["removed"]


def test_a_letter_that_withheld_the_words_stays(site: Site) -> None:
    secret = {"level": "confidential", "ground": "woo-5-2"}
    proposal, review = reviewed(site, advice="revise", confidentiality=secret)
    parts: Parts = site.service.app.extensions["besluitspoor"].parts
    letters.issue(parts, "supplement", proposal, review.position)
    path = f"/proposals/{proposal}"
    given = {"texts": [f"{review.position}/grounds"], "ground": "privacy"}
    site.service.done("secretary", f"{path}/redactions", given)
    (letter,) = site.service.told("secretary", f"{path}/letters")["items"]
    assert not letter["removed"]


def test_a_letter_that_was_erased_stays_so_and_what_was_redacted_is_not_changed_any_more(
    site: Site, settings: Settings
) -> None:
    parts: Parts = site.service.app.extensions["besluitspoor"].parts
    made = []
    for _ in range(2):
        proposal, review = reviewed(site, advice="revise")
        made.append((proposal, review, letters.issue(parts, "supplement", proposal, review.position).id))
    erased = made[0][2]
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE documents.letters SET pdf = NULL, erased_at = now() WHERE id = %s", (erased,)
        )
        for proposal, review, _ in made:
            given = {"texts": [f"{review.position}/grounds"], "ground": "privacy"}
            site.service.done("secretary", f"/proposals/{proposal}/redactions", given)
        said = [
            [
                (each["erased"], each["removed"])
                for each in site.service.told("secretary", f"/proposals/{id}/letters")["items"]
            ]
            for id, _, _ in made
        ]
        assert said == [[(True, False)], [(False, True)]]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE documents.letters SET pdf = 'another' WHERE id = %s", (made[1][2],))


@pytest.mark.parametrize("locale", ["nl", "en"])
def test_the_pages_work_for_everybody(locale: str, opened: Opener, served: Site) -> None:
    proposal = served.submitted(summary=SENTENCE, effect=SENTENCE)
    page = opened(
        "secretary", f"/proposals/{proposal}/redaction", viewport=PHONE, locale=locale, dark=locale == "en"
    )
    assert violations(page) == []
    page.get_by_label(SENTENCE).first.check()
    page.locator("select[name=ground]").select_option("privacy")
    page.locator("button[value=preview]").click()
    assert violations(page) == []
    assert page.locator("input[name=texts]:checked").count() == 2
    page.locator("button[value=redact]").click()
    page.wait_for_url(f"**/proposals/{proposal}")
    assert violations(page) == []
    assert WORD not in page.content().lower()


def test_a_redaction_takes_away_nothing_of_others(site: Site, settings: Settings) -> None:
    mine, other = site.submitted(summary=SENTENCE), site.submitted(summary=SENTENCE)
    case = Case(site, mine, Path(settings.mail_folder), {}, "", "")
    case.redact()
    assert site.service.told("secretary", f"/proposals/{other}")["content"]["summary"] == SENTENCE
    assert (
        redacting.preview(case.parts, site.service.people["secretary"], mine, ["1/content.summary"]).texts
        == []
    )


@pytest.mark.parametrize("locale", ["nl", "en"])
def test_the_pages_of_retention_work_for_everybody(
    locale: str, opened: Opener, served: Site, project: Path
) -> None:
    ended_long_ago(served, project)
    page = opened("secretary", "/retention", viewport=PHONE, locale=locale, dark=locale == "en")
    assert violations(page) == []
    page.locator("form[method=post][action='/retention'] button").click()
    page.get_by_role("table").wait_for()
    assert violations(page) == []
    assert opened("secretary", "/retention", locale=locale).get_by_role("table").count() == 0
