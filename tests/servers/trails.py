"""Trails whose entries and journal are on the tests' PostgreSQL, and all else in a directory."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.journal import SqlJournal
from ordertrail.adapters.sql.opening import open_database, sealing_lock
from ordertrail.adapters.sql.streams import add_stream, list_streams
from ordertrail.assembly import create_trail, open_trail
from ordertrail.ledger.verify.source import Source
from ordertrail.record.recorder import Recorder
from ordertrail.services import DEFAULT_STREAM, Trail
from ordertrail.settings import Settings


def create_on_postgresql(root: Path, origin: str, url: str) -> Trail:
    """Create a trail, its log registered in a database that has the schema and nothing else yet."""
    with create_trail(root, origin, settings=Settings(immutable=False)) as trail:
        service = trail.log()
        database = open_database(url)
        add_stream(database, service.identity, service.log.store.keys(DEFAULT_STREAM)[0])
        database.close()
    return open_on_postgresql(root, url)


def open_on_postgresql(root: Path, url: str, *, lease: float = 10) -> Trail:
    """Open a trail that was created so."""
    trail = open_trail(root)
    service = trail.log()
    database = open_database(url, lease=lease)
    entries = SqlEntries(database)
    lock = sealing_lock(database, DEFAULT_STREAM)
    assert lock is not None
    log = replace(service.log, journal=SqlJournal(database), store=entries, reader=entries, lock=lock)
    recorder = Recorder(log.journal, service.recorder._blobs, DEFAULT_STREAM, trail.actions)
    service = replace(
        service, log=log, recorder=recorder, open_source=partial(_source, service.open_source, url)
    )

    def close() -> None:
        database.close()
        trail.close()

    return replace(trail, logs={DEFAULT_STREAM: service}, close=close)


def _source(embedded: Callable[[], Source], url: str) -> Source:
    database, source = open_database(url), embedded()
    entries = SqlEntries(database)

    def close() -> None:
        database.close()
        source.close()

    (identity,) = list_streams(database)
    keys = tuple(entries.keys(DEFAULT_STREAM))
    return replace(source, log=identity, reader=entries, rows=entries, audit=entries, keys=keys, close=close)
