"""The key-encryption key: 32 random bytes that wrap every person's key, as one line of text, mode 0600.

``keys/people.kek`` holds one of two lines, each ended by a newline, ``||`` joining bytes::

    plain:<base64 of the 32 bytes>
    scrypt:<n>:<r>:<p>:<base64 of 16 random bytes of salt>:<base64 of the wrapped key>

    wrapped key = AES-KW(scrypt(passphrase, salt, n, r, p), key)       40 bytes

``n`` is a power of two; written are n = 131072, r = 8, p = 1: 128 MiB and a good third of a second a try.
A file that would need more than 1 GiB to open is refused, so that a tampered line cannot exhaust memory.
Two keys of the kind, with the passphrase ``correct horse`` for the second (n = 16, for the example only)::

    plain:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
    scrypt:16:8:1:AAAAAAAAAAAAAAAAAAAAAA==:VVd+6f6nTb573+9wek0K+qZdvO4PJa9ug4drIkt5mIpFcMgTAL9O4A==

The key of the blind index is derived from it, HKDF-SHA256 with info ``ordertrail/index/v1``: losing one is
losing both, and there is one secret to guard.

Sources: RFC 3394 (AES key wrap), RFC 7914 (scrypt), RFC 5869 (HKDF).
"""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from ordertrail.adapters.files.durable import make_folder, sync_folder, translated, write_once
from ordertrail.kernel.errors import ConfigurationError, InputError, UnavailableError
from ordertrail.ledger.vkey import format_base64, parse_base64

KEK_SIZE = 32
"""Bytes of the key: AES-256."""

INDEX_INFO = b"ordertrail/index/v1"

_SALT_SIZE = 16
_WRAPPED_SIZE = KEK_SIZE + 8
_MAX_MEMORY = 1 << 30
_MAX_PASSES = 16


@dataclass(frozen=True, slots=True)
class Cost:
    """What one try at a passphrase costs (RFC 7914 section 2): 128 * n * r bytes of memory, p times."""

    n: int = 1 << 17
    r: int = 8
    p: int = 1

    def __post_init__(self) -> None:
        sound = self.n > 1 and self.n & (self.n - 1) == 0 and self.r > 0 and 0 < self.p <= _MAX_PASSES
        if not sound or 128 * self.n * self.r > _MAX_MEMORY:
            raise InputError(f"scrypt's n, r and p cannot be {self.n}, {self.r} and {self.p}")


def create_kek(path: Path, passphrase: bytes | None, cost: Cost | None = None) -> bytes:
    """Make a new key, store it, and return it once it is on disk.

    Raises ConfigurationError if the file exists: overwriting it would erase every person.
    """
    kek = os.urandom(KEK_SIZE)
    text = format_kek(kek, passphrase, cost)
    with translated(path, "storing the key-encryption key in"):
        make_folder(path.parent)
        new = write_once(path, text.encode(), 0o600)
        sync_folder(path.parent)
    if not new:
        raise ConfigurationError(
            f"{path} exists already; without it nothing that it wraps can be opened",
            remedy="Keep it; choose another directory for a new trail.",
        )
    return kek


def load_kek(path: Path, passphrase: bytes | None) -> bytes:
    """Read the key.

    Raises UnavailableError where the file cannot be read, ConfigurationError where it is not a key's or
    does not open with this passphrase.
    """
    try:
        text = path.read_bytes().decode("ascii", "replace")
    except OSError as error:
        raise UnavailableError(
            f"the key-encryption key {path} cannot be read: {error.strerror}",
            meaning="Sealed values cannot be opened or made now; entries and their proofs stand.",
            remedy="Restore the file from its backup, or give this user the right to read it.",
        ) from error
    try:
        return parse_kek(text, passphrase)
    except InputError as error:
        raise ConfigurationError(
            f"{path}: {error.message}",
            meaning="Sealed values cannot be opened or made; entries and their proofs stand.",
            remedy="Restore the file from its backup; it is one line, 'plain:…' or 'scrypt:…'.",
        ) from None


def format_kek(kek: bytes, passphrase: bytes | None, cost: Cost | None = None) -> str:
    """Write a key as its line, wrapped where there is a passphrase."""
    if passphrase is None:
        return f"plain:{format_base64(kek)}\n"
    cost = cost or Cost()
    salt = os.urandom(_SALT_SIZE)
    wrapped = aes_key_wrap(_derive(passphrase, salt, cost), kek)
    return f"scrypt:{cost.n}:{cost.r}:{cost.p}:{format_base64(salt)}:{format_base64(wrapped)}\n"


def parse_kek(text: str, passphrase: bytes | None) -> bytes:
    """Read a key's line; a plain one needs no passphrase, whether there is one or not.

    Raises InputError where it is not exactly such a line, ConfigurationError where a passphrase is missing
    or wrong.
    """
    kind, *fields = text.removesuffix("\n").split(":")
    if not text.endswith("\n") or (kind, len(fields)) not in {("plain", 1), ("scrypt", 5)}:
        raise InputError("is not the line of a key-encryption key")
    if kind == "plain":
        return _sized(fields[0], KEK_SIZE)
    n, r, p = map(_number, fields[:3])
    cost, salt, wrapped = Cost(n, r, p), _sized(fields[3], _SALT_SIZE), _sized(fields[4], _WRAPPED_SIZE)
    if passphrase is None:
        raise ConfigurationError(
            "the key-encryption key is locked by a passphrase, and none is set",
            remedy="Set ORDERTRAIL_PASSPHRASE_FILE to the file that holds the passphrase.",
        )
    try:
        return aes_key_unwrap(_derive(passphrase, salt, cost), wrapped)
    except InvalidUnwrap:
        raise ConfigurationError(
            "the key-encryption key does not open with this passphrase",
            remedy="Check the passphrase; if it is right, restore keys/people.kek from its backup.",
        ) from None


def index_key(kek: bytes) -> bytes:
    """Derive the key of the blind index."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=INDEX_INFO).derive(kek)


def _derive(passphrase: bytes, salt: bytes, cost: Cost) -> bytes:
    if not passphrase:
        raise ConfigurationError(
            "the passphrase is empty", remedy="Set one, or unset ORDERTRAIL_PASSPHRASE and its file."
        )
    return Scrypt(salt=salt, length=KEK_SIZE, n=cost.n, r=cost.r, p=cost.p).derive(passphrase)


def _number(digits: str) -> int:
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 10) or digits.startswith("0"):
        raise InputError("holds a number that is not one")
    return int(digits)


def _sized(text: str, size: int) -> bytes:
    try:
        data = parse_base64(text)
    except InputError:
        raise InputError("holds base64 that is not base64") from None  # never quoted: it may be the key
    if len(data) != size:
        raise InputError(f"holds {len(data)} bytes where {size} belong")
    return data
