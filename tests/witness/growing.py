"""A log that grows, forks and is rolled back as a test likes, and witnesses served over HTTP."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from ordertrail.adapters.memory.witness_state import MemoryWitnessState
from ordertrail.adapters.witness.server import make_server
from ordertrail.ledger.add_checkpoint import AddCheckpoint, format_add_checkpoint
from ordertrail.ledger.checkpoint import Checkpoint, sign_checkpoint
from ordertrail.ledger.hashing import leaf_hash
from ordertrail.ledger.merkle import MemoryNodes, root
from ordertrail.ledger.note import parse_note
from ordertrail.ledger.ports import WitnessState
from ordertrail.ledger.proofs import prove_consistency
from ordertrail.ledger.signers import Ed25519Cosigner, Ed25519Signer, MlDsa44Cosigner
from ordertrail.ledger.witness import Witness

ORIGIN = "shop.example/orders"
NAME = "witness.example/w1"
NOW = 1_795_356_130


def private(seed: str) -> Ed25519PrivateKey:
    """A key that is the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(leaf_hash(seed.encode()))


def cosigner(name: str = NAME) -> Ed25519Cosigner:
    """The Ed25519 cosigner of a witness of this name."""
    return Ed25519Cosigner(name, private(name), lambda: NOW)


@dataclass(frozen=True)
class GrowingLog:
    """One history of a log: its leaves' hashes, and its key."""

    leaves: tuple[bytes, ...]
    signer: Ed25519Signer = field(default_factory=lambda: Ed25519Signer(ORIGIN, private(ORIGIN)))

    @classmethod
    def of(cls, size: int, salt: str = "") -> "GrowingLog":
        """A log of so many entries."""
        return cls(tuple(leaf_hash(f"{salt}{number}".encode()) for number in range(size)))

    def fork(self, at: int) -> "GrowingLog":
        """The same log, with another history from an entry on."""
        return replace(self, leaves=(*self.leaves[:at], *GrowingLog.of(len(self.leaves), "fork").leaves[at:]))

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        """Its checkpoint at a size, or at the newest."""
        leaves = self.leaves[:size]
        return Checkpoint(self.signer.name, len(leaves), root(leaves))

    def note(self, size: int | None = None) -> bytes:
        """That checkpoint, signed."""
        return sign_checkpoint(self.checkpoint(size), [self.signer])

    @property
    def reader(self) -> MemoryNodes:
        """Its nodes."""
        return MemoryNodes(self.leaves)

    def request(self, old: int, size: int, proof: Sequence[bytes] | None = None) -> bytes:
        """The body that asks for a cosignature at ``size`` from ``old``, with the right proof or another."""
        if proof is None:
            proof = prove_consistency(old, size, self.reader) if 0 < old <= size else ()
        return format_add_checkpoint(AddCheckpoint(old, tuple(proof), parse_note(self.note(size))))


def make_witness(
    state: WitnessState | None = None, name: str = NAME, *, post_quantum: bool = False
) -> Witness:
    """A witness that knows the log above."""
    signers: list[Ed25519Cosigner | MlDsa44Cosigner] = [cosigner(name)]
    if post_quantum:
        signers.append(MlDsa44Cosigner(name, MLDSA44PrivateKey.generate(), lambda: NOW))
    key = GrowingLog.of(0).signer.key
    return Witness(name, signers, {ORIGIN: (key,)}, MemoryWitnessState() if state is None else state)


@contextmanager
def serving(witness: Witness) -> Iterator[str]:
    """Serve a witness on a port of this machine; its URL."""
    server = make_server(witness)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
