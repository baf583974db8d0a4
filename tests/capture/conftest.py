"""Databases of the shop: SQLite and PostgreSQL, empty, with an outbox, captured."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import NullPool

from capture.shop import POLICY, Base, enforce_references
from ordertrail.capture import Policy
from ordertrail.capture.outbox import create_outbox
from ordertrail.capture.sqlalchemy import capture
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]

AnyEngine = TypeVar("AnyEngine", Engine, AsyncEngine)
OpenEngine = Callable[..., Engine]
_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shop.db'}"
        return
    server: Server = request.getfixturevalue("postgresql_server")
    with empty_database(server) as name:
        yield server.url(name).replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def open_engine(database_url: str) -> Iterator[OpenEngine]:
    """Open engines on the database; they are closed when the test ends."""
    engines = []

    def open_one(**options: object) -> Engine:
        engine = create_engine(database_url, **options)
        enforce_references(engine)
        engines.append(engine)
        return engine

    yield open_one
    for engine in engines:
        engine.dispose()


@pytest.fixture
def bare_engine(open_engine: OpenEngine) -> Engine:
    """The shop's tables, without an outbox and without capture."""
    engine = open_engine()
    Base.metadata.create_all(engine)
    return engine


@pytest.fixture
def engine(bare_engine: Engine) -> Engine:
    """The shop, captured under its policy."""
    return captured(bare_engine)


@pytest.fixture
def observer(open_engine: OpenEngine, bare_engine: Engine) -> Engine:
    """Another way to the same database, which nothing captures."""
    assert bare_engine is not None
    return open_engine(poolclass=NullPool)


def captured(engine: AnyEngine, policy: Policy = POLICY) -> AnyEngine:
    """Begin capture on an engine."""
    create_outbox(engine)
    capture(engine, policy)
    return engine
