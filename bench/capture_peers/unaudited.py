"""The application without any audit: what the others are measured against."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, Table

from bench.capture_peers.ports import SQLAlchemyPeer
from bench.capture_peers.verdict import Change


class Unaudited:
    """Nothing is recorded."""

    def declare(self, models: Sequence[type[Any]], _tables: Sequence[Table]) -> None:
        """Know the tables."""
        self._metadata = models[0].metadata

    def prepare(self, engine: Engine) -> None:
        """Make the tables."""
        self._metadata.create_all(engine)

    def start(self, engine: Engine) -> None:
        """Nothing."""

    def acting(self) -> AbstractContextManager[object]:
        """Nobody acts."""
        return nullcontext()

    def recorded(self, _connection: Connection) -> list[Change]:
        """Nothing."""
        return []

    def count(self, _connection: Connection) -> int:
        """None."""
        return 0

    def relay(self, engine: Engine) -> None:
        """Nothing."""


def peer() -> SQLAlchemyPeer:
    """Return the application as it is."""
    return Unaudited()
