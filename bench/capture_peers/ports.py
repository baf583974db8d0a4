"""What a library must do here, whichever it is."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Table

from bench.capture_peers.verdict import Change

ACTOR = "clerk-17"
ACTOR_ID = 17


class SQLAlchemyPeer(Protocol):
    """A library that records what an application over SQLAlchemy changes."""

    def declare(self, models: Sequence[type[Any]], tables: Sequence[Table]) -> None:
        """Have it track these models, and tables without a model; before the tables are made."""

    def prepare(self, engine: Engine) -> None:
        """Make the tables of the models' metadata, and whatever else it needs in the database."""

    def start(self, engine: Engine) -> None:
        """Begin recording what this engine does."""

    def acting(self) -> AbstractContextManager[object]:
        """Say that ``ACTOR`` acts."""

    def recorded(self, connection: Connection) -> list[Change]:
        """Return all that it has recorded."""

    def count(self, connection: Connection) -> int:
        """Return how many changes it has recorded."""

    def relay(self, engine: Engine) -> None:
        """Take away what in production does not stay in the application's database."""


class DjangoPeer(Protocol):
    """A library that records what an application over Django changes; Django is set up when it is made."""

    def prepare(self) -> None:
        """Make what it needs in the database, whose tables are there."""

    def settle(self) -> None:
        """Do what its manual says about rows that were there before it."""

    def acting(self) -> AbstractContextManager[object]:
        """Say that ``ACTOR`` acts."""

    def recorded(self) -> list[Change]:
        """Return all that it has recorded."""

    def count(self) -> int:
        """Return how many changes it has recorded."""

    def relay(self) -> None:
        """Take away what in production does not stay in the application's database."""
