"""A backup: a directory that holds all that a trail is, checked as it is read back.

::

    backup.json            what it is of: each log's name, origin, size and root; written last
    trail.toml             the settings, and beside it the files in the directory that they name
    held/ rules/ bundles/  what legal holds keep although its range was destroyed; own rules; bundles that were made
    *.db                   accounts, views, alerts, cases, orders: what lies in files beside the trail
    trees/<stream>/…       the published tree, its ``checkpoint`` and ``keys.txt``
    blobs/…                payloads over the entry limit
    waiting.jsonl          captured events that waited to be sealed, each with its stream
    keys/                  private and personal keys, only where asked for

The tree is write-once, so a second backup into the same directory copies what is new and nothing else. Whoever reads
a backup believes nothing in it: the database is rebuilt from the tree, entry by entry, against signed roots
(:mod:`ordertrail.ledger.rebuild`), and blobs against their names.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ordertrail.adapters.files.durable import make_folder, replace, sync_folder, translated, write_once
from ordertrail.adapters.sql.people import copy_people
from ordertrail.assembly.people import PEOPLE
from ordertrail.assembly.stores import BLOBS, KEYS, Stores, read_settings
from ordertrail.assembly.trail import copy_named, open_trail
from ordertrail.kernel.clock import Clock, format_time, utc_now
from ordertrail.kernel.errors import BusyError, ConfigurationError, EvidenceError, UnavailableError
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.ledger.paths import KEYS as PUBLISHED_KEYS
from ordertrail.ledger.pruning import newest_destruction
from ordertrail.ledger.tiles import CHECKPOINT_PATH, parse_path
from ordertrail.record.ports import JournalRow
from ordertrail.services import Trail
from ordertrail.settings import SETTINGS
from ordertrail.vault.ports import Vault

MANIFEST = "backup.json"
DATABASES = ("access.db", "views.db", "watch.db", "evidence.db", "outside.db", "notify.db", "orders.db")
"""Databases in files beside the trail; the index is not among them, for it is made anew."""
FOLDERS = ("held", "rules", "bundles")
TREES = "trees"
WAITING = "waiting.jsonl"
VERSION = 1

_PATIENCE = 15.0
"""Seconds, beyond the anchoring cadence, to wait for another sealing process to publish what it sealed."""


@dataclass(frozen=True, slots=True)
class LogBackup:
    """One log in a backup: ``size`` entries under the published checkpoint, ``root`` in hex, ``waiting`` events."""

    name: str
    origin: str
    size: int
    root: str
    waiting: int


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What was copied now and what was there already, in objects; ``keys`` says whether keys are in it."""

    made: str
    logs: tuple[LogBackup, ...]
    copied: int
    known: int
    keys: bool


def back_up(root: Path, target: Path, *, with_keys: bool = False, clock: Clock = utc_now) -> BackedUp:
    """Bring a backup of a trail up to date; it is complete up to the moment of the call when this returns.

    What waits is read first and the tree after it: an event that is sealed meanwhile is in both, and is restored
    once. Raises ConfigurationError where the directory is of another trail, EvidenceError where the published
    tree lacks what its own checkpoint needs.
    """
    stores = Stores(root, read_settings(root), clock)
    with open_trail(root, clock=clock) as trail:
        _require_same(target, trail)
        with translated(target, "writing"):
            make_folder(target)
            waiting = _write_waiting(target, trail)
            copied = known = destroyed = 0
            for name in trail.logs:
                _anchored(trail, name)
                for new in _copy_tree(stores, name, target / TREES / name):
                    copied, known = copied + new, known + (not new)
                destroyed += _drop_destroyed(trail, name, target / TREES / name)
            for new in _copy(stores.blobs(), target / BLOBS):
                copied, known = copied + new, known + (not new)
            if destroyed:
                _drop_missing(stores.blobs(), target / BLOBS)
            _copy_settings(root, stores, target)
            _copy_beside(root, target)
            if with_keys:
                _copy_keys(root / KEYS, target / KEYS)
            logs = tuple(_log(target, name, waiting[name]) for name in trail.logs)
            made = BackedUp(format_time(clock()), logs, copied, known, with_keys)
            replace(target / MANIFEST, _manifest(made))
    return made


def read_manifest(source: Path) -> tuple[LogBackup, ...]:
    """Return the logs that a backup is of. Raises ConfigurationError where it is not a whole backup."""
    try:
        data = json.loads((source / MANIFEST).read_text())
        if data["version"] != VERSION:
            raise ConfigurationError(
                f"{source / MANIFEST} is of version {data['version']!r}, and this program reads {VERSION}",
                remedy="Restore with the release that made the backup, or a newer one.",
            )
        return tuple(LogBackup(**one) for one in data["logs"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{source} is not a backup, or its making was never finished: {error}",
            meaning="Nothing was restored.",
            remedy="Name the directory that 'ordertrail backup' wrote; make the backup again if you can.",
        ) from None


def _manifest(made: BackedUp) -> bytes:
    logs = [
        {"name": one.name, "origin": one.origin, "size": one.size, "root": one.root, "waiting": one.waiting}
        for one in made.logs
    ]
    told = {"version": VERSION, "made": made.made, "logs": logs, "keys": made.keys}
    return (json.dumps(told, indent=2) + "\n").encode()


def _require_same(target: Path, trail: Trail) -> None:
    if not (target / MANIFEST).exists():
        return
    origins = {one.name: one.origin for one in read_manifest(target)}
    for name, service in trail.logs.items():
        if origins.get(name, service.identity.origin) != service.identity.origin:
            raise ConfigurationError(
                f"{target} is a backup of {origins[name]}, and this trail is {service.identity.origin}",
                meaning="Nothing was written.",
                remedy="Name another directory; each trail has its own.",
            )


def _write_waiting(target: Path, trail: Trail) -> dict[str, int]:
    """Write the journals, whole; return how many events wait in each."""
    rows = {name: _waiting(trail, name) for name in trail.logs}
    lines = (
        json.dumps({"stream": name, "chain": row.chain, "event": row.body.decode()})
        for name, some in rows.items()
        for row in some
    )
    replace(target / WAITING, "".join(f"{line}\n" for line in lines).encode(), 0o600)
    return {name: len(some) for name, some in rows.items()}


def _waiting(trail: Trail, name: str) -> list[JournalRow]:
    journal = trail.log(name).log.journal
    return journal.read(name, journal.waiting(name) + 1)


def _anchored(trail: Trail, name: str) -> None:
    """Have everything published that is sealed now: by us, or by whoever is sealing."""
    log = trail.log(name).log
    size = log.store.head(name).size
    try:
        with trail.sequencing(name):
            return
    except BusyError:
        deadline = time.monotonic() + trail.cadence.seconds + _PATIENCE
    while _published_size(log.publication.checkpoint()) < size:
        if time.monotonic() > deadline:
            raise UnavailableError(
                f"the process that seals {name} has not published its {size:,} entries",
                meaning="The backup was not finished; what was in it before is still good.",
                remedy="See to that process; 'ordertrail status' names it. Then make the backup again.",
            )
        time.sleep(0.2)


def _published_size(note: bytes | None) -> int:
    return 0 if note is None else read_checkpoint(note).size


def _copy_tree(stores: Stores, name: str, target: Path) -> Iterator[bool]:
    """Copy a published tree: first what the checkpoint commits to, then the checkpoint; yield whether each is new."""
    publication = stores.publication(name)
    checkpoint, keys = publication.checkpoint(), publication.keys()
    yield from _copy(stores.vault(name), target)
    for path, data in ((PUBLISHED_KEYS, keys), (CHECKPOINT_PATH, checkpoint)):
        if data is None:
            raise EvidenceError(f"{path} is missing from the published tree of {name}")
        replace(target / path, data)


def _copy(vault: Vault, target: Path) -> Iterator[bool]:
    """Copy what is in a vault and not in the target; yield whether each object is new."""
    folders = {target}
    for path in vault.paths(""):
        place = target / path
        if path in {CHECKPOINT_PATH, PUBLISHED_KEYS}:
            continue
        if place.exists():
            yield False
            continue
        data = vault.get(path)
        if data is None:
            raise EvidenceError(
                f"{path} is missing from the vault, and its term says that it must be there",
                remedy="Run 'ordertrail verify'; restore the object from an older backup.",
            )
        make_folder(place.parent)
        write_once(place, data)
        folders.add(place.parent)
        yield True
    for folder in folders:
        make_folder(folder)
        sync_folder(folder)


def _drop_destroyed(trail: Trail, name: str, target: Path) -> int:
    """Take out of an older backup what the trail has destroyed since; return how many objects."""
    service = trail.log(name)
    order = newest_destruction(service.log.reader, service.identity)
    if order is None or next(iter(service.log.reader.rows(name, 0, 1)), None) is not None:
        return 0
    folder, gone = target / "tile" / "entries", 0
    for place in [path for path in folder.rglob("*") if path.is_file()]:
        path = place.relative_to(target).as_posix()
        if parse_path(path).begin < order.minimum and service.vault.get(path) is None:
            place.unlink()
            gone += 1
    return gone


def _drop_missing(blobs: Vault, target: Path) -> None:
    """Take payloads out of an older backup that the trail keeps no more."""
    for place in [path for path in target.rglob("*") if path.is_file()]:
        if blobs.get(place.relative_to(target).as_posix()) is None:
            place.unlink()


def _copy_beside(root: Path, target: Path) -> None:
    """Copy what lies in files beside the trail: each database as it is at one moment, and whole folders."""
    for name in DATABASES:
        if (root / name).is_file():
            copy_people(root / name, target / name)
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            place = target / path.relative_to(root)
            if path.is_file() and not (place.exists() and place.stat().st_size == path.stat().st_size):
                make_folder(place.parent)
                replace(place, path.read_bytes())
        for place in sorted((target / folder).rglob("*")):
            if place.is_file() and not (root / place.relative_to(target)).exists():
                place.unlink()


def _copy_settings(root: Path, stores: Stores, target: Path) -> None:
    """Copy the settings, and the files in the trail's directory that they name."""
    if (root / SETTINGS).is_file():
        replace(target / SETTINGS, (root / SETTINGS).read_bytes())
    copy_named(root, target, stores.settings)


def _copy_keys(keys: Path, target: Path) -> None:
    """Copy the keys, private; a personal key that was erased since stays in no backup that is made later."""
    make_folder(target)
    target.chmod(0o700)
    for path in sorted(keys.iterdir()):
        if path.name == PEOPLE:
            copy_people(path, target / path.name)
        elif path.is_file() and not path.name.startswith((".", PEOPLE)):
            replace(target / path.name, path.read_bytes(), 0o600)


def _log(target: Path, name: str, waiting: int) -> LogBackup:
    checkpoint = read_checkpoint((target / TREES / name / CHECKPOINT_PATH).read_bytes())
    return LogBackup(name, checkpoint.origin, checkpoint.size, checkpoint.root.hex(), waiting)
