"""Does every link and every path in the pages lead somewhere?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import FOLDERS, PAGES, ROOT, name, prose, read, spans

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|<(?:img|a|source)\b[^>]*\b(?:src|href|srcset)=\"([^\"]+)\"")
OUTSIDE = ("http://", "https://", "mailto:")
MADE_BY_WHO_RUNS_IT = {"docker/.env", "benchmarks/results.json"}


def targets(page: Path) -> list[str]:
    without_code = re.sub(r"`[^`\n]*`", "", prose(read(page)))
    return [first or second for first, second in LINK.findall(without_code)]


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings have, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+)$", prose(read(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in targets(page):
        if target.startswith(OUTSIDE):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.is_relative_to(ROOT), f"{target} leads out of the repository"
        assert there.exists(), f"{target} is not there"
        if anchor:
            assert anchor in anchors(there), f"{target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_path_that_is_named_exists(page: Path) -> None:
    for span in spans(read(page)):
        if re.fullmatch(rf"({'|'.join(FOLDERS)})/[\w./-]*", span):
            assert (ROOT / span).exists() or span in MADE_BY_WHO_RUNS_IT, f"{span} is not there"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, to_read = set(), {ROOT / "README.md"}
    while to_read:
        page = to_read.pop()
        reached.add(page)
        for target in targets(page):
            there = (page.parent / target.partition("#")[0]).resolve()
            if not target.startswith(OUTSIDE) and there.suffix == ".md" and there not in reached:
                to_read.add(there)
    docs = {page for page in PAGES if page.parent in (ROOT, ROOT / "docs", ROOT / "docker")}
    assert docs <= reached


def test_every_folder_of_tests_is_told(project: Path) -> None:
    told = read("docs/architecture.md")
    for folder in {path.parent for path in (project / "tests").rglob("test_*.py")} - {project / "tests"}:
        assert f"`{folder.relative_to(project)}/`" in told
