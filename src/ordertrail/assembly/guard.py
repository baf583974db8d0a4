"""The guard of an application's database, from its address and a policy's file."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ordertrail.assembly.applications import application_engine
from ordertrail.capture import guard
from ordertrail.capture.policy import Policy
from ordertrail.kernel.errors import Problem, UnavailableError

_R = TypeVar("_R")


def guard_script(url: str, policy: Path, *, password: str | None = None) -> str:
    """Return the SQL that :func:`install_guard` would run."""
    rules = Policy.from_toml(policy)
    return _connected(url, password, lambda connection: guard.guard_sql(connection, rules))


def install_guard(url: str, policy: Path, *, password: str | None = None) -> list[str]:
    """Install the guard of a policy's tables, all or nothing; return their names."""
    rules = Policy.from_toml(policy)

    def install(connection: Connection) -> list[str]:
        tables = guard.install_guard(connection, rules)
        connection.commit()
        return tables

    return _connected(url, password, install)


def check_guard(url: str, policy: Path, *, password: str | None = None) -> list[Problem]:
    """Return what of the guard is missing, disabled or altered."""
    rules = Policy.from_toml(policy)
    return _connected(url, password, lambda connection: guard.check_guard(connection, rules))


def remove_guard(url: str, *, password: str | None = None) -> None:
    """Take the guard away."""

    def remove(connection: Connection) -> None:
        guard.remove_guard(connection)
        connection.commit()

    _connected(url, password, remove)


def _connected(url: str, password: str | None, work: Callable[[Connection], _R]) -> _R:
    """Do work on a connection to an application's database.

    Raises ConfigurationError for an address that is none or a driver that is not installed; UnavailableError where
    the database cannot be reached, or refuses.
    """
    engine = application_engine(url, password, meaning="The guard was neither looked at nor changed.")
    try:
        with engine.connect() as connection:
            return work(connection)
    except (DBAPIError, _driver_error(engine.dialect.loaded_dbapi)) as error:
        raise UnavailableError(
            f"the application's database refused: {getattr(error, 'orig', None) or error}",
            meaning="The guard is as it was: it is changed as a whole, or not at all.",
            remedy="Connect as the role that owns the audited tables, and try again.",
        ) from error
    finally:
        engine.dispose()


def _driver_error(driver: object) -> type[Exception]:
    """Return the root of a driver's errors: scripts are run past SQLAlchemy, which would wrap them."""
    found = getattr(driver, "Error", None)
    return found if isinstance(found, type) and issubclass(found, Exception) else OSError
