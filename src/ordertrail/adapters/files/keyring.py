"""Private keys as files: one PKCS #8 PEM a key, mode 0600, encrypted where there is a passphrase.

``<key id>.pem`` signs checkpoints (Ed25519), ``<key id>.cosigner.pem`` adds a post-quantum signature
(ML-DSA-44). The passphrase comes from a file named by ``ORDERTRAIL_PASSPHRASE_FILE`` or from
``ORDERTRAIL_PASSPHRASE``, never from the command line.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from ordertrail.adapters.files.private_key import ENCRYPTED, load_private_key, serialize, store_private_key
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError
from ordertrail.ledger.signers import Ed25519Signer, MlDsa44Cosigner, NoteSigner
from ordertrail.ledger.vkey import parse_vkey

_SUFFIX = ".pem"
_COSIGNER = ".cosigner.pem"
_NOT_SEALED = "Nothing can be sealed without it; what was recorded waits in the journal."


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
        if not self.encrypted(vkey) and path.read_bytes() != serialize(signer.private_key, None):
            problems.append(f"{path} is not as it was written")
        return problems

    def holds(self, vkey: str) -> bool:
        """Say whether there is a file for this key."""
        return self._path(vkey).exists()

    def encrypted(self, vkey: str) -> bool:
        """Say whether the private key of this verifier key is encrypted at rest."""
        try:
            return ENCRYPTED in self._path(vkey).read_bytes()
        except OSError:
            return False

    def _path(self, vkey: str) -> Path:
        return self._root / f"{parse_vkey(vkey).key_id.hex()}{_SUFFIX}"

    def _store(self, name: str, private: Ed25519PrivateKey | MLDSA44PrivateKey) -> None:
        store_private_key(self._root / name, private, self._passphrase)

    def _load(self, path: Path) -> object:
        return load_private_key(path, self._passphrase, _NOT_SEALED)
