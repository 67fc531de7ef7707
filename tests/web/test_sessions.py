"""Signing in, staying signed in, and losing nothing when that ends."""

from __future__ import annotations

from tests.web.conftest import Site


def test_who_is_not_signed_in_is_asked_to_and_then_goes_on(site: Site) -> None:
    visitor = site.visitor(None)
    response = visitor.get("/?x=1")
    assert response.status_code == 303
    assert response.location == "/sign-in?next=/?x%3D1"
    assert "Aanmelden" in visitor.text(response.location)
