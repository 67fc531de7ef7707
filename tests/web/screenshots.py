"""What do the main pages look like? Pictures of the demo, made anew by `make screenshots`, so that they stay true.

python -m tests.web.screenshots [NAME ...]
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from service.demo.client import Api
from service.demo.people import PASSWORD
from tests.ports import free_port
from tests.run.walk import ROOT, Running, start, until

FOLDER = ROOT / "docs" / "screenshots"
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}


@dataclass(frozen=True)
class Shot:
    """A picture: of which page, as whom, how wide, how light, after doing what; its first screenful, or the whole."""

    name: str
    who: str
    path: str
    viewport: dict[str, int]
    locale: str = "nl"
    dark: bool = False
    whole: bool = False
    then: Callable[[Page], Any] | None = None


def _begin(page: Page) -> None:
    """Begins a proposal: the first step of the form."""
    page.get_by_role("button", name="Begin een voorstel").first.click()
    page.get_by_role("heading", level=1, name="Wat wil je doen?").wait_for()


def _together(page: Page) -> None:
    """Takes two cases of a queue together, up to what will be recorded."""
    for each in page.locator("input[name=case]").all()[:2]:
        each.check()
    page.get_by_role("button", name="Behandel de gekozen zaken samen").click()
    page.get_by_role("radio", name="Akkoord").first.check()
    page.get_by_role("button", name="Bekijk wat er wordt vastgelegd").click()
    page.get_by_role("heading", level=1, name="Dit wordt vastgelegd").wait_for()


def _draw(page: Page) -> None:
    """Draws the newsletter of the year in which the demo's real decisions were taken."""
    page.get_by_label("Programma").select_option("regionale-herstelaanpak")
    page.get_by_label("Eerste dag").fill("2021-01-01")
    page.get_by_label("Laatste dag").fill("2021-12-31")
    page.get_by_role("button", name="Maak het concept").click()
    page.get_by_role("heading", level=1).wait_for()


def _mail(page: Page) -> None:
    """Opens the newest mail."""
    page.locator("main table a").first.click()
    page.get_by_role("heading", level=1).wait_for()


SHOTS = (
    Shot("sign-in", "", "/sign-in", WIDE),
    Shot("my-work-submitter", "submitter", "/", WIDE),
    Shot("my-work-phone", "submitter", "/", PHONE),
    Shot("proposals", "secretary", "/proposals", WIDE),
    Shot("new-proposal", "submitter", "/proposals/new", WIDE, whole=True, then=_begin),
    Shot("case", "secretary", "/proposals/{decision}", WIDE, whole=True),
    Shot("case-english-dark", "auditor", "/proposals/{awarded}", WIDE, locale="en", dark=True),
    Shot("case-phone", "poho", "/proposals/{decision}", PHONE),
    Shot("queue", "poho", "/queue/poho", WIDE),
    Shot("queue-preview", "poho", "/queue/poho", WIDE, then=_together),
    Shot("decide-phone", "poho", "/proposals/{decision}/acts/decide", PHONE, whole=True),
    Shot("desk", "secretary", "/desk", WIDE),
    Shot("terms", "secretary", "/terms", WIDE),
    Shot("programme", "secretary", "/programmes/regionale-herstelaanpak", WIDE),
    Shot("people", "admin", "/admin", WIDE),
    Shot("money", "treasurer", "/money/herstelaanpak", WIDE, whole=True),
    Shot("portfolio", "auditor", "/portfolio", WIDE, whole=True),
    Shot("portfolio-dark", "auditor", "/portfolio", WIDE, dark=True),
    Shot("portfolio-phone", "auditor", "/portfolio", PHONE),
    Shot("replay", "auditor", "/audit/proposals/{awarded}", WIDE),
    Shot("audit", "auditor", "/audit", WIDE),
    Shot("inbox", "secretary", "/inbox", WIDE),
    Shot("inbox-phone", "poho", "/inbox", PHONE),
    Shot("preferences", "poho", "/inbox/preferences", WIDE),
    Shot("deliveries", "secretary", "/deliveries", WIDE),
    Shot("newsletter", "secretary", "/newsletters/new", WIDE, whole=True, then=_draw),
    Shot("subscription", "admin", "/subscriptions/new", WIDE),
    Shot("mail", "secretary", "/outbox", WIDE, then=_mail),
)


def main(names: Sequence[str]) -> int:
    """Starts the demo in a folder of its own and takes the pictures; these only, or all."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("There is no chromium here. Install it, on Debian: apt install chromium", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="besluitspoor-screenshots-", dir="/tmp"))
    folder.chmod(0o755)  # PostgreSQL's user must be able to go there
    port = free_port()
    command = [sys.executable, "-m", "service.cli", "run", "--demo", "--port", str(port), "--data"]
    running = start([*command, str(folder / "data")], port, folder / "said", ROOT)
    try:
        running.wait_until_it_serves(120)
        until(lambda: re.search(r"Demo: \d+ cases in", running.said()) is not None, 120, running.said)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
            )
            cases = _cases(running)
            for shot in SHOTS:
                if not names or shot.name in names:
                    _take(browser, running, shot, cases)
                    print(FOLDER / f"{shot.name}.png")
            browser.close()
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _cases(running: Running) -> dict[str, str]:
    """The id of a case in each status."""
    api = Api(running.url, PASSWORD)
    try:
        found: dict[str, str] = {}
        for status in ("completeness", "review", "decision", "award", "awarded", "held-over", "supplement"):
            answer = api.get(
                "secretary", f"/proposals?status={status}&programme=regionale-herstelaanpak&limit=1"
            )
            if answer.ok and answer.body["items"]:
                found[status] = answer.body["items"][0]["id"]
        return found
    finally:
        api.close()


def _take(browser: Browser, running: Running, shot: Shot, cases: dict[str, str]) -> None:
    context = browser.new_context(
        viewport=shot.viewport,  # type: ignore[arg-type]
        locale=shot.locale,
        color_scheme="dark" if shot.dark else "light",
        timezone_id="Europe/Amsterdam",
        reduced_motion="reduce",
    )
    page = context.new_page()
    if shot.who:
        page.goto(f"{running.url}/sign-in")
        page.locator(f'button[name="demo"][value="{shot.who}@example.org"]').click()
    answer = page.goto(running.url + shot.path.format(**cases))
    if answer is None or answer.status != 200:
        raise RuntimeError(f"{shot.path}: {answer.status if answer else 'no answer'}")
    if shot.then is not None:
        shot.then(page)
    page.screenshot(path=FOLDER / f"{shot.name}.png", full_page=shot.whole)
    context.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
