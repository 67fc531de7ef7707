"""The words of a confidential act are for few: the applicant hears the outcome, the ground in law, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from service.api.context import Running
from service.documents import letters
from service.documents.contents import contents
from service.messaging.ledger import by_id
from service.messaging.wording import messages
from service.wiring import Parts
from tests.api.conftest import a_proposal
from tests.web.conftest import Site
from tests.web.messages import told

WORD, CONDITION, REMARK = "paarsmuskreet", "groenmeerdolfijn", "grijsoorzeehond"
READERS = ("secretary", "taskforce", "poho", "auditor")
OTHERS = ("submitter", "adviesgroep", "treasurer")
"""These see the case, and not what was said in confidence."""

LEVEL = {"level": "confidential", "ground": "woo-5-2", "until": "2199-06-01"}


@dataclass(frozen=True)
class Told:
    site: Site
    case: str
    version: int

    @property
    def parts(self) -> Parts:
        running: Running = self.site.service.app.extensions["besluitspoor"]
        return running.parts


@pytest.fixture(scope="module")
def story(site: Site) -> Told:
    """A case whose adviser gave their grounds in confidence, and whose refusal was found to be confidential later."""
    done, on = site.service.done, {"effectiveOn": "2020-09-03"}
    case = site.complete(site.submitted())
    done("taskforce", f"/proposals/{case}/reviews", {
        "body": "taskforce", "advice": "positive-with-conditions", "grounds": f"Een {WORD}.",
        "conditions": [f"Een {CONDITION}."], "confidentiality": LEVEL, **on,
    })  # fmt: skip
    done("poho", f"/proposals/{case}/decisions",
         {"body": "poho", "outcome": "rejected", "grounds": f"Nog een {WORD}.", **on})  # fmt: skip
    seen = site.service.told("poho", f"/proposals/{case}")
    version = seen["decisions"][0]["version"]
    done(
        "poho",
        f"/proposals/{case}/confidentiality",
        {"about": version, "remarks": f"Om een {REMARK}.", **LEVEL},
    )
    site.service.told("secretary", f"/proposals/{case}")
    return Told(site, case, version)


PLACES = (
    "",
    "?atPosition={head}",
    "?asOf=2199-01-01",
    "?effectiveOn=2020-09-10",
    "/differences",
    "/timeline",
)


@pytest.mark.parametrize("who", OTHERS)
def test_who_sees_the_case_and_not_the_words_is_told_everything_else(story: Told, who: str) -> None:
    visitor = story.site.visitor(who)
    html = visitor.text(f"/proposals/{story.case}")
    for word in (WORD, CONDITION, REMARK):
        assert word not in html
    assert "Afgewezen" in html
    assert "Deze woorden zijn vertrouwelijk" in html
    assert "Vertrouwelijk tot en met 1 juni 2199" in html
    assert "interne beraad" in html or "intern beraad" in html
    answer = story.site.service.told(who, f"/proposals/{story.case}")
    decision, review = answer["decisions"][0], answer["reviews"][0]
    assert (decision["outcome"], decision["grounds"]) == ("rejected", None)
    assert (review["grounds"], review["conditions"]) == (None, [None])
    assert decision["confidentiality"] == review["confidentiality"] == LEVEL
    entries = story.site.service.told(who, f"/proposals/{story.case}/timeline")["entries"]
    assert next(e for e in entries if e["event"] == "Decided")["confidentiality"] == LEVEL


@pytest.mark.parametrize("who", READERS)
def test_who_may_read_them_reads_them(story: Told, who: str) -> None:
    html = story.site.visitor(who).text(f"/proposals/{story.case}")
    for word in (WORD, CONDITION):
        assert word in html
    assert "Je mag dit lezen; anderen niet" in html
    assert REMARK in str(story.site.service.told(who, f"/proposals/{story.case}/timeline"))


@pytest.mark.parametrize("who", OTHERS)
def test_no_way_to_ask_says_or_finds_them(story: Told, who: str) -> None:
    visitor, head = story.site.visitor(who), story.site.service.head()
    for place in PLACES:
        path = f"/proposals/{story.case}{place.format(head=head)}"
        for said in (
            visitor.get(path).get_data(as_text=True),
            story.site.service.ask(who, path).get_data(as_text=True),
        ):
            assert not any(word in said for word in (WORD, CONDITION, REMARK)), path
    for word in (WORD, CONDITION, REMARK):
        found = story.site.service.told(who, f"/proposals?q={word}")["items"]
        assert found == []
        assert story.site.service.told(who, f"/proposals?q={word}&atPosition={head}")["items"] == []
        assert story.case not in visitor.text(f"/search?q={word}")
        assert story.case not in visitor.text(f"/proposals?q={word}")
    assert len(story.site.service.told("auditor", f"/proposals?q={WORD}")["items"]) == 1


def test_the_letter_says_that_the_grounds_are_confidential_on_which_ground_and_until_when(
    story: Told,
) -> None:
    history = story.parts.log.load(story.case)
    about = next(each.position for each in history if each.name == "Decided")
    with story.parts.pool.connection() as connection:
        on = story.parts.calendar().today
        said = contents(story.parts, connection, "refusal", history, about, "nl", on)
        english = contents(story.parts, connection, "refusal", history, about, "en", on)
    assert WORD not in str(said) + str(english)
    assert "vertrouwelijk" in said["grounds"][0]["words"]
    assert "Woo 5.2" in said["grounds"][0]["words"]
    assert "1\u00a0juni\u00a02199" in said["grounds"][0]["words"]
    assert "1\u00a0June\u00a02199" in english["grounds"][0]["words"]
    assert letters.issue(story.parts, "refusal", story.case, about).pdf.startswith(b"%PDF")


def test_messages_tell_the_outcome_to_all_and_the_words_to_who_may_read_them(story: Told) -> None:
    decided = next(each for each in story.parts.log.load(story.case) if each.name == "Decided")
    words = {"$words": f"{decided.position}/grounds"}
    for who in (*READERS, *OTHERS):
        delivery = told(story.site, who, story.case, kind="decided", outcome="rejected", grounds=words)
        with psycopg.connect(story.site.service.settings.database_url, autocommit=True) as connection:
            kept = by_id(connection, delivery)
        assert kept is not None
        (said,) = messages(story.parts, [kept], "nl")
        assert "afgewezen" in said.subject.casefold() + " ".join(said.lines).casefold(), who
        assert (WORD in " ".join(said.lines)) is (who in READERS), who


def test_only_the_body_that_acted_and_the_office_set_the_level_of_an_act(story: Told) -> None:
    given = {"about": story.version, "level": "public"}
    for who in ("taskforce", "submitter", "treasurer", "auditor", "adviesgroep"):
        answer = story.site.service.act(who, f"/proposals/{story.case}/confidentiality", given)
        assert answer.status_code == 403, who
    for who in ("poho", "taskforce", "submitter"):
        answer = story.site.service.act(who, f"/proposals/{story.case}/confidentiality", {"level": "public"})
        assert answer.status_code == 403, who
    wrong = {"about": 1, "level": "public"}  # the submission: what an applicant writes goes with the case
    assert (
        story.site.service.act("secretary", f"/proposals/{story.case}/confidentiality", wrong).status_code
        == 400
    )


def test_a_page_sets_it_without_a_script(story: Told) -> None:
    case = story.site.submitted()
    secretary = story.site.visitor("secretary")
    secretary.text(f"/proposals/{case}")
    address = f"/proposals/{case}/confidentiality"
    assert "Het hele voorstel" in secretary.text(address)
    refused = secretary.post(address, {"about": "0", "level": "confidential"})
    assert refused.status_code == 400
    assert "Kies de grond in de wet" in refused.get_data(as_text=True)
    fields = {"about": "0", "level": "confidential", "ground": "woo-5-1-1-c", "until": "2199-01-31"}
    assert secretary.post(address, fields).status_code == 303
    html = secretary.text(f"/proposals/{case}")
    assert "Dit voorstel is vertrouwelijk" in html
    assert "31 januari 2199" in html
    assert story.site.visitor("treasurer").get(f"/proposals/{case}").status_code == 404


def test_the_form_of_an_act_gives_the_level_along(story: Told) -> None:
    case = story.site.complete(story.site.submitted())
    member = story.site.visitor("taskforce")
    address = f"/proposals/{case}/acts/review"
    assert "Wie mag deze woorden lezen?" in member.text(address)
    fields = {
        "advice": "negative", "grounds": f"Een {WORD}.", "confidentiality.level": "confidential",
        "confidentiality.ground": "woo-5-1-2-f", "body": "taskforce", "effectiveOn": "2020-09-04",
    }  # fmt: skip
    assert member.post(address, {**fields, "confidentiality.ground": ""}).status_code == 400
    assert member.post(address, fields).status_code == 303
    seen = story.site.service.told("submitter", f"/proposals/{case}")["reviews"][0]
    assert (seen["advice"], seen["grounds"]) == ("negative", None)
    assert seen["confidentiality"] == {"level": "confidential", "ground": "woo-5-1-2-f", "until": None}


def test_a_level_that_is_changed_back_gives_the_words_back(story: Told) -> None:
    case = story.site.complete(str(story.site.service.done("submitter", "/proposals", a_proposal())["id"]))
    given: dict[str, Any] = {"body": "taskforce", "advice": "negative", "grounds": f"Een {WORD}."}
    done = story.site.service.done
    done(
        "taskforce",
        f"/proposals/{case}/reviews",
        {**given, "confidentiality": LEVEL, "effectiveOn": "2020-09-04"},
    )
    version = story.site.service.told("taskforce", f"/proposals/{case}")["reviews"][0]["version"]
    assert WORD not in str(story.site.service.told("submitter", f"/proposals/{case}"))
    done("taskforce", f"/proposals/{case}/confidentiality", {"about": version, "level": "internal"})
    assert WORD in str(story.site.service.told("submitter", f"/proposals/{case}"))
