"""Which store stands behind each port of a trail: what its settings name, else its own directory.

A trail directory holds ``trail.toml`` and whatever is not kept elsewhere: ``ordertrail.db``, ``keys/``, ``log/`` (the
default stream's tlog-tiles tree: ``checkpoint``, ``keys.txt``, ``tile/…``, ``anchors/…``), ``streams/<name>/`` (other
streams' trees) and ``blobs/``. In a bucket the same names stand below its prefix.
"""

from functools import cached_property
from pathlib import Path
from typing import Protocol

from ordertrail.adapters.files.durable import translated
from ordertrail.adapters.files.keyring import FileKeyRing
from ordertrail.adapters.files.publication import FilePublication
from ordertrail.adapters.files.vault import FileVault
from ordertrail.adapters.kms.aws import AwsKms
from ordertrail.adapters.kms.keyring import KmsKeyRing
from ordertrail.adapters.pkcs11.keyring import Pkcs11KeyRing
from ordertrail.adapters.s3.bucket import Bucket
from ordertrail.adapters.s3.place import parse_place
from ordertrail.adapters.s3.publication import S3Publication
from ordertrail.adapters.s3.vault import S3Vault
from ordertrail.adapters.sql.database import Database
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.journal import SqlJournal
from ordertrail.assembly.databases import TrailDatabase
from ordertrail.kernel.clock import Clock
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.ledger.key_rings import CheckedKeyRing, KeyRings
from ordertrail.ledger.ports import Publication
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.ledger.sequencer import Log
from ordertrail.services import DEFAULT_STREAM
from ordertrail.settings import SETTINGS, Settings, parse_settings, passphrase, secret
from ordertrail.vault.keeping import KeptTiles
from ordertrail.vault.ports import Vault

KEYS = "keys"
BLOBS = "blobs"
STREAMS = "streams"


class PublishedLog(Publication, Protocol):
    """A publication that also gives back the keys beside the checkpoint."""

    def keys(self) -> bytes | None:
        """Return the published verifier keys, one a line."""
        ...


class Stores:
    """Makes the stores of the trail in ``root``; each call opens its store anew, but for the bucket's connections."""

    def __init__(self, root: Path, settings: Settings, clock: Clock) -> None:
        self.root = root
        self.settings = settings
        self.clock = clock
        self.database = TrailDatabase(root, settings.database, clock)

    @cached_property
    def bucket(self) -> Bucket | None:
        """The bucket that the settings name; None where the vault is the directory."""
        settings = self.settings.vault
        if settings.url is None:
            return None
        bundle = None if settings.ca_bundle is None else str(self.root / settings.ca_bundle)
        return Bucket(
            parse_place(
                settings.url,
                endpoint=settings.endpoint,
                region=settings.region,
                mode=settings.mode,
                ca_bundle=bundle,
            )
        )

    def vault(self, stream: str) -> Vault:
        """Return where a stream's tree is kept."""
        return self.vault_of_log(stream)

    def vault_of_log(self, stream: str) -> FileVault | S3Vault:
        """The same, with all that it can do: hold, and let go."""
        return self.vault_of(log_folder(stream))

    def tiles(self, identity: LogIdentity) -> KeptTiles:
        """Return a stream's tree, kept for the log's term."""
        readers = 1 if self.bucket is None else self.bucket.place.connections
        return KeptTiles(self.vault(identity.name), identity.keep_days, readers=readers)

    def blobs(self) -> Vault:
        """Return where payloads over the entry limit are kept."""
        return self.vault_of(BLOBS)

    def publication(self, stream: str) -> PublishedLog:
        """Return where a stream's newest checkpoint is published."""
        if self.bucket is not None:
            return S3Publication(self.bucket, log_folder(stream), clock=self.clock)
        return FilePublication(log_root(self.root, stream))

    def published_streams(self) -> list[str]:
        """Return the streams whose trees are published, the default one first."""
        if self.bucket is not None:
            others = sorted(self.bucket.folders(f"{STREAMS}/"))
        else:
            others = sorted(path.name for path in (self.root / STREAMS).glob("*") if path.is_dir())
        return [one for one in (DEFAULT_STREAM, *others) if self.publication(one).checkpoint() is not None]

    def keys(self) -> CheckedKeyRing:
        """Return the signing keys: those of the files, and of the token or service where new ones are made."""
        files = FileKeyRing(
            self.root / KEYS,
            passphrase(),
            lambda: int(self.clock().timestamp()),
            post_quantum=self.settings.post_quantum,
        )
        settings = self.settings.signer
        if settings.kind == "file":
            return files
        ring = self._token() if settings.kind == "pkcs11" else self._service()
        return KeyRings([files, ring], ring)

    def log(self, identity: LogIdentity, database: Database) -> Log:
        """Return one log over an open database."""
        entries = SqlEntries(database)
        return Log(
            stream=identity.name,
            origin=identity.origin,
            journal=SqlJournal(database),
            store=entries,
            reader=entries,
            tiles=self.tiles(identity),
            publication=self.publication(identity.name),
            keys=self.keys(),
            lock=self.database.lock(database, identity.name),
        )

    def vault_of(self, folder: str) -> FileVault | S3Vault:
        """Return the vault in a folder, with all that it can do."""
        if self.bucket is not None:
            return S3Vault(self.bucket, folder, clock=self.clock)
        return FileVault(self.root / folder, immutable=self.settings.immutable)

    def _token(self) -> Pkcs11KeyRing:
        settings = self.settings.signer
        if settings.module is None or settings.token is None:
            raise ConfigurationError(
                "[signer] of kind pkcs11 names no module or no token",
                meaning="Nothing can be sealed; what is recorded waits.",
                remedy="Set module to the token's library and token to its label, in trail.toml.",
            )
        file = None if settings.pin_file is None else str(self.root / settings.pin_file)
        return Pkcs11KeyRing(Path(settings.module), settings.token, secret("PIN", file, "signer.pin_file"))

    def _service(self) -> KmsKeyRing:
        settings = self.settings.signer
        return KmsKeyRing(AwsKms(endpoint=settings.endpoint, region=settings.region))


def log_folder(stream: str) -> str:
    """Return the folder of a stream's tree."""
    return "log" if stream == DEFAULT_STREAM else f"{STREAMS}/{stream}"


def log_root(root: Path, stream: str) -> Path:
    """Return where a stream's tree is published in a trail's directory."""
    return root / log_folder(stream)


def read_settings(root: Path) -> Settings:
    """Read a trail's settings; a missing file means the defaults."""
    with translated(root / SETTINGS, "reading"):
        try:
            text = (root / SETTINGS).read_text()
        except FileNotFoundError:
            text = ""
    return parse_settings(text)
