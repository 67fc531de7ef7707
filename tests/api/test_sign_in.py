"""Signing in holds nothing that others need: no connection while a password is verified, and few at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.api import password_sign_in
from service.api.context import SIGN_INS, Running
from tests.api.conftest import PASSWORD, Service

WHO = {"email": "submitter@example.org", "password": PASSWORD}


def test_no_connection_is_held_and_only_so_many_passwords_are_verified_at_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(password_sign_in, "PATIENCE", 60.0)
    running: Running = service.app.extensions["besluitspoor"]
    for _ in range(SIGN_INS):
        assert running.verifying.acquire(timeout=1)
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(service.act, None, "/tokens", WHO) for _ in range(20)]
        time.sleep(0.5)
        assert not any(each.done() for each in waiting)
        # More wait than there are connections, and others still get one.
        assert service.ask("auditor", "/envelopes").status_code == 200
        for _ in range(SIGN_INS):
            running.verifying.release()
        assert [each.result().status_code for each in waiting] == [201] * 20
    with pytest.raises(ValueError, match="released too many times"):
        running.verifying.release()


def test_who_waits_too_long_is_told_to_come_back(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    running: Running = service.app.extensions["besluitspoor"]
    monkeypatch.setattr(password_sign_in, "PATIENCE", 0.05)
    for _ in range(SIGN_INS):
        running.verifying.acquire()
    late = service.act(None, "/tokens", WHO)
    assert (late.status_code, late.json["code"]) == (503, "service-unavailable")
    assert int(late.headers["Retry-After"]) > 0


def test_a_refused_sign_in_is_logged_without_the_address(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    for email in ("Submitter@example.org", "submitter@example.org", "nobody@example.org"):
        assert service.act(None, "/tokens", {"email": email, "password": "wrong"}).status_code == 401
    logged = [line for line in "".join(capsys.readouterr()).splitlines() if "sign-in refused" in line]
    assert len(logged) == 3
    assert not any("@" in line or "wrong" in line for line in logged)
    addresses = [line.partition("address=")[2].split()[0] for line in logged]
    assert addresses[0] == addresses[1] != addresses[2]
    assert service.people["submitter"].id in logged[0]
