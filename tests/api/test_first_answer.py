"""A web process that has just begun says truly how far its first answers have seen."""

from __future__ import annotations

from service.app import create_app
from tests.api.conftest import PREFIX, Service, a_proposal


def test_the_first_answer_of_a_process_has_seen_the_views_position(service: Service) -> None:
    service.done("submitter", "/proposals", a_proposal())
    service.told("auditor", "/portfolio")
    for path in ("/portfolio", "/programmes", "/proposals"):
        app = create_app(service.settings)
        try:
            headers = {"Authorization": f"Bearer {service.tokens['auditor']}"}
            answer = app.test_client().get(f"{PREFIX}{path}", headers=headers)
            assert answer.headers["Event-Position"] == str(service.head()), path
        finally:
            app.extensions["besluitspoor"].close()
