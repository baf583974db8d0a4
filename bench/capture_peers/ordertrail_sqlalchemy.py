"""OrderTrail's capture, as ``docs/howto/capture-sqlalchemy.md`` says."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Engine, Table, text

from bench import capture as benchmark
from bench.capture_peers.ports import ACTOR, SQLAlchemyPeer
from bench.capture_peers.shop_words import as_changes
from bench.capture_peers.verdict import Change
from capture.shop import POLICY, events_of, recorded_rows
from ordertrail.capture import acting
from ordertrail.capture.outbox import create_outbox
from ordertrail.capture.sqlalchemy import capture


class Captured:
    """Ourselves."""

    def declare(self, models: Sequence[type[Any]], _tables: Sequence[Table]) -> None:
        """Take the policy of the models."""
        self._metadata = models[0].metadata
        self._policy = benchmark.POLICY if self._metadata is benchmark.Base.metadata else POLICY

    def prepare(self, engine: Engine) -> None:
        """Make the tables and the outbox."""
        self._metadata.create_all(engine)
        create_outbox(engine)

    def start(self, engine: Engine) -> None:
        """Capture."""
        capture(engine, self._policy)

    def acting(self) -> AbstractContextManager[object]:
        """Say who acts."""
        return acting(ACTOR, roles=["order.editor"], ip="203.0.113.7", reason="customer called")

    def recorded(self, connection: Connection) -> list[Change]:
        """Return the events that wait in the outbox."""
        return as_changes(
            recorded_rows([event for event in events_of(connection) if event.outcome == "success"])
        )

    def count(self, connection: Connection) -> int:
        """Return how many events wait in the outbox."""
        return len(events_of(connection))

    def relay(self, engine: Engine) -> None:
        """Empty the outbox, as the relay would."""
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM ordertrail_outbox"))


def peer() -> SQLAlchemyPeer:
    """Return ourselves."""
    return Captured()
