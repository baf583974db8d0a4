"""Private keys as files: one PKCS #8 PEM a key, mode 0600, encrypted where there is a passphrase.

``<key id>.pem`` signs checkpoints (Ed25519), ``<key id>.cosigner.pem`` adds a post-quantum signature
(ML-DSA-44). The passphrase comes from a file named by ``ORDERTRAIL_PASSPHRASE_FILE`` or from
``ORDERTRAIL_PASSPHRASE``, never from the command line.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ordertrail.adapters.files.durable import make_folder, sync_folder, translated, write_part
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError, UnavailableError
from ordertrail.ledger.signers import Ed25519Signer, MlDsa44Cosigner, NoteSigner
from ordertrail.ledger.vkey import parse_vkey

_SUFFIX = ".pem"
_COSIGNER = ".cosigner.pem"
_NOT_SEALED = "Nothing can be sealed without it; what was recorded waits in the journal."
_ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


class FileKeyRing:
    """Implements :class:`ordertrail.ledger.ports.KeyRing`; ``now`` gives cosignatures their time in seconds."""

    def __init__(
        self, root: Path, passphrase: bytes | None, now: Callable[[], int], *, post_quantum: bool = False
    ) -> None:
        self._root = root
        self._post_quantum = post_quantum
        self._passphrase = passphrase
        self._now = now
        self._signers: dict[str, Ed25519Signer] = {}

    def signer(self, vkey: str) -> Ed25519Signer:
        """See the port."""
        if vkey not in self._signers:
            key = parse_vkey(vkey)
            private = self._load(self._path(vkey))
            if not isinstance(private, Ed25519PrivateKey):
                raise ConfigurationError(f"the private key of {key} is not an Ed25519 key")
            signer = Ed25519Signer(key.name, private)
            if signer.key != key:
                raise ConfigurationError(f"the file of {key} holds the private key of {signer.key}")
            self._signers[vkey] = signer
        return self._signers[vkey]

    def create(self, name: str) -> NoteSigner:
        """See the port."""
        signer = Ed25519Signer(name, Ed25519PrivateKey.generate())
        self._store(f"{signer.key.key_id.hex()}{_SUFFIX}", signer.private_key)
        return signer

    def create_cosigner(self, name: str) -> NoteSigner:
        """Make a new ML-DSA-44 key whose signatures are added to checkpoints."""
        signer = MlDsa44Cosigner(name, MLDSA44PrivateKey.generate(), self._now)
        self._store(f"{signer.key.key_id.hex()}{_COSIGNER}", signer.private_key)
        return signer

    def cosigners(self, name: str) -> Sequence[NoteSigner]:
        """See the port. Where the trail wants post-quantum signatures and has no key for them, one is made."""
        signers: list[NoteSigner] = []
        for path in sorted(self._root.glob(f"*{_COSIGNER}")):
            private = self._load(path)
            if not isinstance(private, MLDSA44PrivateKey):
                raise ConfigurationError(f"{path} does not hold an ML-DSA-44 key")
            signer = MlDsa44Cosigner(name, private, self._now)
            # A key's id holds its name: under this one, another log's key has another id than its file.
            if path.name == f"{signer.key.key_id.hex()}{_COSIGNER}":
                signers.append(signer)
        return signers or ([self.create_cosigner(name)] if self._post_quantum else [])

    def problems(self, vkey: str) -> list[str]:
        """Say what keeps this key ring from signing as this key; nothing where it was never given any key."""
        try:
            path = self._path(vkey)
            if not self._root.is_dir() or (self._passphrase is None and self.encrypted(vkey)):
                return []
            signer = self.signer(vkey)
        except OrderTrailError as error:
            return [error.message]
        problems = []
        if path.stat().st_mode & 0o077:
            problems.append(f"{path} can be read by others; it must have mode 0600")
        if not self.encrypted(vkey) and path.read_bytes() != _serialize(signer.private_key, None):
            problems.append(f"{path} is not as it was written")
        return problems

    def encrypted(self, vkey: str) -> bool:
        """Say whether the private key of this verifier key is encrypted at rest."""
        try:
            return _ENCRYPTED in self._path(vkey).read_bytes()
        except OSError:
            return False

    def _path(self, vkey: str) -> Path:
        return self._root / f"{parse_vkey(vkey).key_id.hex()}{_SUFFIX}"

    def _store(self, name: str, private: Ed25519PrivateKey | MLDSA44PrivateKey) -> None:
        data = _serialize(private, self._passphrase)
        with translated(self._root, "storing a key in"):
            make_folder(self._root)
            self._root.chmod(0o700)
            write_part(self._root, data, 0o600).rename(self._root / name)
            sync_folder(self._root)

    def _load(self, path: Path) -> object:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UnavailableError(
                f"the private key {path} cannot be read: {error.strerror}",
                meaning=_NOT_SEALED,
                remedy="Restore the key file, or give this user the right to read it.",
            ) from error
        try:
            return load_pem_private_key(data, self._passphrase if _ENCRYPTED in data else None)
        except TypeError as error:
            raise ConfigurationError(
                f"{path}: {error}",
                meaning=_NOT_SEALED,
                remedy="Set ORDERTRAIL_PASSPHRASE_FILE to the file that holds the passphrase.",
            ) from error
        except ValueError as error:
            raise ConfigurationError(
                f"{path} does not open: {error}",
                meaning=_NOT_SEALED,
                remedy="Check the passphrase; restore the key from its backup.",
            ) from error


def _serialize(private: Ed25519PrivateKey | MLDSA44PrivateKey, passphrase: bytes | None) -> bytes:
    encryption: KeySerializationEncryption = (
        NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    )
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
