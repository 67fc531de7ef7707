"""Are the service's secrets made once, and for one user to read?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.own_secrets import ensure_secret, is_private, write_private


def test_made_once_and_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = ensure_secret(tmp_path)
    finally:
        os.umask(before)
    made = path.read_text()
    assert len(made.strip()) == 64
    assert path.stat().st_mode & 0o777 == 0o600
    assert is_private(path)
    assert ensure_secret(tmp_path).read_text() == made
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_two_places_have_two_secrets(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert ensure_secret(tmp_path).read_text() != ensure_secret(tmp_path / "other").read_text()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_open_to_others_is_seen(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    write_private(path, "x")
    path.chmod(mode)
    assert not is_private(path)


def test_writing_again_replaces_the_text_and_keeps_it_private(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text("open to all")
    path.chmod(0o644)
    write_private(path, "closed")
    assert path.read_text() == "closed"
    assert is_private(path)
