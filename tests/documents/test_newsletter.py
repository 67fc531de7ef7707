"""The newsletter: its figures are those of the log, every council reads its own first, and what was sent stays."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from domain.errors import Invalid, Refused
from domain.events import NewsletterApproved
from service.documents import councils, edition, newsletters, period
from service.documents.newsletters import Content, Item, Newsletter, NotKept
from service.errors import KeyReused, Missing, Stale
from service.eventstore import Once
from service.identity import people, undeliverable
from service.identity.people import Person
from service.identity.permissions import Forbidden
from service.messaging.ledger import Delivery
from service.published import latest
from service.settings import Settings
from service.texts import LANGUAGES
from service.wiring import Parts
from tests.api.conftest import Service, running_service
from tests.documents.newsletter_story import FIRST, LAST, PROGRAMME, Story, submitted, tell


@dataclass
class Office:
    """The service in which the story happened, and the secretary."""

    service: Service
    story: Story

    @property
    def parts(self) -> Parts:
        parts: Parts = self.service.app.extensions["besluitspoor"].parts
        return parts

    @property
    def secretary(self) -> Person:
        return self.service.people["secretary"]

    def draft(self, first: date = FIRST, last: date = LAST, programme: str = PROGRAMME) -> Newsletter:
        """A new draft: one that another test left is thrown away."""
        found = newsletters.create(self.parts, self.secretary, programme, first, last)
        newsletters.remove(self.parts, self.secretary, found.id, None)
        return newsletters.create(self.parts, self.secretary, programme, first, last)

    def change(self, draft: Newsletter, **content: Any) -> Newsletter:
        return newsletters.change(self.parts, self.secretary, draft.id, draft.version, Content(**content))

    def text(self, draft: Newsletter, municipality: str, language: str = "nl") -> str:
        """The text of an edition as it is now, on one line, with plain spaces."""
        written = newsletters.edition_now(newsletters.told(self.parts, draft), municipality, language)
        return " ".join(written.text.replace("\u00a0", " ").split())

    def html(self, draft: Newsletter, municipality: str, language: str = "nl") -> str:
        return newsletters.edition_now(newsletters.told(self.parts, draft), municipality, language).html

    def project(self, draft: Newsletter, proposal: str) -> dict[str, Any]:
        found: dict[str, Any] = next(
            each for each in draft.figures["projects"] if each["proposal"] == proposal
        )
        return found

    def approved(self, draft: Newsletter) -> Newsletter:
        newsletters.approve(self.parts, self.secretary, draft.id)
        with self.parts.pool.connection() as connection:
            found = newsletters.get(connection, draft.id)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def office(settings: Settings) -> Iterator[Office]:
    with running_service(settings) as service:
        yield Office(service, tell(service))


def test_the_figures_are_those_of_the_period(office: Office) -> None:
    figures = office.draft().figures
    assert figures["cameIn"] == {
        "count": 5, "requested": "300000.00", "cofinancing": "375000.00", "multiplier": "1.25",
    }  # fmt: skip
    assert figures["decided"] == {"held-over": 1, "rejected": 1}
    assert figures["awarded"] == {
        "count": 1, "amount": "150000.00", "requested": "200000.00", "cofinancing": "250000.00",
        "multiplier": "1.25", "movedIn": "0.00", "returned": "0.00",
    }  # fmt: skip
    assert (figures["withdrawn"], figures["waiting"]) == (1, 3)


def test_programme_and_envelope_are_as_at_the_end_of_the_period(office: Office) -> None:
    figures = office.draft().figures
    # 50 + 200 + 100 + 80 + 60 + 40 + 20 thousand; what came in or changed in January is not among them.
    assert figures["total"]["proposals"] == 7
    assert figures["total"]["requested"] == "550000.00"
    assert figures["total"]["cofinancing"]["total"] == "685000.00"
    assert figures["total"]["awarded"] == "150000.00"
    assert [(each["code"], each["amount"], each["committed"], each["heldBack"], each["left"])
            for each in figures["envelopes"]] == [
        ("herstelaanpak", "2000000.00", "100000.00", "50000.00", "1850000.00")
    ]  # fmt: skip


def test_a_multiplier_is_rounded_down_so_that_too_little_never_looks_enough(office: Office) -> None:
    # 685,000 by others for 550,000 is 1.24545...
    assert office.draft().figures["total"]["multiplier"]["total"] == "1.24"
    assert "1,24: tegenover elke gevraagde euro staat € 1,24 van anderen" in office.text(
        office.draft(), "GM0794"
    )


def test_what_each_project_waits_for_is_told_as_it_was_at_the_end(office: Office) -> None:
    draft, story = office.draft(), office.story
    waits = {each["proposal"]: each["waits"] for each in draft.figures["projects"]}
    assert [each["kind"] for each in waits[story.held_over]] == ["held-over"]
    assert waits[story.held_over][0]["heldBy"] == "poho"
    assert [(each["body"], each["dueOn"]) for each in waits[story.asked]] == [("applicant", "2021-01-15")]
    assert [(each["body"], each["dueOn"]) for each in waits[story.waiting]] == [("taskforce", "2020-12-16")]
    assert waits[story.awarded] == waits[story.rejected] == waits[story.withdrawn] == []
    said = office.text(draft, "GM0794")
    assert "de aanvrager vult het voorstel aan, uiterlijk 15 januari 2021." in said
    assert "advies door Bestuurlijke taskforce, uiterlijk 16 december 2020. Die termijn is voorbij." in said
    assert "aangehouden door Portefeuillehoudersoverleg Economie. Ambtelijk kernteam brengt het" in said


def test_what_was_over_before_or_began_after_is_not_told(office: Office) -> None:
    told = {each["proposal"] for each in office.draft().figures["projects"]}
    assert not told & {office.story.before, office.story.afterwards}
    assert office.project(office.draft(), office.story.asked)["requested"] == "60000.00"


def test_each_of_the_21_reads_its_own_first_and_then_the_rest(office: Office) -> None:
    draft = office.draft()
    programme = latest(office.parts, PROGRAMME)
    assert programme is not None
    assert len(programme.municipalities) == 21
    made = newsletters.told(office.parts, draft)
    for municipality in programme.municipalities:
        html = newsletters.edition_now(made, municipality.code, "nl").html
        own, _, others = html.partition("<h2>Andere projecten in de regio</h2>")
        others = others.partition("<h2>Wat volgt</h2>")[0]
        assert f"<h2>Projecten in {municipality.name}</h2>" in html
        for project, _ in made.projects:
            where = own if municipality.code in project["municipalities"] else others
            there = [part for part in (own, others) if f"<h3>{project['title']}</h3>" in part]
            assert there == [where], (municipality.name, project["title"])


def test_what_is_next_begins_with_ones_own_too(office: Office) -> None:
    said = office.text(office.draft(), "GM0743").partition("Wat volgt")[2]
    assert said.index("Leren in de Peel") < said.index("Vitale winkelstraat")
    said = office.text(office.draft(), "GM0794").partition("Wat volgt")[2]
    assert said.index("Vitale winkelstraat") < said.index("Leren in de Peel")


def test_a_council_without_projects_reads_that_and_what_happened_elsewhere(office: Office) -> None:
    said = office.text(office.draft(), "GM0866")
    assert "Over projecten in Waalre is in deze periode niets te melden. Hieronder leest u" in said
    assert "Digitale werkplaats" in said
    assert "Budget Regionale Herstelaanpak op 31 december 2020" in said


def test_a_period_in_which_nothing_happened_gives_a_whole_newsletter_all_the_same(office: Office) -> None:
    draft = office.draft(date(2020, 5, 1), date(2020, 5, 31))
    said = office.text(draft, "GM0866")
    assert "Binnengekomen: geen Besluiten: geen Toegekend: geen" in said
    assert "Over projecten in Waalre is in deze periode niets te melden. Andere projecten" in said
    assert "Op 31 mei 2020 wacht geen enkel voorstel op een volgende stap." in said
    assert "was op 31 mei 2020 nog geen budget geopend" in said


def test_organisations_are_named_and_who_may_be_a_person_is_not(office: Office) -> None:
    said = office.text(office.draft(), "GM0794")
    assert "RHA-2020-0004, van Stichting Werkplaats." in said
    assert "RHA-2020-0006. Gemeenten: Valkenswaard, Helmond." in said
    assert "Jansen" not in said
    for person in office.service.people.values():
        assert person.email not in said


def test_a_draft_has_everything_ready_and_begins_with_what_weighs_most(office: Office) -> None:
    drafted = newsletters.as_drafted(office.parts, office.draft())
    assert drafted["title"] == "Nieuwsbrief Regionale Herstelaanpak: vierde kwartaal van 2020"
    assert drafted["introduction"].startswith("In deze nieuwsbrief leest u wat er van 1 oktober 2020")
    assert drafted["items"][0]["proposal"] == office.story.awarded
    assert drafted["items"][0]["text"] == "Dit gaat over Digitale werkplaats."


def test_of_a_period_there_is_one_draft(office: Office) -> None:
    draft = office.draft()
    assert newsletters.create(office.parts, office.secretary, PROGRAMME, FIRST, LAST) == draft


def test_the_secretariat_writes_the_words_orders_and_leaves_out_and_the_figures_stay(office: Office) -> None:
    draft, story = office.draft(), office.story
    items = (
        Item(story.asked, "Een winkelstraat\nkrijgt <nieuw> leven."),
        Item(story.rejected, leave_out=True),
    )
    changed = office.change(draft, title="Nieuws & meer", closing="Tot ziens.", items=items)
    assert changed.version == draft.version + 1
    assert changed.figures == draft.figures
    said, html = office.text(changed, "GM0794"), office.html(changed, "GM0794")
    assert said.startswith("Nieuws & meer ====")
    assert "Tot ziens." in said
    assert "Een winkelstraat krijgt <nieuw> leven." in said
    assert "Een winkelstraat<br>krijgt &lt;nieuw&gt; leven." in html
    assert "Lichtjes" not in said
    assert said.index("Vitale winkelstraat") < said.index("Van zolder naar zaak")
    assert "Besluiten: 1 keer afgewezen, 1 keer aangehouden" in said
    assert "De cijfers tellen alle voorstellen mee, ook 1 voorstel dat hier niet apart staat." in said


def test_what_is_saved_as_it_was_drafted_stays_the_usual_text_in_every_language(office: Office) -> None:
    draft = office.draft()
    drafted = newsletters.as_drafted(office.parts, draft)
    items = tuple(Item(each["proposal"], each["text"]) for each in drafted["items"])
    texts = {part: drafted[part] for part in ("title", "introduction", "closing")}
    changed = office.change(draft, **texts, items=items)
    assert changed.words.title is changed.words.introduction is changed.words.closing is None
    assert {each.text for each in changed.words.items} == {None}
    assert "<h1>Newsletter Regional recovery approach: fourth quarter of 2020</h1>" in office.html(
        changed, "GM0794", "en"
    )


def test_in_another_language_the_words_of_others_say_that_they_are_dutch(office: Office) -> None:
    html = office.html(office.change(office.draft(), title="Nieuws"), "GM0794", "en")
    assert '<html lang="en">' in html
    assert '<h1 lang="nl">Nieuws</h1>' in html
    assert '<h3 lang="nl">Lichtjes</h3>' in html
    assert "5 October 2020: Executive board provisionally awards €150,000." in html
    assert "lang=" not in office.html(office.draft(), "GM0794").partition("<body>")[2]


def test_two_editors_do_not_overwrite_each_other(office: Office) -> None:
    draft = office.draft()
    office.change(draft, title="De eerste")
    with pytest.raises(Stale) as stale:
        office.change(draft, title="De tweede")
    assert stale.value.version == draft.version + 1
    for late in (newsletters.draw_again, newsletters.remove):
        with pytest.raises(Stale):
            late(office.parts, office.secretary, draft.id, draft.version)
    with pytest.raises(Stale):
        newsletters.approve(office.parts, office.secretary, draft.id, if_match=draft.version)
    with office.parts.pool.connection() as connection:
        found = newsletters.get(connection, draft.id)
    assert found is not None
    assert found.words.title == "De eerste"


def test_a_project_that_is_not_in_it_is_refused(office: Office) -> None:
    with pytest.raises(Invalid) as refused:
        office.change(office.draft(), items=(Item(office.story.awarded), Item(office.story.before, "Ooit")))
    assert (refused.value.code, refused.value.field) == ("newsletter-unknown-project", "/items/1/proposal")


def test_what_was_recorded_since_is_told_and_drawn_again_without_losing_a_word(office: Office) -> None:
    first, last = date(2021, 2, 1), date(2021, 2, 28)
    early = submitted(office.service, "2021-02-01", "Vroeg", 10_000, 30_000, ["Best"])
    draft = office.draft(first, last)
    changed = office.change(draft, introduction="Lees dit.", items=(Item(early, "Het vroege plan."),))
    assert newsletters.drawn_now(office.parts, changed) == changed.figures
    late = submitted(office.service, "2021-02-02", "Laat", 20_000, 30_000, ["Best"])
    now = newsletters.drawn_now(office.parts, changed)
    found = period.differences(changed.figures, now)
    assert [each["proposal"] for each in found.added] == [late]
    assert (found.gone, found.changed) == ([], [])
    assert ("cameIn/count", 1, 2) in found.figures
    assert ("cameIn/multiplier", "3.00", "2.00") in found.figures
    with pytest.raises(Refused) as refused:
        newsletters.approve(office.parts, office.secretary, draft.id)
    assert refused.value.code == "newsletter-outdated"
    again = newsletters.draw_again(office.parts, office.secretary, draft.id, changed.version)
    assert again.figures == now
    assert not period.differences(again.figures, now)
    assert again.words == changed.words
    said = office.text(again, "GM0753")
    assert "Lees dit." in said
    assert "Het vroege plan." in said
    assert "Dit gaat over Laat." in said


def test_what_happens_elsewhere_leaves_the_figures_as_they_are(office: Office) -> None:
    draft = office.draft(date(2020, 12, 1), date(2020, 12, 31))
    submitted(office.service, "2021-03-01", "Later", 10_000, 10_000, ["Best"])
    assert newsletters.drawn_now(office.parts, draft) == draft.figures


def test_what_was_written_on_a_project_that_is_away_for_a_while_comes_back_with_it(office: Office) -> None:
    draft = office.change(office.draft(), items=(Item(office.story.asked, "Bewaar dit."),))
    with psycopg.connect(office.parts.settings.database_owner_url, autocommit=True) as owner:
        owner.execute(
            """UPDATE documents.newsletters SET figures = jsonb_set(figures, '{projects}', '[]') WHERE id = %s""",
            (draft.id,),
        )
    without = office.change(draft, title="Zonder")
    assert "Bewaar dit." not in office.text(without, "GM0794")
    back = newsletters.draw_again(office.parts, office.secretary, draft.id, without.version)
    assert "Bewaar dit." in office.text(back, "GM0794")


def test_an_approval_keeps_every_edition_with_its_hash_in_the_log(office: Office) -> None:
    draft = office.draft(date(2020, 9, 1), date(2020, 9, 30))
    as_it_was = {code: office.text(draft, code) for code in ("GM0772", "GM0866")}
    done = newsletters.approve(office.parts, office.secretary, draft.id, if_match=draft.version)
    assert done.stream == draft.id
    (recorded,) = office.parts.log.load(draft.id)
    event = recorded.event
    assert isinstance(event, NewsletterApproved)
    assert recorded.by == office.secretary.id
    assert (event.programme, event.first_day, event.last_day) == (
        PROGRAMME, date(2020, 9, 1), date(2020, 9, 30),
    )  # fmt: skip
    assert len(event.editions) == 21
    with office.parts.pool.connection() as connection:
        kept = newsletters.editions(connection, draft.id)
        assert all(each.sound for each in kept)
        assert {(each.municipality, each.sha256) for each in kept} == {
            (each.municipality, each.sha256) for each in event.editions
        }
        for code, text in as_it_was.items():
            found = newsletters.edition_of(connection, draft.id, code)
            assert found is not None
            content, archived = found
            assert hashlib.sha256(content).hexdigest() in {each.sha256 for each in event.editions}
            assert set(archived.languages) == set(LANGUAGES)
            assert " ".join(archived.languages["nl"].text.replace("\u00a0", " ").split()) == text


def test_what_was_approved_does_not_change_any_more(office: Office) -> None:
    approved = office.approved(office.draft(date(2020, 8, 1), date(2020, 8, 31)))
    tries = (
        lambda: office.change(approved, title="Anders"),
        lambda: newsletters.draw_again(office.parts, office.secretary, approved.id, None),
        lambda: newsletters.remove(office.parts, office.secretary, approved.id, None),
        lambda: newsletters.approve(office.parts, office.secretary, approved.id),
    )
    for each in tries:
        with pytest.raises(Refused) as refused:
            each()
        assert refused.value.code == "newsletter-approved"
    statements = (
        "UPDATE documents.newsletters SET content = '{}' WHERE id = %s",
        "DELETE FROM documents.newsletters WHERE id = %s",
        "UPDATE documents.editions SET kept = '' WHERE newsletter = %s",
        "DELETE FROM documents.editions WHERE newsletter = %s",
    )
    for statement in statements:
        for url in (office.parts.settings.database_url, office.parts.settings.database_owner_url):
            with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement, (approved.id,))  # type: ignore[arg-type]


def test_what_is_wrong_is_put_right_by_a_new_newsletter_on_the_same_period(office: Office) -> None:
    days = date(2020, 7, 1), date(2020, 7, 31)
    approved = office.approved(office.draft(*days))
    again = newsletters.create(office.parts, office.secretary, PROGRAMME, *days)
    assert (again.id != approved.id, again.state) == (True, "draft")


def test_the_same_approval_sent_twice_is_recorded_once(office: Office) -> None:
    draft = office.draft(date(2020, 6, 1), date(2020, 6, 30))
    once = Once("een-sleutel", b"x" * 32)
    first = newsletters.approve(office.parts, office.secretary, draft.id, once)
    second = newsletters.approve(office.parts, office.secretary, draft.id, once)
    assert (second.position, second.replayed) == (first.position, True)
    with pytest.raises(KeyReused):
        newsletters.approve(office.parts, office.secretary, draft.id, Once("een-sleutel", b"y" * 32))
    assert len(office.parts.log.load(draft.id)) == 1


def test_an_approval_that_broke_off_half_way_is_finished_with_what_was_kept(office: Office) -> None:
    draft = office.draft(date(2020, 4, 1), date(2020, 4, 30))
    _, hashes = newsletters._frozen(office.parts, office.secretary, draft.id, None)
    assert newsletters.sent_at(office.parts, draft.id) is None
    with pytest.raises(Refused):
        office.change(draft, title="Toch nog iets")
    newsletters.approve(office.parts, office.secretary, draft.id)
    (recorded,) = office.parts.log.load(draft.id)
    assert isinstance(recorded.event, NewsletterApproved)
    assert recorded.event.editions == hashes
    assert newsletters.sent_at(office.parts, draft.id) == recorded.recorded_at


def test_an_edition_that_was_tampered_with_is_seen(office: Office) -> None:
    approved = office.approved(office.draft(date(2020, 3, 1), date(2020, 3, 31)))
    changed = b'{"newsletter": "x", "municipality": "GM0772", "languages": {}}'
    with psycopg.connect(office.parts.settings.database_owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE documents.editions DISABLE TRIGGER kept")
        for code, digest in (("GM0772", None), ("GM0794", hashlib.sha256(changed).hexdigest())):
            owner.execute(
                "UPDATE documents.editions SET kept = %s, sha256 = coalesce(%s, sha256)"
                " WHERE newsletter = %s AND municipality = %s",
                (changed, digest, approved.id, code),
            )
        owner.execute("ALTER TABLE documents.editions ENABLE TRIGGER kept")
    with office.parts.pool.connection() as connection:
        unsound = {
            each.municipality for each in newsletters.editions(connection, approved.id) if not each.sound
        }
    assert unsound == {"GM0772", "GM0794"}
    for code in unsound:
        address = councils.Address("address-1", code, "griffie@example.org", "nl")
        with pytest.raises(NotKept):
            newsletters.edition_mail(office.parts, a_delivery(approved.id), address)


def test_a_mail_to_a_council_is_what_was_kept_in_its_language(office: Office) -> None:
    approved = office.approved(office.draft(date(2020, 2, 1), date(2020, 2, 29)))
    delivery = a_delivery(approved.id)
    with office.parts.pool.connection() as connection:
        found = newsletters.edition_of(connection, approved.id, "GM0772")
    assert found is not None
    for language in LANGUAGES:
        address = councils.Address("address-1", "GM0772", "griffie@example.org", language)
        kept = found[1].languages[language]
        assert newsletters.edition_mail(office.parts, delivery, address) == (
            kept.subject, kept.html, kept.text,
        )  # fmt: skip
    elsewhere = councils.Address("address-2", "GM9999", "griffie@example.org", "nl")
    with pytest.raises(NotKept):
        newsletters.edition_mail(office.parts, delivery, elsewhere)


def a_delivery(newsletter: str) -> Delivery:
    """A mail of this newsletter to an address."""
    now = datetime.now(UTC)
    return Delivery(
        "delivery-1", "notice-1", "event:1", "newsletter", 1, newsletter, "normal", {}, None, now, "address-1",
        "email", "council", False, None, "sending", now, 1, None, None, now,
    )  # fmt: skip


def test_an_edition_is_a_plain_accessible_page_with_one_constant_style(office: Office) -> None:
    html = office.html(office.draft(), "GM0772")
    other = office.html(office.draft(date(2020, 5, 1), date(2020, 5, 31)), "GM0866", "en")
    styles = re.findall(r"<style>.*?</style>", html, re.DOTALL)
    assert len(styles) == 1
    assert styles == re.findall(r"<style>.*?</style>", other, re.DOTALL)
    assert "style=" not in html
    assert "prefers-color-scheme: dark" in styles[0]
    assert html.count("<h1") == 1
    assert html.startswith('<!doctype html>\n<html lang="nl">')
    assert "<img" not in html
    assert "src=" not in html


def test_only_the_secretariat_makes_newsletters(office: Office) -> None:
    draft = office.draft()
    for who in ("submitter", "taskforce", "treasurer", "auditor", "admin", "integration"):
        person = office.service.people[who]
        assert not newsletters.may_read(person, draft)
        tries = (
            lambda person=person: newsletters.create(office.parts, person, PROGRAMME, FIRST, LAST),
            lambda person=person: newsletters.change(office.parts, person, draft.id, None, Content()),
            lambda person=person: newsletters.draw_again(office.parts, person, draft.id, None),
            lambda person=person: newsletters.remove(office.parts, person, draft.id, None),
            lambda person=person: newsletters.approve(office.parts, person, draft.id),
        )
        for each in tries:
            with pytest.raises(Forbidden):
                each()


@pytest.mark.parametrize(
    ("programme", "first", "last", "code"),
    [
        ("nergens", FIRST, LAST, "unknown-programme"),
        (PROGRAMME, LAST, FIRST, "end-before-start"),
        (PROGRAMME, FIRST, date(2199, 1, 1), "newsletter-too-early"),
    ],
)
def test_a_period_that_cannot_be_is_refused(
    office: Office, programme: str, first: date, last: date, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        newsletters.create(office.parts, office.secretary, programme, first, last)
    assert refused.value.code == code


def test_a_period_with_more_projects_than_anybody_reads_is_refused(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(period, "MOST", 3)
    with pytest.raises(Invalid) as refused:
        newsletters.create(office.parts, office.secretary, PROGRAMME, date(2020, 10, 2), LAST)
    assert (refused.value.code, refused.value.facts["maximum"]) == ("newsletter-too-long", 3)


def test_what_is_not_there_is_missing(office: Office) -> None:
    for each in (newsletters.draw_again, newsletters.remove):
        with pytest.raises(Missing):
            each(office.parts, office.secretary, "newsletter-none", None)
    with pytest.raises(Missing):
        newsletters.approve(office.parts, office.secretary, "newsletter-none")


def test_a_period_goes_by_its_usual_name() -> None:
    said = [
        edition.period_name(first, last, "nl")
        for first, last in (
            (date(2026, 1, 1), date(2026, 3, 31)),
            (date(2026, 2, 1), date(2026, 2, 28)),
            (date(2026, 2, 1), date(2026, 4, 30)),
            (date(2026, 12, 1), date(2026, 12, 31)),
            (date(2026, 12, 24), date(2027, 1, 2)),
        )
    ]
    assert said == [
        "eerste kwartaal van 2026", "februari 2026", "1 februari 2026 tot en met 30 april 2026",
        "december 2026", "24 december 2026 tot en met 2 januari 2027",
    ]  # fmt: skip
    assert edition.period_name(date(2026, 10, 1), date(2026, 12, 31), "en") == "fourth quarter of 2026"
    assert newsletters.last_quarter(date(2026, 1, 5)) == (date(2025, 10, 1), date(2025, 12, 31))
    assert newsletters.last_quarter(date(2026, 7, 1)) == (date(2026, 4, 1), date(2026, 6, 30))


def test_a_short_text_is_the_first_sentence_or_as_much_as_is_short() -> None:
    assert edition.beginning("Eén zin. Nog een.") == "Eén zin."
    assert edition.beginning("Versie 2.0 komt eraan! Echt.") == "Versie 2.0 komt eraan!"
    assert edition.beginning("Zonder punt\n\nTweede alinea.") == "Zonder punt"
    assert edition.beginning(None) == ""
    long = edition.beginning("woord " * 100)
    assert len(long) <= 240
    assert long.endswith("woord…")


def test_addresses_are_kept_once_a_municipality_and_taken_away(office: Office) -> None:
    with office.parts.pool.connection() as connection:
        id = councils.add(connection, "GM0772", "Griffie@example.org")
        assert councils.add(connection, "GM0772", "griffie@example.org", "en") == id
        other = councils.add(connection, "GM0794", "griffie@example.org")
        assert councils.ids(connection, "GM0772") == [id]
        assert councils.address(connection, id) == councils.Address(id, "GM0772", "Griffie@example.org", "en")
        assert [each.id for each in councils.listed(connection)] == [id, other]
        assert councils.remove(connection, id)
        assert not councils.remove(connection, id)
        assert councils.ids(connection, "GM0772") == []
        assert councils.address(connection, id) is None
        councils.remove(connection, other)


def test_an_address_that_unsubscribed_stays_so_until_it_is_put_back(office: Office) -> None:
    with office.parts.pool.connection() as connection:
        id = councils.add(connection, "GM0772", "griffie@example.org")
        for _ in range(2):
            councils.unsubscribe(connection, id)
            assert councils.ids(connection, "GM0772") == []
            (kept,) = councils.listed(connection)
            assert kept.unsubscribed_at is not None
        assert councils.add(connection, "GM0772", "Griffie@example.org") == id
        assert councils.ids(connection, "GM0772") == [], "who pastes the list again puts nobody back"
        assert councils.put_back(connection, id)
        assert councils.ids(connection, "GM0772") == [id]
        assert councils.address(connection, id) == councils.Address(id, "GM0772", "griffie@example.org", "nl")
        councils.remove(connection, id)
        assert not councils.put_back(connection, id)


def test_an_address_that_refused_mail_is_tried_again_when_it_is_put_back_or_added_anew(
    office: Office,
) -> None:
    with office.parts.pool.connection() as connection:
        id = councils.add(connection, "GM0772", "Griffie@example.org")
        undeliverable.note(connection, "Griffie@example.org", "550 5.1.1 gone")
        found = councils.address(connection, id)
        assert found is not None
        assert found.refused == "550 5.1.1 gone"
        assert found.refused_at is not None
        councils.add(connection, "GM0772", "griffie@example.org")
        assert undeliverable.refusal(connection, "griffie@example.org") is not None
        councils.put_back(connection, id)
        assert undeliverable.refusal(connection, "griffie@example.org") is None
        undeliverable.note(connection, "griffie@example.org", "550 5.1.1 gone")
        councils.remove(connection, id)
        again = councils.add(connection, "GM0772", "griffie@example.org")
        assert undeliverable.refusal(connection, "griffie@example.org") is None
        councils.remove(connection, again)


def test_of_an_address_that_nobody_has_any_more_nothing_is_kept(office: Office) -> None:
    with office.parts.pool.connection() as connection:
        one = councils.add(connection, "GM0772", "griffie@example.org")
        other = councils.add(connection, "GM0794", "griffie@example.org")
        undeliverable.note(connection, "griffie@example.org", "550")
        councils.remove(connection, one)
        assert undeliverable.refusal(connection, "griffie@example.org") is not None, (
            "the other council has it"
        )
        councils.remove(connection, other)
        assert undeliverable.refusal(connection, "griffie@example.org") is None
        person = people.add(connection, email="Was@example.org", name="Iemand", roles=["secretary"])
        undeliverable.note(connection, "was@example.org", "550")
        people.change(connection, replace(person, name="Iemand anders"))
        assert undeliverable.refusal(connection, "was@example.org") is not None
        people.change(connection, replace(person, email="is@example.org"))
        assert undeliverable.refusal(connection, "was@example.org") is None
        connection.execute("DELETE FROM vault.people WHERE id = %s", (person.id,))


def test_pasted_lines_are_read_and_what_is_wrong_says_which_line() -> None:
    codes = councils.known([("GM0772", "Eindhoven"), ("GM0820", "Nuenen c.a.")])
    pasted = (
        "GM0772; raad@example.org\n\n# dit is niets\nnuenen ca\tgriffie@example.org\ten;\n"
        "Amsterdam; a@example.org\nEindhoven; geen adres\nEindhoven; a@example.org; fr\nGM0772\n"
        'Eindhoven; "x" <a@example.org>'
    )
    found, wrong = councils.read_lines(pasted, codes)
    assert [(each.number, each.municipality, each.email, each.language) for each in found] == [
        (1, "GM0772", "raad@example.org", "nl"),
        (4, "GM0820", "griffie@example.org", "en"),
    ]
    assert [(each.number, each.code) for each in wrong] == [
        (5, "municipality"), (6, "email"), (7, "language"), (8, "parts"), (9, "email"),
    ]  # fmt: skip
