"""Verifier keys: a name, a signature type and a public key, as one line of text (C2SP signed-note).

::

    <name>+<key id>+<base64(type || public key)>
    key id = SHA-256(name || 0x0A || type || public key)[:4], in eight lowercase hexadecimal digits

Four signature types are known ("Signature types", and C2SP tlog-cosignature "Format")::

    0x01  Ed25519 over the note's text                               public key of 32 bytes
    0x02  ECDSA over P-256 and SHA-256, for keys in hardware         91 bytes; id = SHA-256(public key)[:4]
    0x04  Ed25519 cosignature with the time (cosignature/v1)         32 bytes
    0x06  ML-DSA-44 cosignature with the time (subtree/v1)           1312 bytes

The id is derived and not kept beside the key, so that it cannot be the wrong one. It is short on purpose: it
finds a key, the signature proves it. A worked example, the Go checksum database's key::

    sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8

Here too is the base64 of the whole family (RFC 4648 section 4: padded, and with no second spelling).
"""

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import Final

from ordertrail.kernel.errors import InputError
from ordertrail.ledger.ecdsa import SPKI_SIZE, parse_spki

#: Bytes of a key id (signed-note, "Signatures").
KEY_ID_SIZE: Final = 4


class SignatureType(IntEnum):
    """Signature type identifier bytes (signed-note, "Signature types"; tlog-cosignature, "Format")."""

    ED25519 = 0x01
    ECDSA_P256 = 0x02
    ED25519_COSIGNATURE = 0x04
    MLDSA44_COSIGNATURE = 0x06

    @property
    def key_size(self) -> int:
        """Bytes of a public key: RFC 8032 section 5.1.5, FIPS 204 table 2, RFC 5480 section 2."""
        return _KEY_SIZES.get(self, 32)

    @property
    def is_cosignature(self) -> bool:
        """Whether its signatures carry the time at which they were made."""
        return self not in {SignatureType.ED25519, SignatureType.ECDSA_P256}


_KEY_SIZES: Final = {SignatureType.ECDSA_P256: SPKI_SIZE, SignatureType.MLDSA44_COSIGNATURE: 1312}


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Whose signature, of which type, by which public key; ``key_id`` follows from the three.

    :raises InputError: if the name is not one, the public key has not the type's size, or of type 0x02 is not
        spelled as it must be.
    """

    name: str
    type: SignatureType
    public: bytes
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise InputError(f"{self.name!r} is not a key name")
        if len(self.public) != self.type.key_size:
            raise InputError(f"a public key of type {self.type:#04x} has {self.type.key_size} bytes")
        if self.type is SignatureType.ECDSA_P256:
            parse_spki(self.public)
        object.__setattr__(self, "key_id", key_id(self.name, self.type, self.public))

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}"


def is_key_name(name: str) -> bool:
    """Whether ``name`` is not empty, and has no Unicode space, plus or control character ("Format")."""
    return (
        bool(name)
        and "+" not in name
        and not any(character.isspace() or character < " " for character in name)
        # A lone surrogate is no character: it has no UTF-8.
        and not any("\ud800" <= character <= "\udfff" for character in name)
    )


def key_id(name: str, type_: int, public: bytes) -> bytes:
    """First four bytes of the hash of the name, the type and the public key ("Signatures").

    Of type 0x02 it is the hash of the public key alone ("Signature types").
    """
    if type_ == SignatureType.ECDSA_P256:
        return sha256(public).digest()[:KEY_ID_SIZE]
    return sha256(b"%b\n%c%b" % (name.encode(), type_, public)).digest()[:KEY_ID_SIZE]


def format_vkey(key: VerifierKey) -> str:
    """Write a verifier key as a line of text, without a newline."""
    return f"{key.name}+{key.key_id.hex()}+{format_base64(bytes([key.type]) + key.public)}"


def parse_vkey(text: str) -> VerifierKey:
    """Read a verifier key.

    :raises InputError: if it is malformed, of an unknown type, or its id is not the one of its key.
    """
    name, id_, encoded = split_key(text)
    material = parse_base64(encoded)
    try:
        type_ = SignatureType(material[0])
    except (IndexError, ValueError):
        raise InputError(f"the verifier key of {name!r} is of an unknown type") from None
    key = VerifierKey(name, type_, material[1:])
    if key.key_id.hex() != id_:
        raise InputError(f"the verifier key of {name!r} has the id {key.key_id.hex()}, not {id_}")
    return key


def split_key(text: str) -> tuple[str, str, str]:
    """Split a key's text at its first two plus signs; the base64 may have more of them.

    :raises InputError: if it has fewer.
    """
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise InputError("a key is written <name>+<key id>+<base64>")
    return parts[0], parts[1], parts[2]


def format_base64(data: bytes) -> str:
    """Write bytes in the one base64 of the C2SP formats (RFC 4648 section 4)."""
    return b64encode(data).decode()


def parse_base64(text: str) -> bytes:
    """Read base64, and only its one canonical spelling.

    :raises InputError: if it is anything else, left-over bits that are not zero included.
    """
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputError(f"{_shortened(text)} is not base64") from None
    if b64encode(data).decode() != text:
        raise InputError(f"{_shortened(text)} is not the canonical base64 of its bytes")
    return data


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
