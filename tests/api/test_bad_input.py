"""What is wrong with a request is a 400 that points at it, and nothing is written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from domain.programme import Programme
from service.api.fields import Text
from tests.api.conftest import PREFIX, Service, a_proposal


@pytest.fixture(scope="module")
def service(lasting: Service) -> Service:
    """One for all of these: none of them writes anything."""
    return lasting


@pytest.fixture
def nothing_written(service: Service) -> Iterator[None]:
    """The log is as long after the test as it was before."""
    before = service.head()
    yield
    assert service.head() == before


def party(name: str = "X", kind: str = "foundation") -> dict[str, str]:
    return {"name": name, "kind": kind}


def period(start: str, end: str) -> dict[str, str]:
    return {"start": start, "end": end}


SUBMISSIONS: list[tuple[str, dict[str, Any], str, str]] = [
    # what is wrong, what is sent instead, where the answer points, its code
    ("a field nobody knows", {"colour": "red"}, "/colour", "unknown-field"),
    ("a title that is a number", {"title": 3}, "/title", "not-a-text"),
    ("a title that is nothing", {"title": None}, "/title", "null"),
    ("a title of spaces", {"title": "  \n "}, "/title", "text-empty"),
    ("a title too long", {"title": "x" * 201}, "/title", "text-too-long"),
    ("a summary too long", {"summary": "x" * 5001}, "/summary", "text-too-long"),
    ("an effect too long", {"effect": "x" * 10001}, "/effect", "text-too-long"),
    ("NUL in the title", {"title": "a\x00b"}, "/title", "control-character"),
    ("a bell in a goal", {"goals": ["good", "ba\x07d"]}, "/goals/1", "control-character"),
    ("half a surrogate pair", {"summary": "a\ud800b"}, "/summary", "control-character"),
    ("a title that turns the direction", {"title": "a\u202eb"}, "/title", "format-character"),
    ("a title with a space of no width", {"title": "a\u200bb"}, "/title", "format-character"),
    ("a byte order mark in a goal", {"goals": ["good", "\ufeffgood"]}, "/goals/1", "format-character"),
    ("an applicant of tags", {"applicant": party("X\U000e0041")}, "/applicant/name", "format-character"),
    ("a title of joiners", {"title": "\u200d \u200c\u00ad"}, "/title", "text-empty"),
    ("an unknown programme", {"programme": "none"}, "/programme", "unknown-programme"),
    ("a programme that is no code", {"programme": "No Code"}, "/programme", "code-invalid"),
    ("no themes", {"themes": []}, "/themes", "too-few"),
    ("themes that are no list", {"themes": "opleiden"}, "/themes", "not-a-list"),
    ("an unknown theme", {"themes": ["digitaliseren-mkb", "none"]}, "/themes/1", "unknown-theme"),
    ("an unknown municipality", {"municipalities": ["Atlantis"]}, "/municipalities/0", "unknown-municipality"),
    (
        "an unknown subregion",
        {"subregionSupport": [{"subregion": "Atlantis", "evidence": "x"}]},
        "/subregionSupport/0/subregion",
        "unknown-subregion",
    ),
    ("an applicant that is a text", {"applicant": "X"}, "/applicant", "not-an-object"),
    ("an applicant without a kind", {"applicant": {"name": "X"}}, "/applicant/kind", "required"),
    ("an unknown field of the applicant", {"applicant": {**party(), "age": 3}}, "/applicant/age", "unknown-field"),
    ("a partner that is a number", {"partners": ["A", 3]}, "/partners/1", "not-an-object"),
    ("a partner without a name", {"partners": [{"kind": "company"}]}, "/partners/0/name", "required"),
    ("money as a float", {"requested": 25000.5}, "/requested", "money-as-float"),
    ("money with an exponent", {"requested": "1e6"}, "/requested", "money-invalid"),
    ("money with a comma", {"requested": "25000,00"}, "/requested", "money-invalid"),
    ("over-precise money", {"requested": "25000.001"}, "/requested", "money-invalid"),
    ("negative money", {"requested": "-25000.00"}, "/requested", "money-not-positive"),
    ("negative whole money", {"requested": -1}, "/requested", "money-not-positive"),
    ("no money", {"requested": "0.00"}, "/requested", "money-not-positive"),
    ("too much money", {"requested": "1000000000000.00"}, "/requested", "money-too-large"),
    ("far too much money", {"requested": 10**30}, "/requested", "money-too-large"),
    ("money that is true", {"requested": True}, "/requested", "money-invalid"),
    ("digits of another script", {"requested": "٣٠٠"}, "/requested", "money-invalid"),
    (
        "negative co-financing",
        {"cofinancing": [{"source": "A", "amount": "-1.00", "status": "own"}]},
        "/cofinancing/0/amount",
        "money-not-positive",
    ),
    (
        "an unknown status of co-financing",
        {"cofinancing": [{"source": "A", "amount": "1.00", "status": "hoped"}]},
        "/cofinancing/0/status",
        "unknown-choice",
    ),
    ("too little co-financing", {"cofinancing": []}, "/cofinancing", "requirement-not-met"),
    ("an end before the start", {"period": period("2022-01-01", "2021-01-01")}, "/period/end", "end-before-start"),
    ("a day that does not exist", {"period": period("2021-02-30", "2022-01-01")}, "/period/start", "date-invalid"),
    ("a date with a time", {"effectiveOn": "2020-09-01T00:00:00Z"}, "/effectiveOn", "date-invalid"),
    ("a date in another order", {"effectiveOn": "01-09-2020"}, "/effectiveOn", "date-invalid"),
    ("a date before everything", {"effectiveOn": "0001-01-01"}, "/effectiveOn", "date-out-of-range"),
    ("a date in the future", {"effectiveOn": "2199-12-31"}, "/effectiveOn", "date-in-future"),
    ("too many goals", {"goals": ["goal"] * 51}, "/goals", "too-many"),
]  # fmt: skip


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(
    ("changes", "at", "code"), [case[1:] for case in SUBMISSIONS], ids=[case[0] for case in SUBMISSIONS]
)
def test_a_submission(service: Service, changes: dict[str, Any], at: str, code: str) -> None:
    response = service.act("submitter", "/proposals", a_proposal(**changes))
    assert_points_at(response, at, code)


def assert_points_at(response: Any, at: str, code: str, place: str = "pointer") -> None:
    body = response.get_json(force=True)
    assert response.status_code == 400, body
    assert response.mimetype == "application/problem+json"
    assert (body["status"], bool(body["title"]), bool(body["detail"])) == (400, True, True)
    assert (at, code) in {(fault.get(place), fault["code"]) for fault in body["errors"]}, body
    assert all(fault["detail"] for fault in body["errors"])


def test_joiners_within_a_text_are_kept() -> None:
    for text in (
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f469\u200d\U0001f4bb",
        "digi\u00adtaal",
    ):
        assert Text(20).deserialize(text) == text
    assert Text(20, least=0).deserialize("\u200d \u00ad") == ""


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(
    ("body", "places"),
    [
        ('{"title": "a", "title": "b"}', ["/title"]),
        ('{"period": {"start": "2020-01-01", "start": "2020-01-02"}}', ["/period/start"]),
        ('{"goals": [1, {"a~/b": 1, "a~/b": 1, "a~/b": 2}]}', ["/goals/1/a~0~1b"]),
        ('{"x": {"y": 1, "y": 2}, "x": 1, "z": [[{"q": 1, "q": 1}]]}', ["/x", "/z/0/0/q"]),
    ],
)
def test_a_field_given_twice(service: Service, body: str, places: list[str]) -> None:
    response = raw(service, "/proposals", body.encode())
    assert (response.status_code, response.json["code"]) == (400, "invalid-input")
    assert {fault["code"] for fault in response.json["errors"]} == {"repeated-field"}
    assert sorted(fault["pointer"] for fault in response.json["errors"]) == places


@pytest.mark.usefixtures("nothing_written")
def test_an_act_takes_no_query_parameters(service: Service) -> None:
    response = service.act("submitter", "/proposals?dryRun=true", a_proposal())
    assert_points_at(response, "dryRun", "unknown-parameter", "parameter")
    response = service.act(None, "/tokens?as=admin", {"email": "a@example.org", "password": "x"})
    assert_points_at(response, "as", "unknown-parameter", "parameter")


@pytest.mark.usefixtures("nothing_written")
def test_everything_that_is_wrong_is_said_at_once(service: Service) -> None:
    body = service.act("submitter", "/proposals", {"title": 3, "requested": "-1", "colour": "red"}).json
    pointers = [fault["pointer"] for fault in body["errors"]]
    assert {"/title", "/requested", "/colour", "/summary", "/themes", "/programme", "/period"} <= set(
        pointers
    )


@pytest.mark.usefixtures("nothing_written")
def test_what_is_missing_is_named(service: Service) -> None:
    required = ("programme", "title", "summary", "themes", "applicant", "requested", "period")
    for name in required:
        given = a_proposal()
        del given[name]
        assert_points_at(service.act("submitter", "/proposals", given), f"/{name}", "required")


@pytest.mark.usefixtures("nothing_written")
def test_a_closed_tender(service: Service, programmes: list[Programme]) -> None:
    programme = next(each for each in programmes if each.code == "stimuleringsfonds")
    given = a_proposal(programme=programme.code, themes=[programme.themes[0].code], effectiveOn="2019-01-01")
    response = service.act("secretary", "/proposals", given)
    assert_points_at(response, "/programme", "tender-closed")
    assert response.json["opens"] == min(tender.opens for tender in programme.tenders).isoformat()


BODIES = [
    ("no JSON", b"title=3", "malformed-json"),
    ("half of it", b'{"title": ', "malformed-json"),
    ("nothing", b"", "malformed-json"),
    ("NaN", b'{"requested": NaN}', "malformed-json"),
    ("no UTF-8", b'{"title": "\xff\xfe"}', "not-utf8"),
    ("a very long number", b'{"requested": ' + b"9" * 5_000 + b"}", "malformed-json"),
    ("very deep", b"[" * 100_000, "malformed-json"),
    ("a list", b"[]", "not-an-object"),
    ("a text", b'"title"', "not-an-object"),
    ("null", b"null", "not-an-object"),
]


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(("data", "code"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
def test_a_body_as_a_whole(service: Service, data: bytes, code: str) -> None:
    response = raw(service, "/proposals", data)
    assert_points_at(response, "", code)


def raw(
    service: Service, path: str, data: Any, content_type: str = "application/json", **options: Any
) -> Any:
    headers = {"Authorization": f"Bearer {service.tokens['submitter']}", **options.pop("headers", {})}
    return service.client().post(
        PREFIX + path, data=data, content_type=content_type, headers=headers, **options
    )


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"]
)
def test_another_content_type_is_415(service: Service, content_type: str) -> None:
    response = raw(service, "/proposals", b"{}", content_type=content_type)
    assert (response.status_code, response.json["code"]) == (415, "unsupported-media-type")
    assert response.headers["Accept"] == "application/json"


@pytest.mark.usefixtures("nothing_written")
def test_a_body_over_a_megabyte_is_413(service: Service) -> None:
    body = b'{"title": "' + b"x" * 1_000_000 + b'"}'
    response = raw(service, "/proposals", body)
    assert (response.status_code, response.json["code"]) == (413, "body-too-large")
    assert response.mimetype == "application/problem+json"


@pytest.mark.usefixtures("nothing_written")
def test_a_body_over_a_megabyte_that_comes_in_pieces_is_413(service: Service) -> None:
    environ = {
        "wsgi.input": io.BytesIO(b'{"title": "' + b"x" * 1_000_000 + b'"}'),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    response = raw(service, "/proposals", None, environ_overrides=environ)
    assert (response.status_code, response.json["code"]) == (413, "body-too-large")


@pytest.mark.usefixtures("nothing_written")
def test_a_body_that_the_server_cannot_read_is_a_bad_request(service: Service) -> None:
    class Broken(io.BytesIO):
        def readinto(self, buffer: Any) -> int:
            raise RuntimeError("not a chunk")

    environ = {"wsgi.input": Broken(), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    response = raw(service, "/proposals", None, environ_overrides=environ)
    assert (response.status_code, response.json["code"]) == (400, "bad-request")


HEADERS = [
    ("Idempotency-Key", "", "idempotency-key-invalid"),
    ("Idempotency-Key", "x" * 256, "idempotency-key-invalid"),
    ("Idempotency-Key", "with space", "idempotency-key-invalid"),
    ("Idempotency-Key", "ëë", "idempotency-key-invalid"),
]


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(("name", "value", "code"), HEADERS)
def test_a_header_of_an_act(service: Service, name: str, value: str, code: str) -> None:
    response = service.act("submitter", "/proposals", a_proposal(), headers={name: value})
    assert_points_at(response, name, code, "header")


@pytest.mark.parametrize("value", ["3", "x", '"x', '"1" "2"', '"1",', '*, "1"', 'w/"3"', ""])
def test_if_match_names_versions(service: Service, value: str) -> None:
    path = "/proposals/proposal-00000000-0000-7000-8000-000000000000/withdrawal"
    response = service.act("secretary", path, {}, headers={"If-Match": value})
    assert_points_at(response, "If-Match", "if-match-invalid", "header")


@pytest.mark.parametrize("value", ["-1", "x", "1.5", "9" * 19])
def test_event_position_is_a_position(service: Service, value: str) -> None:
    response = service.ask("auditor", "/proposals", headers={"Event-Position": value})
    assert_points_at(response, "Event-Position", "event-position-invalid", "header")


def test_event_position_beyond_the_log_is_refused_at_once(service: Service) -> None:
    response = service.ask("auditor", "/proposals", headers={"Event-Position": str(service.head() + 1)})
    assert_points_at(response, "Event-Position", "position-unknown", "header")


QUERIES = [
    ("/proposals?colour=red", "colour", "unknown-parameter"),
    ("/proposals?limit=0", "limit", "number-out-of-range"),
    ("/proposals?limit=101", "limit", "number-out-of-range"),
    ("/proposals?limit=x", "limit", "not-a-number"),
    ("/proposals?limit=٣", "limit", "not-a-number"),
    ("/proposals?limit=1&limit=2", "limit", "repeated-parameter"),
    ("/proposals?cursor=made-up", "cursor", "cursor-invalid"),
    ("/proposals?cursor=%F0%9F%98%80", "cursor", "cursor-invalid"),
    ("/proposals?status=lost", "status", "unknown-choice"),
    ("/proposals?q=%00", "q", "control-character"),
    ("/proposals?theme=No+Code", "theme", "code-invalid"),
    ("/proposals?asOf=yesterday", "asOf", "moment-invalid"),
    ("/proposals?asOf=2021-02-08T12:00:00", "asOf", "moment-invalid"),
    ("/proposals?asOf=2021-13-08T12:00:00Z", "asOf", "moment-invalid"),
    ("/proposals?asOf=2021-02-30", "asOf", "date-invalid"),
    ("/proposals?asOf=9999-12-31", "asOf", "date-out-of-range"),
    ("/proposals?asOf=2021-02-08&atPosition=1", "atPosition", "moments-excluded"),
    ("/proposals?atPosition=-1", "atPosition", "not-a-number"),
    ("/proposals?atPosition=999999", "atPosition", "position-unknown"),
    ("/proposals?effectiveOn=2021", "effectiveOn", "date-invalid"),
    ("/envelopes?effectiveOn=2021", "effectiveOn", "date-invalid"),
    ("/portfolio?asOf=x", "asOf", "moment-invalid"),
    ("/events?after=-1", "after", "not-a-number"),
    ("/events?limit=1001", "limit", "number-out-of-range"),
    ("/bodies/secretariat/queue?cursor=x", "cursor", "cursor-invalid"),
    ("/deliveries?required=nonsense", "required", "unknown-choice"),
    ("/deliveries?required=True", "required", "unknown-choice"),
    ("/deliveries?required=", "required", "unknown-choice"),
    ("/deliveries?required=true&required=false", "required", "repeated-parameter"),
]


@pytest.mark.parametrize(("path", "at", "code"), QUERIES)
def test_a_query(service: Service, path: str, at: str, code: str) -> None:
    who = "secretary" if path.startswith(("/bodies", "/deliveries")) else "auditor"
    assert_points_at(service.ask(who, path), at, code, "parameter")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Choose one of: true, false"), ("nl", "Kies een van: true, false")]
)
def test_what_is_wrong_with_a_query_is_said_in_both_languages(
    service: Service, language: str, words: str
) -> None:
    response = service.ask(
        "secretary", "/deliveries?required=nonsense", headers={"Accept-Language": language}
    )
    assert words in response.json["errors"][0]["detail"]


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(
    ("changes", "at", "code"),
    [
        ({"body": "none"}, "/body", "unknown-body"),
        ({"programme": "none"}, "/programme", "unknown-programme"),
        ({"sources": []}, "/sources", "too-few"),
        ({"sources": [{"source": "A", "amount": "-5"}]}, "/sources/0/amount", "money-not-positive"),
        ({"code": "Höhe"}, "/code", "code-invalid"),
        ({"effectiveOn": "2199-01-01"}, "/effectiveOn", "date-in-future"),
    ],
)
def test_an_envelope(service: Service, changes: dict[str, Any], at: str, code: str) -> None:
    given = {"code": "new", "body": "ab", "sources": [{"source": "Reserve", "amount": "10.00"}], **changes}
    assert_points_at(service.act("treasurer", "/envelopes", given), at, code)
