"""One private key as a file: PKCS #8 PEM, mode 0600, encrypted where there is a passphrase."""

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
from ordertrail.kernel.errors import ConfigurationError, UnavailableError

ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
"""How the file of an encrypted key begins."""


def store_private_key(
    path: Path, private: Ed25519PrivateKey | MLDSA44PrivateKey, passphrase: bytes | None
) -> None:
    """Store a key in a folder that only its owner reads; it is on disk when this returns."""
    data = serialize(private, passphrase)
    with translated(path.parent, "storing a key in"):
        make_folder(path.parent)
        path.parent.chmod(0o700)
        write_part(path.parent, data, 0o600).rename(path)
        sync_folder(path.parent)


def load_private_key(path: Path, passphrase: bytes | None, without: str) -> object:
    """Read a key, of whatever kind. ``without`` says what it means for the evidence that it cannot be used.

    Raises UnavailableError where the file cannot be read, ConfigurationError where it does not open.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnavailableError(
            f"the private key {path} cannot be read: {error.strerror}",
            meaning=without,
            remedy="Restore the key file, or give this user the right to read it.",
        ) from error
    try:
        return load_pem_private_key(data, passphrase if ENCRYPTED in data else None)
    except TypeError as error:
        raise ConfigurationError(
            f"{path}: {error}",
            meaning=without,
            remedy="Set ORDERTRAIL_PASSPHRASE_FILE to the file that holds the passphrase.",
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            f"{path} does not open: {error}",
            meaning=without,
            remedy="Check the passphrase; restore the key from its backup.",
        ) from error


def serialize(private: Ed25519PrivateKey | MLDSA44PrivateKey, passphrase: bytes | None) -> bytes:
    """Write a key as PEM."""
    encryption: KeySerializationEncryption = (
        NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    )
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
