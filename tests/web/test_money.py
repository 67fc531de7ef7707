"""Money: what each envelope has at any moment, and what a treasurer does with it, seen before it is recorded."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from uuid import uuid4

import pytest

from tests.web.conftest import PHONE, Opener, Site, violations
from tests.web.test_programme_pages import fields_of, text_of


def opened_envelope(site: Site, amount: str = "2000000.00") -> str:
    """The code of an envelope of one's own."""
    code = f"budget-{uuid4().hex[:8]}"
    site.service.done(
        "treasurer",
        "/envelopes",
        {
            "code": code,
            "name": f"Budget {code}",
            "body": "ab",
            "sources": [{"source": "Reserve", "amount": amount}],
            "effectiveOn": "2020-07-01",
        },
    )
    return code


def to_award(site: Site, **changes: Any) -> str:
    """A proposal that waits for its award."""
    proposal = site.complete(site.submitted(**changes))
    site.service.done(
        "taskforce",
        f"/proposals/{proposal}/reviews",
        {"body": "taskforce", "advice": "positive", "effectiveOn": "2020-11-16"},
    )
    site.service.done(
        "poho",
        f"/proposals/{proposal}/decisions",
        {"body": "poho", "outcome": "approved", "effectiveOn": "2020-11-20"},
    )
    return proposal


def awarded(site: Site, code: str, **changes: Any) -> str:
    """A proposal that got 200,000 in two phases, the second of which is held back."""
    proposal = to_award(site, **changes)
    site.service.done(
        "db",
        f"/proposals/{proposal}/awards",
        {
            "envelope": code,
            "amount": "200000.00",
            "phases": [
                {"amount": "120000.00"},
                {"amount": "80000.00", "releaseCondition": "Na de tussenrapportage."},
            ],
            "effectiveOn": "2020-12-07",
        },
    )
    return proposal


def envelope_of(site: Site, code: str) -> dict[str, str]:
    found: dict[str, str] = site.service.told("auditor", f"/envelopes/{code}")
    return found


def case_of(site: Site, proposal: str) -> dict[str, Any]:
    found: dict[str, Any] = site.service.told("auditor", f"/proposals/{proposal}")
    return found


def said(html: str) -> str:
    return text_of(html).replace("\u00a0", " ")


def test_everybody_who_signs_in_sees_what_is_left_and_cases_only_who_may_read_them(site: Site) -> None:
    code = opened_envelope(site)
    proposal = awarded(site, code, title="Krijgt geld")
    for who in ("submitter", "integration", "admin"):
        html = site.visitor(who).text(f"/money/{code}")
        assert "€ 1.800.000" in said(html)
        assert "Krijgt geld" not in html
        assert proposal not in html
        assert code in site.visitor(who).text("/money")
    html = site.visitor("auditor").text(f"/money/{code}")
    assert "Krijgt geld" in html
    assert "€ 120.000" in said(html)
    assert "return" not in html, "only a treasurer gives money back"
    assert site.visitor(None).get("/money").status_code == 303
    assert site.visitor("auditor").get("/money/none").status_code == 404


def test_an_envelope_is_seen_as_it_was_on_a_day(site: Site) -> None:
    code = opened_envelope(site)
    awarded(site, code)
    visitor = site.visitor("auditor")
    html = visitor.text(f"/money/{code}?effectiveOn=2020-12-06")
    assert "Je bekijkt een eerder moment" in html
    assert "€ 1.800.000" not in said(html)
    assert "Dit budget was er toen nog niet" in visitor.text(f"/money/{code}?effectiveOn=2020-06-30")
    assert code not in re.sub(r"value=.*?>", "", visitor.text("/money?effectiveOn=2020-06-30"))
    assert "2020-12-06" in visitor.text("/money?effectiveOn=2020-12-06"), "the links keep the moment"
    response = visitor.get("/money?effectiveOn=gisteren&asOf=2020-13-13")
    assert response.status_code == 400
    assert 'id="moment-effectiveOn-error"' in response.get_data(as_text=True)
    assert 'value="gisteren"' in response.get_data(as_text=True)


def test_the_envelopes_leave_as_a_file(site: Site) -> None:
    code = opened_envelope(site, "1234567.89")
    text = site.visitor("submitter").text("/money.csv")
    (line,) = [line for line in text.splitlines() if line.startswith(f"{code};")]
    assert line.endswith(";Algemeen Bestuur;1234567,89;0,00;0,00;1234567,89")
    html = site.visitor("submitter").text(f"/money/{code}")
    assert f'href="/money/{code}.csv"' in html
    own = site.visitor("submitter").text(f"/money/{code}.csv")
    assert own.splitlines()[1:] == [line]
    assert site.visitor("submitter").get("/money/nooit-geopend.csv").status_code == 404


def test_a_treasurer_opens_an_envelope_and_tops_it_up(site: Site) -> None:
    code = f"nieuw-{uuid4().hex[:8]}"
    treasurer = site.visitor("treasurer")
    treasurer.text("/money/opening")
    fields = {
        "code": code,
        "name": "",
        "body": "ab",
        "programme": "",
        "sources.0.source": "Reserve",
        "sources.0.amount": "€ 1.200.000",
        "sources.1.source": "",
        "sources.1.amount": "",
        "sources.2.source": "Stimuleringsfonds",
        "sources.2.amount": "800.000,50",
        "effectiveOn": "2020-07-01",
    }
    response = treasurer.post("/money/opening", fields)
    assert (response.status_code, response.location) == (303, f"/money/{code}")
    html = treasurer.text(response.location)
    assert "Het budget is geopend." in html
    assert "€ 2.000.000,50" in said(html)
    treasurer.text(f"/money/{code}/sources")
    response = treasurer.post(f"/money/{code}/sources", {"source": "Provincie", "amount": "500.000"})
    assert response.status_code == 303
    assert "Provincie" in treasurer.text(f"/money/{code}")
    assert envelope_of(site, code)["amount"] == "2500000.50"


def test_what_is_wrong_with_an_envelope_stands_beside_the_field_and_stays_typed(site: Site) -> None:
    code = opened_envelope(site)
    treasurer = site.visitor("treasurer")
    treasurer.text("/money/opening")
    wrong = {
        "code": "Geen Code",
        "body": "",
        "sources.0.source": "",
        "sources.3.source": "Reserve",
        "sources.3.amount": "veel",
        "effectiveOn": "",
    }
    response = treasurer.post("/money/opening", wrong)
    html = response.get_data(as_text=True)
    assert response.status_code == 400
    for name in ("code", "body", "sources-3-amount"):
        assert f'id="opening-{name}-error"' in html, name
    assert 'value="veel"' in html
    taken = {"code": code, "body": "ab", "sources.0.source": "R", "sources.0.amount": "1", "effectiveOn": ""}
    response = treasurer.post("/money/opening", taken)
    assert response.status_code == 409
    assert "bestaat al" in response.get_data(as_text=True)
    treasurer.text(f"/money/{code}/sources")
    response = treasurer.post(
        f"/money/{code}/sources", {"source": "P", "amount": "5", "effectiveOn": "2020-06-01"}
    )
    assert response.status_code == 400
    assert "was budget" in response.get_data(as_text=True)


@pytest.mark.parametrize("who", ["submitter", "secretary", "db", "auditor", "admin"])
def test_only_a_treasurer_does_anything_with_money(site: Site, who: str) -> None:
    code = opened_envelope(site)
    proposal = awarded(site, code)
    before = envelope_of(site, code)
    visitor = site.visitor(who)
    for path in (
        "/money/opening",
        f"/money/{code}/sources",
        f"/proposals/{proposal}/phases/2/release",
        f"/proposals/{proposal}/phases/2/reallocation",
        f"/proposals/{proposal}/return",
    ):
        response = visitor.get(path)
        assert response.status_code == 403, path
        assert "penningmeester" in response.get_data(as_text=True)
        visitor.text("/money")
        assert visitor.post(f"{path}?confirm=1", {"amount": "1", "source": "x"}).status_code == 403, path
    assert envelope_of(site, code) == before


def test_a_phase_is_released_after_its_preview(site: Site) -> None:
    code = opened_envelope(site)
    proposal = awarded(site, code)
    reference = case_of(site, proposal)["reference"]
    treasurer = site.visitor("treasurer")
    phases = said(treasurer.text("/money/phases"))
    assert reference in phases
    assert "Na de tussenrapportage." in phases
    path = f"/proposals/{proposal}/phases/2/release"
    assert "Na de tussenrapportage." in treasurer.text(path)
    html = treasurer.post(path, {"grounds": "Het rapport is er.", "effectiveOn": "2021-02-08"}).get_data(
        as_text=True
    )
    preview = said(html)
    assert (
        f"Fase 2 van {reference} wordt vrijgegeven: € 80.000,00. Dat telt vanaf 8 februari 2021." in preview
    )
    assert "Toegekend en vrij € 120.000 € 200.000" in preview
    assert "Ingehouden € 80.000 € 0" in preview
    assert "Het rapport is er." in preview
    assert envelope_of(site, code)["heldBack"] == "80000.00", "a preview records nothing"
    again = treasurer.post(f"{path}?edit=1", fields_of(html, "confirm")).get_data(as_text=True)
    assert "Het rapport is er.</textarea>" in again
    fields = fields_of(html, "confirm")
    for _ in range(2):
        # Pressed twice: recorded once.
        assert treasurer.client.post(f"{path}?confirm=1", data=fields).status_code == 303
    assert (envelope_of(site, code)["committed"], envelope_of(site, code)["heldBack"]) == (
        "200000.00",
        "0.00",
    )
    assert reference not in treasurer.text("/money/phases")
    response = treasurer.post(path, {"grounds": "", "effectiveOn": ""})
    assert response.status_code in (409, 412)


def test_money_of_a_phase_moves_to_a_proposal_that_can_receive_it(site: Site) -> None:
    code = opened_envelope(site)
    giver = awarded(site, code, title="Geeft geld door")
    waiting = to_award(site, title="Wacht op de toekenning")
    full = awarded(site, code, title="Kreeg alles al")
    early = site.submitted(title="Nog maar net binnen")
    treasurer = site.visitor("treasurer")
    path = f"/proposals/{giver}/phases/2/reallocation"
    html = treasurer.text(path)
    options = re.findall(r'<option value="(proposal-[^"]+)"', html)
    assert waiting in options
    assert not {giver, full, early} & set(options)
    fields = {
        "to": waiting,
        "amount": "50.000",
        "grounds": "Fase 2 gaat niet door.",
        "effectiveOn": "2021-09-27",
    }
    html = treasurer.post(path, fields).get_data(as_text=True)
    reference = case_of(site, waiting)["reference"]
    assert f"gaat naar {reference} (Wacht op de toekenning)" in said(html)
    assert f"Voor {reference} is dit de toekenning" in said(html)
    assert "Ingehouden € 160.000 € 110.000" in said(html)
    assert treasurer.post(f"{path}?confirm=1", fields_of(html, "confirm")).status_code == 303
    assert case_of(site, waiting)["status"] == "awarded"
    assert case_of(site, waiting)["totals"]["committed"] == "50000.00"


def test_one_searches_for_who_gets_the_money_without_losing_what_was_typed(site: Site) -> None:
    code = opened_envelope(site)
    giver = awarded(site, code)
    first, other = (to_award(site, title=title) for title in ("Zonnepanelen op scholen", "Fietsenstalling"))
    treasurer = site.visitor("treasurer")
    path = f"/proposals/{giver}/phases/2/reallocation"
    treasurer.text(path)
    typed = {"to": "", "amount": "10", "grounds": "Waarom dan?", "effectiveOn": "", "find": "zonnepanelen"}
    html = treasurer.post(f"{path}?search=1", typed).get_data(as_text=True)
    assert first in html
    assert other not in html
    assert "Waarom dan?" in html
    assert 'value="zonnepanelen"' in html
    response = treasurer.post(path, {**typed, "to": first})
    assert response.status_code == 200, "the search is no part of the act"
    assert "Klopt dit?" in response.get_data(as_text=True)


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"to": "", "amount": "10"}, 400, "reallocate-to-error"),
        ({"amount": "80.000,01"}, 409, "houdt nog"),
        ({"amount": "0"}, 400, "reallocate-amount-error"),
        ({"to": "proposal-none", "amount": "10"}, 400, "Er is geen voorstel"),
        ({"amount": "10", "effectiveOn": "2999-01-01"}, 400, "toekomst"),
        ({"amount": "10", "effectiveOn": "2020-12-01"}, 400, "ligt voor de vorige stap"),
    ],
)
def test_what_cannot_be_moved_is_refused_before_the_preview(
    site: Site, fields: dict[str, str], status: int, words: str
) -> None:
    code = opened_envelope(site)
    giver = awarded(site, code)
    receiver = to_award(site)
    treasurer = site.visitor("treasurer")
    path = f"/proposals/{giver}/phases/2/reallocation"
    treasurer.text(path)
    response = treasurer.post(path, {"to": receiver, "grounds": "Blijft staan", "effectiveOn": "", **fields})
    html = response.get_data(as_text=True)
    assert response.status_code == status, html
    assert words in unescape(html)
    assert "Blijft staan" in html


def test_money_goes_back_held_back_money_first(site: Site) -> None:
    code = opened_envelope(site)
    proposal = awarded(site, code)
    treasurer = site.visitor("treasurer")
    path = f"/proposals/{proposal}/return"
    treasurer.text(path)
    fields = {"amount": "100.000", "grounds": "Niet nodig gebleken.", "effectiveOn": "2021-09-27"}
    html = treasurer.post(path, fields).get_data(as_text=True)
    assert "Uit fase 2, wat was ingehouden: € 80.000,00" in said(html)
    assert "Uit fase 1, wat was toegekend en vrij is: € 20.000,00" in said(html)
    assert "Nog beschikbaar € 1.800.000 € 1.900.000" in said(html)
    assert treasurer.post(f"{path}?confirm=1", fields_of(html, "confirm")).status_code == 303
    assert envelope_of(site, code)["left"] == "1900000.00"
    treasurer.text(path)
    response = treasurer.post(path, {**fields, "amount": "100.000,01"})
    assert response.status_code == 409
    assert "heeft nog" in response.get_data(as_text=True)


def test_what_somebody_else_did_meanwhile_is_said_at_the_confirmation(site: Site) -> None:
    code = opened_envelope(site)
    proposal = awarded(site, code)
    treasurer = site.visitor("treasurer")
    path = f"/proposals/{proposal}/phases/2/release"
    treasurer.text(path)
    html = treasurer.post(path, {"grounds": "Klaar", "effectiveOn": ""}).get_data(as_text=True)
    site.service.done(
        "treasurer", f"/proposals/{proposal}/return", {"amount": "80000.00", "effectiveOn": "2021-01-01"}
    )
    response = treasurer.post(f"{path}?confirm=1", fields_of(html, "confirm"))
    assert response.status_code == 412
    html = response.get_data(as_text=True)
    assert "Klaar</textarea>" in html
    assert "Deze fase houdt in € 0" in said(html), "the form shows how it is now"


def test_a_phase_or_a_proposal_that_is_not_there_is_said(site: Site) -> None:
    code = opened_envelope(site)
    proposal = awarded(site, code)
    bare = site.submitted()
    treasurer = site.visitor("treasurer")
    assert "geen fase 7" in treasurer.text(f"/proposals/{proposal}/phases/7/release")
    assert treasurer.post(f"/proposals/{proposal}/phases/7/release", {"grounds": ""}).status_code == 409
    assert "nog geen geld gekregen" in treasurer.text(f"/proposals/{bare}/return")
    assert treasurer.post(f"/proposals/{bare}/return", {"amount": "1"}).status_code == 409
    gone = bare[:-1] + ("0" if bare[-1] != "0" else "1")
    assert treasurer.get(f"/proposals/{gone}/return").status_code == 404


@pytest.mark.parametrize("who", ["submitter", "integration", "admin"])
def test_the_phases_are_for_who_may_read_cases(site: Site, who: str) -> None:
    assert site.visitor(who).get("/money/phases").status_code == 403


@pytest.mark.parametrize(("locale", "dark", "viewport"), [("nl", False, None), ("en", True, PHONE)])
def test_the_pages_of_money_are_for_everybody(
    opened: Opener, site: Site, locale: str, dark: bool, viewport: dict[str, int] | None
) -> None:
    code = opened_envelope(site)
    proposal = awarded(site, code)
    to_award(site)
    options = {"viewport": viewport} if viewport else {}
    for path in (
        "/money",
        f"/money/{code}",
        "/money/opening",
        f"/money/{code}/sources",
        "/money/phases",
        f"/proposals/{proposal}/phases/2/reallocation",
        f"/proposals/{proposal}/return",
    ):
        page = opened("treasurer", path, locale=locale, dark=dark, **options)
        assert violations(page) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
    page.click("form#return .actions button[type=submit]")
    page.wait_for_selector("[data-errors]")
    assert violations(page) == []
    page.fill("#return-amount", "1.000" if locale == "nl" else "1,000")
    page.click("form#return .actions button[type=submit]")
    page.wait_for_selector("form#confirm")
    assert violations(page) == []
    page.click("form#confirm button:not([formaction])")
    page.wait_for_url(lambda url: "return" not in url)
    assert envelope_of(site, code)["heldBack"] == "79000.00"
