"""The only file that names adapters: from a directory and its settings to a trail's services.

A trail directory holds ``trail.toml``, ``ordertrail.db``, ``log/`` (the default stream's tlog-tiles tree:
``checkpoint``, ``keys.txt``, ``tile/…``, ``anchors/…``), ``streams/<name>/`` (other streams' trees),
``blobs/`` and ``keys/``.
"""

import os
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ordertrail.adapters.eventlogs.detect import open_event_log
from ordertrail.adapters.eventlogs.events import BrokenSourceError, SourceRecord
from ordertrail.adapters.eventlogs.mapping_file import builtin_mapping, builtin_mappings, load_mapping
from ordertrail.adapters.eventlogs.source import Progress
from ordertrail.adapters.eventlogs.source import Source as EventFile
from ordertrail.adapters.files.durable import make_folder, replace, translated
from ordertrail.adapters.files.kek import create_kek, index_key, load_kek
from ordertrail.adapters.files.keyring import FileKeyRing
from ordertrail.adapters.files.lock import FileLock
from ordertrail.adapters.files.publication import FilePublication
from ordertrail.adapters.files.vault import FileVault
from ordertrail.adapters.sql.database import Database, create_database, finish_database
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.journal import SqlJournal
from ordertrail.adapters.sql.people import PeopleKeys, create_people
from ordertrail.adapters.sql.streams import add_stream, list_streams
from ordertrail.kernel.clock import Clock, format_time, utc_now
from ordertrail.kernel.errors import ConfigurationError, Problem
from ordertrail.ledger.ports import KeyPeriod
from ordertrail.ledger.rotation import LogIdentity, first_statement
from ordertrail.ledger.sequencer import Log, sequencing
from ordertrail.ledger.verify.source import Source
from ordertrail.ledger.vkey import format_vkey, is_key_name
from ordertrail.record.actions import Catalogue
from ordertrail.record.lines import split_lines
from ordertrail.record.recorder import Arriving, Recorder
from ordertrail.record.sealing import Sealer
from ordertrail.services import DEFAULT_STREAM, LogService, Trail
from ordertrail.settings import SETTINGS, Settings, format_settings, parse_settings, passphrase
from ordertrail.vault.custody import BlobCustody, VaultCustody
from ordertrail.vault.keeping import KeptBlobs, KeptTiles

DATABASE = "ordertrail.db"
UNFINISHED = "unfinished.db"
"""The database's name until all of a new trail is there: a trail is there, whole, or is not."""

KEYS = "keys"
KEK = "people.kek"
PEOPLE = "people.db"
BLOBS = "blobs"

KEEP_DAYS = 2_557
"""Seven years of days, two leap days among them: the usual rule for orders and invoices."""

_CHUNK = 1 << 20

_STREAM_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}", re.ASCII)


def create_trail(
    root: Path,
    origin: str,
    *,
    settings: Settings | None = None,
    keep_days: int = KEEP_DAYS,
    clock: Clock = utc_now,
) -> Trail:
    """Create a trail in an empty or missing directory, its default stream published at size 0."""
    settings = settings or Settings()
    with translated(root, "looking at"):
        _require_finished(root)
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise ConfigurationError(
                f"{root} exists and is not an empty directory",
                remedy="Choose another directory, or empty this one.",
            )
    if not is_key_name(origin):
        raise ConfigurationError(
            f"{origin!r} cannot name a log: it must not be empty or hold spaces or plus signs",
            remedy="Choose a name such as orders.example.com/trail.",
        )
    with translated(root, "creating"):
        make_folder(root)
        replace(root / SETTINGS, format_settings(settings).encode())
        create_database(root / UNFINISHED)
        make_folder(root / BLOBS)
    identity = LogIdentity(DEFAULT_STREAM, origin, keep_days, format_time(clock()))
    _begin_log(root, Database(root / UNFINISHED), identity, settings, clock)
    with translated(root, "creating"):
        finish_database(root / UNFINISHED, root / DATABASE)
    return open_trail(root, clock=clock)


def _require_finished(root: Path) -> None:
    """Refuse a directory in which a trail was being created when a crash came."""
    if (root / UNFINISHED).exists():
        raise ConfigurationError(
            f"the trail in {root} was never created to its end",
            meaning="Nothing was recorded in it, and nothing is lost.",
            remedy=f"Delete {root} (if it refuses, after 'chattr -R -i {root}'), and create the trail again.",
        )


def add_log(root: Path, identity: LogIdentity, clock: Clock = utc_now) -> None:
    """Add a stream to a trail: its key, its registration, its empty published tree."""
    if not _STREAM_NAME.fullmatch(identity.name):
        raise ConfigurationError(f"{identity.name!r} is not a stream's name: lower case, digits and hyphens")
    _begin_log(root, Database(root / DATABASE), identity, read_settings(root), clock)


def _begin_log(
    root: Path, database: Database, identity: LogIdentity, settings: Settings, clock: Clock
) -> None:
    """Make a log's key, register it and publish its empty tree. *If we stop here*, sealing does the rest."""
    try:
        ring = _key_ring(root, settings, clock)
        signer = ring.create(identity.origin)
        first = KeyPeriod(0, format_vkey(signer.key), first_statement(identity, signer))
        add_stream(database, identity, first)
        with sequencing(_log(root, identity, database, settings, clock), clock):
            pass
    finally:
        database.close()


def open_trail(root: Path, *, clock: Clock = utc_now) -> Trail:
    """Open a trail. Raises ConfigurationError if there is none, or its settings are wrong."""
    with translated(root, "looking at"):
        _require_finished(root)
        found = (root / DATABASE).exists()
    if not found:
        raise ConfigurationError(
            f"there is no trail in {root}",
            remedy="Create one with 'ordertrail init', or name one with --trail.",
        )
    settings = read_settings(root)
    database = Database(root / DATABASE)
    services = {}
    for identity in list_streams(database):
        log = _log(root, identity, database, settings, clock)
        blobs = KeptBlobs(FileVault(root / BLOBS, immutable=settings.immutable), identity.keep_days, clock)
        services[identity.name] = LogService(
            identity,
            log,
            Recorder(log.journal, blobs, identity.name, settings.actions),
            FileVault(log_root(root, identity.name), immutable=settings.immutable),
            partial(open_source, root, identity.name),
            _key_ring(root, settings, clock).encrypted,
        )
    people = _People(root, clock)

    def close() -> None:
        people.close()
        database.close()

    return Trail(str(root), settings.actions, clock, services, people.sealer, close)


class _People:
    """The store of personal keys, made at first use, opened once, closed with the trail."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._folder = root / KEYS
        self._clock = clock
        self._keys: PeopleKeys | None = None

    def sealer(self) -> Sealer:
        """Return the sealer over the store."""
        kek_path, people = self._folder / KEK, self._folder / PEOPLE
        if not people.exists():
            if not kek_path.exists():
                create_kek(kek_path, passphrase())
            create_people(people)
        kek = load_kek(kek_path, passphrase())
        self._keys = self._keys or PeopleKeys(people, kek, self._clock)
        return Sealer(self._keys, self._keys, index_key(kek))

    def close(self) -> None:
        """Close the store."""
        if self._keys is not None:
            self._keys.close()


def read_settings(root: Path) -> Settings:
    """Read a trail's settings; a missing file means the defaults."""
    with translated(root / SETTINGS, "reading"):
        try:
            text = (root / SETTINGS).read_text()
        except FileNotFoundError:
            return Settings()
    return parse_settings(text)


def log_root(root: Path, stream: str) -> Path:
    """Return where a stream's tree is published."""
    return root / "log" if stream == DEFAULT_STREAM else root / "streams" / stream


def open_source(root: Path, stream: str) -> Source:
    """Open one log's stores for checking; each process of a parallel check calls this."""
    database = Database(root / DATABASE)
    identity = next(one for one in list_streams(database) if one.name == stream)
    settings = read_settings(root)
    entries = SqlEntries(database)
    vault = FileVault(log_root(root, stream), immutable=settings.immutable)
    blob_vault = FileVault(root / BLOBS, immutable=settings.immutable)
    keys = tuple(entries.keys(stream))
    publication = FilePublication(log_root(root, stream))
    return Source(
        log=identity,
        reader=entries,
        rows=entries,
        audit=entries,
        tiles=KeptTiles(vault, identity.keep_days),
        custody=VaultCustody(vault, identity.keep_days),
        blobs=KeptBlobs(blob_vault, identity.keep_days, utc_now),
        blob_custody=BlobCustody(blob_vault, identity.keep_days),
        keys=keys,
        published_keys=publication.keys(),
        published=publication.checkpoint(),
        key_problems=tuple(_key_ring(root, settings, utc_now).problems(keys[-1].vkey)) if keys else (),
        close=database.close,
    )


def read_lines(source: str, progress: Progress) -> Iterator[Arriving]:
    """Read JSON lines from a file, packed or not, or from standard input where ``source`` is ``-``."""
    if source == "-":
        yield from split_lines(iter(lambda: os.read(sys.stdin.fileno(), _CHUNK), b""))
        return
    broken: list[BrokenSourceError] = []

    def chunks() -> Iterator[bytes]:
        try:
            yield from EventFile(Path(source)).chunks(progress)
        except BrokenSourceError as error:
            broken.append(error)

    yield from split_lines(chunks())
    for error in broken:
        yield source, (Problem("", str(error)),)


def read_event_log(
    source: Path, mapping: str | None, actions: Catalogue, progress: Progress
) -> Iterator[Arriving]:
    """Read an event log through a mapping: a file, the name of one that ships, or found by content."""
    chosen = None
    if mapping is not None:
        chosen = (
            builtin_mapping(mapping)
            if mapping in builtin_mappings()
            else load_mapping(Path(mapping), actions)
        )
    for found in open_event_log(source, chosen, progress):
        if isinstance(found, SourceRecord):
            yield found.position, found.line
        else:
            yield found.position, tuple(found.problems)


def _log(root: Path, identity: LogIdentity, database: Database, settings: Settings, clock: Clock) -> Log:
    folder = log_root(root, identity.name)
    entries = SqlEntries(database)
    return Log(
        stream=identity.name,
        origin=identity.origin,
        journal=SqlJournal(database),
        store=entries,
        reader=entries,
        tiles=KeptTiles(FileVault(folder, immutable=settings.immutable), identity.keep_days),
        publication=FilePublication(folder),
        keys=_key_ring(root, settings, clock),
        lock=FileLock(root / f"sealing-{identity.name}.lock"),
    )


def _key_ring(root: Path, settings: Settings, clock: Clock) -> FileKeyRing:
    def now() -> int:
        return int(clock().timestamp())

    return FileKeyRing(root / KEYS, passphrase(), now, post_quantum=settings.post_quantum)


__all__ = [
    "KEEP_DAYS",
    "add_log",
    "create_trail",
    "open_source",
    "open_trail",
    "read_event_log",
    "read_lines",
]
