"""The database of a trail: a file in its directory, or the PostgreSQL server that its settings name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ordertrail.adapters.files.durable import translated
from ordertrail.adapters.files.lock import FileLock
from ordertrail.adapters.sql.database import Database
from ordertrail.adapters.sql.dialects.sqlite import create_database, finish_database
from ordertrail.adapters.sql.migrations import Phase
from ordertrail.adapters.sql.opening import create_schema, has_schema, migrate, open_database, sealing_lock
from ordertrail.adapters.sql.streams import list_streams
from ordertrail.kernel.clock import Clock
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.ledger.ports import SealingLock
from ordertrail.settings import DatabaseSettings, secret

DATABASE = "ordertrail.db"


class TrailDatabase:
    """Opens, creates and replaces the database of the trail in ``root``."""

    def __init__(self, root: Path, settings: DatabaseSettings, clock: Clock) -> None:
        self._root = root
        self._settings = settings
        self._clock = clock

    def open(self) -> Database:
        """Open the database."""
        settings = self._settings
        if settings.url is None:
            return open_database(self._root / DATABASE)
        return open_database(settings.url, password=self._own_password(), lease=settings.lease_seconds)

    def open_as_administrator(self) -> Database:
        """Open the database as one who may destroy: on a server, the administrator that the settings name.

        Raises ConfigurationError where a server has none.
        """
        settings = self._settings
        if settings.url is None:
            return self.open()
        if settings.admin_url is None:
            raise ConfigurationError(
                "entries are destroyed by the database's administrator, and [database] names none",
                meaning="Nothing was destroyed: the sealing role can delete nothing, and that is as it should be.",
                remedy="Name one in admin_url of [database], for as long as it takes.",
            )
        return open_database(
            settings.admin_url, password=self._admin_password(), lease=settings.lease_seconds
        )

    def exists(self) -> bool:
        """Say whether there is one that holds a log."""
        if self._settings.url is None:
            return (self._root / DATABASE).exists()
        if not has_schema(self._settings.url, password=self._own_password()):
            return False
        database = self.open()
        try:
            return bool(list_streams(database))
        finally:
            database.close()

    @contextmanager
    def new(self, meanwhile: str) -> Iterator[Database]:
        """Create the database, to be filled; it is the trail's when this ends well, and until then nobody's.

        ``meanwhile`` is the name of its file until then; one that a crash left is begun anew, and one that is in
        use is put aside. On a server the database must be there, and hold no log.
        """
        if self._settings.url is not None:
            with self._new_on_server() as database:
                yield database
            return
        path = self._root / meanwhile
        with translated(path, "creating"):
            for left in (path, *self._root.glob(f"{meanwhile}-*")):
                left.unlink(missing_ok=True)
            create_database(path)
        database = open_database(path)
        try:
            yield database
        finally:
            database.close()
        with translated(path, "creating"):
            self._put_aside()
            finish_database(path, self._root / DATABASE)

    def migrate(self, phase: Phase) -> list[str]:
        """Take the steps of a phase that the schema lacks; return their names."""
        settings = self._settings
        if settings.url is None:
            return migrate(self._root / DATABASE, phase)
        if settings.admin_url is None:
            return migrate(settings.url, phase, password=self._own_password())
        return migrate(settings.admin_url, phase, password=self._admin_password())

    def lock(self, database: Database, stream: str) -> SealingLock:
        """Return what keeps a second sequencer of this log away."""
        return sealing_lock(database, stream) or FileLock(self._root / f"sealing-{stream}.lock")

    @contextmanager
    def _new_on_server(self) -> Iterator[Database]:
        settings = self._settings
        if settings.admin_url is not None:
            password = self._admin_password()
            if not has_schema(settings.admin_url, password=password):
                create_schema(settings.admin_url, password=password)
        database = self.open()
        try:
            if list_streams(database):
                raise ConfigurationError(
                    f"the database {database.name} holds a trail already",
                    meaning="Nothing was created in it or changed.",
                    remedy="Name another database with url of [database], or open the trail that is there.",
                )
            yield database
        finally:
            database.close()

    def _own_password(self) -> str | None:
        return self._password("DATABASE_PASSWORD", self._settings.password_file, "database.password_file")

    def _admin_password(self) -> str | None:
        file = self._settings.admin_password_file
        return self._password("DATABASE_ADMIN_PASSWORD", file, "database.admin_password_file")

    def _password(self, name: str, file: str | None, setting: str) -> str | None:
        found = secret(name, None if file is None else str(self._root / file), setting)
        return None if found is None else found.decode()

    def _put_aside(self) -> None:
        """Give a database that is there another name, with the files that SQLite keeps beside it."""
        aside = f"replaced-{self._clock():%Y%m%dT%H%M%S}.db"
        for suffix in ("", "-wal", "-shm"):
            path = self._root / f"{DATABASE}{suffix}"
            if path.exists():
                path.rename(self._root / f"{aside}{suffix}")
