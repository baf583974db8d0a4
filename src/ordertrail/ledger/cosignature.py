r"""Cosignatures: signatures over a checkpoint that say when (C2SP tlog-cosignature).

A cosigner says that the checkpoint is consistent with all it has seen of that log. The blob of its signature
line is the time in seconds since 1970, a big-endian uint64, and then the signature ("Format"). What is
signed depends on the type.

**Ed25519, type 0x04** ("Ed25519 signed message"): two lines before the whole text of the checkpoint::

    cosignature/v1
    time 1679315147
    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

**ML-DSA-44, type 0x06** ("ML-DSA-44 signed message"): a structure, which names the cosigner too::

    "subtree/v1\n\0"               12 bytes
    cosigner name, log origin      each after its length in one byte; the time stands between them
    time, start, end               big-endian uint64; of a checkpoint start is 0 and end its size
    root                           32 bytes

so that extension lines are **not** covered by this type: nothing is known of them from it alone.
"""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger import ecdsa
from ordertrail.ledger.checkpoint_text import parse_checkpoint
from ordertrail.ledger.subtree import Span
from ordertrail.ledger.vkey import SignatureType, VerifierKey

#: First bytes of the message of type 0x06 (tlog-cosignature, "ML-DSA-44 signed message").
SUBTREE_LABEL: Final = b"subtree/v1\n\x00"
#: Bytes of a cosignature's time (tlog-cosignature, "Format").
TIME_SIZE: Final = 8
#: The last time that may be written (tlog-cosignature, "Format").
MAX_TIME: Final = 2**63 - 1


def timed_text(text: bytes, time: int) -> bytes:
    """Message of a cosignature of type 0x04 over a checkpoint's text at ``time``."""
    return b"cosignature/v1\ntime %d\n%b" % (_require_time(time), text)


def cosigned_message(name: str, time: int, origin: str, span: Span, root: bytes) -> bytes:
    """Message of a cosignature of type 0x06 by ``name`` over the subtree ``span`` of ``root``.

    :raises InputError: if the name or the origin is empty or over 255 bytes, or a subtree that does not
        begin at leaf 0 has a time ("these values MUST be zero").
    """
    start, end = span
    if start and time:
        raise InputError("a cosignature of a subtree that does not begin at leaf 0 has no time")
    return b"".join(
        (
            SUBTREE_LABEL,
            _opaque(name),
            _require_time(time).to_bytes(8, "big"),
            _opaque(origin),
            start.to_bytes(8, "big"),
            end.to_bytes(8, "big"),
            root,
        )
    )


def signed_message(key_type: SignatureType, name: str, text: bytes, time: int) -> bytes:
    """Return what a key of this type and name signs, at ``time``, of a note's text.

    :raises InputError: if a cosignature is asked of a text that is no checkpoint.
    """
    if not key_type.is_cosignature:
        return text
    # Cosigners make a statement about a tree: of any other text there is none to make.
    checkpoint = parse_checkpoint(text)
    if key_type is SignatureType.ED25519_COSIGNATURE:
        return timed_text(text, time)
    return cosigned_message(name, time, checkpoint.origin, (0, checkpoint.size), checkpoint.root)


def check_signature(key: VerifierKey, text: bytes, blob: bytes) -> int | None:
    """Check the signature ``blob`` by ``key`` of a note's text.

    :returns: the time of a cosignature, in seconds since 1970; of any other signature, None.
    :raises EvidenceError: if the signature is not that key's over that text.
    """
    time, signature = None, blob
    if key.type.is_cosignature:
        time, signature = int.from_bytes(blob[:TIME_SIZE], "big"), blob[TIME_SIZE:]
    try:
        message = signed_message(key.type, key.name, text, time or 0)
        match key.type:
            case SignatureType.MLDSA44_COSIGNATURE:
                MLDSA44PublicKey.from_public_bytes(key.public).verify(signature, message)
            case SignatureType.ECDSA_P256:
                ecdsa.verify(key.public, signature, message)
            case SignatureType.ED25519 | SignatureType.ED25519_COSIGNATURE:
                Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InputError, InvalidSignature, ValueError):
        raise EvidenceError(f"the signature of {key} is not over this text") from None
    return time


def _require_time(time: int) -> int:
    if not 0 <= time <= MAX_TIME:
        raise InputError(f"{time} is not a time of a cosignature")
    return time


def _opaque(text: str) -> bytes:
    """Write ``opaque<1..2^8-1>`` of RFC 8446 section 3.4: the bytes after their length."""
    data = text.encode()
    if not 1 <= len(data) <= 255:
        raise InputError(f"{text[:40]!r} has not 1 to 255 bytes")
    return bytes([len(data)]) + data
