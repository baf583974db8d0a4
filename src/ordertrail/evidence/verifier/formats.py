"""The formats of a bundle, for ``verify.py``: archive, JSON, hashes, keys, notes, checkpoints and time stamps.

:func:`ordertrail.evidence.verifier.page.program` puts this file into the other, so that a bundle holds one.
"""

import base64
import hashlib
import json
import re
import struct
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.x509.oid import ExtendedKeyUsageOID

try:
    from cryptography.hazmat.primitives.asymmetric import mldsa
except ImportError:  # an older release: such signatures are then not checked, and that is said
    mldsa = None  # type: ignore[assignment]
HAS_MLDSA = mldsa is not None

STEPS = {1: "content", 2: "inclusion", 3: "signature", 4: "continuity", 5: "time", 6: "custody"}
BESIDE = {"manifest.json", "seal.json", "seal.tlog-proof", "seal.consistency", "verify.html"}
OPENING, CLOSING = b'<script type="application/octet-stream" id="evidence">', b"</script>"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
SLACK = timedelta(seconds=2)
Members = dict[str, bytes]


class BrokenError(Exception):
    """The bundle does not hold."""


def require(held: bool, message: str) -> None:  # noqa: FBT001 - a condition, as in assert
    """Go on if a condition holds."""
    if not held:
        raise BrokenError(message)


# --- the archive: stored members in one spelling -----------------------------------------------------------------


def write_archive(members: Members) -> bytes:
    """Write the one archive that members make."""
    local, central, offset = [], [], 0
    for name in sorted(members):
        data = members[name]
        about = struct.pack(
            "<HHHHHIIIHH", 20, 0, 0, 0, 0x21, zlib.crc32(data), len(data), len(data), len(name), 0
        )
        local += [b"PK\x03\x04", about, name.encode(), data]
        central += [b"PK\x01\x02\x14\x00", about, struct.pack("<HHHII", 0, 0, 0, 0, offset), name.encode()]
        offset += 30 + len(name) + len(data)
    directory = b"".join(central)
    count = len(members)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(directory), offset, 0)
    return b"".join((*local, directory, end))


def read_archive(data: bytes) -> Members:
    """Read an archive: exactly the one that its members make."""
    members: Members = {}
    at = 0
    while data[at : at + 4] == b"PK\x03\x04" and len(data) >= at + 30:
        length, name_length = (
            struct.unpack_from("<I", data, at + 22)[0],
            struct.unpack_from("<H", data, at + 26)[0],
        )
        begin = at + 30 + name_length
        name, at = data[at + 30 : begin].decode("ascii", "replace"), begin + length
        plain = len(name) <= 160 and all(
            re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", part) for part in name.split("/")
        )
        require(plain and name not in members, f"the archive has a member {name[:60]!r} that no bundle has")
        members[name] = data[begin:at]
    require(bool(members) and at <= len(data), "this is not a bundle, or it is cut off")
    require(
        write_archive(members) == data, "the archive's headers or what stands between its members was altered"
    )
    return members


# --- JSON, base64, hashes ----------------------------------------------------------------------------------------


def canonical(value: Any) -> str:
    """Write JSON as RFC 8785 does, for what evidence holds: no floats."""
    if isinstance(value, dict):
        ordered = sorted(value.items(), key=lambda one: one[0].encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{json.dumps(n, ensure_ascii=False)}:{canonical(v)}" for n, v in ordered) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _no_float(text: str) -> None:
    raise ValueError(text)


def read_json(data: bytes, name: str) -> Any:
    """Read JSON in its one spelling."""
    try:
        value = json.loads(data, parse_float=_no_float)
        same = canonical(value).encode() == data
    except (ValueError, RecursionError):
        raise BrokenError(f"{name} is not JSON of whole numbers and text") from None
    require(same, f"{name} is not in its one spelling (RFC 8785)")
    return value


def unbase64(text: str) -> bytes:
    """Read base64 in its one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise BrokenError(f"{text[:40]!r} is not base64") from None
    require(base64.b64encode(data).decode() == text, f"{text[:40]!r} is not canonical base64")
    return data


def leaf(entry: bytes) -> bytes:
    """Hash an entry (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Hash two nodes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def check_inclusion(index: int, size: int, hash_: bytes, proof: list[bytes], root: bytes) -> None:
    """Check an inclusion proof (RFC 9162 section 2.1.3.2)."""
    require(0 <= index < size < 1 << 63, f"entry {index} is not among the {size}")
    at, last = index, size - 1
    for other in proof:
        require(last > 0 and len(other) == 32, f"the proof of entry {index} is too long")
        if at & 1 or at == last:
            hash_ = node(other, hash_)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            hash_ = node(hash_, other)
        at, last = at >> 1, last >> 1
    require(last == 0 and hash_ == root, f"the proof of entry {index} does not lead to the signed root")


def check_consistency(size1: int, root1: bytes, size2: int, root2: bytes, proof: list[bytes]) -> None:
    """Check a consistency proof (RFC 9162 section 2.1.4.2)."""
    require(0 < size1 <= size2, "no proof shows that")
    if size1 == size2:
        require(root1 == root2 and not proof, f"two checkpoints of {size1} entries differ")
        return
    path = list(proof) if size1 & (size1 - 1) else [root1, *proof]
    require(bool(path), "the proof between two checkpoints is empty")
    at, last = size1 - 1, size2 - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for other in path[1:]:
        require(last > 0, "the proof between two checkpoints is too long")
        if at & 1 or at == last:
            first, second = node(other, first), node(other, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node(second, other)
        at, last = at >> 1, last >> 1
    require(
        last == 0 and (first, second) == (root1, root2),
        f"the log of {size2} does not continue the one of {size1}",
    )


# --- keys, notes, checkpoints -------------------------------------------------------------------------------------


class Key(NamedTuple):
    """A verifier key: name, type and public key; ``id`` follows from them."""

    name: str
    kind: int
    public: bytes
    id: bytes


class Checkpoint(NamedTuple):
    """A signed note over a tree: its text, origin, size and root, and its signatures (name, key id, bytes)."""

    text: bytes
    origin: str
    size: int
    root: bytes
    signatures: list[tuple[str, bytes, bytes]]


def read_vkey(text: str) -> Key:
    """Read ``<name>+<id>+<base64>`` (C2SP signed-note)."""
    name, id_, encoded = [*text.split("+", 2), "", ""][:3]
    material = unbase64(encoded)
    require(bool(name and material), f"{text[:60]!r} is not a verifier key")
    kind, public = material[0], material[1:]
    hashed = public if kind == 2 else name.encode() + b"\n" + material
    found = hashlib.sha256(hashed).digest()[:4]
    require(found.hex() == id_, f"the verifier key of {name!r} has another id")
    return Key(name, kind, public, found)


def read_note(data: bytes) -> tuple[bytes, list[tuple[str, bytes, bytes]]]:
    """Read a signed note: its text, and its signature lines."""
    text, blank, tail = data.rpartition(b"\n\n")
    require(bool(blank) and tail.endswith(b"\n"), "a signed note is cut off")
    signatures = []
    for line in tail.decode("utf-8", "replace").split("\n")[:-1]:
        dash, name, encoded = [*line.split(" "), "", ""][:3]
        blob = unbase64(encoded)
        require(dash == "\u2014" and line.count(" ") == 2 and len(blob) > 4, "a signature line is malformed")
        signatures.append((name, blob[:4], blob[4:]))
    return text + b"\n", signatures


def read_checkpoint(data: bytes) -> Checkpoint:
    """Read a signed checkpoint; nothing of it is checked."""
    text, signatures = read_note(data)
    lines = text.decode("utf-8", "replace").split("\n")
    require(
        len(lines) >= 4 and re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]) is not None, "this is no checkpoint"
    )
    root = unbase64(lines[2])
    require(len(root) == 32, "a checkpoint's root has not 32 bytes")
    return Checkpoint(text, lines[0], int(lines[1]), root, signatures)


def verify(key: Key, text: bytes, blob: bytes) -> datetime | None:
    """Verify one signature over a note's text; return a cosignature's time."""
    time, message = None, text
    if key.kind in (4, 6):
        seconds, blob = int.from_bytes(blob[:8]), blob[8:]
        require(seconds < 1 << 37, f"{key.name} says that it signed in a far future")
        time, message = datetime.fromtimestamp(seconds, UTC), b"cosignature/v1\ntime %d\n%b" % (seconds, text)
        if key.kind == 6:
            message = _subtree_message(key.name, seconds, text)
    try:
        if key.kind in (1, 4):
            ed25519.Ed25519PublicKey.from_public_bytes(key.public).verify(blob, message)
        elif key.kind == 2:
            _verify_ecdsa(key.public, blob, message)
        elif key.kind == 6:
            mldsa.MLDSA44PublicKey.from_public_bytes(key.public).verify(blob, message)
        else:
            raise BrokenError(f"{key.name} has a key of the unknown type {key.kind}")
    except (InvalidSignature, ValueError):
        raise BrokenError(f"the signature of {key.name}+{key.id.hex()} is not over this text") from None
    return time


def _subtree_message(name: str, seconds: int, text: bytes) -> bytes:
    """Return what a key of type 6 signs (C2SP tlog-cosignature)."""
    origin, size, root = text.split(b"\n")[:3]
    who = name.encode()
    head = b"subtree/v1\n\0" + bytes([len(who)]) + who + seconds.to_bytes(8)
    return head + bytes([len(origin)]) + origin + bytes(8) + int(size).to_bytes(8) + base64.b64decode(root)


def _verify_ecdsa(spki: bytes, blob: bytes, message: bytes) -> None:
    require(spki.startswith(SPKI + b"\x04") and len(spki) == 91, "a key of type 2 is misspelled")
    r, s = utils.decode_dss_signature(blob)
    require(
        0 < s <= ORDER // 2 and utils.encode_dss_signature(r, s) == blob, "an ECDSA signature is misspelled"
    )
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), spki[26:])
    key.verify(blob, message, ec.ECDSA(SHA256()))


def check_note(data: bytes, must: list[Key], may: list[Key]) -> tuple[bytes, list[tuple[Key, datetime]]]:
    """Check that all keys of ``must`` signed, and that no signature by a key of ``may`` is bad; return the times."""
    text, signatures = read_note(data)
    times, signed = [], set()
    for name, id_, blob in signatures:
        for key in dict.fromkeys((*must, *may)):
            if (key.name, key.id) == (name, id_) and (key.kind != 6 or HAS_MLDSA):
                time = verify(key, text, blob)
                signed.add(key)
                if time is not None:
                    times.append((key, time))
    for key in must:
        require(key in signed, f"{key.name}+{key.id.hex()} has not signed")
    return text, times


def read_proof(data: bytes) -> tuple[int, list[bytes], bytes]:
    """Read a C2SP tlog-proof: index, hashes, checkpoint."""
    head, _, note = data.partition(b"\n\n")
    header, index, *hashes = [*head.decode("ascii", "replace").split("\n"), ""][:-1] or ["", ""]
    match = re.fullmatch(r"index (0|[1-9][0-9]{0,18})", index)
    require(header == "c2sp.org/tlog-proof@v1" and match is not None, "a proof is malformed")
    return int(index.removeprefix("index ")), list(map(unbase64, hashes)), note


# --- RFC 3161 -----------------------------------------------------------------------------------------------------


def der(data: bytes, at: int = 0) -> tuple[int, bytes, bytes, int]:
    """Read one DER element: tag, content, whole, where it ends."""
    require(len(data) >= at + 2, "a time stamp is cut off")
    tag, length, begin = data[at], data[at + 1], at + 2
    if length & 0x80:
        begin, length = begin + (length & 0x7F), int.from_bytes(data[begin : begin + (length & 0x7F)])
    require(length < 1 << 24 and len(data) >= begin + length, "a time stamp is cut off")
    return tag, data[begin : begin + length], data[at : begin + length], begin + length


def parts(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """Read the DER elements of a content, one after the other."""
    found, at = [], 0
    while at < len(data):
        tag, content, whole, at = der(data, at)
        found.append((tag, content, whole))
    return found


_HASHES = {
    bytes.fromhex("608648016503040201"): (hashlib.sha256, SHA256()),
    bytes.fromhex("608648016503040202"): (hashlib.sha384, SHA384()),
    bytes.fromhex("608648016503040203"): (hashlib.sha512, SHA512()),
}
_MESSAGE_DIGEST, _TST = bytes.fromhex("2a864886f70d010904"), bytes.fromhex("2a864886f70d0109100104")


def check_stamp(response: bytes, data: bytes, roots: bytes) -> datetime:
    """Check an RFC 3161 response over ``data`` up to one of ``roots``; return its time."""
    try:
        return _check_stamp(response, data, x509.load_pem_x509_certificates(roots))
    except BrokenError:
        raise
    except (ValueError, IndexError, TypeError, KeyError, x509.ExtensionNotFound, InvalidSignature) as error:
        raise BrokenError(f"the time stamp cannot be verified: {type(error).__name__} {error}") from None


def _check_stamp(response: bytes, data: bytes, roots: list[x509.Certificate]) -> datetime:
    tag, content, _, end = der(response)
    status, token = parts(content)
    require(tag == 0x30 and end == len(response) and parts(status[1])[0][1] == b"\x00", "it was not granted")
    signed = parts(parts(parts(token[1])[1][1])[0][1])
    encapsulated = parts(signed[2][1])
    require(encapsulated[0][1] == _TST, "it holds no time stamp")
    info = parts(encapsulated[1][1])[0][1]
    told = parts(parts(info)[0][1])
    imprint = parts(told[2][1])
    hasher, _ = _HASHES[parts(imprint[0][1])[0][1]]
    require(hasher(data).digest() == imprint[1][1], "it is over other bytes")
    time = datetime.strptime(told[4][1].decode()[:14] + "Z", "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    embedded = (
        [x509.load_der_x509_certificate(whole) for _, _, whole in parts(signed[3][1])]
        if signed[3][0] == 0xA0
        else []
    )
    (signer,) = parts(signed[-1][1])
    fields = parts(signer[1])
    serial = int.from_bytes(parts(fields[1][1])[1][1], signed=True)
    issuer = parts(fields[1][1])[0][2]
    pool = [*embedded, *roots]
    (leaf_certificate,) = dict.fromkeys(
        one for one in pool if one.serial_number == serial and one.issuer.public_bytes() == issuer
    )
    attributes = {parts(one[1])[0][1]: parts(parts(one[1])[1][1])[0][1] for one in parts(fields[3][1])}
    digest, algorithm = _HASHES[parts(fields[2][1])[0][1]]
    require(attributes.get(_MESSAGE_DIGEST) == digest(info).digest(), "its digest is of something else")
    message = b"\x31" + fields[3][2][1:]  # as SET OF (RFC 5652 section 5.4)
    _verify_by(leaf_certificate, fields[5][1], message, algorithm)
    usage = leaf_certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    require(
        usage.critical and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING],
        "its certificate is of another use",
    )
    _check_chain(leaf_certificate, embedded, roots, time)
    return time


def _verify_by(certificate: x509.Certificate, signature: bytes, message: bytes, algorithm: Any) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, message, padding.PKCS1v15(), algorithm)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, message, ec.ECDSA(algorithm))
    else:
        raise BrokenError("its certificate has a key of a kind that is not known here")


def _check_chain(
    at: x509.Certificate, between: list[x509.Certificate], roots: list[x509.Certificate], time: datetime
) -> None:
    """Follow issuers up to a root, all of them valid at the stamp's time."""
    for _ in range(8):
        require(
            at.not_valid_before_utc <= time <= at.not_valid_after_utc,
            "a certificate was not valid at its time",
        )
        if at in roots and at.issuer == at.subject:
            return
        above = [one for one in (*roots, *between) if one.subject == at.issuer and _issued(at, one)]
        require(bool(above), "its certificate does not lead to a root")
        at = above[0]
    raise BrokenError("its certificates lead nowhere")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    if certificate == issuer:
        return True
    constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints)
    return bool(constraints.value.ca)
