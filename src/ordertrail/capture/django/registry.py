"""The databases of this process that are captured, and when capture begins on a connection."""

import asyncio
import logging
import threading
from typing import Any
from weakref import WeakKeyDictionary

from django.core.signals import setting_changed
from django.db import OperationalError, connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate

from ordertrail.capture.django.configuration import SETTING, configuration
from ordertrail.capture.django.connections import Captured
from ordertrail.capture.django.databases import Database

logger = logging.getLogger("ordertrail.capture")

_databases: dict[str, Database] = {}
_captured: WeakKeyDictionary[Any, Captured] = WeakKeyDictionary()
_lock = threading.RLock()


def begin() -> None:
    """Capture every connection that Django opens from here on, and those that are open."""
    connection_created.connect(_opened, dispatch_uid="ordertrail.opened")
    pre_migrate.connect(_migrating, dispatch_uid="ordertrail.migrating")
    post_migrate.connect(_migrated, dispatch_uid="ordertrail.migrated")
    setting_changed.connect(_renewed, dispatch_uid="ordertrail.renewed")
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            _opened(connection=connection)


def database_of(alias: str) -> Database | None:
    """Return what is captured in an alias; None where nothing is to be. Raises ConfigurationError."""
    said = configuration()
    if said.databases is not None and alias not in said.databases:
        return None
    with _lock:
        if alias not in _databases:
            _databases[alias] = Database(alias, said)
        return _databases[alias]


def problem_in(alias: str) -> Exception | None:
    """Look at a database, connecting to it where it has to be; return why capture cannot start there, if so.

    Raises OperationalError where the database cannot be reached.
    """
    database = database_of(alias)
    if database is None:
        return None
    connection = connections[alias]
    opened = connection.connection is None
    try:
        connection.ensure_connection()
        if not database.fitted:
            database.fit(connection)
    finally:
        if opened:
            connection.close()  # a server may fork now, and its children must not share it
    return database.problem


def ensure_started() -> None:
    """Look at every captured database that nobody has looked at yet. Raises ConfigurationError.

    A database that cannot be reached now is looked at when it is; what cannot be recorded then is refused.
    """
    waiting = [
        alias
        for alias in connections
        if (one := database_of(alias)) is not None and (not one.fitted or one.problem)
    ]
    if not waiting:
        return
    problems: list[Exception] = []
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        _look(waiting, problems)
    else:
        # Django keeps the database away from coroutines, and a server may start inside one.
        thread = threading.Thread(target=_look, args=(waiting, problems), name="ordertrail-capture-start")
        thread.start()
        thread.join()
    if problems:
        raise problems[0]


def _look(aliases: list[str], problems: list[Exception]) -> None:
    for alias in aliases:
        try:
            problem = problem_in(alias)
        except OperationalError:
            logger.warning(
                "database %s cannot be reached; capture looks at it when it can", alias, exc_info=True
            )
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            problems.append(error)
        else:
            if problem is not None:
                problems.append(problem)


def _opened(*, connection: Any, **_: object) -> None:
    """Begin on a connection that Django has opened; what Django itself opens without an alias is none of ours."""
    if connection.alias not in connections:
        return
    captured = _captured.get(connection)
    if captured is None:
        database = database_of(connection.alias)
        if database is None:
            return
        captured = _captured[connection] = Captured(connection, database)
    captured.opened()


def _migrating(*, using: str, **_: object) -> None:
    database = database_of(using)
    if database is not None:
        database.migrating = True


def _migrated(*, using: str, **_: object) -> None:
    database = database_of(using)
    if database is not None:
        database.migrating = False
        database.fitted = False


def _renewed(*, setting: str, **_: object) -> None:
    """Go on under another policy, where a test overrides the settings."""
    if setting == SETTING:
        for database in _databases.values():
            database.renew(configuration())
