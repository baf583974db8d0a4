"""Completeness: every way of changing rows, on every database and driver, against what the database itself saw."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

import capture.matrix_sql  # noqa: F401 - adds its cases
from capture.conftest import captured
from capture.matrix import CASES, Case, seed
from capture.shop import (
    ACTOR,
    Base,
    changed_rows,
    enforce_references,
    events_of,
    install_oracle,
    recorded_rows,
)
from ordertrail.capture import acting
from ordertrail.capture.outbox import create_outbox
from servers.databases import empty_database
from servers.postgresql import own_server

ASYNC = {"sqlite": "sqlite+aiosqlite", "postgresql+psycopg": "postgresql+asyncpg"}


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.run.__name__)
def test_every_row_that_changed_is_recorded(one: Case, bare_engine: Engine, observer: Engine) -> None:
    """What capture recorded is what the database's own triggers saw: rows, before, after, and who."""
    if one.only not in {None, bare_engine.dialect.name}:
        pytest.skip(f"only {one.only} has this")
    prepare(bare_engine, observer)
    engine = captured(bare_engine)
    with acting(ACTOR, roles=["order.editor"], reason="customer called"):
        match one.takes:
            case "orm":
                with Session(engine) as session, session.begin():
                    one.run(session)
            case "core":
                with engine.begin() as connection:
                    one.run(connection)
            case "engine":
                one.run(engine)
    compare(one, observer)


@pytest.mark.parametrize(
    "one", [one for one in CASES if one.takes != "engine"], ids=lambda one: one.run.__name__
)
def test_every_row_that_changed_is_recorded_async(
    one: Case, database_url: str, bare_engine: Engine, observer: Engine
) -> None:
    """The same over asyncio engines: aiosqlite and asyncpg."""
    if one.only not in {None, bare_engine.dialect.name}:
        pytest.skip(f"only {one.only} has this")
    prepare(bare_engine, observer)
    scheme, _, rest = database_url.partition("://")
    engine = create_async_engine(f"{ASYNC[scheme]}://{rest}")
    enforce_references(engine.sync_engine)
    captured(engine)
    asyncio.run(run_async(one, engine))
    compare(one, observer)


async def run_async(one: Case, engine: AsyncEngine) -> None:
    """Do what a case does on an asyncio engine, and commit."""
    with acting(ACTOR, roles=["order.editor"], reason="customer called"):
        if one.takes == "orm":
            async with AsyncSession(engine) as session, session.begin():
                await session.run_sync(one.run)
        else:
            async with engine.begin() as connection:
                await connection.run_sync(one.run)
    await engine.dispose()


def test_transactions_in_two_phases() -> None:
    """What is prepared and committed is recorded; what is prepared and rolled back is not."""
    one = next(one for one in CASES if one.run.__name__ == "two_phases")
    with own_server("max_prepared_transactions=10") as server, empty_database(server) as name:
        url = server.url(name).replace("postgresql://", "postgresql+psycopg://")
        engine, observer = create_engine(url), create_engine(url, poolclass=NullPool)
        Base.metadata.create_all(engine)
        prepare(engine, observer)
        captured(engine)
        with acting(ACTOR):
            one.run(engine)
        compare(one, observer)
        engine.dispose()


def prepare(engine: Engine, observer: Engine) -> None:
    """Fill the shop, and have the database watch it."""
    with Session(engine) as session, session.begin():
        seed(session)
    with observer.begin() as connection:
        install_oracle(connection)
    create_outbox(engine)


def compare(one: Case, observer: Engine) -> None:
    """Hold what was recorded against what the database saw."""
    with observer.connect() as connection:
        seen = Counter(changed_rows(connection, folded=one.group == "database cascades"))
        events = events_of(connection)
    assert seen or one.run.__name__ in {"core_update_nothing", "rolled_back"}
    recorded = Counter(recorded_rows([event for event in events if event.outcome == "success"]))
    assert recorded == seen
    assert [event.origin.counter for event in events if event.origin] == list(range(len(events)))


def test_case_names_are_unique() -> None:
    """The published matrix names each case once."""
    assert len({(one.group, one.name) for one in CASES}) == len(CASES)
