"""Would the containers work? There is no Docker engine here, so what can be held without one is held.

The files parse; every command, option and setting in them exists; what is copied is there. That the package which goes
into the image is complete, tests/run/test_package.py holds.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from service.messaging.broker import connect
from service.settings import Settings
from tests.docs.pages import read, rows, words
from tests.docs.test_commands import objection
from tests.docs.test_settings import known_variables

DOCKERFILE = "docker/Dockerfile"
COMPOSE = "docker/compose.yaml"
VARIABLE = re.compile(r"\$\{(\w+)(:[?-][^}]*)?\}")
GIVEN = {
    "OWNER_PASSWORD": "a1" * 32,
    "APP_PASSWORD": "b2" * 32,
    "BROKER_PASSWORD": "c3" * 32,
    "SECRET": "d4" * 32,
}


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile and what they say, in order."""
    joined = re.sub(r"\\\n\s*", " ", read(DOCKERFILE))
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def said(word: str) -> list[str]:
    return [rest for each, rest in instructions() if each == word]


def compose() -> dict[str, Any]:
    """The compose file with the variables filled in, as `docker compose config` does."""

    def value(found: re.Match[str]) -> str:
        name, otherwise = found[1], found[2] or ""
        if name in GIVEN:
            return GIVEN[name]
        assert otherwise.startswith(":-"), f"{name} has neither a value nor a default"
        return otherwise[2:]

    def filled(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: filled(each) for key, each in node.items()}
        if isinstance(node, list):
            return [filled(each) for each in node]
        return VARIABLE.sub(value, node) if isinstance(node, str) else node

    found: dict[str, Any] = filled(yaml.safe_load(read(COMPOSE)))
    return found


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def ours() -> dict[str, dict[str, Any]]:
    return {name: each for name, each in services().items() if each["image"].startswith("besluitspoor:")}


def test_the_image_is_small_pinned_and_nobody_special() -> None:
    stages = said("FROM")
    assert stages == ["python:3.11-slim AS build", "python:3.11-slim"]
    last = instructions()[[word for word, _ in instructions()].index("FROM", 1) :]
    assert ("USER", "10001:10001") in last
    installs = [part for run in said("RUN") for part in run.split("&&") if "pip install" in part]
    for install in installs:
        assert "-c requirements.lock" in install or "--no-deps" in install
        assert "[" not in install, "neither for development nor the embedded PostgreSQL"


def test_everything_copied_is_there_and_sent_to_the_builder(project: Path) -> None:
    sent = {line[1:] for line in read(f"{DOCKERFILE}.dockerignore").splitlines() if line.startswith("!")}
    for copied in said("COPY"):
        if copied.startswith("--from=build"):
            continue
        *sources, _ = copied.split()
        for source in sources:
            assert (project / source).exists()
            assert source in sent


def test_everything_the_package_is_made_of_is_copied(project: Path) -> None:
    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    copied = {source for each in said("COPY") for source in each.split()[:-1]}
    include = described["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {
        described["project"]["readme"],
        "pyproject.toml",
        *(each.rstrip("*") for each in include),
    } <= copied


def test_the_image_serves_the_web_and_says_whether_it_lives() -> None:
    (command,) = said("CMD")
    program, *rest = json.loads(command)
    assert program == "besluitspoor"
    assert rest[0] == "web"
    assert objection(rest) is None
    (check,) = said("HEALTHCHECK")
    python, flag, code = json.loads(check[check.index("[") :])
    assert (python, flag) == ("python", "-c")
    compile(code, "HEALTHCHECK", "exec")
    assert "http://127.0.0.1:8000/health/live" in code
    assert said("EXPOSE") == ["8000"]


def test_web_worker_migrate_postgres_and_rabbitmq_are_there() -> None:
    assert set(services()) == {"web", "worker", "migrate", "postgres", "rabbitmq"}
    assert set(ours()) == {"web", "worker", "migrate"}


def test_the_image_bears_the_version_of_the_package(project: Path) -> None:
    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for service in ours().values():
        assert service["image"] == f"besluitspoor:{described['version']}"
        assert (project / "docker" / service["build"]["context"]).resolve() == project
        assert (project / service["build"]["dockerfile"]).exists()


def test_every_command_in_the_compose_file_is_understood() -> None:
    for name, service in ours().items():
        program, *rest = service["command"]
        assert program == "besluitspoor"
        assert rest[0] == name
        assert objection([str(word) for word in rest]) is None


def test_every_setting_in_the_compose_file_is_one(project: Path) -> None:
    known = known_variables(project)
    for service in ours().values():
        assert set(service["environment"]) <= known


def test_the_settings_are_complete_and_the_roles_apart() -> None:
    for name, service in ours().items():
        settings = Settings.from_environment(service["environment"])
        assert not settings.demo
        assert connect(settings).transport_cls == "amqp"
        assert ("DATABASE_OWNER_URL" in service["environment"]) == (name == "migrate")
    migrate = Settings.from_environment(ours()["migrate"]["environment"])
    assert migrate.database_owner_url != migrate.database_url
    assert GIVEN["OWNER_PASSWORD"] in migrate.database_owner_url
    assert services()["postgres"]["environment"]["POSTGRES_PASSWORD"] == GIVEN["OWNER_PASSWORD"]
    assert services()["rabbitmq"]["environment"]["RABBITMQ_DEFAULT_PASS"] == GIVEN["BROKER_PASSWORD"]


def test_no_password_or_secret_has_a_default_and_each_is_told() -> None:
    told = {
        name
        for row in rows(read("docker/README.md"), "## Settings")
        for name in re.findall(r"`(\w+)`", row[0])
    }
    asked = dict(VARIABLE.findall(read(COMPOSE)))
    assert set(asked) == told
    for name, otherwise in asked.items():
        assert otherwise.startswith(":?") == (name in GIVEN), f"{name} must be given, or have a default"


def test_each_waits_for_what_it_needs_and_says_how_it_is() -> None:
    found = services()
    for service in found.values():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert found[needed]["healthcheck"]["test"]
            else:
                assert how["condition"] == "service_completed_successfully"
                assert found[needed]["restart"] == "no"
    # The image's own check asks the web; what serves nothing must not inherit it.
    assert found["worker"]["healthcheck"] == found["migrate"]["healthcheck"] == {"disable": True}
    assert "healthcheck" not in found["web"]
    assert found["web"]["ports"] == ["127.0.0.1:8000:8000"]


def test_the_data_outlive_the_containers() -> None:
    for name in ("postgres", "rabbitmq"):
        volume, _, _ = services()[name]["volumes"][0].partition(":")
        assert volume in compose()["volumes"]


def test_the_commands_of_the_page_are_understood() -> None:
    page = read("docker/README.md")
    given = re.findall(r"^spoor .*?\bweb besluitspoor (.+)$", page, re.MULTILINE)
    assert len(given) >= 3
    for command in given:
        assert objection(words(command)) is None
