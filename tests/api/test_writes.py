"""The same request twice is done once; a read sees what its reader wrote; pages and moments."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.api.conftest import PREFIX, Service, a_proposal


def sent(
    service: Service, key: str, body: dict[str, Any], path: str = "/proposals", who: str = "submitter"
) -> Any:
    return service.act(who, path, body, headers={"Idempotency-Key": key})


def kept(response: Any) -> tuple[int, bytes, dict[str, str]]:
    """What an answer is, but for when it was given."""
    assert response.status_code == 201, response.get_data(as_text=True)
    names = ("Location", "ETag", "Event-Position", "Content-Type")
    return response.status_code, response.data, {name: response.headers[name] for name in names}


def test_a_repeat_gives_the_first_answer_again_byte_for_byte_whatever_happened_since(
    service: Service,
) -> None:
    first = sent(service, "key-1", a_proposal())
    at = f"/proposals/{first.json['id']}"
    service.done("secretary", f"{at}/completeness", {"outcome": "complete"})
    before = service.head()
    again = sent(service, "key-1", a_proposal())
    assert kept(again) == kept(first)
    assert service.head() == before


def test_a_repeated_act_on_a_case_that_has_moved_on_is_still_the_first_answer(service: Service) -> None:
    at = f"/proposals/{service.done('submitter', '/proposals', a_proposal())['id']}"
    check = {"outcome": "complete"}
    first = sent(service, "check", check, f"{at}/completeness", "secretary")
    service.done("taskforce", f"{at}/reviews", {"body": "taskforce", "advice": "positive"})
    assert kept(sent(service, "check", check, f"{at}/completeness", "secretary")) == kept(first)


def test_the_same_key_for_another_request_is_refused(service: Service) -> None:
    sent(service, "key-1", a_proposal())
    before = service.head()
    other = sent(service, "key-1", a_proposal(title="Another"))
    assert (other.status_code, other.json["code"]) == (409, "idempotency-key-reused")
    assert service.head() == before


def test_the_order_of_the_fields_makes_no_other_request(service: Service) -> None:
    given = a_proposal()
    first = sent(service, "key-1", given)
    assert kept(sent(service, "key-1", dict(reversed(given.items())))) == kept(first)


def test_a_key_is_its_actors_own(service: Service) -> None:
    first = sent(service, "key-1", a_proposal())
    other = sent(service, "key-1", a_proposal(), who="neighbour")
    assert other.status_code == 201
    assert other.json["id"] != first.json["id"]


def test_a_refusal_is_not_kept(service: Service) -> None:
    assert sent(service, "key-1", a_proposal(themes=["none"])).status_code == 400
    assert sent(service, "key-1", a_proposal()).status_code == 201


def test_the_same_request_at_once_is_one_event_and_one_answer(service: Service) -> None:
    sources = [{"source": "Reserve", "amount": "100.00"}]
    envelope = {"code": "pot", "body": "ab", "sources": sources, "effectiveOn": "2020-07-01"}
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("submitter", "/proposals", a_proposal()),
        ("treasurer", "/envelopes", envelope),
    ]
    for who, path, body in requests:
        before = service.head()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: kept(sent(service, "at-once", body, path, who)), range(16)))  # noqa: B023
        assert answers == [answers[0]] * 16
        assert answers[0][0] == 201
        assert service.head() - before == (2 if path == "/proposals" else 1)


def test_a_read_with_the_position_of_a_write_sees_it(service: Service) -> None:
    for number in range(20):
        written = service.act("submitter", "/proposals", a_proposal(title=f"Plan {number}"))
        position = {"Event-Position": written.headers["Event-Position"]}
        read = service.ask("submitter", f"/proposals/{written.json['id']}", headers=position)
        assert read.json == written.json
        assert int(read.headers["Event-Position"]) >= int(written.headers["Event-Position"])


def test_a_read_that_waits_too_long_is_told_when_to_come_back(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.api import waiting

    # Only here: afterwards one waits as long as ever, for the views may be late on a busy machine.
    with monkeypatch.context() as here, psycopg.connect(service.settings.database_owner_url) as connection:
        here.setattr(waiting, "PATIENCE", 0.1)
        connection.execute("LOCK TABLE views.position")  # nobody folds on
        written = service.act("submitter", "/proposals", a_proposal())
        position = {"Event-Position": written.headers["Event-Position"]}
        late = service.ask("submitter", f"/proposals/{written.json['id']}", headers=position)
    assert (late.status_code, late.json["code"]) == (503, "views-behind")
    assert int(late.headers["Retry-After"]) > 0
    assert service.told("submitter", f"/proposals/{written.json['id']}") == written.json


def test_who_has_the_answer_already_gets_304(service: Service) -> None:
    proposal = service.done("submitter", "/proposals", a_proposal())["id"]
    service.told("submitter", f"/proposals/{proposal}")
    for path in (f"/proposals/{proposal}", "/proposals", f"/proposals/{proposal}/timeline", "/programmes"):
        first = service.ask("submitter", path)
        again = service.ask("submitter", path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        other = service.ask("submitter", path, headers={"If-None-Match": '"other"'})
        assert other.status_code == 200


def test_what_was_at_a_moment_is_fresh_though_its_last_version_is_the_same(service: Service) -> None:
    envelope = {"code": "pot", "body": "ab", "sources": [{"source": "Reserve", "amount": "100.00"}]}
    service.done("treasurer", "/envelopes", {**envelope, "effectiveOn": "2020-07-01"})
    more = {"source": "Provincie", "amount": "10.00", "effectiveOn": "2020-11-01"}
    service.done("treasurer", "/envelopes/pot/sources", more)
    at = "/envelopes/pot?effectiveOn=2020-11-30"
    service.told("auditor", at)
    first = service.ask("auditor", at)
    assert (first.json["left"], first.json["version"]) == ("110.00", 2)
    # It counts before the one that came last: the same moment has another answer now.
    service.done(
        "treasurer", "/envelopes/pot/sources", {**more, "amount": "1.00", "effectiveOn": "2020-10-01"}
    )
    service.told("auditor", at)
    fresh = service.ask("auditor", at, headers={"If-None-Match": first.headers["ETag"]})
    assert (fresh.status_code, fresh.json["left"], fresh.json["version"]) == (200, "111.00", 3)
    assert fresh.json["position"] == service.head()
    now = service.ask("auditor", "/envelopes/pot")
    assert now.headers["ETag"].startswith('"3.')
    for moment in ("effectiveOn=2020-11-30", f"atPosition={service.head()}", "asOf=2199-01-01"):
        then = service.ask("auditor", f"/envelopes/pot?{moment}")
        assert len(then.headers["ETag"]) == 34, moment
        again = service.ask(
            "auditor", f"/envelopes/pot?{moment}", headers={"If-None-Match": then.headers["ETag"]}
        )
        assert again.status_code == 304, moment


def test_an_envelope_adds_up_whenever_it_is_read(service: Service) -> None:
    """The envelope and what each proposal has of it are two queries: what happens between them may not show."""
    envelope = {"code": "pot", "body": "ab", "sources": [{"source": "Reserve", "amount": "1000000.00"}]}
    service.done("treasurer", "/envelopes", {**envelope, "effectiveOn": "2020-07-01"})
    proposal = service.done("submitter", "/proposals", a_proposal())["id"]
    at = f"/proposals/{proposal}"
    service.done("secretary", f"{at}/completeness", {"outcome": "complete"})
    service.done("taskforce", f"{at}/reviews", {"body": "taskforce", "advice": "positive"})
    service.done("poho", f"{at}/decisions", {"body": "poho", "outcome": "approved"})
    service.done("db", f"{at}/awards", {"envelope": "pot", "amount": "100000.00"})
    service.told("auditor", "/envelopes/pot")

    def read(_: int) -> None:
        for query in ("", "?effectiveOn=2199-01-01"):
            found = service.ask("auditor", f"/envelopes/pot{query}").json
            shares = found["perProposal"].values()
            for measure in ("committed", "heldBack"):
                assert Decimal(found[measure]) == sum(Decimal(share[measure]) for share in shares), found

    with ThreadPoolExecutor(3) as pool:
        reading = [pool.submit(read, turn) for turn in range(60)]
        while not all(each.done() for each in reading):
            service.done("treasurer", f"{at}/return", {"amount": "1.00", "grounds": "Over"})
        for each in reading:
            each.result()


def test_a_case_at_a_moment_has_a_tag_of_its_own(service: Service) -> None:
    at = f"/proposals/{service.done('submitter', '/proposals', a_proposal())['id']}"
    service.told("auditor", at)
    now, then = service.ask("auditor", at), service.ask("auditor", f"{at}?effectiveOn=2020-12-01")
    assert now.json == then.json
    assert now.headers["ETag"].partition(".")[0] == f'"{now.json["version"]}'
    assert then.headers["ETag"] != now.headers["ETag"]


def test_pages_go_forward_and_back_in_a_fixed_order(service: Service) -> None:
    made = [service.done("submitter", "/proposals", a_proposal())["id"] for _ in range(7)]
    newest_first = sorted(made, reverse=True)
    service.told("auditor", "/proposals")
    path, seen, back = "/proposals?limit=3", [], ""
    while path:
        response = service.ask("auditor", path)
        seen += [case["id"] for case in response.json["items"]]
        links = linked(response)
        path, back = links.get("next", ""), links.get("prev", back)
    assert seen == newest_first
    before = service.ask("auditor", back)
    assert [case["id"] for case in before.json["items"]] == newest_first[3:6]
    assert linked(before)["next"]


def linked(response: Any) -> dict[str, str]:
    """The links of an answer by relation, as paths of the API."""
    found = {}
    for link in response.headers.get("Link", "").split(", "):
        if link:
            url, relation = link.split("; rel=")
            found[relation.strip('"')] = url.strip("<>").removeprefix(PREFIX)
    return found


def test_proposals_are_filtered_and_searched(service: Service) -> None:
    one = service.done("submitter", "/proposals", a_proposal(title="Fietsenmaker in de wijk"))
    two = service.done("submitter", "/proposals", a_proposal(themes=["opleiden"], municipalities=["Best"]))
    filters = {
        "theme=opleiden": [two],
        "theme=digitaliseren-mkb": [one],
        "theme=digitaliseren": [one],
        "theme=digitaliseren&effectiveOn=2020-09-01": [one],
        "theme=digitaliseren-onderwijs": [],
        "municipality=GM0753": [two],
        "municipality=best": [two],
        "programme=stimuleringsfonds": [],
        "status=completeness&limit=1": [two],
        "body=secretariat&q=fietsenmakers": [one],
        f"q={one['reference']}": [one],
        "q=Werkplaats&effectiveOn=2020-08-01": [],
    }
    for query, cases in filters.items():
        found = service.told("auditor", f"/proposals?{query}")["items"]
        assert [case["id"] for case in found] == [case["id"] for case in cases], query


def test_a_case_as_it_was_known_and_as_it_was_true(service: Service) -> None:
    first = service.done("submitter", "/proposals", a_proposal())
    at = f"/proposals/{first['id']}"
    known = service.head()
    check = {"outcome": "complete", "effectiveOn": "2020-09-10"}
    service.done("secretary", f"{at}/completeness", check)
    for query in (f"atPosition={known}", f"asOf={first['lastRecordedAt']}", "effectiveOn=2020-09-09"):
        assert service.told("auditor", f"{at}?{query}") == first, query
        (listed,) = service.told("auditor", f"/proposals?{query}")["items"]
        assert listed == first, query
    for query in ("asOf=2020-01-01", "effectiveOn=2020-08-31", "atPosition=0"):
        assert service.ask("auditor", f"{at}?{query}").status_code == 404, query
    assert service.told("auditor", f"{at}?asOf=2199-01-01")["status"] == "review"
