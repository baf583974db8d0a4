"""SQLAlchemy-Continuum and its fork sqlalchemy-history: a version of a row for each transaction that changed it.

Set up as both manuals say: ``make_versioned()`` before the models, ``__versioned__`` in each, and a plug-in whose
``transaction_args`` gives the acting user to the row of the transaction.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, Integer, String, Table, func, insert, inspect, select
from sqlalchemy.orm import configure_mappers, mapped_column

from bench.capture_peers.ports import ACTOR, ACTOR_ID
from bench.capture_peers.shop_words import words
from bench.capture_peers.verdict import Change, Version, changes_of

_DELETED = 2


class Versioned:
    """Either library; ``library`` is its package, ``plugin`` its class of plug-ins."""

    def __init__(self, library: Any, plugin: type[Any], **options: object) -> None:
        self._library = library
        self._options = options
        self._plugin = type("WithActor", (plugin,), {"transaction_args": lambda *_: {"user_id": ACTOR_ID}})

    def declare(self, models: Sequence[type[Any]], tables: Sequence[Table]) -> None:
        """Have the models versioned; a many-to-many table is versioned with the relationship over it."""
        self._library.make_versioned(user_cls="User", plugins=[self._plugin()], options=dict(self._options))
        manager = self._library.versioning_manager
        base: Any = models[0].__mro__[1]
        self._user = _user_of(base)
        self._users: Table = self._user.__table__
        for model in models:
            model.__versioned__ = {}
            # What its listener does when a class is made; these were made before.
            manager.builder.instrument_versioned_classes(inspect(model), model)
        configure_mappers()
        self._manager, self._base = manager, base
        self._tables = [*(model.__table__ for model in models), *tables]

    def prepare(self, engine: Engine) -> None:
        """Make the tables, those of versions among them, and the user."""
        self._base.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(insert(self._users).values(id=ACTOR_ID, name=ACTOR))

    def start(self, engine: Engine) -> None:
        """Nothing: it listens to every session."""

    def acting(self) -> AbstractContextManager[object]:
        """Nothing: the plug-in always says the same user here."""
        return nullcontext()

    def recorded(self, connection: Connection) -> list[Change]:
        """Return the changes between versions."""
        return changes_of(one for table in self._tables for one in self._versions(connection, table))

    def count(self, connection: Connection) -> int:
        """Return how many versions there are."""
        return sum(
            connection.scalar(select(func.count()).select_from(self._history(table))) or 0
            for table in self._tables
        )

    def relay(self, engine: Engine) -> None:
        """Nothing: versions stay."""

    def _history(self, table: Table) -> Table:
        found: Table = self._base.metadata.tables[self._manager.options["table_name"] % table.name]
        return found

    def _versions(self, connection: Connection, table: Table) -> Iterator[Version]:
        history, transaction = self._history(table), self._base.metadata.tables["transaction"]
        told, keys = words(self._base.metadata, table.name), [column.name for column in table.primary_key]
        query = (
            select(history, self._users.c.name.label("actor_name"))
            .join(transaction, transaction.c.id == history.c.transaction_id)
            .outerjoin(self._users, self._users.c.id == transaction.c.user_id)
            .order_by(history.c.transaction_id)
        )
        for row in connection.execute(query).mappings():
            key, gone = tuple(row[name] for name in keys), row["operation_type"] == _DELETED
            yield Version(table.name, key, told(dict(row)), row["actor_name"], deleted=gone)


def _user_of(base: Any) -> Any:
    """Return a model of users, made in the models' registry, where the libraries look for it.

    Somebody has to hold on to it: the registry does not.
    """
    columns = {"id": mapped_column(Integer, primary_key=True), "name": mapped_column(String(80))}
    return type("User", (base,), {"__tablename__": "users", **columns})
