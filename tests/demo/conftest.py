"""The demo, replayed once into a service that really serves: its own database, a web server, and the folding worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from werkzeug.serving import WSGIRequestHandler, make_server

from service import demo as demonstration
from service import fold, publishing
from service.app import create_app
from service.demo.client import Api
from service.demo.people import PASSWORD
from service.settings import Settings
from tests.demo.served import PATIENCE, Served


@dataclass
class Database:
    """A database of the tests' own that lasts longer than one test."""

    admin_url: str
    name: str

    def run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def demo(admin_url: str, template: Settings) -> Iterator[Served]:
    """The demo, replayed once; what tests of it change, they change in cases of their own."""
    with _service(admin_url, template) as served:
        served.first = served.replay()
        yield served


@pytest.fixture
def another(admin_url: str, template: Settings) -> Iterator[Served]:
    """A service in which nothing was replayed yet."""
    with _service(admin_url, template) as served:
        yield served


@contextmanager
def _service(admin_url: str, template: Settings) -> Iterator[Served]:
    database = Database(admin_url, f"test_demo_{uuid4().hex[:12]}")
    source = str(conninfo_to_dict(template.database_url)["dbname"])
    database.run("CREATE DATABASE {} TEMPLATE {}", database.name, source)
    settings = replace(
        template,
        database_url=make_conninfo(template.database_url, dbname=database.name),
        database_owner_url=make_conninfo(template.database_owner_url, dbname=database.name),
        demo=True,
    )
    try:
        publishing.publish_bundled(settings, lambda sentence: None)
        demonstration.prepare(settings)
        with _folding(settings), _serving(settings) as url:
            yield Served(settings, url)
    finally:
        database.run("DROP DATABASE {} WITH (FORCE)", database.name)


@contextmanager
def _folding(settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    worker = threading.Thread(target=fold.run, args=(settings, stop))
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join(PATIENCE)


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def _serving(settings: Settings) -> Iterator[str]:
    app = create_app(settings)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(PATIENCE)
        app.extensions["besluitspoor"].close()


@pytest.fixture
def client(demo: Served) -> Iterator[Api]:
    """The demo's own way to speak with the service."""
    api = Api(demo.url, PASSWORD)
    yield api
    api.close()
