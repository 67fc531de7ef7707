"""One database for the tests of a module, with an office on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.settings import Settings
from tests.commands.office import Office, office_of
from tests.conftest import fresh_database


@pytest.fixture(scope="module")
def settings(admin_url: str, template: Settings) -> Iterator[Settings]:
    """The settings of a database that the tests of a module share."""
    with fresh_database(admin_url, template) as made:
        yield made


@pytest.fixture(scope="module")
def office(settings: Settings) -> Iterator[Office]:
    """An office with the programmes published and an envelope that is large enough."""
    with office_of(settings) as opened:
        opened.open_envelope(amounts=(200_000_000,))
        yield opened
