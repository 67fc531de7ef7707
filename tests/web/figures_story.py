"""What happened, so that figures have known answers: two awards, money that moved, and a case recorded afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.api.conftest import Service, a_proposal

ENVELOPE = "herstelaanpak"


@dataclass(frozen=True)
class Told:
    """The cases of the story. `first` is awarded 200,000 of which 80,000 waits for release; 30,000 of these moves to
    `second`, which asked for 100,000; `third` was asked to supplement, and then asked for less."""

    first: str
    second: str
    third: str


def tell(service: Service) -> Told:
    """Lets it happen, through the API."""
    _envelope(service)
    first = _submitted(service, "2020-09-01", title="Digitale werkplaats")
    _to_award(service, first, "2020-09-02", "2020-09-09", "2020-09-15")
    service.done(
        "db",
        f"/proposals/{first}/awards",
        {
            "envelope": ENVELOPE,
            "amount": "200000.00",
            "provisional": True,
            "phases": [
                {"amount": "120000.00"},
                {"amount": "80000.00", "releaseCondition": "Een verslag"},
            ],
            "effectiveOn": "2020-10-05",
        },
    )
    second = _submitted(
        service,
        "2020-10-06",
        title="Leren in de Peel",
        themes=["opleiden", "digitaliseren-mkb"],
        municipalities=["Asten", "Deurne"],
        requested="100000.00",
        cofinancing=[{"source": "Brainport Development", "amount": "150000.00", "status": "promised"}],
        subregionSupport=[{"subregion": "De Peel", "evidence": "Een brief"}],
    )
    _to_award(service, second, "2020-10-07", "2020-10-14", "2020-10-20")
    service.done(
        "treasurer",
        f"/proposals/{first}/phases/2/reallocation",
        {
            "to": second,
            "amount": "30000.00",
            "grounds": "Minder nodig dan gedacht",
            "effectiveOn": "2020-11-02",
        },
    )
    third = _submitted(service, "2020-11-03", title="Vitale winkelstraat", themes=["vitale-kernen"])
    service.done(
        "secretary",
        f"/proposals/{third}/completeness",
        {"outcome": "supplement", "remarks": "Het bedrag is te hoog", "effectiveOn": "2020-11-04"},
    )
    service.done(
        "submitter",
        f"/proposals/{third}/revisions",
        {
            **_content(title="Vitale winkelstraat", themes=["vitale-kernen"], requested="150000.00"),
            "effectiveOn": "2020-11-10",
        },
    )
    return Told(first, second, third)


def _envelope(service: Service) -> None:
    service.done(
        "treasurer",
        "/envelopes",
        {
            "code": ENVELOPE,
            "name": "Regionale Herstelaanpak",
            "body": "ab",
            "programme": "regionale-herstelaanpak",
            "sources": [{"source": "Reserve", "amount": "2000000.00"}],
            "effectiveOn": "2020-07-01",
        },
    )


def _content(**changes: Any) -> dict[str, Any]:
    content = a_proposal(**changes)
    del content["programme"], content["effectiveOn"]
    return content


def _submitted(service: Service, on: str, **changes: Any) -> str:
    return str(service.done("submitter", "/proposals", a_proposal(effectiveOn=on, **changes))["id"])


def _to_award(service: Service, proposal: str, complete: str, review: str, decision: str) -> None:
    path = f"/proposals/{proposal}"
    service.done("secretary", f"{path}/completeness", {"outcome": "complete", "effectiveOn": complete})
    service.done(
        "taskforce",
        f"{path}/reviews",
        {"body": "taskforce", "advice": "positive", "grounds": "Een goed plan", "effectiveOn": review},
    )
    service.done(
        "poho",
        f"{path}/decisions",
        {"body": "poho", "outcome": "approved", "grounds": "Akkoord", "effectiveOn": decision},
    )
