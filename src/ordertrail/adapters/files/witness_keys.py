"""A witness's private keys: ``<key id>.pem`` for each in one folder, as :mod:`.private_key` keeps them.

Ed25519 (type 0x04) and ML-DSA-44 (type 0x06); with both, every cosignature is two lines. Whoever checks by
one of them ignores the other.
"""

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from ordertrail.adapters.files.durable import translated
from ordertrail.adapters.files.private_key import load_private_key, store_private_key
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.ledger.signers import Ed25519Cosigner, MlDsa44Cosigner

_SUFFIX = ".pem"
_NOT_COSIGNED = "Nothing can be cosigned without it; what was cosigned stands."

Cosigner = Ed25519Cosigner | MlDsa44Cosigner


def create_witness_keys(
    folder: Path, name: str, passphrase: bytes | None, now: Callable[[], int], *, post_quantum: bool
) -> list[Cosigner]:
    """Make a witness's keys; ``now`` gives their cosignatures the time in seconds. They are on disk then."""
    signers: list[Cosigner] = [Ed25519Cosigner(name, Ed25519PrivateKey.generate(), now)]
    if post_quantum:
        signers.append(MlDsa44Cosigner(name, MLDSA44PrivateKey.generate(), now))
    for signer in signers:
        path = folder / f"{signer.key.key_id.hex()}{_SUFFIX}"
        store_private_key(path, signer.private_key, passphrase)
    return signers


def load_witness_keys(
    folder: Path, name: str, passphrase: bytes | None, now: Callable[[], int]
) -> list[Cosigner]:
    """Open a witness's keys, Ed25519 first.

    Raises ConfigurationError where there are none, or one is not this witness's or does not open.
    """
    with translated(folder, "looking for keys in"):
        paths = sorted(folder.glob(f"*{_SUFFIX}"))
    signers: list[Cosigner] = []
    for path in paths:
        private = load_private_key(path, passphrase, _NOT_COSIGNED)
        if isinstance(private, Ed25519PrivateKey):
            signers.append(Ed25519Cosigner(name, private, now))
        elif isinstance(private, MLDSA44PrivateKey):
            signers.append(MlDsa44Cosigner(name, private, now))
        else:
            raise _wrong(f"{path} holds neither an Ed25519 nor an ML-DSA-44 key")
        # A key's id holds its name: under another name, or from another witness, it has another id than its file.
        if path.stem != signers[-1].key.key_id.hex():
            raise _wrong(f"{path} is not a key of the witness {name}; the key in it is {signers[-1].key}")
    if not signers:
        raise _wrong(f"there is no key in {folder}")
    return sorted(signers, key=lambda signer: signer.key.type)


def _wrong(message: str) -> ConfigurationError:
    return ConfigurationError(
        message,
        meaning=_NOT_COSIGNED,
        remedy="Restore the keys and witness.toml as they were, from one backup.",
    )
