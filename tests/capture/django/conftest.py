"""The shop in Django, on SQLite and on PostgreSQL: a fresh copy of a migrated database for each test."""

import asyncio
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import django
import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from psycopg import sql

from ordertrail.capture.django import registry
from servers.postgresql import Server

# Models can be imported, by this folder's tests, when Django is set up.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "capture.django.settings")
django.setup()

Database = dict[str, Any]
_numbers = itertools.count()


def use(database: Database | None) -> None:
    """Have Django's default connection be one to this database, looked at for the first time."""
    _forget_connections()
    registry._databases.clear()
    if database is None:
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    settings.DATABASES["default"] = database
    connections.settings = connections.configure_settings({"default": dict(database)})


def _forget_connections() -> None:
    connections.close_all()
    for alias in connections:
        if hasattr(connections._connections, alias):
            del connections[alias]


def migrate() -> None:
    """Make all tables, the outbox by its migration."""
    from capture.django.shop.models import PARCELS

    call_command("migrate", run_syncdb=True, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(PARCELS[connection.vendor])
    connection.close()


@pytest.fixture(scope="session")
def templates(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Callable[[str, Path], Database]]:
    """Make databases, migrated, each a copy of one that was made once."""
    place = tmp_path_factory.mktemp("django")
    made: dict[str, Any] = {}

    def make(vendor: str, folder: Path) -> Database:
        if vendor == "sqlite":
            template = place / "template.db"
            if vendor not in made:
                made[vendor] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(template)}
                use(made[vendor])
                migrate()
            copy = folder / f"shop{next(_numbers)}.db"
            shutil.copy(template, copy)
            # Triggers of rows that REPLACE deletes fire: the oracle sees them.
            options = {"init_command": "PRAGMA recursive_triggers = ON"}
            return {**made[vendor], "NAME": str(copy), "OPTIONS": options}
        server: Server = request.getfixturevalue("postgresql_server")
        if vendor not in made:
            name = f"shop_{os.getpid()}_template"
            made[vendor] = {
                "ENGINE": "django.db.backends.postgresql", "NAME": name, "USER": "postgres", "HOST": str(server.folder),
            }  # fmt: skip
            _administrate(server, "CREATE DATABASE {} TEMPLATE template0", name)
            use(made[vendor])
            migrate()
        name = f"shop_{os.getpid()}_{next(_numbers)}"
        _administrate(server, "CREATE DATABASE {} TEMPLATE {}", name, made[vendor]["NAME"])
        return {**made[vendor], "NAME": name}

    yield make
    use(None)  # the template ends with its server


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(
    request: pytest.FixtureRequest, templates: Callable[[str, Path], Database], tmp_path: Path
) -> Iterator[Database]:
    """A migrated shop, seeded, on each kind of database; the default one of Django. Returns its settings."""
    server: Server | None = (
        request.getfixturevalue("postgresql_server") if request.param == "postgresql" else None
    )
    database = templates(request.param, tmp_path)
    use(database)
    from capture.django.matrix import seed

    seed()
    yield database
    use(None)
    if server is not None:
        _administrate(server, "DROP DATABASE {} WITH (FORCE)", database["NAME"])


def _administrate(server: Server, statement: LiteralString, *names: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def run_async(coroutine: Any) -> Any:
    """Run a coroutine to its end; forget the connections of the thread in which Django did its database work."""

    async def around() -> Any:
        try:
            return await coroutine
        finally:
            await sync_to_async(_forget_connections)()

    return asyncio.run(around())


@pytest.fixture
def django_assert_queries() -> Any:
    """Assert how many queries of the application's own a block makes."""

    @contextmanager
    def counting(expected: int) -> Iterator[None]:
        with CaptureQueriesContext(connection) as asked:
            yield
        assert len(asked) == expected, asked.captured_queries

    return counting
