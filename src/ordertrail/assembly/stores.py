"""Which store stands behind each port of a trail: what its settings name, else its own directory.

A trail directory holds ``trail.toml`` and ``keys/``, and whatever is not kept elsewhere: ``ordertrail.db``,
``log/`` (the default stream's tlog-tiles tree: ``checkpoint``, ``keys.txt``, ``tile/…``, ``anchors/…``),
``streams/<name>/`` (other streams' trees) and ``blobs/``.
"""

from dataclasses import dataclass
from pathlib import Path

from ordertrail.adapters.files.durable import translated
from ordertrail.adapters.files.keyring import FileKeyRing
from ordertrail.adapters.files.lock import FileLock
from ordertrail.adapters.files.publication import FilePublication
from ordertrail.adapters.files.vault import FileVault
from ordertrail.adapters.sql.database import Database
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.journal import SqlJournal
from ordertrail.kernel.clock import Clock
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.ledger.sequencer import Log
from ordertrail.services import DEFAULT_STREAM
from ordertrail.settings import SETTINGS, Settings, parse_settings, passphrase
from ordertrail.vault.keeping import KeptTiles

DATABASE = "ordertrail.db"
KEYS = "keys"
BLOBS = "blobs"


@dataclass(frozen=True, slots=True)
class Stores:
    """Makes the stores of the trail in ``root``; each call opens its store anew."""

    root: Path
    settings: Settings
    clock: Clock

    def database(self) -> Database:
        """Return the database of entries and journal."""
        return Database(self.root / DATABASE)

    def vault(self, stream: str) -> FileVault:
        """Return where a stream's tree is kept."""
        return FileVault(log_root(self.root, stream), immutable=self.settings.immutable)

    def blobs(self) -> FileVault:
        """Return where payloads over the entry limit are kept."""
        return FileVault(self.root / BLOBS, immutable=self.settings.immutable)

    def publication(self, stream: str) -> FilePublication:
        """Return where a stream's newest checkpoint is published."""
        return FilePublication(log_root(self.root, stream))

    def keys(self) -> FileKeyRing:
        """Return the signing keys."""
        return FileKeyRing(
            self.root / KEYS,
            passphrase(),
            lambda: int(self.clock().timestamp()),
            post_quantum=self.settings.post_quantum,
        )

    def log(self, identity: LogIdentity, database: Database) -> Log:
        """Return one log over an open database."""
        entries = SqlEntries(database)
        return Log(
            stream=identity.name,
            origin=identity.origin,
            journal=SqlJournal(database),
            store=entries,
            reader=entries,
            tiles=KeptTiles(self.vault(identity.name), identity.keep_days),
            publication=self.publication(identity.name),
            keys=self.keys(),
            lock=FileLock(self.root / f"sealing-{identity.name}.lock"),
        )


def log_root(root: Path, stream: str) -> Path:
    """Return where a stream's tree is published in a trail's directory."""
    return root / "log" if stream == DEFAULT_STREAM else root / "streams" / stream


def read_settings(root: Path) -> Settings:
    """Read a trail's settings; a missing file means the defaults."""
    with translated(root / SETTINGS, "reading"):
        try:
            text = (root / SETTINGS).read_text()
        except FileNotFoundError:
            text = ""
    return parse_settings(text)
