"""A proposal comes in step by step, is supplemented, compared and withdrawn; nothing that was typed is ever lost."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect

from domain.programme import Tender
from service.api.proposals_schema import EXAMPLE, RevisionSchema, SubmissionSchema
from service.calendar import today
from service.programmes import read_bundled
from service.web import drafts
from service.web.forms import Form
from service.web.live_budget import budget
from service.web.proposal_form import add_row, as_typed, judge, remove_row, with_step
from service.web.submission import opening
from service.web.text_diff import compared
from tests.api.conftest import a_proposal
from tests.web.conftest import PHONE, Opener, Site, Visitor, violations

HERSTELAANPAK = "regionale-herstelaanpak"
WHAT = {
    "title": "Digitale werkplaats voor het mkb",
    "summary": "Bedrijven leren met elkaar.\r\n\r\nEn met scholen.",
    "themes": ["digitaliseren-mkb", "vitale-kernen"],
    "period.start": "2027-01-01",
    "period.end": "2028-12-31",
}
WHO = {
    "applicant.name": "Stichting submitter",
    "applicant.kind": "foundation",
    "partners.0.name": "Fontys",
    "partners.0.kind": "",
    "partners.1.name": "TU/e",
    "partners.1.kind": "knowledge-institute",
    "municipalities": ["GM0772", "GM0794"],
}
MONEY = {
    "requested": "200.000",
    "cofinancing.0.source": "Brainport Development",
    "cofinancing.0.amount": "€ 250.000,50",
    "cofinancing.0.status": "granted",
}
EFFECT = {
    "effect": "Honderd bedrijven werken anders.",
    "structuralEffect": "De werkplaats gaat door.",
    "goals.0": "Honderd bedrijven",
    "subregionSupport.0.subregion": "stedelijk-gebied",
    "subregionSupport.0.evidence": "Brief van 1 oktober",
}


def begun(visitor: Visitor, programme: str = HERSTELAANPAK) -> str:
    """A new draft: the address of its steps."""
    visitor.text("/proposals/new")
    response = visitor.post("/proposals/new", {"programme": programme})
    assert response.status_code == 303
    return str(response.location).rsplit("/", 1)[0]


def filled(visitor: Visitor, draft: str, step: str, fields: Any, go: str = "next") -> Any:
    """Sends a step; the answer."""
    visitor.text(f"{draft}/{step}")
    return visitor.post(f"{draft}/{step}", {"programme": HERSTELAANPAK, **fields, "go": go})


def whole(visitor: Visitor) -> str:
    """A draft in which everything is filled in."""
    draft = begun(visitor)
    for step, fields in (("what", WHAT), ("who", WHO), ("money", MONEY), ("effect", EFFECT)):
        assert filled(visitor, draft, step, fields).status_code == 303
    return draft


def in_view(site: Site, proposal: str) -> dict[str, Any]:
    """The case as its submitter reads it from the API."""
    found: dict[str, Any] = site.service.told("submitter", f"/proposals/{proposal}")
    return found


def kept(site: Site) -> list[tuple[str, dict[str, Any]]]:
    """Every draft there is: whose, and what is in it."""
    with psycopg.connect(site.service.settings.database_url) as connection:
        return connection.execute("SELECT person, content FROM web.drafts").fetchall()


def asked(site: Site, **changes: Any) -> str:
    """A proposal of which a supplement is asked."""
    proposal = site.submitted(**changes)
    site.service.done(
        "secretary",
        f"/proposals/{proposal}/completeness",
        {"outcome": "supplement", "remarks": "De begroting ontbreekt.", "effectiveOn": "2020-09-02"},
    )
    return proposal


# --- from nothing to a reference, without scripts --------------------------------------------------------------------


def test_a_proposal_comes_in_step_by_step_without_scripts(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = whole(visitor)
    page = visitor.text(f"{draft}/check")
    assert "Je kunt indienen" in page
    for shown in (
        "Digitale werkplaats voor het mkb",
        "€\u00a0250.000,50",
        "Helmond",
        "Digitaliseren in het mkb",
        "TU/e",
    ):
        assert shown in unescape(page)
    response = visitor.post(f"{draft}/send", {})
    assert response.status_code == 303
    page = visitor.text(response.location)
    reference = re.search(r"RHA-\d{4}-\d{4}", page)
    assert reference, page
    assert "Ambtelijk kernteam" in page
    case = in_view(site, response.location.split("/")[2])
    assert case["reference"] == reference[0]
    assert case["content"]["cofinancing"][0]["amount"] == "250000.50"
    assert case["content"]["summary"] == "Bedrijven leren met elkaar.\n\nEn met scholen."
    assert [partner["kind"] for partner in case["content"]["partners"]] == [
        "organisation",
        "knowledge-institute",
    ]


def test_a_draft_goes_when_it_is_submitted_and_a_second_click_submits_nothing_more(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = whole(visitor)
    visitor.text(f"{draft}/check")
    first = visitor.post(f"{draft}/send", {})
    before = site.service.head()
    visitor.last = None
    visitor.text("/proposals/new")
    again = visitor.post(f"{draft}/send", {})
    assert (again.status_code, again.location) == (303, first.location)
    assert site.service.head() == before
    assert visitor.get(f"{draft}/what").location == first.location
    assert not [content for _, content in kept(site) if content["values"].get("title") == [WHAT["title"]]]


def test_who_changed_a_draft_after_it_came_in_keeps_what_was_typed_as_another_draft(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = whole(visitor)
    id = draft.rsplit("/", 1)[1]
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        copy = drafts.find(connection, site.service.people["submitter"].id, id)
        assert copy is not None
        visitor.text(f"{draft}/check")
        assert visitor.post(f"{draft}/send", {}).status_code == 303
        # As if the answer had been lost on the way, before the draft was thrown away.
        drafts._put(connection, copy)
    filled(visitor, draft, "what", {**WHAT, "title": "Later veranderd"})
    before = site.service.head()
    visitor.text(f"{draft}/check")
    response = visitor.post(f"{draft}/send", {})
    assert response.status_code == 303
    assert response.location.endswith("/check")
    assert response.location != f"{draft}/check"
    page = visitor.text(response.location)
    assert "Later veranderd" in page
    assert "was al ingediend" in page
    assert site.service.head() == before


def test_whatever_is_wrong_in_a_step_is_said_beside_the_field_and_kept_as_it_was_typed(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = begun(visitor)
    response = filled(
        visitor, draft, "money", {**MONEY, "requested": "veel geld", "cofinancing.0.amount": "-5"}
    )
    page = unescape(response.get_data(as_text=True))
    assert response.status_code == 400
    assert 'value="veel geld"' in page
    assert 'value="-5"' in page
    assert "Vul een bedrag in euro’s in" in page
    assert "groter zijn dan nul" in page
    # Also later, and on another day.
    assert 'value="veel geld"' in visitor.text(f"{draft}/money")


def test_whoever_leaves_something_out_may_go_on_and_is_told_how_much_is_left_in_each_step(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = begun(visitor)
    assert filled(visitor, draft, "what", {"title": "Een begin"}).status_code == 400
    response = filled(visitor, draft, "what", {"title": "Een begin"}, go="skip")
    assert response.location == f"{draft}/who"
    page = visitor.text(f"{draft}/check")
    assert "Voor je kunt indienen zijn er nog" in page
    assert "nog 4 punten" in page
    before = site.service.head()
    response = visitor.post(f"{draft}/send", {})
    assert response.status_code == 400
    assert "Voor je kunt indienen" in response.get_data(as_text=True)
    assert site.service.head() == before
    assert "Een begin" in visitor.text(f"{draft}/what")


def test_a_refused_submission_names_every_field_and_leads_to_it(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = begun(visitor)
    filled(visitor, draft, "what", {"title": "Een begin"}, go="skip")
    rows = {"cofinancing.0.source": "Fonds", "cofinancing.3.source": "Bank", "cofinancing.3.amount": "5"}
    filled(visitor, draft, "money", {"requested": "200", **rows}, go="skip")
    visitor.text(f"{draft}/check")
    response = visitor.post(f"{draft}/send", {})
    page = unescape(response.get_data(as_text=True))
    assert "Je voorstel is nog niet ingediend" in page
    listed = re.search(r'id="problems">(.*?)</ul>', page, re.DOTALL)
    assert listed
    lines = [
        re.sub(r"<[^>]+>|\s+", " ", each).split()
        for each in re.findall(r"<li>(.*?)</li>", listed[1], re.DOTALL)
    ]
    said = [" ".join(line) for line in lines]
    must = "Dit veld is verplicht."
    for label in (
        "Samenvatting", "Begint op", "Eindigt op", "Bedrag van bijdrage 1", "Hoe zeker is bijdrage 1?",
        "Hoe zeker is bijdrage 2?",
    ):  # fmt: skip
        assert f"{label} : {must}" in said, label
    assert not any(key in " ".join(said) for key in ("period", "cofinancing", "applicant", "status"))
    links = re.findall(r'href="([^"#]+)#([^"]+)"', listed[1])
    assert len(links) == len(said)
    for address, anchor in links:
        step = visitor.text(address)
        assert f'id="{anchor}"' in step
        assert f'id="{anchor}-error"' in step, "what is wrong stands beside the field one comes to"


def test_a_step_is_ticked_only_when_nothing_is_left_in_it(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = begun(visitor)
    filled(visitor, draft, "what", {"title": "Een begin"}, go="skip")
    filled(visitor, draft, "who", WHO)
    page = visitor.text(f"{draft}/check")
    ticked = re.findall(r'steps__name"><span class="visually-hidden">Klaar: </span>([^<]+)', page)
    assert ticked == ["Wie en waar", "Effect en steun"]
    filled(visitor, draft, "what", WHAT)
    assert "Klaar: </span>" in visitor.text(f"{draft}/money")


@pytest.mark.parametrize("left_out", ["cofinancing.0.status", "cofinancing.0.source", "cofinancing.0.amount"])
def test_a_multiplier_is_not_judged_before_every_row_is_complete(site: Site, left_out: str) -> None:
    visitor = site.visitor("submitter")
    draft = whole(visitor)
    for requirements in (f"{draft}/check", f"{draft}/money"):
        filled(visitor, draft, "money", MONEY)
        assert "Dat is genoeg" in visitor.text(requirements)
        filled(visitor, draft, "money", {**MONEY, left_out: ""}, go="skip")
        page = unescape(visitor.text(requirements))
        assert "Dat is genoeg" not in page
        assert "Bij 1 bijdrage van anderen mist nog iets" in page
        assert "Nog niet voldaan: Multiplier" not in page
        asked_for = re.search(r"Multiplier van minstens 1\s*<span[^>]*>([^<]+)", page)
        assert asked_for
        assert asked_for[1] == "Nog niet te zeggen"


def test_a_requirement_of_the_programme_is_said_before_the_submission_by_the_rule_that_would_refuse_it(
    site: Site,
) -> None:
    visitor = site.visitor("submitter")
    draft = whole(visitor)
    response = filled(visitor, draft, "money", {**MONEY, "cofinancing.0.amount": "150.000"})
    page = unescape(response.get_data(as_text=True))
    assert response.status_code == 400
    assert "Multiplier van minstens 1" in page
    assert "Je komt €\u00a050.000 tekort" in page
    refused = site.service.act(
        "submitter",
        "/proposals",
        a_proposal(cofinancing=[{"source": "X", "amount": "1.00", "status": "own"}]),
    )
    assert refused.json["code"] == "requirement-not-met"


def test_what_the_review_will_wait_for_is_a_warning_and_no_refusal(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = whole(visitor)
    filled(visitor, draft, "effect", {"effect": "Iets", "goals.0": "Iets"})
    page = unescape(visitor.text(f"{draft}/check"))
    assert "Nog niet voldaan: Subregionale aanhaking aan de voorkant" in page
    assert "begint de beoordeling pas" in page
    assert "Nog niet voldaan: Structureel effect" in page
    assert visitor.post(f"{draft}/send", {}).status_code == 303


def test_what_the_programme_asks_stands_beside_the_fields_that_answer_it(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = begun(visitor)
    money = unescape(visitor.text(f"{draft}/money"))
    assert "leggen anderen samen minstens €\u00a01 bij. Zonder dit kun je niet indienen." in money
    effect = unescape(visitor.text(f"{draft}/effect"))
    assert "Je beschrijft wat er blijft bestaan als het geld op is. De adviseurs wegen dit mee" in effect
    assert "begint de beoordeling pas als je het hebt aangevuld" in effect


def test_rows_come_and_go_by_buttons_and_the_others_stay(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = begun(visitor)
    response = filled(visitor, draft, "who", {**WHO, "partners.2.name": "Summa"}, go="remove-partners-0")
    assert response.location == f"{draft}/who#proposal-partners"
    page = visitor.text(f"{draft}/who")
    assert "Fontys" not in page
    assert 'value="TU/e"' in page
    assert 'value="Summa"' in page
    filled(visitor, draft, "money", MONEY, go="add-cofinancing")
    page = visitor.text(f"{draft}/money")
    assert 'name="cofinancing.1.source"' in page
    filled(visitor, draft, "effect", {"goals.0": "Een", "goals.1": "Twee"}, go="remove-goals-0")
    page = visitor.text(f"{draft}/effect")
    assert "Een</textarea>" not in page
    assert "Twee</textarea>" in page


def test_who_presses_enter_in_a_field_goes_on_and_removes_nothing(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = begun(visitor)
    filled(visitor, draft, "money", MONEY)
    page = visitor.text(f"{draft}/money")
    form = page[page.index('id="proposal"') :]
    assert re.findall(r'name="go" value="([^"]+)"', form)[0] == "next"


def test_who_stops_finds_the_draft_back_on_the_start_page(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = begun(visitor)
    response = filled(visitor, draft, "what", {"title": "Even gestopt"}, go="save")
    page = visitor.text(response.location)
    assert "Even gestopt" in page
    assert "Je concept is bewaard" in page
    assert f"{draft}/what" in page


# --- drafts are private -----------------------------------------------------------------------------------------------


def test_nobody_else_sees_or_changes_a_draft_not_even_of_the_same_organisation(site: Site) -> None:
    draft = begun(site.visitor("submitter"))
    filled(site.visitor("submitter"), draft, "what", WHAT)
    for who in ("neighbour", "secretary"):
        visitor = site.visitor(who)
        visitor.text("/proposals/new")
        assert visitor.get(f"{draft}/what", headers={"Accept": "text/html"}).status_code == 404
        assert visitor.get(f"{draft}/delete").status_code == 404
        visitor.text("/proposals/new")
        assert visitor.post(f"{draft}/what", {"title": "Van een ander"}).status_code == 404
        visitor.text("/proposals/new")
        assert visitor.post(f"{draft}/what/keep", {"title": "Van een ander"}).status_code == 404
        visitor.text("/proposals/new")
        visitor.post(f"{draft}/delete", {})
        visitor.text("/proposals/new")
        assert visitor.post(f"{draft}/send", {}).status_code == 404
    assert WHAT["title"] in site.visitor("submitter").text(f"{draft}/what")


def test_who_may_not_submit_has_no_drafts(site: Site) -> None:
    visitor = site.visitor("treasurer")
    assert visitor.get("/proposals/new", headers={"Accept": "text/html"}).status_code == 403
    visitor.text("/")
    assert visitor.post("/proposals/new", {"programme": HERSTELAANPAK}).status_code == 403


def test_a_draft_is_thrown_away_after_being_asked(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = begun(visitor)
    filled(visitor, draft, "what", {"title": "Weg ermee"})
    assert "Weg ermee" in visitor.text(f"{draft}/delete")
    assert visitor.post(f"{draft}/delete", {}).status_code == 303
    assert visitor.get(f"{draft}/what").status_code == 404


def test_what_is_typed_in_a_draft_that_is_gone_goes_on_as_a_new_one(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = begun(visitor)
    visitor.text(f"{draft}/delete")
    visitor.post(f"{draft}/delete", {})
    visitor.text("/proposals/new")
    response = visitor.post(f"{draft}/what", {"programme": HERSTELAANPAK, **WHAT})
    assert response.status_code == 303
    assert WHAT["title"] in visitor.text(response.location)


def test_control_characters_that_nobody_sees_do_not_stop_a_draft_from_being_kept(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = begun(visitor)
    filled(visitor, draft, "what", {**WHAT, "title": "Geplakt\x00 uit\x0b een document"})
    assert "Geplakt uit een document" in visitor.text(f"{draft}/what")


def test_a_draft_is_no_part_of_the_log(site: Site) -> None:
    visitor = site.visitor("submitter")
    before = site.service.head()
    whole(visitor)
    assert site.service.head() == before


# --- programmes and tenders -------------------------------------------------------------------------------------------


def test_each_programme_says_when_it_is_open_and_what_it_asks(site: Site) -> None:
    page = unescape(site.visitor("submitter").text("/proposals/new"))
    assert "Je kunt op elke dag indienen." in page
    assert "Zonder dit kun je niet indienen." in page
    assert "Stimuleringsfonds" in page
    visitor = site.visitor("submitter")
    visitor.text("/proposals/new")
    response = visitor.post("/proposals/new", {"programme": "bestaat-niet"})
    assert response.status_code == 400
    assert "Kies eerst een programma" in response.get_data(as_text=True)


def test_a_closed_programme_says_when_it_opens() -> None:
    programme = read_bundled("stimuleringsfonds-1")
    first, *_ = sorted(programme.tenders, key=lambda tender: tender.opens)
    assert opening(programme, first.opens).now
    assert opening(programme, first.closes).now
    before = opening(programme, first.opens.replace(year=first.opens.year - 1))
    assert not before.now
    assert isinstance(before.tender, Tender)
    last = max(programme.tenders, key=lambda tender: tender.closes)
    after = opening(programme, last.closes.replace(year=last.closes.year + 1))
    assert not after.now
    assert after.tender is None
    assert opening(read_bundled("regionale-herstelaanpak-1"), first.opens).now


def test_the_secretariat_submits_for_somebody_who_then_finds_the_case(site: Site) -> None:
    visitor = site.visitor("secretary")
    draft = begun(visitor)
    assert 'value="Stichting submitter"' not in visitor.text(f"{draft}/who")
    filled(visitor, draft, "what", {**WHAT, "title": "Op papier gekomen"})
    filled(
        visitor, draft, "who", {**WHO, "applicant.name": "stichting SUBMITTER", "effectiveOn": "2021-03-01"}
    )
    filled(visitor, draft, "money", MONEY)
    filled(visitor, draft, "effect", EFFECT)
    visitor.text(f"{draft}/check")
    response = visitor.post(f"{draft}/send", {})
    assert response.status_code == 303, response.get_data(as_text=True)
    assert in_view(site, response.location.split("/")[2])["submittedOn"] == "2021-03-01"
    assert "Op papier gekomen" in site.visitor("submitter").text("/")


@pytest.mark.parametrize(
    ("programme", "on", "words"),
    [
        (HERSTELAANPAK, "2199-01-01", "ligt in de toekomst"),
        ("stimuleringsfonds", "2010-01-01", "is er geen tender open"),
    ],
)
def test_what_only_the_submission_can_refuse_is_said_and_the_draft_stays(
    site: Site, programme: str, on: str, words: str
) -> None:
    visitor = site.visitor("secretary")
    draft = begun(visitor, programme)
    theme = "digitaliseren-mkb" if programme == HERSTELAANPAK else "energie"
    filled(visitor, draft, "what", {**WHAT, "themes": [theme]})
    filled(visitor, draft, "who", {**WHO, "effectiveOn": on})
    filled(visitor, draft, "money", MONEY)
    visitor.text(f"{draft}/check")
    response = visitor.post(f"{draft}/send", {})
    assert response.status_code == 400
    assert words in unescape(response.get_data(as_text=True))
    assert WHAT["title"] in visitor.text(f"{draft}/what")


# --- while somebody types ---------------------------------------------------------------------------------------------


def test_what_is_typed_is_kept_meanwhile_and_the_budget_follows(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = begun(visitor)
    visitor.text(f"{draft}/money")
    response = visitor.post(f"{draft}/money/keep", {**MONEY, "cofinancing.0.amount": "300.000"})
    said = unescape(response.get_data(as_text=True))
    assert "Bewaard om " in said
    assert "1,50" in said
    assert "Dat is genoeg" in said
    assert 'value="300.000"' in visitor.text(f"{draft}/money")
    # No word on what is wrong before the step was sent.
    assert "Geef er" not in visitor.text(f"{draft}/what")


def test_a_session_that_is_over_loses_nothing_of_a_step(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = begun(visitor)
    visitor.text(f"{draft}/what")
    visitor.client.delete_cookie("besluitspoor")
    response = visitor.post(f"{draft}/what", WHAT)
    assert response.status_code == 401
    assert WHAT["title"] in response.get_data(as_text=True)


@pytest.mark.parametrize(
    ("requested", "given", "multiplier", "share", "short"),
    [
        ("200.000", ["250.000"], "1.25", 44, "0.00"),
        ("200.000", ["199.999,99"], "0.99", 50, "0.01"),
        ("3", ["1", "1,50"], "0.83", 55, "0.50"),
    ],
)
def test_the_budget_never_makes_too_little_look_enough(
    site: Site, requested: str, given: list[str], multiplier: str, share: int, short: str
) -> None:
    programme = read_bundled("regionale-herstelaanpak-1")
    rows: dict[str, list[str]] = {}
    for row, each in enumerate(given):
        rows[f"cofinancing.{row}.amount"] = [each]
        rows[f"cofinancing.{row}.source"], rows[f"cofinancing.{row}.status"] = ["Fonds"], ["own"]
    form = Form(SubmissionSchema(), {"requested": [requested], **rows})
    found = budget(form, programme)
    assert str(found.multiplier) == multiplier
    assert found.share == share
    (need,) = found.needs
    assert f"{need.short:.2f}" == short
    assert need.met == (short == "0.00")
    assert found.unread == 0
    unread = {**form.values, "cofinancing.9.amount": ["veel"]}
    found = budget(Form(SubmissionSchema(), unread), programme)
    assert (str(found.multiplier), found.unread, found.unfinished, found.needs) == (multiplier, 1, 1, ())


def test_a_budget_without_a_request_says_nothing_yet() -> None:
    found = budget(Form(SubmissionSchema(), {}), read_bundled("regionale-herstelaanpak-1"))
    assert (found.requested, found.share, found.multiplier) == (None, None, None)


# --- supplements ------------------------------------------------------------------------------------------------------


def test_the_question_stands_beside_the_form_that_answers_it(site: Site) -> None:
    proposal = asked(site)
    page = unescape(site.visitor("submitter").text(f"/proposals/{proposal}/supplement"))
    assert "De begroting ontbreekt." in page
    assert 'value="Digitale werkplaats"' in page
    assert 'value="GM0772" checked' in page
    visitor = site.visitor("submitter")
    visitor.text(f"/proposals/{proposal}/supplement")
    fields = {**WHAT, **WHO, **MONEY, **EFFECT, "go": "next"}
    response = visitor.post(f"/proposals/{proposal}/supplement", fields)
    assert response.status_code == 303, response.get_data(as_text=True)
    assert "Je aanvulling is verstuurd" in visitor.text(response.location)
    case = in_view(site, proposal)
    assert (case["revision"], case["status"]) == (2, "completeness")
    assert case["content"]["title"] == WHAT["title"]


def test_a_supplement_that_changes_nothing_says_the_same(site: Site) -> None:
    proposal = asked(site)
    case = in_view(site, proposal)
    typed = as_typed(case["content"], read_bundled("regionale-herstelaanpak-1"))
    visitor = site.visitor("submitter")
    visitor.text(f"/proposals/{proposal}/supplement")
    assert visitor.post(f"/proposals/{proposal}/supplement", typed).status_code == 303
    assert in_view(site, proposal)["content"] == case["content"]


def test_a_stale_page_loses_nothing_and_can_be_sent_again(site: Site) -> None:
    proposal = asked(site)
    visitor = site.visitor("submitter")
    visitor.text(f"/proposals/{proposal}/supplement")
    fields = {**WHAT, **WHO, **MONEY, **EFFECT, "title": "Getypt op een oude pagina"}
    response = visitor.post(f"/proposals/{proposal}/supplement", {**fields, "version": "1"})
    assert response.status_code == 412
    assert 'value="Getypt op een oude pagina"' in response.get_data(as_text=True)
    assert visitor.post(f"/proposals/{proposal}/supplement", fields).status_code == 303


def test_what_is_wrong_in_a_supplement_is_said_and_kept_and_a_row_can_be_added(site: Site) -> None:
    proposal = asked(site)
    visitor = site.visitor("submitter")
    address = f"/proposals/{proposal}/supplement"
    visitor.text(address)
    response = visitor.post(
        address, {**WHAT, **WHO, **MONEY, "requested": "veel", "period.start": "", "period.end": ""}
    )
    page = unescape(response.get_data(as_text=True))
    assert response.status_code == 400
    assert 'value="veel"' in page
    assert 'href="#supplement-period-start"' in page
    response = visitor.post(address, {**WHAT, **WHO, **MONEY, "go": "add-cofinancing"})
    assert response.location == f"{address}#supplement-cofinancing"
    page = visitor.text(address)
    assert 'name="cofinancing.1.source"' in page
    assert in_view(site, proposal)["revision"] == 1
    # The draft is of this person alone, and goes when asked.
    visitor.post(address, {"go": "discard"})
    assert 'value="Digitale werkplaats"' in visitor.text(address)


def test_a_supplement_that_is_kept_while_typing_is_there_again_and_says_when_the_proposal_moved_on(
    site: Site,
) -> None:
    proposal = asked(site)
    visitor = site.visitor("submitter")
    address = f"/proposals/{proposal}/supplement"
    visitor.text(address)
    visitor.post(f"{address}/keep", {**WHAT, "title": "Half af"})
    assert 'value="Half af"' in visitor.text(address)
    body = {**a_proposal(effectiveOn="2020-09-03")}
    del body["programme"]
    site.service.done("submitter", f"/proposals/{proposal}/revisions", body)
    page = site.visitor("submitter").text(address)
    assert "Er is nu geen aanvulling gevraagd" in page
    assert "veranderd sinds je hieraan begon" in page
    assert 'value="Half af"' in page
    visitor = site.visitor("submitter")
    visitor.text(address)
    response = visitor.post(address, {**WHAT, **WHO, **MONEY, **EFFECT, "title": "Te laat"})
    assert response.status_code == 409
    assert 'value="Te laat"' in response.get_data(as_text=True)


def test_nobody_supplements_but_the_applicant_and_the_secretariat(site: Site) -> None:
    proposal = asked(site)
    address = f"/proposals/{proposal}/supplement"
    assert site.visitor("neighbour").get(address).status_code == 404
    assert site.visitor("taskforce").get(address).status_code == 403
    visitor = site.visitor("taskforce")
    visitor.text("/")
    assert visitor.post(address, WHAT).status_code == 403


def test_the_secretariat_records_a_supplement_that_came_by_post_and_the_log_says_so(site: Site) -> None:
    proposal = asked(site)
    address = f"/proposals/{proposal}/supplement"
    visitor = site.visitor("secretary")
    assert f'href="{address}"' in visitor.text(f"/proposals/{proposal}")
    assert "per post of mail" in visitor.text(address)
    assert "per post of mail" not in site.visitor("submitter").text(address)
    response = visitor.post(address, {**WHAT, **WHO, **MONEY, **EFFECT, "go": "next"})
    assert response.status_code == 303, response.get_data(as_text=True)
    case = in_view(site, proposal)
    assert (case["revision"], case["status"]) == (2, "completeness")
    recorded = site.service.app.extensions["besluitspoor"].parts.log.load(proposal)[-1]
    assert (recorded.by, recorded.capacity.role) == (site.service.people["secretary"].id, "secretary")
    assert case["owner"]["id"] != site.service.people["secretary"].id


# --- differences ------------------------------------------------------------------------------------------------------


def test_two_versions_are_compared_field_by_field(site: Site) -> None:
    proposal = asked(site)
    body = a_proposal(
        title="Digitale werkplaats voor iedereen",
        requested="150000.00",
        municipalities=["Helmond"],
        cofinancing=[{"source": "Brainport Development", "amount": "300000.00", "status": "granted"}],
        effectiveOn="2020-09-03",
    )
    del body["programme"]
    site.service.done("submitter", f"/proposals/{proposal}/revisions", body)
    page = unescape(site.visitor("submitter").text(f"/proposals/{proposal}/differences?from=1&to=2"))
    assert re.search(r"<ins[^>]*><span[^>]*>Toegevoegd: </span>voor iedereen<span", page)
    assert re.search(r"<del[^>]*><span[^>]*>Weggehaald: </span>Eindhoven</del>", page)
    assert "€\u00a050.000 minder" in page
    assert "€\u00a050.000 meer" in page
    assert "4 onderdelen zijn anders" in page
    # The last two when the address names none that are there.
    assert "voor iedereen" in site.visitor("auditor").text(f"/proposals/{proposal}/differences?from=9&to=x")
    same = site.visitor("auditor").text(f"/proposals/{proposal}/differences?from=2&to=2")
    assert "Deze versies zijn gelijk" in same


def test_a_proposal_of_one_version_has_no_differences_and_a_stranger_sees_none(site: Site) -> None:
    proposal = site.submitted()
    assert "nog maar één versie" in site.visitor("submitter").text(f"/proposals/{proposal}/differences")
    assert site.visitor("neighbour").get(f"/proposals/{proposal}/differences").status_code == 404


WORDS = st.lists(st.sampled_from(["een", "twee", "drie", "vier\n", "\n", "  ", "vijf,"]), max_size=30).map(
    " ".join
)


@given(WORDS, WORDS)
def test_a_comparison_holds_both_texts_whole(before: str, after: str) -> None:
    pieces = compared(before, after)
    assert "".join(p.text for p in pieces if p.kind != "removed").split() == after.split()
    assert "".join(p.text for p in pieces if p.kind != "added").split() == before.split()


def test_a_text_of_the_same_word_over_and_over_is_compared_at_once() -> None:
    pieces = compared("ja " * 3_000, "nee " + "ja " * 3_000)
    assert [piece.kind for piece in pieces] == ["removed", "added"]


# --- withdrawal -------------------------------------------------------------------------------------------------------


def test_a_proposal_is_withdrawn_after_it_was_said_what_that_means(site: Site) -> None:
    proposal = site.complete(site.submitted())
    visitor = site.visitor("submitter")
    page = visitor.text(f"/proposals/{proposal}/withdrawal")
    assert "Je kunt het niet terugdraaien" in page
    assert "Bestuurlijke taskforce" in page
    response = visitor.post(f"/proposals/{proposal}/withdrawal", {"grounds": "We doen het zelf."})
    assert response.status_code == 303
    case = in_view(site, proposal)
    assert (case["status"], case["withdrawal"]["grounds"]) == ("withdrawn", "We doen het zelf.")
    page = site.visitor("submitter").text(f"/proposals/{proposal}/withdrawal")
    assert "Intrekken kan nu niet" in page
    assert "<textarea" not in page


def test_a_withdrawal_that_is_refused_keeps_its_grounds(site: Site) -> None:
    proposal = site.submitted()
    visitor = site.visitor("submitter")
    visitor.text(f"/proposals/{proposal}/withdrawal")
    response = visitor.post(f"/proposals/{proposal}/withdrawal", {"grounds": "Toch niet", "version": "1"})
    assert response.status_code == 412
    assert "Toch niet</textarea>" in response.get_data(as_text=True)
    site.service.done("submitter", f"/proposals/{proposal}/withdrawal", {"grounds": "Zo"})
    visitor.text("/")
    response = visitor.post(f"/proposals/{proposal}/withdrawal", {"grounds": "Nog eens", "version": ""})
    assert response.status_code == 409
    assert "Nog eens</textarea>" in response.get_data(as_text=True)


def test_who_may_not_withdraw_is_told_who_may(site: Site) -> None:
    proposal = site.submitted()
    assert site.visitor("neighbour").get(f"/proposals/{proposal}/withdrawal").status_code == 404
    assert site.visitor("treasurer").get(f"/proposals/{proposal}/withdrawal").status_code == 403
    visitor = site.visitor("secretary")
    visitor.text(f"/proposals/{proposal}/withdrawal")
    response = visitor.post(
        f"/proposals/{proposal}/withdrawal", {"grounds": "Brief", "effectiveOn": "2020-10-01"}
    )
    assert response.status_code == 303


# --- what was typed comes back the same -------------------------------------------------------------------------------

TYPED = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs", "S")), max_size=30)
FIELD = st.sampled_from(
    [
        "title", "summary", "requested", "period.start", "applicant.name", "partners.0.name", "partners.3.kind",
        "cofinancing.1.amount", "cofinancing.1.status", "goals.0", "goals.2", "subregionSupport.1.evidence", "effect",
    ]
)  # fmt: skip
DRAFTS = st.dictionaries(FIELD, TYPED.map(lambda typed: [typed]), max_size=10)


@pytest.fixture(scope="module")
def in_request(site: Site) -> Any:
    with site.service.app.test_request_context("/") as context:
        yield context


@given(DRAFTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_judging_a_form_changes_nothing_that_was_typed(in_request: Any, values: dict[str, list[str]]) -> None:
    form = Form(SubmissionSchema(), {**values, "programme": [HERSTELAANPAK]})
    judged = judge(form, read_bundled("regionale-herstelaanpak-1"))
    assert form.values == {**values, "programme": [HERSTELAANPAK]}
    # All that stands between it and its submission, in steps, and every one of them beside a field.
    assert judged.count == len(form.errors) > 0
    for step in ("what", "who", "money", "effect"):
        sent = {name: each for name, each in values.items() if name in with_step({}, step, values)}
        assert with_step(values, step, sent) == values


@given(st.lists(TYPED.filter(str.strip), min_size=1, max_size=5), st.data())
def test_a_row_more_or_less_leaves_the_others_as_they_were(typed: list[str], data: Any) -> None:
    values = {f"partners.{row}.name": [each] for row, each in enumerate(typed)}
    assert remove_row(add_row(values, "partners", "name"), "partners", len(typed)) == values
    gone = data.draw(st.integers(0, len(typed) - 1))
    left = remove_row(values, "partners", gone)
    assert [each for (each,) in left.values()] == typed[:gone] + typed[gone + 1 :]


def test_the_content_of_a_case_goes_into_the_form_and_out_again_the_same(site: Site) -> None:
    content = in_view(site, site.submitted(**{k: v for k, v in EXAMPLE.items() if k != "effectiveOn"}))[
        "content"
    ]
    programme = read_bundled("regionale-herstelaanpak-1")
    with site.service.app.test_request_context("/"):
        once = Form(RevisionSchema(), as_typed(content, programme))
        loaded = once.load()
    assert loaded["title"] == content["title"]
    assert [p["kind"] for p in loaded["partners"]] == [p["kind"] for p in content["partners"]]
    assert [str(c["amount"]) for c in loaded["cofinancing"]] == [c["amount"] for c in content["cofinancing"]]
    assert loaded["municipalities"] == content["municipalities"]
    assert loaded["goals"] == content["goals"]
    assert loaded["subregion_support"] == content["subregionSupport"]


# --- in a real browser ------------------------------------------------------------------------------------------------


def test_what_is_typed_in_a_browser_is_still_there_after_a_reload(opened: Opener, served: Site) -> None:
    draft = begun(served.visitor("submitter"))
    page = opened("submitter", f"{draft}/money")
    page.get_by_label("Gevraagd bedrag").fill("200.000")
    page.get_by_label("Bedrag van bijdrage 1").fill("100.000")
    page.locator("#budget").get_by_text("Bij 1 bijdrage van anderen mist nog iets").wait_for()
    page.get_by_label("Van wie komt bijdrage 1?").fill("Fonds")
    page.get_by_label("Hoe zeker is bijdrage 1?").select_option("own")
    page.locator("#budget").get_by_text("Dat is nog niet genoeg").wait_for()
    assert "Bewaard om" in page.locator("#kept").inner_text()
    page.evaluate("sessionStorage.clear()")
    page.reload()
    expect(page.get_by_label("Gevraagd bedrag")).to_have_value("200.000")
    assert page.get_by_label("Bedrag van bijdrage 1").input_value() == "100.000"
    page.get_by_label("Bedrag van bijdrage 1").fill("300.000")
    page.locator("#budget").get_by_text("Dat is genoeg").wait_for()
    # Enter goes on to what is still missing; nothing that was typed went.
    page.get_by_label("Van wie komt bijdrage 1?").fill("")
    page.get_by_label("Bedrag van bijdrage 1").press("Enter")
    page.locator("#proposal-errors").wait_for()
    assert page.get_by_label("Bedrag van bijdrage 1").input_value() == "300.000"


def test_who_is_offline_is_told_that_the_last_words_are_not_kept_yet(opened: Opener, served: Site) -> None:
    draft = begun(served.visitor("submitter"))
    page = opened("submitter", f"{draft}/what")
    page.context.set_offline(True)
    page.get_by_label("Titel").fill("Zonder verbinding getypt")
    page.locator("#not-kept").wait_for(state="visible")
    page.context.set_offline(False)
    page.get_by_label("Titel").fill("Weer verbinding")
    page.locator("#not-kept").wait_for(state="hidden")
    page.reload()
    expect(page.get_by_label("Titel")).to_have_value("Weer verbinding")


QUICK = ("/", "/money", "/check")
EVERY = (
    *QUICK,
    "/what",
    "/who",
    "/effect",
    "/new",
    "/supplement",
    "/differences",
    "/withdrawal",
    "/received",
)


@pytest.mark.parametrize(
    ("locale", "dark", "wanted"),
    [
        ("nl", False, QUICK),
        pytest.param("nl", True, EVERY, marks=pytest.mark.slow),
        pytest.param("en", False, EVERY, marks=pytest.mark.slow),
    ],
)
def test_every_step_is_accessible_on_a_phone_too(
    opened: Opener, served: Site, locale: str, dark: bool, wanted: tuple[str, ...]
) -> None:
    visitor = served.visitor("submitter")
    draft = begun(visitor)
    filled(visitor, draft, "what", {"title": "Kort"}, go="skip")
    filled(visitor, draft, "money", {**MONEY, "cofinancing.0.amount": "1"}, go="skip")
    proposal = asked(served)
    paths = [
        "/proposals/new",
        *(f"{draft}/{step}" for step in ("what", "who", "money", "effect", "check")),
        f"/proposals/{proposal}/supplement",
        f"/proposals/{proposal}/differences",
        f"/proposals/{proposal}/withdrawal",
        f"/proposals/{proposal}/received",
    ]
    page = opened("submitter", "/", viewport=PHONE, locale=locale, dark=dark)
    for path in ["/", *(path for path in paths if path.endswith(wanted))]:
        page.goto(served.address + path)
        assert violations(page) == [], path
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), path


def test_today_is_what_the_calendar_of_the_service_says(site: Site) -> None:
    visitor = site.visitor("submitter")
    draft = whole(visitor)
    visitor.text(f"{draft}/check")
    response = visitor.post(f"{draft}/send", {})
    submitted = in_view(site, response.location.split("/")[2])["submittedOn"]
    assert submitted == today(site.service.settings.timezone).isoformat()
