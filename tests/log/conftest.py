"""One database for the tests of a module: making and dropping one takes longer than most tests of the log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.eventstore import Log
from service.settings import Settings
from tests.conftest import fresh_database


@pytest.fixture(scope="module")
def settings(admin_url: str, template: Settings) -> Iterator[Settings]:
    """The settings of a database that the tests of a module share: each uses streams of its own."""
    with fresh_database(admin_url, template) as made:
        yield made


@pytest.fixture(scope="module")
def log(settings: Settings) -> Iterator[Log]:
    """An open log, not empty once a test has run."""
    with Log.open(settings) as opened:
        yield opened


@pytest.fixture
def empty_settings(admin_url: str, template: Settings) -> Iterator[Settings]:
    """The settings of a database of the test's own."""
    with fresh_database(admin_url, template) as made:
        yield made


@pytest.fixture
def empty_log(empty_settings: Settings) -> Iterator[Log]:
    """An open log on that database."""
    with Log.open(empty_settings) as opened:
        yield opened
