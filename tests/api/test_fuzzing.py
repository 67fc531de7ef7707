"""schemathesis plays every call of the published document, well and badly: no server error, no undocumented answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.settings import Settings
from tests.api.conftest import Service, a_proposal, running_service
from tests.conftest import fresh_database

pytestmark = pytest.mark.slow

EXAMPLES = 25
"""Requests for each call, in each mode."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def service(admin_url: str, template: Settings) -> Iterator[Service]:
    """A service with a case at each of a few stages."""
    with fresh_database(admin_url, template) as made, running_service(made) as running:
        yield running


@pytest.fixture(scope="module")
def cases(service: Service) -> list[str]:
    """A case that has just come in, one that waits for its award, and one that has money held back."""
    sources = [{"source": "Reserve", "amount": "900000000.00"}]
    envelope = {"code": "herstelaanpak", "body": "ab", "sources": sources, "effectiveOn": "2020-07-01"}
    service.done("treasurer", "/envelopes", envelope)
    made = [service.done("submitter", "/proposals", a_proposal())["id"] for _ in range(3)]
    for case in made[1:]:
        at = f"/proposals/{case}"
        service.done("secretary", f"{at}/completeness", {"outcome": "complete"})
        service.done("taskforce", f"{at}/reviews", {"body": "taskforce", "advice": "positive"})
        service.done("poho", f"{at}/decisions", {"body": "poho", "outcome": "approved"})
    phases = [{"amount": "10.00"}, {"amount": "90.00", "releaseCondition": "Later"}]
    award = {"envelope": "herstelaanpak", "amount": "100.00", "phases": phases}
    service.done("db", f"/proposals/{made[2]}/awards", award)
    return made


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_call(service: Service, cases: list[str], mode: GenerationMode) -> None:
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", service.app)
    played = 0
    for found in document.get_all_operations():
        play(service, cases, found.ok(), mode)
        played += 1
    assert played > 20


def entitled(call: str) -> list[str]:
    """Who may make this call: they make most of them."""
    ends = {
        "POST /proposals": "submitter",
        "/completeness": "secretary",
        "/revisions": "submitter",
        "/reviews": "taskforce",
        "/decisions": "poho",
        "/resumption": "secretary",
        "/awards": "db",
        "POST /programmes": "admin",
        "/withdrawal": "secretary",
        "/drafts": "submitter",
        "{draft}": "submitter",
        "/sharing": "submitter",
        "/submission": "submitter",
        "/queue": "secretary",
        "/events": "auditor",
        "/subscriptions": "integration",
        "{subscription}": "integration",
        "/secret": "integration",
        "/tests": "integration",
        "{subscription}/deliveries": "integration",
        "{subscription}/deliveries/{delivery}/resend": "integration",
        "/newsletters": "secretary",
        "/newsletters/draft": "secretary",
        "{newsletter}": "secretary",
        "{newsletter}/content": "secretary",
        "{newsletter}/figures": "secretary",
        "{newsletter}/approval": "secretary",
        "{municipality}": "secretary",
        "/council-addresses": "secretary",
        "{address}": "secretary",
        "GET /proposals": "auditor",
        "{proposal}": "auditor",
        "/timeline": "auditor",
    }
    return [next((who for end, who in ends.items() if call.endswith(end)), "treasurer")]


def play(service: Service, cases: list[str], operation: Any, mode: GenerationMode) -> None:
    checks = [*CHECKS, negative_data_rejection] if mode is GenerationMode.NEGATIVE else CHECKS

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(generation_mode=mode),
        who=strategies.sampled_from([*entitled(operation.label) * 4, *sorted(service.tokens)]),
        real=strategies.sampled_from(cases),
    )
    def one(case: Any, who: str, real: str) -> None:
        if "proposal" in (case.path_parameters or {}) and mode is GenerationMode.POSITIVE:
            case.path_parameters["proposal"] = real
        if "draft" in (case.path_parameters or {}) and mode is GenerationMode.POSITIVE:
            begun = service.done("submitter", "/drafts", {"programme": "regionale-herstelaanpak"})
            case.path_parameters["draft"] = begun["id"]
        response = case.call(headers={"Authorization": f"Bearer {service.tokens[who]}"})
        # Badly made requests meet 401, 403 and 404 as well, which say nothing of what was sent.
        judged = [
            check for check in checks if response.status_code < 300 or check is not negative_data_rejection
        ]
        case.validate_response(response, checks=judged)

    one()
