"""One database of ``DATABASES``: the policy fitted to it, shared by all connections of its alias in this process."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, router
from sqlalchemy.exc import DBAPIError

from ordertrail.capture.django import committing
from ordertrail.capture.django.chaining import ChainingWatch
from ordertrail.capture.django.configuration import Configuration, restricted
from ordertrail.capture.django.cursors import in_transaction
from ordertrail.capture.django.schema import read_django_schema
from ordertrail.capture.outbox.clients import Clients
from ordertrail.capture.outbox.ddl import TABLES, outbox_statements
from ordertrail.capture.plan import make_plans, parse_name
from ordertrail.capture.schema import LiveTable, TableName
from ordertrail.capture.sql.clauses import read_dml
from ordertrail.kernel.errors import ConfigurationError

logger = logging.getLogger("ordertrail.capture")

_REMEMBERED = 2_000


def home_of(table: str) -> str:
    """Return the alias in which a table must be: where Django writes its model, or the default one."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.db_table == parse_name(table).name:  # noqa: SLF001 - Django's documented API
            return str(router.db_for_write(model))
    return DEFAULT_DB_ALIAS


class Database:
    """What is captured in the database of one alias. Safe to use from many threads.

    ``watch`` is None while nothing is captured: because no audited table is there, or because of ``problem``.
    """

    def __init__(self, alias: str, configuration: Configuration) -> None:
        self.alias = alias
        self.configuration = configuration
        self.policy = configuration.policy
        self.clients = Clients(configuration.name)
        self.watch: ChainingWatch | None = None
        self.problem: ConfigurationError | None = None
        self.has_outbox = False
        self.writes_at_once = False
        self.fitted = False
        self.migrating = False
        self._renewed = False
        self._lock = threading.RLock()
        self._mentions: dict[str, bool] = {}

    def renew(self, configuration: Configuration) -> None:
        """Go on under other settings, from the next statement on."""
        with self._lock:
            self.configuration, self.policy = configuration, configuration.policy
            self.fitted, self._renewed = False, True
            self._mentions.clear()
            self.__dict__.pop("names", None)

    @cached_property
    def names(self) -> frozenset[TableName]:
        """The tables that the policy names, as statements may name them."""
        names = [parse_name(name) for name in self.policy.tables]
        return frozenset((*names, *(TableName(name.name) for name in names)))

    def passes(self, sql: str) -> bool:
        """Say whether a statement is known to be nothing of ours."""
        return self.fitted and self.watch is not None and sql in self.watch.passing

    def watch_for(self, connection: Any, sql: str) -> ChainingWatch | None:
        """Return what watches a statement, fitting the policy anew where tables have changed.

        None where nothing is to be watched. Raises ConfigurationError where the statement may change an audited
        table and capture could not start: what cannot be recorded is not done. Only in a migration, whose tables are
        between two shapes, None is returned then too, and ``problem`` is set.
        """
        if self.watch is not None and self.fitted:
            return self.watch
        if not self._renewed and not self.mentions(sql):
            return self.watch
        with self._lock:
            if not self.fitted or (self.problem is not None and self.migrating):
                self.fit(connection)
        if self.problem is not None and not self.migrating:
            self.fitted = False  # somebody may mend it: look again at the next statement
            raise self.problem
        return self.watch

    def mentions(self, sql: str) -> bool:
        """Say whether a statement may change one of the policy's tables."""
        known = self._mentions.get(sql)
        if known is None:
            dml = read_dml(sql)
            known = dml is not None and any(name in self.names for name in dml.tables)
            if len(self._mentions) >= _REMEMBERED:
                self._mentions.clear()
            self._mentions[sql] = known
        return known

    def changed(self, sql: str) -> bool:
        """Say whether a statement that changes tables may change one that is captured."""
        return any(name.name in sql for name in self.names) or any(table in sql for table in TABLES)

    def fit(self, connection: Any) -> None:
        """Fit the policy to the live database, on a connection of it. Sets ``watch``, or ``problem``."""
        with self._lock:
            self.watch, self.problem, self.fitted, self._renewed = None, None, True, False
            try:
                self.watch = self._fitted(connection)
            except ConfigurationError as error:
                self.problem = error
                # Told by whoever looks: checks, servers, and the first statement that is refused. A database whose
                # migrations have not run yet is no reason to say anything.
                logger.info("capture has not started in database %s: %s", self.alias, error)

    def _fitted(self, connection: Any) -> ChainingWatch | None:
        here = [name for name in self.policy.tables if home_of(name) == self.alias]
        if connection.vendor not in {"sqlite", "postgresql"}:
            if here:
                outbox_statements(connection.vendor)  # says what is wrong
            return None
        schemas = [one.schema for one in map(parse_name, self.policy.tables) if one.schema is not None]
        schema = _read(connection, schemas)
        self.has_outbox = all(TableName(table) in schema for table in TABLES)
        self.writes_at_once = connection.vendor == "postgresql" and _is_true(connection, committing.KNOWN)
        present = [name for name in self.policy.tables if parse_name(name) in schema]
        wanted = [name for name in self.policy.tables if name in {*here, *present}]
        if not wanted:
            return None
        problems = [
            one for one in (self._outbox_problem(schema), self._sealer_problem(wanted)) if one is not None
        ]
        try:
            policy = restricted(self.policy, wanted)
            plans = make_plans(policy, schema, dynamic=connection.vendor == "sqlite")
        except ConfigurationError as error:
            problems.append(error)
        if problems:
            raise problems[0] if len(problems) == 1 else _together(problems)
        return ChainingWatch(plans, dynamic=connection.vendor == "sqlite")

    def _outbox_problem(self, schema: dict[TableName, LiveTable]) -> ConfigurationError | None:
        missing = [table for table in TABLES if TableName(table) not in schema]
        if not missing:
            return None
        return ConfigurationError(
            f"the outbox is not there: table {', '.join(missing)} is missing in database {self.alias}",
            meaning="Capture has not started; nothing would have been recorded.",
            remedy=f"Create it: python manage.py migrate ordertrail --database {self.alias}",
        )

    def _sealer_problem(self, wanted: list[str]) -> ConfigurationError | None:
        personal = [name for name in wanted if self.policy.tables[name].personal]
        if not personal or self.configuration.sealer is not None:
            return None
        return ConfigurationError(
            f"tables.{personal[0]}.personal names columns to seal, and capture was given no sealer",
            meaning="Capture has not started: personal values would have been recorded in the open.",
            remedy="Name one in the setting ORDERTRAIL, under sealer.",
        )


def _together(problems: list[ConfigurationError]) -> ConfigurationError:
    return ConfigurationError(
        "; ".join(one.message for one in problems),
        meaning="Capture has not started; nothing would have been recorded.",
        remedy=" ".join(one.remedy for one in problems),
    )


@contextmanager
def _asking(connection: Any) -> Iterator[None]:
    """Leave no transaction open where none was; errors are Django's."""
    inside = in_transaction(connection)
    with connection.wrap_database_errors:
        try:
            yield
        except DBAPIError as error:
            raise error.orig or error from error
        finally:
            if not inside and in_transaction(connection):
                connection.connection.rollback()


def _read(connection: Any, schemas: list[str]) -> dict[TableName, LiveTable]:
    """Read the schema."""
    with _asking(connection):
        return read_django_schema(connection, schemas)


def _is_true(connection: Any, question: str) -> bool:
    """Ask a database one thing."""
    with _asking(connection), connection.connection.cursor() as cursor:
        cursor.execute(question)
        return bool(cursor.fetchone()[0])
