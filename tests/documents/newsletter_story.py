"""What happened in the last quarter of 2020, so that a newsletter on it has known figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.api.conftest import Service, a_proposal

PROGRAMME = "regionale-herstelaanpak"
FIRST, LAST = date(2020, 10, 1), date(2020, 12, 31)


@dataclass(frozen=True)
class Story:
    """The cases by what became of them; `before` was done before the quarter began."""

    before: str
    awarded: str
    held_over: str
    rejected: str
    asked: str
    waiting: str
    withdrawn: str
    afterwards: str


def tell(service: Service) -> Story:
    """Lets it happen, through the API.

    In the quarter came in: 100,000 with 150,000 of others (held over), 80,000 with 80,000 (rejected), 60,000 with
    75,000 (asked to supplement), 40,000 with 50,000 (waits for advice), 20,000 with 20,000 (withdrawn). Awarded was
    150,000 of the 200,000 asked for in September, to which others bring 250,000.
    """
    service.done(
        "treasurer",
        "/envelopes",
        {
            "code": "herstelaanpak",
            "name": "Regionale Herstelaanpak",
            "body": "ab",
            "programme": PROGRAMME,
            "sources": [{"source": "Reserve", "amount": "2000000.00"}],
            "effectiveOn": "2020-07-01",
        },
    )
    service.done(
        "treasurer",
        "/envelopes",
        {
            "code": "stimuleringsfonds",
            "body": "db",
            "programme": "stimuleringsfonds",
            "sources": [{"source": "Reserve", "amount": "9.00"}],
            "effectiveOn": "2020-07-01",
        },
    )
    before = submitted(service, "2020-07-06", "Ooit", 50_000, 60_000, ["Best"])
    decided(service, before, "2020-07-10", "rejected")
    awarded = submitted(service, "2020-09-01", "Digitale werkplaats", 200_000, 250_000, ["Eindhoven"])
    decided(service, awarded, "2020-09-15", "approved")
    service.done(
        "db",
        f"/proposals/{awarded}/awards",
        {
            "envelope": "herstelaanpak",
            "amount": "150000.00",
            "provisional": True,
            "phases": [{"amount": "100000.00"}, {"amount": "50000.00", "releaseCondition": "Een verslag"}],
            "effectiveOn": "2020-10-05",
        },
    )
    held_over = submitted(service, "2020-10-06", "Leren in de Peel", 100_000, 150_000, ["Asten", "Deurne"])
    decided(service, held_over, "2020-11-02", "held-over")
    rejected = submitted(service, "2020-10-07", "Lichtjes", 80_000, 80_000, ["Helmond"])
    decided(service, rejected, "2020-11-03", "rejected")
    asked = submitted(service, "2020-11-10", "Vitale winkelstraat", 60_000, 75_000, ["Helmond"])
    service.done(
        "secretary",
        f"/proposals/{asked}/completeness",
        {
            "outcome": "supplement", "remarks": "Er ontbreekt een begroting", "dueOn": "2021-01-15",
            "effectiveOn": "2020-11-12",
        },
    )  # fmt: skip
    waiting = submitted(
        service, "2020-12-01", "Van zolder naar zaak", 40_000, 50_000, ["Valkenswaard", "Helmond"],
        applicant={"name": "Jansen Advies", "kind": "sole-trader"},
    )  # fmt: skip
    complete(service, waiting, "2020-12-02")
    withdrawn = submitted(service, "2020-12-07", "Toch maar niet", 20_000, 20_000, ["Best"])
    service.done("submitter", f"/proposals/{withdrawn}/withdrawal", {"effectiveOn": "2020-12-08"})
    afterwards = submitted(service, "2021-01-04", "Volgend jaar", 10_000, 10_000, ["Best"])
    service.done(
        "submitter",
        f"/proposals/{asked}/revisions",
        {**content("Vitale winkelstraat", 55_000, 75_000, ["Helmond"]), "effectiveOn": "2021-01-05"},
    )
    return Story(before, awarded, held_over, rejected, asked, waiting, withdrawn, afterwards)


def content(title: str, asks: int, others: int, municipalities: list[str], **more: Any) -> dict[str, Any]:
    """What a proposal says."""
    said = a_proposal(
        title=title,
        summary=f"Dit gaat over {title}. Er is meer over te zeggen.",
        requested=f"{asks}.00",
        cofinancing=[{"source": "Brainport Development", "amount": f"{others}.00", "status": "granted"}],
        municipalities=municipalities,
        subregionSupport=[
            {"subregion": each, "evidence": "Een brief"}
            for each in ("Stedelijk Gebied", "De Peel", "De Kempen", "A2-gemeenten")
        ],
        **more,
    )
    del said["programme"], said["effectiveOn"]
    return said


def submitted(
    service: Service, on: str, title: str, asks: int, others: int, municipalities: list[str], **more: Any
) -> str:
    """A proposal that came in on a day."""
    said = content(title, asks, others, municipalities, **more)
    body = {"programme": PROGRAMME, "effectiveOn": on, **said}
    return str(service.done("submitter", "/proposals", body)["id"])


def complete(service: Service, proposal: str, on: str) -> None:
    """The secretariat finds it complete."""
    service.done(
        "secretary", f"/proposals/{proposal}/completeness", {"outcome": "complete", "effectiveOn": on}
    )


def decided(service: Service, proposal: str, on: str, outcome: str) -> None:
    """It goes through the route on one day, as far as the decision."""
    complete(service, proposal, on)
    review = {"body": "taskforce", "advice": "positive", "grounds": "Een goed plan", "effectiveOn": on}
    service.done("taskforce", f"/proposals/{proposal}/reviews", review)
    decision = {"body": "poho", "outcome": outcome, "grounds": "Daarom", "effectiveOn": on}
    service.done("poho", f"/proposals/{proposal}/decisions", decision)
