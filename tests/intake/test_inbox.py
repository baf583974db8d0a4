"""Each inbox keeps the port's promises: in memory, and in tables of SQLite and PostgreSQL."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, create_engine

from intake.shop import durable_engine, prepare
from ordertrail.adapters.intake.database import IntakeDatabase
from ordertrail.adapters.intake.inbox import SqlInbox
from ordertrail.adapters.intake.memory import MemoryInbox
from ordertrail.adapters.orders.store import OrderRows
from ordertrail.testing.conformance.inbox import InboxSuite


class TestMemoryInbox(InboxSuite):
    """MemoryInbox."""

    @pytest.fixture
    def reopen(self) -> Callable[[], MemoryInbox]:
        """Open it once more."""
        inbox = MemoryInbox()
        return lambda: inbox

    @pytest.fixture
    def unreachable(self) -> MemoryInbox:
        """Out of reach."""
        return MemoryInbox(up=False)


class TestSqlInbox(InboxSuite):
    """SqlInbox on SQLite and PostgreSQL."""

    @pytest.fixture
    def reopen(self, shop_url: str) -> Iterator[Callable[[], SqlInbox]]:
        """Open it once more, on connections of its own."""
        engines: list[Engine] = [durable_engine(shop_url)]
        prepare(engines[0])

        def open_one() -> SqlInbox:
            engines.append(durable_engine(shop_url))
            return SqlInbox(IntakeDatabase(engines[-1], OrderRows()))

        yield open_one
        for engine in engines:
            engine.dispose()

    @pytest.fixture
    def unreachable(self) -> SqlInbox:
        """Out of reach."""
        return SqlInbox(IntakeDatabase(create_engine("sqlite:////nowhere/at/all.db"), OrderRows()))
