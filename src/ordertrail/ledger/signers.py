"""Signers: who can sign a note, and the ones that keep their key in memory (C2SP signed-note).

``NoteSigner`` is what the ledger asks of a key: its public half, and a signature line's blob for a text. The
ones here are for those that have the key at hand, and for a key that signs elsewhere and is never seen::

    Ed25519Signer        type 0x01   deterministic (RFC 8032): the same text, the same signature
    RemoteSigner         type 0x01 or 0x02, by a function: an HSM's, a KMS's
    Ed25519Cosigner      type 0x04   with the time
    MlDsa44Cosigner      type 0x06   with the time; randomised (FIPS 204 section 3.4)

Time comes from the ``clock`` handed in, in seconds since 1970, never from the machine's.

**Private keys as text** (golang.org/x/mod/sumdb/note), for keys that other tools made, type 0x01 only; the
base64 is of the type and the 32-byte seed::

    PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError
from ordertrail.ledger.cosignature import TIME_SIZE, check_signature, signed_message
from ordertrail.ledger.ecdsa import low_s
from ordertrail.ledger.note import Note, Signature
from ordertrail.ledger.vkey import SignatureType, VerifierKey, format_base64, parse_base64, split_key

#: How a private key's text begins (golang.org/x/mod/sumdb/note, "Generating Keys").
_SKEY_PREFIX: Final = "PRIVATE+KEY+"
#: Bytes of an Ed25519 seed (RFC 8032 section 5.1.5).
_SEED_SIZE: Final = 32


class NoteSigner(Protocol):
    """A key that signs notes.

    ``sign`` may be slow and may fail with ``UnavailableError``; the caller retries. It is called by one
    thread at a time, and must never sign anything but the text that it is given.
    """

    @property
    def key(self) -> VerifierKey:
        """The public half, by which others verify."""
        ...

    def sign(self, text: bytes) -> bytes:
        """Blob of the signature line over a note's text: for a cosignature, time and signature."""
        ...


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """Signs a note's text as it stands: type 0x01."""

    name: str
    private_key: Ed25519PrivateKey = field(repr=False)
    key: VerifierKey = field(init=False)

    def __post_init__(self) -> None:
        public = self.private_key.public_key().public_bytes_raw()
        object.__setattr__(self, "key", VerifierKey(self.name, SignatureType.ED25519, public))

    def sign(self, text: bytes) -> bytes:
        """Sign a note's text: 64 bytes."""
        return self.private_key.sign(text)


@dataclass(frozen=True, slots=True)
class Ed25519Cosigner:
    """Signs a checkpoint's text with the time: type 0x04."""

    name: str
    private_key: Ed25519PrivateKey = field(repr=False)
    clock: Callable[[], int] = field(repr=False)
    key: VerifierKey = field(init=False)

    def __post_init__(self) -> None:
        public = self.private_key.public_key().public_bytes_raw()
        object.__setattr__(self, "key", VerifierKey(self.name, SignatureType.ED25519_COSIGNATURE, public))

    def sign(self, text: bytes) -> bytes:
        """Cosign a checkpoint's text: 8 and 64 bytes.

        :raises InputError: if the text is no checkpoint.
        """
        time = self.clock()
        message = signed_message(self.key.type, self.name, text, time)
        return time.to_bytes(TIME_SIZE, "big") + self.private_key.sign(message)


@dataclass(frozen=True, slots=True)
class MlDsa44Cosigner:
    """Signs the tree that a checkpoint's text names, with the time: type 0x06."""

    name: str
    private_key: MLDSA44PrivateKey = field(repr=False)
    clock: Callable[[], int] = field(repr=False)
    key: VerifierKey = field(init=False)

    def __post_init__(self) -> None:
        public = self.private_key.public_key().public_bytes_raw()
        object.__setattr__(self, "key", VerifierKey(self.name, SignatureType.MLDSA44_COSIGNATURE, public))

    def sign(self, text: bytes) -> bytes:
        """Cosign the tree of a checkpoint's text: 8 and 2420 bytes.

        :raises InputError: if the text is no checkpoint, or name or origin has over 255 bytes.
        """
        time = self.clock()
        message = signed_message(self.key.type, self.name, text, time)
        return time.to_bytes(TIME_SIZE, "big") + self.private_key.sign(message)


@dataclass(frozen=True, slots=True)
class RemoteSigner:
    """Signs by ``signing``, which asks whoever has the key: type 0x01 or 0x02.

    ``signing`` takes the text and returns 64 bytes for Ed25519, or DER for ECDSA. What it returns is verified
    before it is handed on, since nobody here has seen the key: hardware fails, and a key may be exchanged.
    """

    key: VerifierKey
    signing: Callable[[bytes], bytes] = field(repr=False)

    def sign(self, text: bytes) -> bytes:
        """Have a note's text signed.

        :raises ConfigurationError: if what comes back is not this key's signature over the text.
        """
        try:
            blob = self.signing(text)
            if self.key.type is SignatureType.ECDSA_P256:
                blob = low_s(blob)
            check_signature(self.key, text, blob)
        except (InputError, EvidenceError):
            raise ConfigurationError(
                f"what signs in the place of {self.key} has another key, or is faulty",
                meaning="The signature was thrown away. Nothing is sealed; what was recorded waits in the journal.",
                remedy="Bring back the token or key service that holds this key; 'ordertrail keys list' names it.",
            ) from None
        return blob


def sign_note(text: bytes, signers: Iterable[NoteSigner]) -> Note:
    """Sign a text by each signer, in their order.

    :raises InputError: if the text cannot be a note's, or there is no signer.
    """
    return Note(text, tuple(signature_by(signer, text) for signer in signers))


def signature_by(signer: NoteSigner, text: bytes) -> Signature:
    """One signer's signature line over a text."""
    return Signature(signer.key.name, signer.key.key_id, signer.sign(text))


def format_skey(signer: Ed25519Signer) -> str:
    """Write a signer's private key as text. It is a secret: whoever reads it can sign."""
    key = signer.key
    material = bytes([key.type]) + signer.private_key.private_bytes_raw()
    return f"{_SKEY_PREFIX}{key.name}+{key.key_id.hex()}+{format_base64(material)}"


def parse_skey(text: str) -> Ed25519Signer:
    """Read a private key of type 0x01.

    :raises InputError: if it is malformed, of another type, or its id is not the one of its key. The
        message never quotes the key.
    """
    if not text.startswith(_SKEY_PREFIX):
        raise InputError(f"a private key begins with {_SKEY_PREFIX!r}")
    name, id_, encoded = split_key(text.removeprefix(_SKEY_PREFIX))
    try:
        material = parse_base64(encoded)
    except InputError:
        raise InputError(f"the private key of {name!r} is not base64") from None
    if len(material) != 1 + _SEED_SIZE or material[0] != SignatureType.ED25519:
        raise InputError(f"the private key of {name!r} is not an Ed25519 key")
    signer = Ed25519Signer(name, Ed25519PrivateKey.from_private_bytes(material[1:]))
    if signer.key.key_id.hex() != id_:
        raise InputError(f"the private key of {name!r} has the id {signer.key.key_id.hex()}, not {id_}")
    return signer
