"""A definition from a file or a request: what cannot be read says which file, what is wrong and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.definition import DefinitionErrors, Problem, to_definition
from service.programmes import bundled, read_bundled, read_data, read_file


def problem_in(path: Path) -> Problem:
    """The one problem with a file."""
    with pytest.raises(DefinitionErrors) as caught:
        read_file(path)
    (problem,) = caught.value.problems
    assert problem.file == path.name
    assert problem.remedy
    return problem


def copy_of(name: str, folder: Path, change: tuple[str, str] = ("", "")) -> Path:
    """A bundled definition as a file of one's own, with one change."""
    path = folder / f"{name}.toml"
    path.write_text(bundled()[name].read_text(encoding="utf-8").replace(*change, 1), encoding="utf-8")
    return path


def test_a_file_of_ones_own_may_use_a_bundled_region(tmp_path: Path) -> None:
    path = copy_of("stimuleringsfonds-1", tmp_path)
    assert read_file(path) == read_bundled("stimuleringsfonds-1")


def test_a_region_beside_the_file_is_found_too(tmp_path: Path) -> None:
    (tmp_path / "regions").mkdir()
    (tmp_path / "regions" / "elders.toml").write_text(
        """
        code = "elders"
        name = { nl = "Elders", en = "Elsewhere" }
        subregions = [{ code = "noord", name = "Noord" }]
        municipalities = [{ code = "GM0001", name = "Dorp", subregions = ["noord"] }]
        """
    )
    path = copy_of("regionale-herstelaanpak-1", tmp_path, ("metropoolregio-eindhoven", "elders"))
    assert [place.name for place in read_file(path).municipalities] == ["Dorp"]


def test_an_unknown_region_names_the_known_ones(tmp_path: Path) -> None:
    path = copy_of(
        "regionale-herstelaanpak-1", tmp_path, ("metropoolregio-eindhoven", "metropoolregio-eindhove")
    )
    problem = problem_in(path)
    assert problem.key == "region"
    assert problem.remedy == "Did you mean 'metropoolregio-eindhoven'?"


def test_a_region_is_no_path(tmp_path: Path) -> None:
    path = copy_of("regionale-herstelaanpak-1", tmp_path, ("metropoolregio-eindhoven", "../../secret"))
    assert problem_in(path).key == "region"


def test_a_file_that_does_not_exist(tmp_path: Path) -> None:
    problem = problem_in(tmp_path / "nowhere.toml")
    assert "No such file" in problem.message
    assert problem.pointer == ""


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "cannot be read" in problem_in(tmp_path).message


@pytest.mark.parametrize("text", ["code = \n", "a = 1\na = 2\n", "x = " + "[" * 5000, "a = 1\0"])
def test_a_file_that_is_no_toml(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text)
    assert "not TOML" in problem_in(path).message


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes('code = "coöperatie"'.encode("latin-1"))
    problem = problem_in(path)
    assert problem.message == "The file is not UTF-8 (byte 10)."
    assert problem.remedy == "Save it as UTF-8 text."


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = copy_of("stimuleringsfonds-1", tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_file(path).code == "stimuleringsfonds"


def test_a_definition_that_was_sent() -> None:
    programme = read_bundled("regionale-herstelaanpak-1")
    sent = to_definition(programme)
    assert read_data(sent, file="request") == programme
    del sent["subregions"], sent["municipalities"]
    assert read_data(sent | {"region": "metropoolregio-eindhoven"}, file="request") == programme


@pytest.mark.parametrize("region", [5, None, [], "NoCode", ""])
def test_a_region_that_is_no_code(region: object) -> None:
    sent = to_definition(read_bundled("regionale-herstelaanpak-1")) | {"region": region}
    with pytest.raises(DefinitionErrors) as caught:
        read_data(sent, file="request")
    assert "/region" in [problem.pointer for problem in caught.value.problems]
