"""Is every page of the service measured, or said why not?"""

from __future__ import annotations

from werkzeug.routing import Map

from benchmarks.which_pages import PAGES, forgotten
from service.app import create_app
from service.settings import Settings


def test_no_page_is_forgotten_by_the_benchmark() -> None:
    assert forgotten(routes()) == []


def test_a_page_that_is_left_out_of_the_list_is_missed() -> None:
    fewer = [(who, path) for who, path in PAGES if not path.startswith("/desk")]
    assert forgotten(routes(), fewer) == ["desk.index"]


def test_what_is_said_to_be_left_out_is() -> None:
    assert forgotten(routes(), [*PAGES, ("secretary", "/terms.csv")]) == ["terms.as_file"]


def routes() -> Map:
    """What the service answers to; nothing of it is asked."""
    return create_app(Settings("", "", b"")).url_map
