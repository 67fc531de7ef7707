"""Open pages ask whether anything happened: nearly always the answer is no, and costs nothing."""

from __future__ import annotations

import re
import time

from tests.web.conftest import Site, Visitor


def asked(visitor: Visitor, path: str = "/live", tag: str | None = None) -> tuple[int, str]:
    response = visitor.get(path, headers={"If-None-Match": tag} if tag else {})
    return response.status_code, response.headers["ETag"]


def changed(visitor: Visitor, path: str, tag: str) -> tuple[int, str]:
    """What is answered once the views have got there, or as it stays."""
    until = time.monotonic() + 30
    while True:
        status, now = asked(visitor, path, tag)
        if now != tag or time.monotonic() > until:
            return status, now
        time.sleep(0.02)


def caught_up(site: Site) -> None:
    """This process has heard of everything that was recorded."""
    clock = site.service.app.extensions["besluitspoor"].parts.clock
    assert clock.wait_for(site.service.head(), 30)


def test_a_page_hears_that_something_happened_and_once(site: Site) -> None:
    visitor = site.visitor("secretary")
    asked(visitor)
    site.submitted()
    caught_up(site)
    _, tag = asked(visitor)
    assert asked(visitor, tag=tag) == (304, tag)
    site.submitted()
    status, now = changed(visitor, "/live", tag)
    assert status == 204
    assert asked(visitor, tag=now)[0] == 304


def test_a_page_about_a_case_hears_of_that_case_only(site: Site) -> None:
    visitor = site.visitor("secretary")
    case = site.submitted()
    caught_up(site)
    path = f"/live?case={case}&version=2"
    _, tag = asked(visitor, path)
    site.submitted()
    status, now = changed(visitor, path, tag)
    assert (status, now != tag) == (304, True)
    site.complete(case)
    status, _ = changed(visitor, path, now)
    assert status == 204


def test_what_happens_while_a_page_is_on_its_way_is_heard_of_at_its_first_look(site: Site) -> None:
    visitor = site.visitor("secretary")
    site.submitted()
    caught_up(site)
    (seen,) = re.findall(r'<body [^>]*data-seen="([^"]+)"', visitor.text("/queue/secretariat"))
    assert asked(visitor, tag=f'"{seen}"')[0] == 304
    site.submitted()
    assert changed(visitor, "/live", f'"{seen}"')[0] == 204


def test_nobody_hears_anything_without_signing_in(site: Site) -> None:
    assert site.visitor(None).get("/live").status_code == 303
