"""Restoring a trail from a backup, and rebuilding its database from the vault alone.

Both are the same act: the table is computed from a published tree and checked against every signed root on the way
(:mod:`ordertrail.ledger.rebuild`). A restore also brings the tree, the blobs, the settings and what waited to their
places. It is refused where the newest checkpoint that anybody can show is not on its past, for what is lost would
be lost unseen; whoever forces it has that put on record as an incident.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ordertrail.adapters.files.durable import make_folder, replace, translated
from ordertrail.adapters.files.vault import FileVault
from ordertrail.adapters.sql.database import Database
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.journal import SqlJournal
from ordertrail.adapters.sql.streams import add_stream, list_streams
from ordertrail.assembly.backup import MANIFEST, TREES, WAITING, LogBackup, read_manifest
from ordertrail.assembly.custody import require_write_once
from ordertrail.assembly.stores import BLOBS, KEYS, Stores, read_settings
from ordertrail.assembly.trail import UNFINISHED, open_trail
from ordertrail.kernel.clock import Clock, format_time, utc_now
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, ForkError, InputError
from ordertrail.kernel.ids import new_id, parse_id
from ordertrail.ledger.checkpoint_text import Checkpoint
from ordertrail.ledger.merkle import range_fold
from ordertrail.ledger.paths import KEYS as PUBLISHED_KEYS
from ordertrail.ledger.ports import KeyPeriod, Tiles
from ordertrail.ledger.rebuild import Progress, list_tree, read_identity, rebuild
from ordertrail.ledger.recovery import open_published
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.ledger.tiles import CHECKPOINT_PATH, TileReader
from ordertrail.ledger.vkey import parse_vkey
from ordertrail.record.event import Actor, Context, Event, Subject
from ordertrail.record.ports import Captured
from ordertrail.retention.register import DELETIONS
from ordertrail.settings import SETTINGS
from ordertrail.vault.keeping import KeptBlobs, KeptTiles

REBUILT = "rebuilt.db"
"""The database's name while it is rebuilt; a crash leaves one, and the next attempt begins anew."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A log as it was restored or rebuilt: its newest checkpoint, and what waits to be sealed in it."""

    name: str
    checkpoint: Checkpoint
    waiting: int


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants a trail restored and why; ``elsewhere`` are checkpoints that it must extend, each with its name."""

    actor: Actor
    reason: str
    elsewhere: Sequence[tuple[str, bytes]] = ()
    force: bool = False


def restore(
    source: Path, root: Path, request: Request, progress: Progress, clock: Clock = utc_now
) -> list[Restored]:
    """Restore a backup into a new directory; what was restored is put on record, and waits to be sealed.

    Raises ForkError where a checkpoint of ``elsewhere`` is not on the backup's past, unless it is forced;
    EvidenceError where the backup itself is not whole. Until all is there, nothing opens the directory as a trail.
    """
    logs = read_manifest(source)
    with translated(root, "restoring into"):
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise ConfigurationError(
                f"{root} exists and is not an empty directory",
                meaning="Nothing was restored.",
                remedy="Restore into a new directory.",
            )
        make_folder(root)
        _copy_settings(source, root)
    stores = Stores(root, read_settings(root), clock)
    require_write_once(stores)
    incidents: list[str] = []
    with stores.database.new(UNFINISHED) as database:
        restored = [_restore_log(source, stores, database, one, progress) for one in logs]
        for one in restored:
            incidents += _not_extended(stores, database, one, request)
        terms = [one.identity.keep_days for one in restored if one.identity.name != DELETIONS]
        _copy_blobs(source, stores, max(terms, default=0))
        waiting = _copy_waiting(source, database)
    with open_trail(root, clock=clock) as trail:
        for one in restored:
            event = _event("log.restore", one.identity, request, incidents, clock)
            trail.record([event], stream=one.identity.name)
    return [
        Restored(one.identity.name, one.checkpoint, waiting.get(one.identity.name, 0)) for one in restored
    ]


def reindex(
    root: Path,
    request: Request,
    progress: Progress,
    *,
    replace_existing: bool = False,
    clock: Clock = utc_now,
) -> list[Restored]:
    """Rebuild a trail's database from its vault alone. What was sealed and never published is not in the vault.

    A database that is there is kept under another name, and what waits in it is taken over if it can be read.
    Raises ConfigurationError where there is one and ``replace_existing`` was not said.
    """
    stores = Stores(root, read_settings(root), clock)
    if stores.database.exists():
        _require_replaceable(stores, replace_existing=replace_existing)
    waiting = _waiting_in(stores)
    names = stores.published_streams()
    if not names:
        raise ConfigurationError(
            f"no published tree belongs to the trail in {root}",
            meaning="Nothing was rebuilt.",
            remedy="Name the trail's directory, or correct url of [vault].",
        )
    with stores.database.new(REBUILT) as database:
        restored = [_rebuild_log(stores, database, name, progress) for name in names]
        for name, events in waiting.items():
            SqlJournal(database).append(name, events)
    with open_trail(root, clock=clock) as trail:
        for one in restored:
            trail.record([_event("log.reindex", one.identity, request, [], clock)], stream=one.identity.name)
        return [
            Restored(one.identity.name, one.checkpoint, len(waiting.get(one.identity.name, ())))
            for one in restored
        ]


@dataclass(frozen=True, slots=True)
class _Log:
    identity: LogIdentity
    checkpoint: Checkpoint
    tiles: Tiles


def _copy_settings(source: Path, root: Path) -> None:
    """Bring everything of a backup that lies beside its settings, and the keys where they are in it."""
    if (source / KEYS).is_dir():
        make_folder(root / KEYS)
        (root / KEYS).chmod(0o700)
        for path in (source / KEYS).iterdir():
            replace(root / KEYS / path.name, path.read_bytes(), 0o600)
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and name.parts[0] not in {TREES, BLOBS, KEYS, WAITING, MANIFEST}:
            make_folder((root / name).parent)
            replace(root / name, path.read_bytes())
    if not (root / SETTINGS).exists():
        raise ConfigurationError(f"{source / SETTINGS} is missing: the backup is not whole")


def _restore_log(
    source: Path, stores: Stores, database: Database, told: LogBackup, progress: Progress
) -> _Log:
    """Restore one log: its tree into the vault, its rows into the database, its checkpoint published."""
    folder = source / TREES / told.name
    kept = FileVault(folder)
    tiles = KeptTiles(kept, 0)
    identity, first = read_identity(tiles)
    if (identity.name, identity.origin) != (told.name, told.origin):
        raise EvidenceError(f"the tree of {told.name} in the backup is of the log {identity.origin}")
    checkpoint, keys = kept.get(CHECKPOINT_PATH), kept.get(PUBLISHED_KEYS)
    if checkpoint is None or keys is None:
        raise EvidenceError(f"the tree of {told.name} in the backup has no checkpoint or no keys")
    publication = stores.publication(identity.name)
    if publication.checkpoint() is not None:
        raise ConfigurationError(
            f"the vault holds the log {identity.origin} already",
            meaning="Nothing was restored over it: what it holds may be newer than the backup.",
            remedy="Rebuild the database from the vault with 'ordertrail reindex', or set url of [vault] elsewhere.",
        )
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    into = stores.tiles(identity)
    newest = _rebuild(database, identity, first, tiles, paths, checkpoint, progress, into)
    publication.publish(checkpoint, _keys_as_published(keys, SqlEntries(database).keys(identity.name)[-1]))
    return _Log(identity, newest, into)


def _keys_as_published(data: bytes, in_force: KeyPeriod) -> list[str]:
    """Read the published keys: the one in force, and those that sign beside it."""
    try:
        lines = data.decode().split("\n")
        keys = [parse_vkey(line) for line in lines[:-1]]
    except (UnicodeDecodeError, InputError) as error:
        raise EvidenceError(f"{PUBLISHED_KEYS} in the backup cannot be read: {error}") from None
    if lines[0] != in_force.vkey or lines[-1] or not all(key.type.is_cosignature for key in keys[1:]):
        raise EvidenceError(f"{PUBLISHED_KEYS} in the backup does not name the log's key in force")
    return lines[:-1]


def _rebuild_log(stores: Stores, database: Database, name: str, progress: Progress) -> _Log:
    vault = stores.vault(name)
    tiles = KeptTiles(vault, 0)
    identity, first = read_identity(tiles)
    checkpoint = stores.publication(name).checkpoint()
    if checkpoint is None:
        raise EvidenceError(f"stream {name} has no published checkpoint")
    newest = _rebuild(database, identity, first, tiles, vault.paths(""), checkpoint, progress, None)
    return _Log(identity, newest, tiles)


def _rebuild(  # noqa: PLR0913, PLR0917 - each is one thing that rebuilding needs
    database: Database,
    identity: LogIdentity,
    first: KeyPeriod,
    tiles: Tiles,
    paths: Iterator[str],
    checkpoint: bytes,
    progress: Progress,
    into: Tiles | None,
) -> Checkpoint:
    if identity.name not in {one.name for one in list_streams(database)}:
        add_stream(database, identity, first)
    entries = SqlEntries(database)
    return rebuild(identity, list_tree(tiles, paths, checkpoint), entries, entries, progress, into=into)


def _not_extended(stores: Stores, database: Database, log: _Log, request: Request) -> list[str]:
    """Say which checkpoints kept elsewhere are not on the log's past. Raises ForkError, unless it was forced."""
    keys = SqlEntries(database).keys(log.identity.name)
    problems = []
    for name, note in request.elsewhere:
        try:
            known = open_published(note, log.identity.origin, keys)
        except (EvidenceError, InputError) as error:
            problems.append(f"{name} is not a checkpoint that this log's keys signed: {error.message}")
            continue
        if known.size > log.checkpoint.size:
            lost = known.size - log.checkpoint.size
            problems.append(
                f"{name} has {known.size:,} entries and the backup {log.checkpoint.size:,}: {lost:,} are lost"
            )
        elif _root_at(log, known.size) != known.root:
            problems.append(f"{name} has another root at {known.size:,} entries: it is of another history")
    if problems and not request.force:
        raise ForkError(
            "; ".join(problems),
            meaning=f"Nothing opens {stores.root} as a trail: its log would be a second history.",
            remedy="Find a newer backup, or rebuild from the vault with 'ordertrail reindex'. If what is lost is lost, "
            f"delete {stores.root} and restore with --force: it is put on record.",
        )
    return problems


def _root_at(log: _Log, size: int) -> bytes:
    return range_fold(0, size, TileReader(log.tiles.get, log.checkpoint.size))


def _copy_blobs(source: Path, stores: Stores, keep_days: int) -> None:
    """Bring the payloads; each is what its name says. Nobody knows which log's they are: the longest term is theirs."""
    blobs = KeptBlobs(stores.blobs(), keep_days, stores.clock)
    for path in sorted((source / BLOBS).rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        if sha256(data).hexdigest() != path.name:
            raise EvidenceError(
                f"{path} does not hash to its name",
                meaning="The payload was altered in the backup; the entry that names it proves what it was.",
                remedy="Take the object from an older backup and start over.",
            )
        blobs.put(data)


def _copy_waiting(source: Path, database: Database) -> dict[str, int]:
    """Put what waited into the journal again; what the log holds already adds nothing."""
    events: dict[str, list[Captured]] = {}
    try:
        for line in (source / WAITING).read_text().splitlines():
            one = json.loads(line)
            body = one["event"].encode()
            event = Captured(parse_id(json.loads(body)["id"]), one["chain"], body)
            events.setdefault(one["stream"], []).append(event)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(
            f"{source / WAITING} cannot be read: {error}",
            meaning="What is sealed in the backup may be whole; what waited to be sealed when it was made is damaged.",
            remedy="Restore from another backup, or look at that file: each line is one recorded event.",
        ) from None
    journal = SqlJournal(database)
    return {name: journal.append(name, some).added for name, some in events.items()}


def _require_replaceable(stores: Stores, *, replace_existing: bool) -> None:
    """Raise ConfigurationError where the database that is there cannot, or must not, be put aside."""
    meaning = "Nothing was rebuilt: what it holds and the published tree does not would be out of use."
    if stores.settings.database.url is not None:
        raise ConfigurationError(
            "the database of the trail holds a log",
            meaning=meaning,
            remedy="Name an empty database with url of [database], and rebuild into that; keep the old one.",
        )
    if not replace_existing:
        raise ConfigurationError(
            f"the trail in {stores.root} has a database",
            meaning=meaning,
            remedy="Say --replace to keep it under another name and rebuild; what waits in it is taken over.",
        )


def _waiting_in(stores: Stores) -> dict[str, list[Captured]]:
    """Return what waits in the database that is there, if it can be read at all."""
    if not stores.database.exists():
        return {}
    database = stores.database.open()
    try:
        journal = SqlJournal(database)
        return {
            one.name: [
                Captured(row.id, row.chain, row.body)
                for row in journal.read(one.name, journal.waiting(one.name) + 1)
            ]
            for one in list_streams(database)
        }
    except EvidenceError:
        return {}  # it is damaged: that is why it is replaced
    finally:
        database.close()


def _event(action: str, log: LogIdentity, request: Request, incidents: Sequence[str], clock: Clock) -> Event:
    reason = "; ".join((request.reason, *(f"INCIDENT: {one}" for one in incidents)))
    return Event(
        id=new_id(),
        time=format_time(clock()),
        action="log.incident" if incidents else action,
        actor=request.actor,
        subject=Subject("log", log.origin),
        context=Context(reason=reason, tags=("incident", "restore") if incidents else ()),
    )
