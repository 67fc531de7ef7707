"""Is the embedded broker there after a migration, for the runtime role, on every PostgreSQL and under any address?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from pgmq.base import PGMQConfig
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.events import FundsReleased
from service import embedded
from service.eventstore import Log, Meta
from service.messaging import publisher
from service.messaging.broker import pgmq_options
from service.messaging.pgmq_setup import install_pgmq
from service.migrate import migrate
from service.settings import Settings

from .conftest import Inbox

Publishing = Callable[[Settings], AbstractContextManager[threading.Event]]
Until = Callable[..., None]


def test_it_can_be_installed_again_also_when_there_are_queues(settings: Settings) -> None:
    inbox = Inbox(settings)
    with psycopg.connect(settings.database_owner_url) as owner:
        install_pgmq(owner, "besluitspoor_test")
    assert list(inbox.messages()) == []
    inbox.delete()


def test_an_owner_who_is_no_superuser_can_install_it(settings: Settings, admin_url: str) -> None:
    database = str(conninfo_to_dict(settings.database_url)["dbname"])
    with psycopg.connect(settings.database_owner_url, autocommit=True) as admin:
        admin.execute("DROP SCHEMA pgmq CASCADE")
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'besluitspoor_test_owner'").fetchone():
            admin.execute("CREATE ROLE besluitspoor_test_owner")
        admin.execute(f'GRANT CREATE ON DATABASE "{database}" TO besluitspoor_test_owner'.encode())
    with psycopg.connect(make_conninfo(admin_url, dbname=database)) as owner:
        owner.execute("SET ROLE besluitspoor_test_owner")
        install_pgmq(owner, "besluitspoor_test")
        install_pgmq(owner, "besluitspoor_test")
    inbox = Inbox(settings)
    inbox.delete()


@pytest.mark.parametrize(
    "address",
    [
        "host=127.0.0.1 port=5432 dbname=d user=u password=p",
        "postgresql://u:p%40%2F%20x@db.example.org:5433/d?sslmode=require",
        r"host='/data of O\'Brien/een map/run' port=5432 dbname=d user='u v' password='a://b \\ c\'d'",
        "host=/run/postgresql dbname=d user=u sslmode=disable options='-c search_path=public'",
    ],
)
def test_every_address_survives_its_way_through_the_pgmq_package(address: str) -> None:
    given = {key: str(value) for key, value in conninfo_to_dict(address).items()}
    arrived = conninfo_to_dict(PGMQConfig(conn_string=str(pgmq_options(address)["conn_string"])).dsn)
    assert {key: value for key, value in arrived.items() if value} == given


def test_on_the_embedded_server_in_a_folder_with_a_space(
    data_dir: Path, publishing: Publishing, until: Until
) -> None:
    with embedded.server(data_dir) as server:
        settings = Settings(server.app_url, server.owner_url, b"x" * 32, oin="00000000000000000018")
        migrate(settings)
        inbox = Inbox(settings)
        with Log.open(settings) as log, publishing(settings):
            event = FundsReleased("proposal-1", Decimal("1.00"))
            log.append([("envelope-1", event)], {}, Meta(date(2026, 1, 5), "person-1", None, "command-1"))
            with psycopg.connect(settings.database_url, autocommit=True) as connection:
                until(lambda: publisher.position(connection) == 1)
        assert inbox.positions() == [1]
