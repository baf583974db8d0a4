"""Starting capture: everything that could go wrong later is looked at now."""

from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, event, inspect
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session

from ordertrail.capture.outbox.clients import Clients
from ordertrail.capture.outbox.connecting import sync_engine, with_connection
from ordertrail.capture.outbox.ddl import TABLES, outbox_statements
from ordertrail.capture.plan import Plans, make_plans, parse_name
from ordertrail.capture.policy import Policy
from ordertrail.capture.sql.watching import Watch
from ordertrail.capture.sqlalchemy.hooks import Hooks
from ordertrail.capture.sqlalchemy.reflection import read_schema
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.record.sealing import Sealer

_captured: WeakKeyDictionary[Dialect, Hooks] = WeakKeyDictionary()

_OLDEST_SQLITE = (3, 35)


def capture(
    engine: Engine | AsyncEngine, policy: Policy, *, sealer: Sealer | None = None, name: str = "app"
) -> None:
    """Record, from here on, what is done to the policy's tables over this engine, in the same transactions.

    Covers ORM sessions, connections and driver-level SQL of the engine. ``sealer`` seals columns that the policy
    calls personal; ``name`` begins the ids of this program's capture clients. Called again for the same engine, it
    takes the new policy in place of the old one.

    Raises ConfigurationError where the policy does not fit the live database, the outbox is missing, a table has no
    primary key, a column's type cannot be recorded, or personal columns have no sealer; each with its exact name and
    the remedy.
    """
    outbox_statements(engine.dialect.name)  # a dialect that is not known is told first
    if sealer is None and (personal := [name for name, rule in policy.tables.items() if rule.personal]):
        raise ConfigurationError(
            f"tables.{personal[0]}.personal names columns to seal, and capture was given no sealer",
            meaning="Capture has not started: personal values would have been recorded in the open.",
            remedy="Hand one in: capture(engine, policy, sealer=…); docs/reference/capture.md says how to make it.",
        )
    plans = with_connection(engine, lambda connection: _look(connection, policy))
    inner = sync_engine(engine)
    known = _captured.get(inner.dialect)
    watch = Watch(plans, dynamic=inner.dialect.name == "sqlite")
    if known is not None:
        known.renew(watch, policy, sealer)
        return
    hooks = Hooks(watch, Clients(name), policy, sealer, inner.dialect)
    hooks.listen(inner)
    _captured[inner.dialect] = hooks
    if not event.contains(Session, "before_flush", _before_flush):
        event.listen(Session, "before_flush", _before_flush)


def hooks_of(dialect: Dialect) -> Hooks | None:
    """Return what listens to the engine of a dialect, None where capture has not started on it."""
    return _captured.get(dialect)


def _look(connection: Connection, policy: Policy) -> Plans:
    """Fit the policy to the live database. Raises ConfigurationError."""
    dialect = connection.dialect
    driver: Any = dialect.dbapi
    version = driver.sqlite_version_info if dialect.name == "sqlite" else _OLDEST_SQLITE
    if version < _OLDEST_SQLITE:
        raise ConfigurationError(
            f"SQLite {'.'.join(map(str, version))} has no RETURNING, which capture needs",
            remedy="Use SQLite 3.35 or newer.",
        )
    present = set(inspect(connection).get_table_names())
    missing = [table for table in TABLES if table not in present]
    if missing:
        raise ConfigurationError(
            f"the outbox is not there: table {', '.join(missing)} is missing in the database",
            meaning="Capture has not started; nothing would have been recorded.",
            remedy="Create it with ordertrail.capture.outbox.create_outbox(engine), or by a migration (outbox_sql).",
        )
    named = [parse_name(name).schema for name in policy.tables]
    schema = read_schema(connection, [one for one in named if one is not None])
    return make_plans(policy, schema, dynamic=dialect.name == "sqlite")


def _before_flush(session: Session, _flush_context: object, _instances: object) -> None:
    """Read what a flush is about to change in one query a table, and not in one a statement."""
    if _captured and len(session.dirty) + len(session.deleted) > 1:
        from ordertrail.capture.sqlalchemy.flushes import prefetch

        prefetch(session, _captured)
