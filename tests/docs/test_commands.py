"""Does every command in the pages exist, with the options that are given to it?"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from service.cli import main
from tests.docs.pages import PAGES, commands, name, read


def objection(words: list[str]) -> str | None:
    """Why `besluitspoor` with these words wouldn't be understood; None when it would."""
    context = click.Context(main)
    command: click.Command = main
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        word = rest.pop(0)
        found = command.get_command(context, word)
        if found is None:
            return f"there is no command {word!r}"
        command = found
    if isinstance(command, click.Group) and not rest:
        return f"{command.name} needs a command"
    options = {
        spelling: option
        for option in command.get_params(click.Context(command))
        if isinstance(option, click.Option)
        for spelling in (*option.opts, *option.secondary_opts)
    }
    takes = [parameter.nargs for parameter in command.params if isinstance(parameter, click.Argument)]
    arguments = sum(takes) if -1 not in takes else len(rest)
    given = 0
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            given += 1
            continue
        option = options.get(word.partition("=")[0])
        if option is None:
            return f"{command.name} has no option {word}"
        if not option.is_flag and "=" not in word and rest:
            value = rest.pop(0)
            # Where a choice or a number is asked, the page must give one; a word in capitals stands for any.
            if not re.fullmatch(r"[A-Z]+", value) and isinstance(option.type, click.Choice | click.IntRange):
                option.type.convert(value, option, context)
    return f"{command.name} takes {arguments} arguments" if given > arguments else None


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_is_understood(page: Path) -> None:
    for words in commands(read(page)):
        assert objection(words) is None, f"besluitspoor {' '.join(words)}: {objection(words)}"


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert objection(["person", "ad"]) == "there is no command 'ad'"
    assert objection(["person", "add", "--mail", "x"]) == "add has no option --mail"
    assert objection(["rebuild", "status", "portfolio"]) == "rebuild takes 1 arguments"
    assert objection(["worker", "--only", "fold"]) is None
    assert objection(["deliveries", "resend", "delivery-1", "delivery-2"]) is None
    with pytest.raises(click.BadParameter):
        objection(["worker", "--only", "folding"])


def test_every_command_is_told_somewhere() -> None:
    told = {tuple(words[:depth]) for page in PAGES for words in commands(read(page)) for depth in (1, 2)}
    for path in _paths(main, ()):
        assert path in told, f"besluitspoor {' '.join(path)} is in no page"


def _paths(group: click.Group, before: tuple[str, ...]) -> list[tuple[str, ...]]:
    found = []
    for word, command in group.commands.items():
        if isinstance(command, click.Group):
            found += _paths(command, (*before, word))
        elif not command.hidden:
            found.append((*before, word))
    return found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_make_target_exists(page: Path, project: Path) -> None:
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z]+) \?=", makefile, re.MULTILINE))
    for words in commands(read(page), "make"):
        for word in words:
            variable, is_given, _ = word.partition("=")
            assert word in known or (is_given and variable in variables), f"make {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_module_that_is_run_exists(page: Path) -> None:
    for module, *_ in commands(read(page), "python -m"):
        found = find_spec(module)
        assert found is not None, f"python -m {module}"
        assert found.submodule_search_locations is None or find_spec(f"{module}.__main__") is not None
