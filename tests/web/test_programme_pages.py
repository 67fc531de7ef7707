"""Programmes in plain words, the difference between versions, and publishing: seen before it is done."""

from __future__ import annotations

import io
import re
from html import unescape
from typing import Any

import pytest
from playwright.sync_api import expect

from service.programmes import bundled
from service.web.programme_differences import differences
from tests.web.conftest import PHONE, Opener, Site, Visitor, violations

PUBLICATION = "/programmes/publication"

MINE = """
code = "{code}"
version = {version}
name = {{ nl = "Mijn programma", en = "My programme" }}
reference_prefix = "{prefix}"
secretariat = "secretariat"
region = "metropoolregio-eindhoven"
bodies = [
  {{ code = "secretariat", name = {{ nl = "Secretariaat", en = "Secretariat" }} }},
  {{ code = "db", name = {{ nl = "Dagelijks Bestuur", en = "Executive board" }} }},
]
themes = [{{ code = "opleiden", name = {{ nl = "Opleiden", en = "Training" }} }}]
tenders = [{{ code = "a", name = {{ nl = "Eerste", en = "First" }}, opens = 2026-01-01, closes = 2026-02-01 }}]
[[stages]]
code = "completeness"
kind = "completeness"
name = {{ nl = "Toets", en = "Check" }}
body = "secretariat"
capacity = "voorbereiding"
[[stages]]
code = "decision"
kind = "decision"
name = {{ nl = "Besluit", en = "Decision" }}
body = "db"
capacity = "besluit"
term = {term}
[[requirements]]
code = "multiplier"
name = {{ nl = "Geld van anderen", en = "Money of others" }}
function = "multiplier_at_least"
minimum = 1
"""


def definition(code: str = "mijn-programma", version: int = 1, prefix: str = "MIJN", term: int = 20) -> str:
    return MINE.format(code=code, version=version, prefix=prefix, term=term)


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


def fields_of(html: str, form: str) -> dict[str, Any]:
    """What a form on a page holds, as a browser would send it."""
    (found,) = re.findall(rf'<form[^>]*id="{form}".*?</form>', html, re.S)
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<input\b[^>]*>", found):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        ticked = not re.search(r'type="(radio|checkbox)"', tag) or " checked" in tag
        if name and ticked and 'type="file"' not in tag:
            fields[name[1]] = unescape(value[1]) if value else ""
    for name, value in re.findall(r'<textarea\b[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', found, re.S):
        fields[name] = unescape(value)
    return fields


def upload(visitor: Visitor, content: str | bytes, name: str = "mijn-programma-1.toml") -> str:
    """Sends a file, and answers the page that follows."""
    visitor.text(PUBLICATION)
    data = content.encode() if isinstance(content, str) else content
    response = visitor.post(
        PUBLICATION,
        {"definition": "", "file": (io.BytesIO(data), name)},  # type: ignore[dict-item]
        content_type="multipart/form-data",
    )
    return response.get_data(as_text=True)


def published(site: Site, code: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.service.told(None, f"/programmes/{code}")["versions"]
    return found


def test_everybody_who_signs_in_reads_how_a_programme_works(site: Site) -> None:
    for who in ("submitter", "auditor", "integration"):
        assert "Regionale Herstelaanpak" in site.visitor(who).text("/programmes")
    said = text_of(site.visitor("submitter").text("/programmes/regionale-herstelaanpak"))
    assert "Beoordeling door de taskforce" in said
    assert "10 werkdagen" in said
    assert "advies (het bindt in de wet niemand)" in said
    assert "Voor elke gevraagde euro komt er minstens 1 euro van anderen bij." in said
    assert "Indienen kan niet" in said
    assert "Helmond" in said
    assert "€ 2.000.000" in said.replace("\u00a0", " ")
    said = text_of(
        site.visitor("submitter").text("/programmes/stimuleringsfonds", headers={"Accept-Language": "en"})
    )
    assert "Effectiveness (from 1 to 10)" in said
    assert "open now" in said
    assert site.visitor(None).get("/programmes").status_code == 303
    assert site.visitor("admin").get("/programmes/none").status_code == 404


@pytest.mark.parametrize("who", ["submitter", "poho", "treasurer", "auditor"])
def test_only_the_office_publishes(site: Site, who: str) -> None:
    visitor = site.visitor(who)
    page = visitor.text("/programmes/regionale-herstelaanpak")
    assert "new-version" not in page
    for path in (PUBLICATION, "/programmes/regionale-herstelaanpak/new-version"):
        assert visitor.get(path).status_code == 403
        visitor.text("/programmes")
        assert visitor.post(f"{path}?confirm=1", {"definition": definition()}).status_code == 403
    assert site.service.ask(None, "/programmes/mijn-programma").status_code == 404


def test_a_file_is_published_after_its_preview_and_a_next_version_shows_the_difference(site: Site) -> None:
    secretary = site.visitor("secretary")
    assert f'href="{PUBLICATION}"' in secretary.text("/programmes")
    html = upload(secretary, definition())
    assert "Dit is een nieuw programma" in html
    assert site.service.ask(None, "/programmes/mijn-programma").status_code == 404, "nothing is published yet"
    response = secretary.post(f"{PUBLICATION}?confirm=1", fields_of(html, "confirm"))
    assert (response.status_code, response.location) == (303, "/programmes/mijn-programma")
    assert "De nieuwe versie is gepubliceerd" in secretary.text(response.location)
    assert [each["version"] for each in published(site, "mijn-programma")] == [1]

    html = upload(secretary, definition(version=2, term=15))
    said = text_of(html)
    assert "stappen › Besluit › termijn verandert 20 werkdagen 15 werkdagen" in said
    response = secretary.post(f"{PUBLICATION}?confirm=1", fields_of(html, "confirm"))
    assert response.status_code == 303
    said = text_of(secretary.text("/programmes/mijn-programma/differences?from=1&to=2"))
    assert "20 werkdagen 15 werkdagen" in said
    assert "Er is geen verschil" in secretary.text("/programmes/mijn-programma/differences?from=2&to=2")
    assert "Er is een nieuwere" in secretary.text("/programmes/mijn-programma?version=1")


def test_who_else_hears_what_is_said_and_so_is_a_change_of_it(site: Site) -> None:
    admin = site.visitor("admin")
    said = text_of(admin.text("/programmes/regionale-herstelaanpak"))
    assert "2 werkdagen voor het einde van de termijn een herinnering" in said
    assert "Ook aan" not in said
    first = (
        definition("met-bericht", prefix="BER")
        + """
[[notices]]
kind = "decided"
to = ["secretariat", "chair"]
bodies = ["db"]
"""
    )
    admin.post(f"{PUBLICATION}?confirm=1", fields_of(upload(admin, first), "confirm"))
    said = text_of(admin.text("/programmes/met-bericht"))
    assert "Er is een besluit genomen het secretariaat, de voorzitter van het orgaan, leden van " in said
    second = first.replace("version = 1", "version = 2").replace('"secretariat", "chair"', '"treasurer"')
    second += """
[[notices]]
kind = "term-near"
reminder = 4
"""
    said = text_of(upload(admin, second))
    assert "Er is een besluit genomen › ook aan verandert" in said
    assert "Een termijn loopt bijna af komt erbij" in said
    assert "herinnering voor het einde: 4 werkdagen" in said
    english = admin.text("/programmes/met-bericht", headers={"Accept-Language": "en"})
    assert "the secretariat, the chair of the body, members of " in text_of(english)


def test_confirming_twice_publishes_one_version(site: Site) -> None:
    admin = site.visitor("admin")
    fields = fields_of(upload(admin, definition("een-keer", prefix="KEER")), "confirm")
    for _ in range(2):
        response = admin.client.post(f"{PUBLICATION}?confirm=1", data=fields)
        assert response.status_code == 303
    assert len(published(site, "een-keer")) == 1


def test_what_is_wrong_with_a_file_is_said_with_its_key_and_remedy_and_its_text_stays(site: Site) -> None:
    admin = site.visitor("admin")
    wrong = (
        definition("fout", prefix="FOUT")
        .replace("term = 20", 'term = "20"')
        .replace('body = "db"', 'body = "bd"')
    )
    html = upload(admin, wrong, "fout-1.toml")
    assert admin.last is not None
    assert admin.last.status_code == 400
    said = text_of(html)
    assert "Er zijn 2 dingen mis met deze tekst" in said
    assert "fout-1.toml stages[1].term" in said
    assert "Write it without quotes" in said
    assert "There is no body 'bd' in this programme." in said
    assert fields_of(html, "publication")["definition"].strip() == wrong.strip()
    # It can be mended right there, without the file.
    html = admin.post(PUBLICATION, {"definition": definition("fout", prefix="FOUT")}).get_data(as_text=True)
    assert "Dit is een nieuw programma" in html


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00", "The file is not UTF-8"),
        ("code = ", "The file is not TOML"),
        ("", "'code' is missing"),
    ],
)
def test_what_is_no_definition_is_refused(site: Site, content: str | bytes, said: str) -> None:
    html = upload(site.visitor("admin"), content)
    assert re.search(said, text_of(html))


def test_nothing_chosen_and_nothing_typed_is_said(site: Site) -> None:
    admin = site.visitor("admin")
    admin.text(PUBLICATION)
    response = admin.post(PUBLICATION, {"definition": ""})
    assert response.status_code == 400
    assert "callout--error" in response.get_data(as_text=True)


def test_a_version_that_is_there_already_or_letters_of_another_are_refused_before_the_preview(
    site: Site,
) -> None:
    admin = site.visitor("admin")
    html = upload(admin, bundled()["regionale-herstelaanpak-1"].read_bytes())
    assert "bestaat al en verandert niet meer" in html
    html = upload(admin, definition("andere-letters", prefix="RHA"))
    assert "horen al bij programma" in html
    assert 'code = "andere-letters"' in html or "code = &#34;andere-letters&#34;" in html


def edit_fields(visitor: Visitor, code: str) -> dict[str, Any]:
    return fields_of(visitor.text(f"/programmes/{code}/new-version"), "new-version")


def test_the_form_makes_the_next_version_from_the_last_one(site: Site) -> None:
    admin = site.visitor("admin")
    path = "/programmes/stimuleringsfonds/new-version"
    fields = edit_fields(admin, "stimuleringsfonds")
    themes = sum(1 for name in fields if re.fullmatch(r"themes\.\d+\.code", name) and fields[name])
    fields["stages.1.term"] = "25"
    fields["requirements.1.minimum"] = "1,5"
    fields["themes.6.remove"] = "true"
    fields |= {
        f"themes.{themes}.code": "water",
        f"themes.{themes}.name.nl": "Water",
        f"themes.{themes}.name.en": "Water",
    }
    html = admin.post(path, fields).get_data(as_text=True)
    said = text_of(html)
    assert "Versie 2 van Stimuleringsfonds publiceren?" in said
    assert "Weging en advies door de adviesgroep › termijn verandert 30 werkdagen 25 werkdagen" in said
    assert "Minstens de helft cofinanciering › minimum verandert 1 1,5" in said
    assert "thema's › Overig gaat weg" in said
    assert "thema's › Water komt erbij" in said
    assert len(published(site, "stimuleringsfonds")) == 1
    again = admin.post(f"{path}?edit=1", fields_of(html, "confirm")).get_data(as_text=True)
    assert fields_of(again, "new-version")["stages.1.term"] == "25", (
        "back in the form everything is as it was typed"
    )
    response = admin.post(f"{path}?confirm=1", fields_of(html, "confirm"))
    assert response.status_code == 303
    last = published(site, "stimuleringsfonds")[-1]["definition"]
    assert (last["version"], last["stages"][1]["term"], last["requirements"][1]["minimum"]) == (2, 25, "1.5")
    assert [theme["code"] for theme in last["themes"]][-1] == "water"

    # Somebody who began before that is told so, and loses nothing.
    response = admin.post(f"{path}?confirm=1", {**fields, "once": "another", "name.nl": "Een andere naam"})
    assert response.status_code == 409
    html = response.get_data(as_text=True)
    assert "Versie 2 van" in html
    assert "Een andere naam" in html


def test_what_is_wrong_in_the_form_stands_beside_the_field_and_nothing_typed_is_lost(site: Site) -> None:
    admin = site.visitor("admin")
    path = "/programmes/regionale-herstelaanpak/new-version"
    fields = edit_fields(admin, "regionale-herstelaanpak")
    fields |= {
        "term": "0",
        "stages.0.term": "tien",
        "themes.0.name.nl": "",
        "tenders.0.code": "2027-01",
        "tenders.0.name.nl": "Eerste",
        "tenders.0.name.en": "First",
        "tenders.0.opens": "2027-02-01",
    }
    response = admin.post(path, fields)
    html = response.get_data(as_text=True)
    assert response.status_code == 400
    for name in ("term", "stages-0-term", "themes-0-name-nl", "tenders-0-closes"):
        assert f'id="new-version-{name}-error"' in html, name
    assert fields_of(html, "new-version")["stages.0.term"] == "tien"
    # What only the reader of definitions sees comes out beside its field too, also behind a theme that is left out.
    fields |= {"term": "10", "stages.0.term": "10", "themes.0.name.nl": "Opleiden", "themes.0.remove": "true"}
    fields |= {
        "themes.2.parent": "bestaat-niet",
        "tenders.0.closes": "2027-01-01",
        "requirements.0.minimum": "",
    }
    html = admin.post(path, fields).get_data(as_text=True)
    for name in ("themes-2-parent", "tenders-0-closes", "requirements-0-minimum"):
        assert f'id="new-version-{name}-error"' in html, name
    assert len(published(site, "regionale-herstelaanpak")) == 1


def test_the_address_of_a_body_is_filled_in_shown_and_compared(site: Site) -> None:
    admin = site.visitor("admin")
    upload(admin, definition("met-adres", prefix="MADR"))
    response = admin.post(f"{PUBLICATION}?confirm=1", {"definition": definition("met-adres", prefix="MADR")})
    assert response.status_code == 303
    assert "Geen adres. De brief zegt dus niet waar bezwaar naartoe moet." in admin.text(
        "/programmes/met-adres"
    )
    path = "/programmes/met-adres/new-version"
    fields = edit_fields(admin, "met-adres")
    assert (fields["bodies.1.code"], fields["bodies.1.address"].strip()) == ("db", "")
    # when: something is wrong with it, that is said beside the field
    wrong = {"bodies.1.address": "\n".join("abcdefg"), "bodies.1.email": "geen adres"}
    html = admin.post(path, fields | wrong).get_data(as_text=True)
    for name in ("bodies-1-address", "bodies-1-email"):
        assert f'id="new-version-{name}-error"' in html, name
    html = admin.post(path, fields | {"bodies.1.address": "x\n" + "y" * 201}).get_data(as_text=True)
    assert 'id="new-version-bodies-1-address-error"' in html
    # then: the preview shows it, and the version holds it
    fields |= {
        "bodies.1.address": "Postbus 0000\r\n\r\n 5600 AA Eindhoven ",
        "bodies.1.email": "db@example.org",
    }
    html = admin.post(path, fields).get_data(as_text=True)
    assert "Postbus 0000, 5600 AA Eindhoven" in text_of(html)
    assert admin.post(f"{path}?confirm=1", fields_of(html, "confirm")).status_code == 303
    body = published(site, "met-adres")[-1]["definition"]["bodies"][1]
    assert (body["address"], body["email"]) == (["Postbus 0000", "5600 AA Eindhoven"], "db@example.org")
    assert "Postbus 0000, 5600 AA Eindhoven, db@example.org" in text_of(admin.text("/programmes/met-adres"))
    compared = text_of(admin.text("/programmes/met-adres/differences"))
    for words in (
        "Dagelijks Bestuur › postadres",
        "Postbus 0000, 5600 AA Eindhoven",
        "Dagelijks Bestuur › e-mail",
    ):
        assert words in compared
    # and: the first version is what it was, and emptying the field takes the address away
    assert "address" not in published(site, "met-adres")[0]["definition"]["bodies"][1]
    fields = edit_fields(admin, "met-adres")
    assert fields["bodies.1.address"].strip() == "Postbus 0000\n5600 AA Eindhoven"
    html = admin.post(path, fields | {"bodies.1.address": "", "bodies.1.email": ""}).get_data(as_text=True)
    assert admin.post(f"{path}?confirm=1", fields_of(html, "confirm")).status_code == 303
    assert published(site, "met-adres")[-1]["definition"]["bodies"][1].keys() == {"code", "name"}


def test_every_key_that_can_differ_is_said_in_both_languages(site: Site) -> None:
    from dataclasses import replace

    from domain.programme import Criterion, Name
    from service.programmes import read_bundled

    before = read_bundled("stimuleringsfonds-1")
    advice = before.stages[1]
    after = replace(
        before,
        version=2,
        name=Name("Fonds", "Fund"),
        reference_prefix="FND",
        bodies=before.bodies[::-1],
        municipalities=(
            replace(before.municipalities[0], subregions=("de-kempen",)),
            *before.municipalities[2:],
        ),
        stages=(
            before.stages[0],
            replace(advice, criteria=(Criterion("x", Name("X", "X"), 1, 5), *advice.criteria[1:])),
        ),
        requirements=(replace(before.requirements[0], consequence="blocks-review", themes=("energie",)),),
        envelopes=(),
        tenders=(),
    )
    for language in ("nl", "en"):
        with site.service.app.test_request_context(headers={"Accept-Language": language}):
            found = differences(before, after)
            there_and_back = differences(after, before)
        how = {each.how for each in found}
        assert how == {"added", "removed", "changed", "order"}
        assert len(found) == len(there_and_back)
        places = {" › ".join(each.where) for each in found}
        assert ("organen" if language == "nl" else "bodies") in places


@pytest.mark.parametrize(("locale", "dark", "viewport"), [("nl", False, None), ("en", True, PHONE)])
def test_the_pages_of_programmes_are_for_everybody(
    opened: Opener, site: Site, locale: str, dark: bool, viewport: dict[str, int] | None
) -> None:
    options = {"viewport": viewport} if viewport else {}
    for path in (
        "/programmes",
        "/programmes/stimuleringsfonds",
        "/programmes/stimuleringsfonds/differences",
        "/programmes/regionale-herstelaanpak/new-version",
        PUBLICATION,
    ):
        page = opened("admin", path, locale=locale, dark=dark, **options)
        assert violations(page) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
    page.set_input_files(
        "input[type=file]", {"name": "x.toml", "mimeType": "text/plain", "buffer": b"code = 1"}
    )
    page.click("main button[type=submit]")
    expect(page.locator("table code").nth(3)).to_be_attached()
    assert violations(page) == []
    page.fill("textarea", definition(f"in-browser-{locale}", prefix="BR" + locale.upper()))
    page.click("main form#publication button[type=submit]")
    page.wait_for_selector("form#confirm")
    assert violations(page) == []
    page.click("form#confirm button:not([formaction])")
    page.wait_for_url("**/programmes/in-browser-*")
    assert violations(page) == []
