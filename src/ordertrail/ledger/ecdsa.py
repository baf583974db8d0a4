"""ECDSA over P-256: how the note format writes its keys and signatures (C2SP signed-note, type 0x02).

The registry defines the type as "ECDSA signatures as implemented by github.com/transparency-dev/witness"; that
code (``note/note_verifier.go`` of transparency-dev/formats) fixes the rest:

- the public key is its SubjectPublicKeyInfo in DER (RFC 5480); of P-256 that is always these 91 bytes::

      3059 3013 06072a8648ce3d0201 06082a8648ce3d030107 034200 04 || x (32 bytes) || y (32 bytes)

- the key id is ``SHA-256(SubjectPublicKeyInfo)[:4]``, without the name, unlike that of all other types;
- the signature is over the SHA-256 of the text, as DER ``SEQUENCE { r INTEGER, s INTEGER }`` (RFC 3279
  section 2.2.3).

**One spelling.** From a signature (r, s) anybody can make the other one, (r, n - s), without the key. So that no
byte of a signature can be changed unnoticed, only the one with s <= n/2 is good here, in strict DER. Whoever
signs for us brings a signature into this form (:func:`low_s`); Go's verifier takes either. P-384 and P-521,
which the registry allows too, are refused: no key of ours is one.
"""

from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from ordertrail.kernel.errors import InputError

#: Order of the group of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3).
ORDER: Final = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
#: Bytes of a public key: its SubjectPublicKeyInfo.
SPKI_SIZE: Final = 91
#: Bytes of one coordinate, and of r and of s.
COORDINATE_SIZE: Final = 32

_SPKI_PREFIX: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_POINT_SIZE: Final = 1 + 2 * COORDINATE_SIZE


def format_spki(point: bytes) -> bytes:
    """Write an uncompressed point of 65 bytes as a public key.

    :raises InputError: if it is not one of P-256.
    """
    spki = _SPKI_PREFIX + point
    parse_spki(spki)
    return spki


def parse_spki(spki: bytes) -> EllipticCurvePublicKey:
    """Read a public key in its one spelling.

    :raises InputError: if it is anything else: another curve, a compressed point, a point off the curve.
    """
    point = spki.removeprefix(_SPKI_PREFIX)
    if len(spki) != SPKI_SIZE or len(point) != _POINT_SIZE or point[0] != 0x04:
        raise InputError(
            "a public key of type 0x02 is the SubjectPublicKeyInfo of an uncompressed P-256 point"
        )
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError:
        raise InputError("the public key is no point of P-256") from None


def der_of(raw: bytes) -> bytes:
    """Write ``r || s``, 64 bytes, as PKCS#11 and IEEE P1363 have it, in DER with s <= n/2.

    :raises InputError: if r or s is not between 1 and n - 1.
    """
    if len(raw) != 2 * COORDINATE_SIZE:
        raise InputError(f"a raw signature of P-256 has {2 * COORDINATE_SIZE} bytes, not {len(raw)}")
    return _format(int.from_bytes(raw[:COORDINATE_SIZE], "big"), int.from_bytes(raw[COORDINATE_SIZE:], "big"))


def low_s(signature: bytes) -> bytes:
    """Bring a DER signature into the one spelling that is good here.

    :raises InputError: if it is not DER, or r or s is not between 1 and n - 1.
    """
    try:
        r, s = decode_dss_signature(signature)
    except ValueError:
        raise InputError("the signature is not DER") from None
    return _format(r, s)


def verify(spki: bytes, signature: bytes, message: bytes) -> None:
    """Verify a signature in its one spelling over the SHA-256 of ``message``.

    :raises InputError: if the key or the signature is misspelled.
    :raises InvalidSignature: if the signature is not that key's.
    """
    key = parse_spki(spki)
    if low_s(signature) != signature:
        raise InvalidSignature
    key.verify(signature, sha256(message).digest(), ECDSA(Prehashed(SHA256())))


def _format(r: int, s: int) -> bytes:
    if not (0 < r < ORDER and 0 < s < ORDER):
        raise InputError("r and s of a signature are between 1 and n - 1")
    return encode_dss_signature(r, min(s, ORDER - s))
