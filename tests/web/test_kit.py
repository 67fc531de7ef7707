"""The kit: does every component work for everybody, in both languages, light and dark, on a phone and on a desk?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from service.settings import Settings
from tests.conftest import fresh_database
from tests.web.conftest import Site, site_on


@pytest.fixture(scope="module")
def site(admin_url: str, template: Settings) -> Iterator[Site]:
    """A demonstration: only there is the page with all components."""
    with fresh_database(admin_url, template) as settings, site_on(replace(settings, demo=True)) as made:
        yield made


def test_every_component_is_on_one_page(site: Site) -> None:
    page = site.visitor(None).text("/kit")
    assert "<figure" in page
