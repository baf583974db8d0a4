"""From a directory and its settings to a trail's services."""

import re
from functools import partial
from pathlib import Path

from ordertrail.adapters.files.durable import make_folder, replace, translated
from ordertrail.adapters.sql.database import Database
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.migrations import Phase
from ordertrail.adapters.sql.streams import add_stream, list_streams
from ordertrail.assembly.custody import require_write_once
from ordertrail.assembly.databases import DATABASE
from ordertrail.assembly.logs import TrailLogs
from ordertrail.assembly.people import People
from ordertrail.assembly.stores import BLOBS, KEYS, Stores, read_settings
from ordertrail.assembly.trust import attestors, read_policy, timestampers
from ordertrail.kernel.clock import Clock, format_time, utc_now
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.ledger.ports import KeyPeriod
from ordertrail.ledger.rotation import LogIdentity, first_statement
from ordertrail.ledger.sequencer import Cadence, sequencing
from ordertrail.ledger.verify.source import Source
from ordertrail.ledger.vkey import format_vkey, is_key_name
from ordertrail.record.recorder import Recorder
from ordertrail.services import DEFAULT_STREAM, LogService, Trail
from ordertrail.settings import SETTINGS, Settings, format_settings, named_files, parse_settings
from ordertrail.vault.custody import BlobCustody, VaultCustody
from ordertrail.vault.keeping import KeptBlobs

UNFINISHED = "unfinished.db"
"""The database's name until all of a new trail is there: a trail is there, whole, or is not."""

KEEP_DAYS = 2_557
"""Seven years of days, two leap days among them: the usual rule for orders and invoices."""

_STREAM_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}", re.ASCII)


def create_trail(  # noqa: PLR0913 - each is one thing that an owner may choose
    root: Path,
    origin: str,
    *,
    settings: Settings | None = None,
    settings_file: Path | None = None,
    keep_days: int = KEEP_DAYS,
    clock: Clock = utc_now,
) -> Trail:
    """Create a trail in an empty or missing directory, its default stream published at size 0.

    A ``settings_file`` becomes its ``trail.toml``; what it names beside it is copied with it. Raises
    ConfigurationError where the settings or the stores that they name will not do.
    """
    text = None if settings_file is None else _read(settings_file)
    settings = settings or (Settings() if text is None else parse_settings(text))
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
        replace(root / SETTINGS, (format_settings(settings) if text is None else text).encode())
        if settings_file is not None:
            copy_named(settings_file.parent, root, settings)
        if settings.vault.url is None:
            make_folder(root / BLOBS)
    identity = LogIdentity(DEFAULT_STREAM, origin, keep_days, format_time(clock()))
    stores = Stores(root, settings, clock)
    require_write_once(stores)
    if stores.publication(DEFAULT_STREAM).checkpoint() is not None:
        raise ConfigurationError(
            f"{settings.vault.url} holds a log already",
            meaning="Nothing was created; what is there is untouched.",
            remedy="Name another prefix with url of [vault], or rebuild that trail with 'ordertrail reindex'.",
        )
    with stores.database.new(UNFINISHED) as database:
        _begin_log(stores, database, identity)
    return open_trail(root, clock=clock)


def copy_named(source: Path, root: Path, settings: Settings) -> None:
    """Copy the files that settings name beside them; what they name elsewhere stays where it is."""
    for name in named_files(settings):
        place = source / name
        if not Path(name).is_absolute() and ".." not in Path(name).parts and place.is_file():
            make_folder((root / name).parent)
            replace(root / name, place.read_bytes())


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the settings {path} cannot be read: {error}") from None


def _require_finished(root: Path) -> None:
    """Refuse a directory in which a trail was being created when a crash came."""
    if (root / UNFINISHED).exists():
        raise ConfigurationError(
            f"the trail in {root} was never created to its end",
            meaning="Nothing was recorded in it, and nothing is lost.",
            remedy=f"Delete {root} (if it refuses, after 'chattr -R -i {root}'), and create the trail again.",
        )


def migrate_trail(root: Path, phase: Phase) -> list[str]:
    """Bring the schema of a trail's database up to date with this release, by a phase; return the steps taken."""
    settings = read_settings(root)
    if settings.database.url is None and not (root / DATABASE).exists():
        raise no_trail(root)
    return Stores(root, settings, utc_now).database.migrate(phase)


def add_log(root: Path, identity: LogIdentity, clock: Clock = utc_now) -> None:
    """Add a stream to a trail: its key, its registration, its empty published tree."""
    if not _STREAM_NAME.fullmatch(identity.name):
        raise ConfigurationError(f"{identity.name!r} is not a stream's name: lower case, digits and hyphens")
    stores = Stores(root, read_settings(root), clock)
    database = stores.database.open()
    try:
        _begin_log(stores, database, identity)
    finally:
        database.close()


def _begin_log(stores: Stores, database: Database, identity: LogIdentity) -> None:
    """Make a log's key, register it and publish its empty tree. *If we stop here*, sealing does the rest."""
    signer = stores.keys().create(identity.origin)
    first = KeyPeriod(0, format_vkey(signer.key), first_statement(identity, signer))
    add_stream(database, identity, first)
    with sequencing(stores.log(identity, database), stores.clock):
        pass


def open_trail(root: Path, *, clock: Clock = utc_now) -> Trail:
    """Open a trail. Raises ConfigurationError if there is none, or its settings are wrong."""
    with translated(root, "looking at"):
        _require_finished(root)
        settings = read_settings(root)
        found = settings.database.url is not None or (root / DATABASE).exists()
    if not found:
        raise no_trail(root)
    stores = Stores(root, settings, clock)
    database = stores.database.open()

    def service(identity: LogIdentity) -> LogService:
        log = stores.log(identity, database)
        blobs = KeptBlobs(stores.blobs(), identity.keep_days, clock)
        return LogService(
            identity,
            log,
            Recorder(log.journal, blobs, identity.name, settings.actions),
            stores.vault(identity.name),
            partial(open_source, root, identity.name),
            stores.keys().encrypted,
        )

    logs = TrailLogs(lambda: list_streams(database), service)
    if not logs:
        database.close()
        raise ConfigurationError(
            f"the database {database.name} holds no log: the trail was never created to its end",
            meaning="Nothing was recorded in it, and nothing is lost.",
            remedy="Create it with 'ordertrail init' in a new directory, or rebuild it with 'ordertrail reindex'.",
        )
    people = People(root / KEYS, clock)

    def close() -> None:
        people.close()
        database.close()

    return Trail(
        str(root),
        settings.actions,
        clock,
        Cadence(settings.anchor.seconds, settings.anchor.entries),
        attestors(root, settings),
        logs,
        people.sealer,
        close,
    )


def no_trail(root: Path) -> ConfigurationError:
    """Return what is told where a directory holds no trail."""
    return ConfigurationError(
        f"there is no trail in {root}",
        remedy="Create one with 'ordertrail init', or name one with --trail.",
    )


def open_source(root: Path, stream: str) -> Source:
    """Open one log's stores for checking; each process of a parallel check calls this."""
    stores = Stores(root, read_settings(root), utc_now)
    database = stores.database.open()
    identity = next(one for one in list_streams(database) if one.name == stream)
    entries = SqlEntries(database)
    vault, blobs = stores.vault(stream), stores.blobs()
    keys = tuple(entries.keys(stream))
    publication = stores.publication(stream)
    return Source(
        log=identity,
        reader=entries,
        rows=entries,
        audit=entries,
        tiles=stores.tiles(identity),
        custody=VaultCustody(vault, identity.keep_days),
        blobs=KeptBlobs(blobs, identity.keep_days, utc_now),
        blob_custody=BlobCustody(blobs, identity.keep_days),
        keys=keys,
        published_keys=publication.keys(),
        published=publication.checkpoint(),
        key_problems=tuple(stores.keys().problems(keys[-1].vkey)) if keys else (),
        database_name=DATABASE if stores.settings.database.url is None else database.name,
        timestampers=timestampers(root, stores.settings),
        policy=read_policy(root, stores.settings),
        close=database.close,
    )
