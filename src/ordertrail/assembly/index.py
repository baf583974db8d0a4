"""The index of the trail in a directory: a file of its own beside it, or a schema on a PostgreSQL server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ordertrail.adapters.index.counting import SqlCounts
from ordertrail.adapters.index.database import IndexDatabase
from ordertrail.adapters.index.feeding import SqlIndex
from ordertrail.adapters.index.searching import SqlSearches
from ordertrail.adapters.index.sqlite import SqliteIndex
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.streams import list_streams
from ordertrail.assembly.databases import DATABASE, TrailDatabase
from ordertrail.assembly.stores import read_settings
from ordertrail.assembly.trail import no_trail
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.query.service import Query
from ordertrail.settings import IndexSettings, secret

INDEX = "index.db"
"""The file of the index, where no server is named."""


@contextmanager
def open_query(root: Path, *, clock: Clock = utc_now) -> Iterator[Query]:
    """Open the index of the trail in a directory, to be fed and asked; an index that is not there is made, empty.

    It is where the settings name it, else the file :data:`INDEX` in the directory. Raises ConfigurationError where
    there is no trail, UnavailableError where a database cannot be reached.
    """
    settings = read_settings(root)
    url, password = settings.index.url, _password(root, settings.index)
    if settings.database.url is None and not (root / DATABASE).exists():
        raise no_trail(root)
    log = TrailDatabase(root, settings.database, clock).open()
    try:
        index = open_index(root, url, password)
        try:
            entries = SqlEntries(log)
            streams = [one.name for one in list_streams(log)]
            yield Query(
                index=SqlIndex(index),
                searches=SqlSearches(index),
                counts=SqlCounts(index),
                log=entries,
                orders=entries,
                streams=streams,
                actions=settings.actions,
                clock=clock,
            )
        finally:
            index.close()
    finally:
        log.close()


def _password(root: Path, said: IndexSettings) -> str | None:
    place = None if said.password_file is None else str(root / said.password_file)
    found = secret("INDEX_PASSWORD", place, "index.password_file")
    return None if found is None else found.decode()


def open_index(root: Path, url: str | None, password: str | None) -> IndexDatabase:
    """Open the database of the index."""
    if url is None:
        return SqliteIndex(root / INDEX)
    from ordertrail.adapters.index.postgresql import PostgresqlIndex  # noqa: PLC0415 - where a server is named

    return PostgresqlIndex(url, password)
