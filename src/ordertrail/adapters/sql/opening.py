"""Opening a trail's database: a file (SQLite) or the address of a server (PostgreSQL).

The driver of a server is imported only where one is named, so that a trail in a directory needs none.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from ordertrail.adapters.sql.database import Database
from ordertrail.adapters.sql.dialects.sqlite import SqliteDatabase
from ordertrail.adapters.sql.migrations import Phase
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.ledger.ports import SealingLock

if TYPE_CHECKING:
    from ordertrail.adapters.sql.dialects.postgresql.connect import Address
    from ordertrail.adapters.sql.dialects.postgresql.members import Members

Location = Path | str
"""A file, or a URL that begins with ``postgresql://``."""


def open_database(location: Location, *, password: str | None = None, lease: float = 10) -> Database:
    """Open a trail's database; ``password`` is one that its URL does not hold.

    ``lease`` is for how many seconds a server lets a process hold what others wait for and say nothing.

    Raises ConfigurationError where there is none, or where its schema is not one that this release can work with.
    """
    database: Database
    if isinstance(location, Path):
        database = SqliteDatabase(location)
    else:
        address = _address(location, password)
        from ordertrail.adapters.sql.dialects.postgresql import database as server  # noqa: PLC0415 - where it is named

        database = server.PostgresqlDatabase(address, lease=lease)
    try:
        database.require_usable()
    except BaseException:
        database.close()
        raise
    return database


def sealing_lock(database: Database, stream: str) -> SealingLock | None:
    """Return the lock that keeps a second sequencer away; None where the database is a file, and so is its lock."""
    return database.sealing_lock(stream)


def sequencers(database: Database, name: str | None) -> "Members":
    """Return where the sequencers of a trail see each other, one of this ``name`` among them where it is said.

    Raises ConfigurationError where the database is a file: one machine's one process seals it.
    """
    from ordertrail.adapters.sql.dialects.postgresql import database as server  # noqa: PLC0415 - as in open_database
    from ordertrail.adapters.sql.dialects.postgresql.members import Members  # noqa: PLC0415 - as above

    if not isinstance(database, server.PostgresqlDatabase):
        raise ConfigurationError(
            "this trail's database is a file, which has one sequencer",
            meaning="Nothing was sealed or moved.",
            remedy="Use 'ordertrail seal', or keep the trail on PostgreSQL: docs/howto/keep-a-trail-on-postgresql.md.",
        )
    return Members(database.address, name, database.lease)


def create_schema(admin: str, *, password: str | None = None) -> None:
    """Create roles, schema and tables in a PostgreSQL database that is there, as an administrator."""
    address = _address(admin, password)
    from ordertrail.adapters.sql.dialects.postgresql import schema  # noqa: PLC0415 - as in open_database

    schema.create_schema(address)


def has_schema(url: str, *, password: str | None = None) -> bool:
    """Say whether a PostgreSQL database has a trail's schema, whatever is in it."""
    address = _address(url, password)
    from ordertrail.adapters.sql.dialects.postgresql import schema  # noqa: PLC0415 - as in open_database

    return schema.has_schema(address)


def migrate(location: Location, phase: Phase, *, password: str | None = None) -> list[str]:
    """Take the steps that bring a trail's schema up to date with this release; return their names.

    ``pre`` before this release replaces the last one, ``post`` once no process of the last one is left. A server's
    ``location`` is an administrator's URL. Raises ConfigurationError where post would come before pre.
    """
    if isinstance(location, Path):
        database = SqliteDatabase(location)
        try:
            return database.migrate(phase)
        finally:
            database.close()
    address = _address(location, password)
    from ordertrail.adapters.sql.dialects.postgresql import schema  # noqa: PLC0415 - as in open_database

    return schema.migrate(address, phase)


def _address(url: str, password: str | None) -> "Address":
    try:
        from ordertrail.adapters.sql.dialects.postgresql.connect import Address  # noqa: PLC0415 - as in open_database
    except ImportError as error:
        raise ConfigurationError(
            f"this trail's database is a PostgreSQL server, and its driver is not installed: {error}",
            meaning="Nothing was recorded or checked; what is in the database is untouched.",
            remedy="Install the driver: pip install 'ordertrail[postgresql]'",
        ) from None
    return Address(url, password)
