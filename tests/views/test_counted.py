"""Is a sum counted once, and again as soon as it may have changed?"""

from __future__ import annotations

import psycopg

from service.counted import MOST, Counted
from service.settings import Settings


def _move(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    connection.execute("UPDATE views.position SET position = position + 1")


def test_a_question_is_counted_once_while_the_views_stand_still(settings: Settings) -> None:
    counted, answers = Counted(), iter(range(9))
    with psycopg.connect(settings.database_url) as connection:
        found = [counted.once(connection, "how many?", lambda: next(answers)) for _ in range(3)]
    assert found == [0, 0, 0]


def test_another_question_has_an_answer_of_its_own(settings: Settings) -> None:
    counted = Counted()
    with psycopg.connect(settings.database_url) as connection:
        assert counted.once(connection, "how many?", lambda: 1) == 1
        assert counted.once(connection, "how much?", lambda: 2) == 2


def test_it_is_counted_again_once_the_views_have_moved(settings: Settings) -> None:
    counted, answers = Counted(), iter(range(9))
    with psycopg.connect(settings.database_owner_url) as connection:
        before = counted.once(connection, "how many?", lambda: next(answers))
        _move(connection)
        after = counted.once(connection, "how many?", lambda: next(answers))
        connection.rollback()
    assert (before, after) == (0, 1)


def test_it_is_counted_again_once_a_rebuild_has_put_new_tables_in_place(settings: Settings) -> None:
    counted, answers = Counted(), iter(range(9))
    with psycopg.connect(settings.database_owner_url) as connection:
        before = counted.once(connection, "how many?", lambda: next(answers))
        connection.execute("CREATE TABLE views.another (key text)")
        after = counted.once(connection, "how many?", lambda: next(answers))
        connection.rollback()
    assert (before, after) == (0, 1)


def test_not_more_is_kept_than_has_a_place(settings: Settings) -> None:
    counted, answers = Counted(), iter(range(2 * MOST))
    with psycopg.connect(settings.database_url) as connection:
        for question in range(MOST + 1):
            counted.once(connection, question, lambda: next(answers))
        assert counted.once(connection, MOST, lambda: next(answers)) == MOST
        assert counted.once(connection, 0, lambda: next(answers)) == MOST + 1
