"""Words whose term is over go by a report that somebody read: exactly what it says, by decisions that are recorded."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from domain.programme import Retention
from service import retaining
from service.documents import letters
from service.published import latest
from service.publishing import publish
from service.rebuild import rebuild
from service.settings import Settings
from service.wiring import Parts
from tests.api.conftest import a_proposal
from tests.conftest import fresh_database
from tests.dumped import dump, log_rows
from tests.run.test_cli import NOT_OURS
from tests.views.conftest import contents
from tests.web.conftest import Site, site_on

WORD, PERSON, ORGANISATION = "Kwetterzwaluw", "Roodborst", "Stichting Kwikstaart"


@dataclass
class Cases:
    """Cases that ended long ago, in each way, and what the operator types."""

    site: Site
    withdrawn: str
    rejected: str
    awarded: str
    running: str
    project: Path

    @property
    def parts(self) -> Parts:
        parts: Parts = self.site.service.app.extensions["besluitspoor"].parts
        return parts

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
        settings = self.site.service.settings
        given = {"DATABASE_URL": settings.database_url, "SECRET": settings.secret.decode()}
        return subprocess.run(
            [sys.executable, "-m", "service.cli", "retention", *arguments],
            env={**clean, "PYTHONPATH": str(self.project), **given},
            cwd=self.project, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def report(self, **query: str) -> dict[str, dict[str, Any]]:
        found = self.site.service.told("secretary", "/retention", query_string=query)["items"]
        return {each["proposal"]: each for each in found}

    def reference(self, proposal: str) -> str:
        return str(self.site.service.told("secretary", f"/proposals/{proposal}")["reference"])


@pytest.fixture
def site(admin_url: str, template: Settings) -> Iterator[Site]:
    with fresh_database(admin_url, template) as settings, site_on(settings) as made:
        yield made


@pytest.fixture(name="old")
def cases(site: Site, project: Path) -> Cases:
    return made(site, project)


def made(site: Site, project: Path) -> Cases:
    service = site.service
    said = {
        "summary": f"{WORD} leert winkeliers verkopen op het web.",
        "applicant": {"name": PERSON, "kind": "sole-trader"},
        "partners": [{"name": ORGANISATION, "kind": "foundation"}],
        "effectiveOn": "2020-09-01",
    }
    ids = [str(service.done("submitter", "/proposals", a_proposal(**said))["id"]) for _ in range(4)]
    withdrawn, rejected, awarded, running = ids
    service.done(
        "submitter", f"/proposals/{withdrawn}/withdrawal", {"grounds": WORD, "effectiveOn": "2020-09-02"}
    )
    for proposal, outcome in ((rejected, "rejected"), (awarded, "approved")):
        on = {"effectiveOn": "2020-09-03"}
        service.done("secretary", f"/proposals/{proposal}/completeness", {"outcome": "complete", **on})
        review = {"body": "taskforce", "advice": "positive", "grounds": WORD, **on}
        service.done("taskforce", f"/proposals/{proposal}/reviews", review)
        decision = {"body": "poho", "outcome": outcome, "grounds": WORD, **on}
        service.done("poho", f"/proposals/{proposal}/decisions", decision)
    code = f"pot-{uuid4().hex[:8]}"
    sources = [{"source": "Reserve", "amount": "900000.00"}]
    pot = {"code": code, "name": "Pot", "body": "ab", "sources": sources, "effectiveOn": "2020-01-01"}
    service.done("treasurer", "/envelopes", pot)
    award = {"envelope": code, "amount": "1000.00", "effectiveOn": "2020-09-04"}
    service.done("db", f"/proposals/{awarded}/awards", award)
    parts: Parts = service.app.extensions["besluitspoor"].parts
    letters.issue(parts, "receipt", withdrawn, parts.log.load(withdrawn)[0].position)
    service.told("secretary", f"/proposals/{awarded}")
    return Cases(site, withdrawn, rejected, awarded, running, project)


def test_the_report_says_what_has_to_go_and_why_and_changes_nothing(old: Cases, settings: Settings) -> None:
    before = dump(old.site.service.settings)
    now = old.report()
    assert set(now) == {old.withdrawn, old.rejected}
    line = now[old.withdrawn]
    assert (line["ended"], line["endedOn"], line["years"], line["dueOn"]) == (
        "withdrawn", "2020-09-02", 1, "2021-09-02",
    )  # fmt: skip
    assert (line["letters"], line["names"]) == (1, 0)  # another case that is kept names the same person
    assert line["texts"] == 7
    assert now[old.rejected]["dueOn"] == "2025-09-03"
    assert set(old.report(on="2040-01-01")) == {old.withdrawn, old.rejected, old.awarded}
    assert set(old.report(on="2021-09-01")) == set()
    parts = old.site.service.app.extensions["besluitspoor"].parts
    first = retaining.report(parts, None, date(2040, 1, 1), most=2)
    assert [line.proposal for line in first.lines] == sorted([old.withdrawn, old.rejected, old.awarded])[:2]
    assert first.more
    assert not retaining.report(parts, None, date(2040, 1, 1), most=3).more
    assert set(old.report(programme="stimuleringsfonds")) == set()
    assert dump(old.site.service.settings).count(WORD) == before.count(WORD)


@pytest.mark.slow
def test_the_command_does_what_the_report_says_and_tells_what_it_did(old: Cases, tmp_path: Path) -> None:
    settings, service = old.site.service.settings, old.site.service
    file = tmp_path / "report.csv"
    reported = old.command("report", "--output", str(file))
    assert reported.returncode == 0, reported.stderr
    assert "2 cases, with" in reported.stderr
    head = service.head()
    before = log_rows(settings, head)

    assert old.command("apply", "--report", str(file), "--by", "admin@example.org").returncode == 1
    assert old.command("apply", "--report", str(file), "--by", "nobody@example.org").returncode == 1
    assert service.head() == head

    done = old.command("apply", "--report", str(file), "--by", "secretary@example.org")
    assert done.returncode == 0, done.stderr
    after = list(csv.DictReader((tmp_path / "report-after.csv").read_text().splitlines()))
    assert [(row["proposal"], row["outcome"], row["left"]) for row in after] == [
        (old.withdrawn, "now", "0"), (old.rejected, "now", "0"),
    ]  # fmt: skip
    assert log_rows(settings, head) == before
    assert old.report() == {}

    again = old.command("apply", "--report", str(file), "--by", "secretary@example.org")
    assert again.returncode == 0
    assert "before" in again.stdout
    assert len(old.parts.log.load(old.withdrawn)) == len([r for r in before if r[0] == old.withdrawn]) + 1

    case = service.told("submitter", f"/proposals/{old.withdrawn}")
    assert case["content"]["title"] is None
    assert case["withdrawal"]["grounds"] is None
    assert case["content"]["requested"] == "200000.00"
    assert case["content"]["partners"][0]["name"] == ORGANISATION
    assert case["retention"]["ended"] == "withdrawn"
    assert "[zwartgelakt: de bewaartermijn is voorbij]" in old.site.visitor("submitter").text(
        f"/proposals/{old.withdrawn}"
    )
    assert service.told("submitter", f"/proposals/{old.awarded}")["content"]["summary"].startswith(WORD)


def test_when_nobody_else_needs_them_words_and_names_of_persons_are_nowhere(old: Cases) -> None:
    settings, service = old.site.service.settings, old.site.service
    # What still runs is withdrawn long ago too; the award is changed to a short term by a later version.
    service.done("submitter", f"/proposals/{old.running}/withdrawal", {"effectiveOn": "2020-09-05"})
    parts = old.parts
    assert WORD in dump(settings)
    programme = latest(parts, "regionale-herstelaanpak")
    assert programme is not None
    later = replace(programme, version=programme.version + 1, retention=Retention(awarded=2))
    publish(parts, service.people["admin"], later)
    service.told("secretary", f"/proposals/{old.running}")
    assert set(old.report()) == {old.withdrawn, old.rejected, old.awarded, old.running}
    head = service.head()
    before = log_rows(settings, head)
    visitor = old.site.visitor("secretary")
    report = visitor.text("/retention.csv")
    page = visitor.text("/retention")
    assert old.reference(old.awarded) in page
    assert "na 2 jaar" in page
    done = visitor.post("/retention", {"report": report})
    assert done.status_code == 200
    assert "Cases" not in done.get_data(as_text=True)
    assert "Zaken waarvan de teksten weg zijn: 4." in done.get_data(as_text=True)
    said = dump(settings)
    assert WORD not in said
    assert PERSON not in said
    assert ORGANISATION in said
    assert log_rows(settings, head) == before
    service.told("secretary", f"/proposals/{old.running}")
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        live = contents(connection)
        rebuild(settings)
        assert contents(connection) == live


@pytest.mark.slow
def test_a_report_that_is_out_of_date_is_refused_whole(old: Cases, tmp_path: Path) -> None:
    file, service = tmp_path / "report.csv", old.site.service
    assert old.command("report", "--output", str(file)).returncode == 0
    text = next(
        each["name"] for each in service.told("secretary", f"/proposals/{old.rejected}/texts")["items"]
    )
    service.done("secretary", f"/proposals/{old.rejected}/redactions", {"texts": [text], "ground": "woo"})
    refused = old.command("apply", "--report", str(file), "--by", "secretary@example.org")
    assert refused.returncode == 1
    assert old.reference(old.rejected) in refused.stderr
    assert not (tmp_path / "report-after.csv").exists()
    assert set(old.report()) == {old.withdrawn, old.rejected}
    visitor = old.site.visitor("secretary")
    visitor.text("/retention")
    on_page = visitor.post("/retention", {"report": file.read_text()})
    assert on_page.status_code == 409
    assert old.reference(old.rejected) in on_page.get_data(as_text=True)


@pytest.mark.slow
def test_what_broke_off_is_carried_on(old: Cases, tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    assert old.command("report", "--output", str(file)).returncode == 0
    old.site.service.done("secretary", f"/proposals/{old.rejected}/retention", {})
    done = old.command("apply", "--report", str(file), "--by", "secretary@example.org")
    assert done.returncode == 0, done.stderr
    after = list(csv.DictReader((tmp_path / "report-after.csv").read_text().splitlines()))
    assert [row["outcome"] for row in after] == ["now", "before"]


@pytest.mark.parametrize("text", ["", "what is this", "proposal,reference\nx,y\n"])
def test_what_is_no_report_is_refused(text: str, old: Cases, tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    file.write_text(text)
    refused = old.command("apply", "--report", str(file), "--by", "secretary@example.org")
    assert refused.returncode == 1
    assert "no report of this service" in refused.stderr
    visitor = old.site.visitor("secretary")
    visitor.text("/retention")
    assert visitor.post("/retention", {"report": text}).status_code in (400, 409)


def test_what_is_not_due_or_not_ended_is_refused_and_others_may_not(old: Cases) -> None:
    service = old.site.service
    for proposal, code in ((old.awarded, "retention-not-due"), (old.running, "retention-not-ended")):
        refused = service.act("secretary", f"/proposals/{proposal}/retention", {})
        assert (refused.status_code, refused.json["code"]) == (409, code)
    assert service.act("admin", f"/proposals/{old.withdrawn}/retention", {}).status_code == 403
    assert service.ask("submitter", "/retention").status_code == 403
    page = old.site.visitor("admin").text("/retention")
    assert old.reference(old.withdrawn) in page
    assert "Wis de teksten" not in page
    assert service.act("secretary", f"/proposals/{old.withdrawn}/retention", {}).status_code == 201
    again = service.act("secretary", f"/proposals/{old.withdrawn}/retention", {})
    assert (again.status_code, again.json["code"]) == (409, "retention-nothing-kept")
