"""Are lists, queues and words what was asked for, now?"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from domain.errors import Invalid
from domain.recorded import Moment, Recorded
from projections.view import Document
from service import reading
from service.identity.permissions import Reach
from service.identity.scope import Scope, everything
from service.listing import Filters, proposals
from service.paging import Cursor, Page
from service.settings import Settings
from service.words import fill
from tests.views.conftest import Connection

DAY = date(2020, 2, 3)
ALL = everything(DAY)


def of(owner: str) -> Scope:
    """What somebody sees who has cases of their own only."""
    return Scope(DAY.isoformat(), Reach(owners=frozenset({owner})), Reach(owners=frozenset({owner})))


def all_cases(database: Connection) -> list[Document]:
    rows = database.execute("SELECT document FROM views.status ORDER BY key DESC").fetchall()
    return [document for (document,) in rows]


def walk_pages(database: Connection, filters: Filters, limit: int, moment: Moment) -> list[Page[Document]]:
    pages = [proposals(database, ALL, filters, moment, limit=limit)]
    while (following := pages[-1].next) is not None:
        pages.append(proposals(database, ALL, filters, moment, cursor=following, limit=limit))
    return pages


@pytest.mark.parametrize("moment", [Moment(), Moment(400), Moment(None, date(2199, 1, 1))])
def test_pages_forth_and_back(database: Connection, folded: list[Recorded], moment: Moment) -> None:
    pages = walk_pages(database, Filters(), 4, moment)
    shown = [document["id"] for page in pages for document in page.items]
    assert shown == sorted(shown, reverse=True)
    assert len(shown) == len(set(shown)) > 8
    assert pages[0].previous is None
    back = pages[-1]
    for before in reversed(pages[:-1]):
        assert back.previous is not None
        back = proposals(database, ALL, Filters(), moment, cursor=back.previous, limit=4)
        assert back.items == before.items
    assert back.previous is None


def test_each_filter_now(database: Connection, folded: list[Recorded]) -> None:
    cases = all_cases(database)
    some = cases[len(cases) // 2]
    content = some["content"]
    waiting = next(case for case in cases if case["waitingFor"])
    body = waiting["waitingFor"][0]["body"]

    def found(filters: Filters) -> list[Any]:
        return proposals(database, ALL, filters, limit=500).items

    assert found(Filters()) == cases
    for name in ("programme", "status"):
        expected = [case for case in cases if case[name] == some[name]]
        assert found(Filters(**{name: some[name]})) == expected
    theme, municipality = content["themes"][0], content["municipalities"][0]
    assert found(Filters(theme=theme)) == [c for c in cases if theme in c["content"]["themes"]]
    assert found(Filters(municipality=municipality)) == [
        c for c in cases if municipality in c["content"]["municipalities"]
    ]
    owner = some["owner"]["$party"]
    own = proposals(database, of(owner), Filters(), limit=500).items
    assert own == [c for c in cases if c["owner"]["$party"] == owner]
    assert found(Filters(body=body)) == [c for c in cases if body in [w["body"] for w in c["waitingFor"]]]
    assert found(Filters(programme="unknown")) == []


@pytest.mark.parametrize("moment", [Moment(), Moment(10_000)])
def test_search_by_words_reference_and_name(
    settings: Settings, database: Connection, folded: list[Recorded], moment: Moment
) -> None:
    cases = all_cases(database)
    some, other = cases[3], cases[5]
    with psycopg.connect(settings.database_owner_url) as owner:
        owner.execute(
            "UPDATE log.words SET texts = jsonb_set(texts, '{content.title}', %s) WHERE stream = %s AND position ="
            " (SELECT min(position) FROM log.words WHERE stream = %s)",
            ('"De fietsenstallingen van Laarbeek"', some["id"], some["id"]),
        )
        owner.execute(
            "INSERT INTO vault.parties VALUES (%s, 'organisation', '100%% Techniek_huis')",
            (other["content"]["applicant"]["$party"],),
        )

    def found(q: str) -> list[str]:
        return [case["id"] for case in proposals(database, ALL, Filters(q=q), moment, limit=500).items]

    assert found("fietsenstalling") == [some["id"]]  # Dutch words are reduced to their stem
    assert found("fietsenstallingen -laarbeek") == []
    assert found(some["reference"]) == [some["id"]]
    assert some["id"] in found(some["reference"][:4].lower())
    same = [c["id"] for c in cases if c["content"]["applicant"] == other["content"]["applicant"]]
    assert found("100% techniek_h") == same
    assert found("100_ techniek") == []


def test_what_a_text_said_later_is_not_found_before(
    settings: Settings, database: Connection, folded: list[Recorded]
) -> None:
    (position, stream) = database.execute(
        "SELECT position, stream FROM log.words WHERE texts ? 'grounds' ORDER BY position DESC LIMIT 1"
    ).fetchone() or (0, "")
    with psycopg.connect(settings.database_owner_url) as owner:
        owner.execute(
            "UPDATE log.words SET texts = jsonb_set(texts, '{grounds}', '\"sneeuwpop\"') WHERE position = %s",
            (position,),
        )
    on = folded[position - 1].effective_on
    ask = Filters(q="sneeuwpop")
    assert [case["id"] for case in proposals(database, ALL, ask).items] == [stream]
    assert [case["id"] for case in proposals(database, ALL, ask, Moment(position)).items] == [stream]
    assert proposals(database, ALL, ask, Moment(position - 1)).items == []
    assert [case["id"] for case in proposals(database, ALL, ask, Moment(None, on)).items] == [stream]
    assert proposals(database, ALL, ask, Moment(None, on - timedelta(days=1))).items == []


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!", "WyJuIl0", "\u00e9", str(Cursor(("a", "b"))), str(Cursor(("\x00",)))]
)
def test_a_cursor_that_no_page_gave_is_refused(database: Connection, cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor-invalid"):
        proposals(database, ALL, Filters(), cursor=cursor)


def test_the_queue_is_oldest_term_first(database: Connection, folded: list[Recorded]) -> None:
    waiting = [
        (entry["dueOn"], case["reference"], entry)
        for case in all_cases(database)
        for entry in case["waitingFor"]
        if entry["body"] == "db"
    ]
    assert waiting
    items = []
    cursor = None
    while True:
        page = reading.queue(database, "db", ALL, today=DAY, holidays=frozenset(), cursor=cursor, limit=2)
        items += page.items
        cursor = page.next
        if cursor is None:
            break
    assert [item["dueOn"] for item in items] == sorted(due for due, _, _ in waiting)
    assert {(item["dueOn"], item["reference"]) for item in items} == {(due, ref) for due, ref, _ in waiting}
    item = items[0]
    assert item["title"] == {"$words": item["title"]["$words"]}
    assert item["daysWaiting"] == (DAY - date.fromisoformat(item["since"])).days
    assert item["overdue"] is (item["dueOn"] < DAY.isoformat())
    assert (item["workingDaysLeft"] < 0) is item["overdue"]
    if page.previous is not None:
        before = reading.queue(
            database, "db", ALL, today=DAY, holidays=frozenset(), cursor=page.previous, limit=2
        )
        assert before.items == items[-2 - len(page.items) : -len(page.items)]


def test_a_submitter_sees_what_waits_for_them(database: Connection, folded: list[Recorded]) -> None:
    cases = [case for case in all_cases(database) if case["status"] == "supplement"]
    for case in cases:
        owner = case["owner"]["$party"]
        page = reading.queue(database, "applicant", of(owner), today=DAY, holidays=frozenset())
        assert case["reference"] in [item["reference"] for item in page.items]
    page = reading.queue(database, "applicant", of("party-none"), today=DAY, holidays=frozenset())
    assert page.items == []


def test_others_cases_are_not_there(database: Connection, folded: list[Recorded]) -> None:
    case = all_cases(database)[0]
    owner = case["owner"]["$party"]
    for moment in (Moment(), Moment(10_000)):
        assert reading.status(database, case["id"], of(owner), moment) == case
        assert reading.status(database, case["id"], of("party-none"), moment) is None
        assert reading.timeline(database, case["id"], of(owner), moment)
        assert reading.timeline(database, case["id"], of("party-none"), moment) is None
    assert reading.status(database, "proposal-unknown", ALL) is None
    assert reading.status(database, "envelope-herstel-1", ALL, Moment(10_000)) is None
    assert reading.timeline(database, "envelope-herstel-1", ALL) is None


def test_words_and_names_are_filled_in(
    settings: Settings, database: Connection, folded: list[Recorded]
) -> None:
    case = all_cases(database)[0]
    title, applicant = case["content"]["title"]["$words"], case["content"]["applicant"]["$party"]
    with psycopg.connect(settings.database_owner_url) as owner:
        owner.execute("INSERT INTO vault.parties VALUES (%s, 'organisation', 'Brainport')", (applicant,))
        owner.execute(
            "INSERT INTO vault.people (id, email, name, roles, bodies)"
            " VALUES ('person-1', 'a@b.nl', 'Anna', '{}', '{}')"
        )
    (said,) = database.execute(
        "SELECT texts ->> 'content.title' FROM log.words WHERE position = %s", (int(title.partition("/")[0]),)
    ).fetchone() or (None,)
    filled = fill(
        {"case": [case], "by": {"$person": "person-1"}, "gone": {"$person": "person-x"}}, database, ALL
    )
    assert said
    assert filled["case"][0]["content"]["title"] == said
    assert filled["case"][0]["content"]["applicant"] == {
        "id": applicant,
        "name": "Brainport",
        "kind": "organisation",
    }
    assert filled["by"] == {"id": "person-1", "name": "Anna"}
    assert filled["gone"] == {"id": "person-x", "name": None}
    assert fill({"$words": "999999/nothing"}, database, ALL) is None
    assert fill([], database, ALL) == []
    with psycopg.connect(settings.database_owner_url) as owner:
        owner.execute("UPDATE log.words SET texts = texts - 'content.title'")
    assert fill(case, database, ALL)["content"]["title"] is None


def test_programmes_with_their_versions(database: Connection, folded: list[Recorded]) -> None:
    assert [each["code"] for each in reading.programmes(database)] == ["fonds", "herstel"]
    programme = reading.programme(database, "fonds")
    assert programme is not None
    assert programme["latest"] == programme["versions"][0]["definition"]
    assert (programme["latestVersion"], programme["versions"][0]["version"]) == (1, 1)
    assert reading.programme(database, "none") is None


def test_one_case_asked_in_one_go_says_what_all_of_them_say(
    settings: Settings, database: Connection, folded: list[Recorded]
) -> None:
    for case in all_cases(database):
        with psycopg.connect(settings.database_url) as connection:
            found = reading.status_now(connection, case["id"], ALL)
        assert found is not None
        text, owner, version, position = found
        assert msgspec.json.decode(text) == fill(case, database, ALL)
        assert (owner, version, position) == (case["owner"]["$party"], case["version"], case["position"])
    assert reading.status_now(database, "proposal-unknown", ALL) is None
