"""PostgreSQL-Audit: triggers a statement, and a row of the transaction with the actor, written before a flush.

Set up as its manual says: ``versioning_manager.init(Base)`` before the models, ``__versioned__`` in each,
``audit_table`` for a table without a model, and the actor in ``values``. The row with the actor is written by a
listener to the session's flush; the manual tells no way for what does not flush.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from postgresql_audit import VersioningManager  # type: ignore[import-not-found]
from sqlalchemy import Connection, Engine, MetaData, Table, func, inspect, select
from sqlalchemy.orm import configure_mappers

from bench.capture_peers.ports import ACTOR, SQLAlchemyPeer
from bench.capture_peers.shop_words import words
from bench.capture_peers.verdict import Change, change


class Audited:
    """The library, its actors plain text."""

    def declare(self, models: Sequence[type[Any]], tables: Sequence[Table]) -> None:
        """Have the tables audited."""
        base: Any = models[0].__mro__[1]
        self._manager = VersioningManager()
        self._manager.init(base)
        self._manager.values = {"actor_id": ACTOR}
        for model in models:
            model.__versioned__ = {}
            # What its listener does when a class is made; these were made before.
            self._manager.instrument_versioned_classes(inspect(model), model)
        for table in tables:
            self._manager.audit_table(table)
        configure_mappers()
        self._manager.configure_versioned_classes()
        self._metadata: MetaData = base.metadata

    def prepare(self, engine: Engine) -> None:
        """Make its own tables and functions, then the tables, each of which gets its triggers."""
        own = [self._metadata.tables[name] for name in ("transaction", "activity")]
        self._metadata.create_all(engine, tables=own)
        self._metadata.create_all(engine)

    def start(self, engine: Engine) -> None:
        """Nothing: the database records."""

    def acting(self) -> AbstractContextManager[object]:
        """Nothing: its manager's values always say the same actor here."""
        return nullcontext()

    def recorded(self, connection: Connection) -> list[Change]:
        """Return its activities."""
        activity, transaction = (self._metadata.tables[name] for name in ("activity", "transaction"))
        query = (
            select(activity, transaction.c.actor_id)
            .outerjoin(transaction, transaction.c.id == activity.c.transaction_id)
            .order_by(activity.c.id)
        )
        found = []
        for row in connection.execute(query).mappings():
            told = words(self._metadata, row["table_name"])
            old, new = row["old_data"], {**row["old_data"], **row["changed_data"]}
            before = told(old) if row["verb"] != "insert" else None
            after = told(new) if row["verb"] != "delete" else None
            one = change(row["table_name"], before, after, row["actor_id"])
            if one is not None:
                found.append(one)
        return found

    def count(self, connection: Connection) -> int:
        """Return how many activities there are."""
        return connection.scalar(select(func.count()).select_from(self._metadata.tables["activity"])) or 0

    def relay(self, engine: Engine) -> None:
        """Nothing: activities stay."""


def peer() -> SQLAlchemyPeer:
    """Return the library."""
    return Audited()
