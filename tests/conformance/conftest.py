"""Stores for the suites: opened as often as a test likes, closed when it ends."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ordertrail.adapters.sql.dialects.sqlite import SqliteDatabase, create_database
from ordertrail.adapters.sql.streams import add_stream
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.testing.conformance.samples import OTHER_STREAM, RECORDED, STREAM


@pytest.fixture
def database_path(tmp_path: Path) -> Path:
    """A trail's database with both sample streams."""
    path = tmp_path / "ordertrail.db"
    create_database(path)
    database = SqliteDatabase(path)
    for name in (STREAM, OTHER_STREAM):
        add_stream(database, LogIdentity(name, f"orders.example.com/{name}", 2_557, RECORDED))
    database.close()
    return path


@pytest.fixture
def open_database(database_path: Path) -> Iterator[Callable[[], SqliteDatabase]]:
    """Open that database once more."""
    opened = []

    def open_once_more() -> SqliteDatabase:
        opened.append(SqliteDatabase(database_path))
        return opened[-1]

    yield open_once_more
    for database in opened:
        database.close()
