"""A key ring in memory."""

from collections.abc import Callable, Sequence
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from ordertrail.adapters.memory.availability import Availability
from ordertrail.kernel.errors import UnavailableError
from ordertrail.ledger.signers import Ed25519Signer, MlDsa44Cosigner, NoteSigner
from ordertrail.ledger.vkey import format_vkey


class MemoryKeyRing:
    """Implements :class:`ordertrail.ledger.ports.KeyRing`; ``now`` gives cosignatures their time in seconds.

    Its keys are gone with it, so nothing that it signed may be meant to last.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self.availability = Availability()
        self._now = now
        self._signers: dict[str, NoteSigner] = {}
        self._cosigners: list[MlDsa44Cosigner] = []
        self._lock = Lock()

    def signer(self, vkey: str) -> NoteSigner:
        """See the port."""
        with self._lock:
            self.availability.require()
            if vkey not in self._signers:
                raise UnavailableError(f"the private key of {vkey} is not in this key ring")
            return self._signers[vkey]

    def create(self, name: str) -> NoteSigner:
        """See the port."""
        signer = Ed25519Signer(name, Ed25519PrivateKey.generate())
        with self._lock:
            self.availability.require()
            self._signers[format_vkey(signer.key)] = signer
        return signer

    def create_cosigner(self, name: str) -> NoteSigner:
        """Make a new ML-DSA-44 key whose signatures are added to checkpoints."""
        signer = MlDsa44Cosigner(name, MLDSA44PrivateKey.generate(), self._now)
        with self._lock:
            self.availability.require()
            self._cosigners.append(signer)
        return signer

    def cosigners(self, name: str) -> Sequence[NoteSigner]:
        """See the port."""
        with self._lock:
            self.availability.require()
            return [signer for signer in self._cosigners if signer.name == name]
