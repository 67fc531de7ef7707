"""Do the commands help at once, fail with a sentence, and tell by their exit code how it went?"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from service import cli

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [
    [],
    ["run"],
    ["web"],
    ["worker"],
    ["migrate"],
    ["rebuild"],
    ["programme"],
    ["programme", "publish"],
    ["person"],
    ["person", "add"],
    ["person", "set-password"],
    ["person", "list"],
    ["person", "erase"],
    ["token"],
    ["token", "create"],
    ["token", "list"],
    ["token", "revoke"],
    ["deliveries"],
    ["deliveries", "list"],
    ["deliveries", "show"],
    ["deliveries", "resend"],
    ["retention"],
    ["retention", "report"],
    ["retention", "apply"],
    ["mail"],
    ["mail", "bounced"],
    ["mail", "deliverable"],
    ["doctor"],
]
NOT_OURS = ("DATABASE_URL", "DATABASE_OWNER_URL", "SECRET", "SECRET_FILE", "BROKER_URL")


def besluitspoor(
    *arguments: str, cwd: Path = ROOT, stdin: str = "", **environ: str
) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        cwd=cwd,
        env={**clean, "PYTHONPATH": str(ROOT), **environ},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help(command: list[str]) -> None:
    done = besluitspoor(*command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage:")
    assert done.stderr == ""


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from service.cli import main; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"flask", "psycopg", "kombu", "eventsourcing", "gunicorn", "marshmallow", "holidays"}


def test_every_command_is_known_here() -> None:
    listed = {name for name, command in cli.main.commands.items() if not command.hidden}
    assert listed == {command[0] for command in COMMANDS if command}


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["run", "--port", "0"],
        ["run", "--port", "http"],
        ["worker", "--only", "sleep"],
        ["worker", "--channels", "email"],
        ["worker", "--only", "fold", "--channels", "email"],
        ["worker", "--only", "deliver", "--channels", "pigeon"],
        ["worker", "--only", "deliver", "--channels", ","],
        ["retention", "report", "--on", "gisteren"],
        ["retention", "apply"],
        ["retention", "apply", "--report", "there-is-none.csv", "--by", "s@example.org"],
        ["deliveries", "list", "--state", "lost"],
        ["deliveries", "show"],
        ["deliveries", "resend"],
        ["deliveries", "resend", "delivery-1", "--all-dead"],
        ["deliveries", "resend", "delivery-1", "--channel", "email"],
        ["rebuild", "--key", "proposal-1"],
        ["token", "create"],
        ["token", "revoke"],
        ["token", "revoke", "0123456789abcdef", "--token-stdin"],
        ["person", "add", "--email", "a@example.org"],
        ["person", "erase", "a@example.org"],
        ["person", "erase", "a@example.org", "--ground", "because"],
        ["programme", "publish", "/nonexistent.toml"],
    ],
    ids=" ".join,
)
def test_misunderstood_is_2(arguments: list[str]) -> None:
    done = CliRunner(env=dict.fromkeys(NOT_OURS)).invoke(cli.main, arguments)
    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit)
    assert "Error:" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["migrate"],
        ["worker"],
        ["web", "--port", "8999"],
        ["rebuild"],
        ["token", "create", "--person", "a@example.org"],
    ],
    ids=" ".join,
)
def test_no_database_is_1_and_says_what_to_do(arguments: list[str], tmp_path: Path) -> None:
    done = besluitspoor(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "There is no database in .data yet. 'besluitspoor run --data .data' makes one" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_unreachable_database_is_1_and_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        url = f"postgresql://app:secret-word@127.0.0.1:{nobody_listens.getsockname()[1]}/besluitspoor"
        owner = url.replace("app:", "owner:")
        done = besluitspoor(
            "migrate", cwd=tmp_path, DATABASE_URL=url, DATABASE_OWNER_URL=owner, SECRET="x" * 40
        )
    assert done.returncode == 1
    assert "The database can't be used" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret-word" not in done.stderr


def test_missing_secret_is_said(tmp_path: Path) -> None:
    done = besluitspoor("migrate", cwd=tmp_path, DATABASE_URL="postgresql://app@127.0.0.1/besluitspoor")
    assert done.returncode == 1
    assert "SECRET_FILE" in done.stderr


def test_taken_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as a gunicorn of ours would
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = besluitspoor("run", "--port", str(port), "--data", "mine", cwd=tmp_path)
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 can't be used" in done.stderr
    assert f"make run PORT={port + 1}" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_address_of_another_machine_is_said(tmp_path: Path) -> None:
    done = besluitspoor("run", "--host", "192.0.2.1", "--data", "mine", cwd=tmp_path)
    assert done.returncode == 1
    assert "192.0.2.1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        (["--demo", "--host", "192.0.2.1"], True),
        (["--host", "192.0.2.1"], False),
        (["--demo", "--host", "127.0.0.1"], False),
        (["--demo", "--host", "localhost"], False),
    ],
    ids=str,
)
def test_a_demo_that_others_reach_warns_that_anybody_can_sign_in(
    options: list[str], warned: bool, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        # It ends at once: the port is taken, or the address is another machine's.
        done = besluitspoor("run", *options, "--port", port, "--data", "mine", cwd=tmp_path)
    assert done.returncode == 1
    assert ("anybody can sign in" in done.stderr) is warned


def test_empty_password_is_refused() -> None:
    add = ["person", "add", "--email", "a@example.org", "--name", "A", "--role", "admin", "--password-stdin"]
    done = besluitspoor(*add)
    assert done.returncode == 2
    assert "standard input holds no password" in done.stderr
