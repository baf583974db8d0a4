"""A connection for work at start, of an engine or of an asyncio one, from code that is not async."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine

_R = TypeVar("_R")


def sync_engine(engine: Engine | AsyncEngine) -> Engine:
    """Return the engine whose events are fired: an asyncio engine's own is inside it."""
    return engine.sync_engine if isinstance(engine, AsyncEngine) else engine


def with_connection(engine: Engine | AsyncEngine, work: Callable[[Connection], _R]) -> _R:
    """Do work with a connection of an engine and return its result.

    For an asyncio engine the work is done in a thread with an event loop of its own, whether or not one runs here, on
    a connection that no other loop ever sees.
    """
    if isinstance(engine, Engine):
        with engine.connect() as connection:
            return work(connection)
    done: list[_R] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(asyncio.run(_with_async(engine, work)))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            failed.append(error)

    thread = threading.Thread(target=run, name="ordertrail-capture-start")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


async def _with_async(engine: AsyncEngine, work: Callable[[Connection], _R]) -> _R:
    if engine.dialect.name == "sqlite":
        # A database in memory lives in its one connection, which any loop may use.
        async with engine.connect() as connection:
            return await connection.run_sync(work)
    inner = engine.sync_engine
    twin: Any = AsyncEngine(Engine(inner.pool.recreate(), inner.dialect, inner.url))
    try:
        async with twin.connect() as connection:
            return await connection.run_sync(work)  # type: ignore[no-any-return]
    finally:
        await twin.dispose()
