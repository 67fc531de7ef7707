"""Is the page about permissions what the table says, and has every line of the table words in both languages?"""

from __future__ import annotations

from pathlib import Path

import pytest

from service.texts import LANGUAGES
from service.web.explained_permissions import document, explained, missing


def test_the_page_is_what_the_table_says(project: Path) -> None:
    page = (project / "docs" / "permissions.md").read_text("utf-8")
    assert page == document(), "python -m service.web.explained_permissions > docs/permissions.md"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_of_the_table_has_words(language: str) -> None:
    assert missing(language) == []
    assert len({line.what for line in explained(language)}) == len(explained(language))
