"""The index of the trail in a directory: a file of its own beside it, or a schema on a PostgreSQL server."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from threading import Lock

from ordertrail.adapters.index.counting import SqlCounts
from ordertrail.adapters.index.database import IndexDatabase
from ordertrail.adapters.index.feeding import SqlIndex
from ordertrail.adapters.index.relations import SqlRelations
from ordertrail.adapters.index.searching import SqlSearches
from ordertrail.adapters.index.sqlite import SqliteIndex
from ordertrail.adapters.sql.database import Database
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.streams import list_streams
from ordertrail.assembly.databases import DATABASE, TrailDatabase
from ordertrail.assembly.stores import Stores, read_settings
from ordertrail.assembly.trail import no_trail
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.query.engines import Engines, NoSegments
from ordertrail.query.segments.ports import Columns
from ordertrail.query.service import Query
from ordertrail.settings import IndexSettings, Settings, secret

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
            with _segments(root, settings, log, streams, clock) as segments:
                engines = Engines(SqlCounts(index), SqlRelations(index), segments, streams)
                yield Query(
                    index=SqlIndex(index),
                    searches=SqlSearches(index),
                    counts=engines,
                    log=entries,
                    orders=entries,
                    streams=streams,
                    actions=settings.actions,
                    clock=clock,
                    analytics=engines,
                )
        finally:
            index.close()
    finally:
        log.close()


class _Segments:
    """Opens the segments when there are any, and hands them out; the index answers all until then.

    What reads them is large to load, and an extra: without it there are none.
    """

    def __init__(
        self, folder: Path, opening: Callable[[], AbstractContextManager[Callable[[], Columns]]]
    ) -> None:
        self._folder = folder
        self._opening = opening
        self._lock = Lock()
        self._opened: Callable[[], Columns] | None = None
        self._stack = ExitStack()

    def __call__(self) -> Columns:
        with self._lock:
            if self._opened is None and self._folder.is_dir():
                self._opened = self._stack.enter_context(self._opening())
        return NoSegments() if self._opened is None else self._opened()

    def close(self) -> None:
        """Close what was opened."""
        self._stack.close()


@contextmanager
def _segments(
    root: Path, settings: Settings, log: Database, streams: Sequence[str], clock: Clock
) -> Iterator[_Segments]:
    """Hand out the segments of a trail as they are at each call."""

    @contextmanager
    def opening() -> Iterator[Callable[[], Columns]]:
        try:
            from ordertrail.assembly.columnar import trusted_segments  # noqa: PLC0415 - an extra
        except ImportError:
            yield NoSegments
            return
        with trusted_segments(root, settings, Stores(root, settings, clock), log, streams) as found:
            yield found

    with closing(_Segments(root / settings.segments.folder, opening)) as segments:
        yield segments


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
