"""Is a letter PDF/A, tagged and readable by everybody? And does what people typed stay text, whatever it looks like?"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest
import typst
from pypdf.generic import NameObject

from service.documents import typesetting
from service.documents.contents import LETTERS
from service.documents.typesetting import TEMPLATES, pdf, plain
from tests.documents.conftest import Letters, Pdf

AT = datetime(2026, 3, 3, tzinfo=UTC)
PDFA = "{http://www.aiim.org/pdfa/ns/id/}"
PDFUA = "{http://www.aiim.org/pdfua/ns/id/}"


def case_for(office: Letters, letter: str) -> str:
    made = {
        "receipt": office.submit,
        "supplement": office.supplement,
        "award": office.awarded,
        "refusal": office.refused_by_decision,
    }
    return made[letter]()


@pytest.fixture(scope="module")
def said(office: Letters) -> dict[tuple[str, str], dict[str, Any]]:
    """What each letter says, in each language."""
    cases = {letter: case_for(office, letter) for letter in LETTERS}
    return {
        (letter, language): office.told(letter, proposal, language)
        for letter, proposal in cases.items()
        for language in ("nl", "en")
    }


EACH = [(letter, language) for letter in LETTERS for language in ("nl", "en")]


@pytest.mark.parametrize("which", EACH)
def test_it_says_that_it_is_pdf_a_and_pdf_ua(said: Any, which: tuple[str, str]) -> None:
    metadata = Pdf(pdf(which[0], said[which], AT)).root["/Metadata"].get_object().get_data()
    found = {each.tag: each.text for each in ElementTree.fromstring(metadata).iter()}
    assert found[f"{PDFA}part"] == "2"
    assert found[f"{PDFA}conformance"] == "A"
    assert found[f"{PDFUA}part"] == "1"


@pytest.mark.parametrize("which", EACH)
def test_it_is_tagged_has_a_language_and_shows_its_title(said: Any, which: tuple[str, str]) -> None:
    found = Pdf(pdf(which[0], said[which], AT))
    assert found.root["/MarkInfo"]["/Marked"]
    assert found.root["/Lang"].lower().startswith(which[1])
    assert found.root["/ViewerPreferences"]["/DisplayDocTitle"]
    tags = found.tags()
    assert tags.count("/H1") == 1
    assert "/P" in tags
    metadata = found.reader.metadata
    assert metadata is not None
    assert said[which]["reference"] in str(metadata.title)
    assert metadata.author == said[which]["sender"]
    assert metadata.creation_date == AT


def test_phases_are_a_table_with_headers_and_conditions_a_list(said: Any) -> None:
    tags = Pdf(pdf("award", said["award", "nl"], AT)).tags()
    assert tags.count("/Table") == 1
    assert tags.count("/TH") == 3
    assert tags.count("/TD") == 6
    assert "/L" in tags


@pytest.mark.parametrize("which", EACH)
def test_every_font_is_embedded(said: Any, which: tuple[str, str]) -> None:
    fonts = Pdf(pdf(which[0], said[which], AT)).fonts()
    assert fonts
    for font in fonts:
        assert any(NameObject(f"/FontFile{kind}") in font for kind in ("", "2", "3")), font


@pytest.mark.parametrize("which", EACH)
def test_nothing_runs_and_nothing_leads_elsewhere(said: Any, which: tuple[str, str]) -> None:
    made = pdf(which[0], said[which], AT)
    for name in (b"/JavaScript", b"/OpenAction", b"/Launch", b"/URI", b"/EmbeddedFile"):
        assert name not in made


def test_equal_data_gives_equal_bytes(said: Any) -> None:
    assert pdf("award", said["award", "nl"], AT) == pdf("award", said["award", "nl"], AT)


def test_what_does_not_comply_is_refused(said: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "wrong.typ").write_text('#image(bytes("<svg xmlns=\\"http://www.w3.org/2000/svg\\"/>"))')
    monkeypatch.setattr(typesetting, "TEMPLATES", tmp_path)
    with pytest.raises(typst.TypstError, match="PDF/UA-1"):
        pdf("wrong", {}, AT)


HOSTILE = [
    '#import "house.typ": data',
    '#panic("boom") #sys.inputs #read("house.typ") #include "award.typ"',
    "*bold* _thin_ `code` $x^2$ = heading\n- list\n+ enum\n/ term: x",
    '\\ \\u{41} "; #let data = none //',
    '")] #eval("1+1") // */',
    "<label> @reference https://example.org //comment /* block */ ~ -- ---",
    '{"$words": "1/title"} {{ data }} %s',
    "<script>alert(1)</script> & < >",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_looks_like_typst_stays_text(said: Any, text: str) -> None:
    given = {**said["supplement", "nl"], "asked": text, "title": text, "addressee": text, "more": [text]}
    found = Pdf(pdf("supplement", given, AT)).text.replace(" ", "")
    expected = "".join(text.split())
    assert found.count(expected) >= 3


@pytest.mark.parametrize("letter", LETTERS)
def test_hostile_words_do_no_harm_wherever_they_stand(said: Any, letter: str) -> None:
    """Whatever text a letter is given: it is in the PDF, or is not shown there, and nothing breaks."""
    for text in HOSTILE:
        given = {
            name: text if isinstance(value, str) else value for name, value in said[letter, "nl"].items()
        }
        given["language"] = "nl"
        assert "".join(text.split())[:10] in Pdf(pdf(letter, given, AT)).text.replace(" ", "")


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("a\x00b\x07c\x1b[31md\x7f", "abc[31md"),
        ("a\r\nb\rc\td", "a\nb\nc d"),
        ("\u202eagp.exe\u202c \u2066x\u2069 \u200fy", "agp.exe x y"),
        ("\ufeffa\ue000b\ufffec\ud800d", "abcd"),
        ("zero\u200bwidth\u2028line", "zerowidthline"),
        ("e\u0301", "é"),
        ("co\u00adop", "co\u00adop"),
    ],
)
def test_what_cannot_be_printed_is_left_out(typed: str, printed: str) -> None:
    assert plain(typed) == printed


@pytest.mark.parametrize("text", ["\x00\x01\x02", "\u202e", "\ue000", "\ufeff", "", " ", "\n\n\n"])
def test_a_text_of_which_nothing_is_left_breaks_nothing(said: Any, text: str) -> None:
    given = {**said["supplement", "nl"], "asked": text, "title": text, "addressee": text, "more": [text]}
    assert "Wat vragen wij van u?" in Pdf(pdf("supplement", given, AT)).text


def test_right_to_left_and_other_scripts_are_shown(said: Any) -> None:
    for text in ("مرحبا بكم", "שלום", "Ελληνικά", "Кириллица", "Łódź Ğöşü €"):
        given = {**said["supplement", "nl"], "asked": text}
        found = Pdf(pdf("supplement", given, AT)).text
        assert typesetting.NOT_THERE not in found
        # Readers may give what runs from right to left either way, and joined letters as one.
        assert set("".join(text.split())) <= set(unicodedata.normalize("NFKC", found)), found


def test_what_no_font_has_is_marked_and_the_rest_is_there(said: Any) -> None:
    text = 'Begroting 😀 voor 中文 en "👨‍👩‍👧" klaar \U0001f1f3\U0001f1f1'
    found = Pdf(pdf("supplement", {**said["supplement", "nl"], "asked": text}, AT)).text
    assert "Begroting \ufffd voor \ufffd\ufffd en" in found
    assert "klaar" in found


def test_a_text_in_a_script_that_no_font_has_is_still_a_letter(said: Any) -> None:
    text = "".join(chr(0x4E00 + n) for n in range(2_000)) + " Slot."
    found = Pdf(pdf("supplement", {**said["supplement", "nl"], "asked": text}, AT)).text
    assert "Slot." in found


def test_five_thousand_characters_run_on_over_pages_with_numbers(said: Any) -> None:
    words = " ".join(f"woord{number}" for number in range(600))[:5_000]
    given = {**said["refusal", "nl"], "grounds": [{"body": "DB", "on": "1 mei", "words": words}]}
    made = Pdf(pdf("refusal", given, AT))
    assert "".join(words.split()) in made.text.replace(" ", "").replace(
        f"Kenmerk{given['reference']}Pagina1van{len(made.reader.pages)}", ""
    )
    pages = [page.extract_text() for page in made.reader.pages]
    assert len(pages) > 1
    for number, page in enumerate(pages, 1):
        assert f"Pagina {number} van {len(pages)}" in " ".join(page.split())


def test_one_word_without_end_is_broken_off_and_kept(said: Any) -> None:
    made = Pdf(pdf("supplement", {**said["supplement", "nl"], "asked": "x" * 3_000}, AT))
    assert made.text.replace(" ", "").count("x") >= 3_000


def test_templates_ask_for_nothing_from_outside() -> None:
    for template in TEMPLATES.glob("*.typ"):
        source = template.read_text("utf-8")
        assert "@preview" not in source, template
        assert "http" not in source, template
