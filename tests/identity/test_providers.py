"""The file with the providers: what is in it counts, and what is wrong with it is said with its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from service.identity.oidc.clients import Clients
from service.identity.oidc.providers import Organisation, Others, Provider, providers
from service.settings import Settings, SettingsError

LEAST = """
[[provider]]
code = "city"
name = {nl = "Gemeente", en = "City"}
issuer = "https://login.example.org/city"
client_id = "us"
"""


def read(folder: Path, text: str, public_url: str = "https://besluitspoor.example") -> tuple[Provider, ...]:
    file = folder / "providers.toml"
    file.write_text(text, encoding="utf-8")
    return providers(replace(SETTINGS, oidc_file=str(file), public_url=public_url))


SETTINGS = Settings("", "", b"")


def test_without_a_file_there_are_none() -> None:
    assert providers(SETTINGS) == ()
    assert Clients(SETTINGS).all() == []


def test_what_is_left_out_is_the_careful_choice(tmp_path: Path) -> None:
    (found,) = read(tmp_path, LEAST)
    assert (found.admits, found.trusted, found.roles, found.others) == (False, (), {}, None)
    assert found.algorithms == ("RS256", "PS256", "ES256", "EdDSA")
    assert not found.local


def test_everything_that_can_be_said_is_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("geheim\n")
    text = (
        LEAST
        + """
        client_secret_file = "key"
        scopes = ["openid", "kvk"]
        algorithms = ["ES384"]
        levels = ["loa3"]
        userinfo = true
        admits = true
        domains = ["A.example"]
        trusted_domains = ["b.example"]
        claims = {organisation = "kvk", organisation_name = "bedrijf", roles = "groups"}
        roles = {"Auditors of the city" = "auditor"}
        others = {kind = "company", roles = ["submitter"]}
        [[provider.organisation]]
        id = "1"
        kind = "municipality"
        name = "Eindhoven"
        """
    )
    (found,) = read(tmp_path, text)
    assert found.client_secret == "geheim"
    assert "geheim" not in repr(found)
    assert (found.domains, found.trusted) == (("a.example",), ("b.example",))
    assert found.claims.email == "email"
    assert found.claims.organisation == "kvk"
    assert found.organisations == (Organisation("1", "municipality", "Eindhoven"),)
    assert found.others == Others("company", ("submitter",))
    assert found.roles == {"Auditors of the city": "auditor"}


@pytest.mark.parametrize(("more", "said"), [
    ("admit = true", "'admit' is no setting"),
    ('algorithms = ["none"]', "'algorithms' cannot be 'none'"),
    ('algorithms = ["HS256"]', "'algorithms' cannot be 'HS256'"),
    ('admits = "yes"', "'admits' has to be true or false"),
    ('scopes = ["email"]', "'scopes' has to have 'openid'"),
    ('trusted_domains = ["@b.example"]', "'trusted_domains' has '@b.example'"),
    ('domains = "b.example"', "'domains' has to be a list"),
    ('roles = {"x" = "admin"}', "'claims' has no 'roles'"),
    ('claims = {roles = "r"}\nroles = {"x" = "member"}', "'roles' gives 'member' for 'x'"),
    ('claims = {mail = "m"}', "claims: 'mail' is no setting"),
    ('others = {kind = "company"}', "'claims' has no 'organisation'"),
    ('client_secret_file = "none"', "'client_secret_file' cannot be read"),
    ('client_secret_file = "f"\nclient_secret = "x"', "Leave one out"),
    ("[provider.organisation]\nid = 1", "begin each with [[organisation]]"),
    ('[[provider.organisation]]\nid = "1"\nkind = "A kind"\nname = "x"', "organisation 1: 'kind'"),
    (LEAST, "two providers have the code 'city'"),
    ("= 1", "is no TOML"),
])  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        read(tmp_path, LEAST + more)
    assert said in str(wrong.value)
    assert str(tmp_path) in str(wrong.value)


@pytest.mark.parametrize("name", ["code", "name", "issuer", "client_id"])
def test_what_must_be_there_is_asked_for(tmp_path: Path, name: str) -> None:
    left = "\n".join(line for line in LEAST.splitlines() if not line.startswith(f"{name} "))
    with pytest.raises(SettingsError, match=f"'{name}'"):
        read(tmp_path, left)


@pytest.mark.parametrize("issuer", [
    "http://login.example.org", "http://127.0.0.1:8080", "ftp://login.example.org", "https://", "login.example.org",
    "https://a:b@login.example.org", "https://login.example.org/#x", "https://login.example.org/?x", "javascript:x",
])  # fmt: skip
def test_a_provider_is_asked_over_https(tmp_path: Path, issuer: str) -> None:
    with pytest.raises(SettingsError, match="'issuer'"):
        read(tmp_path, LEAST.replace("https://login.example.org/city", issuer))


def test_a_provider_on_this_machine_may_do_without_when_we_are_here_too(tmp_path: Path) -> None:
    text = LEAST.replace("https://login.example.org/city", "http://127.0.0.1:8080/x")
    (found,) = read(tmp_path, text, "http://127.0.0.1:8000")
    assert found.local
    with pytest.raises(SettingsError):
        read(tmp_path, text.replace("127.0.0.1", "login.example.org"), "http://127.0.0.1:8000")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        providers(replace(SETTINGS, oidc_file=str(tmp_path / "none")))
