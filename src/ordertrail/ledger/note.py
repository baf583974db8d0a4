"""Signed notes: text, an empty line, and a line for each signature (C2SP signed-note).

::

    Ognuno sta solo sul cuor della terra
    ed è subito sera.

    — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5d…

The text ends in a newline, which is signed with it; the last empty line of the note ends it ("Format"). A
signature line is an em dash (U+2014), a space, the key's name, a space, and the base64 of the key's id
and the signature. A note is UTF-8 without control characters other than newline.

**What verifying means** ("Signatures"):

1. A signature by a key that we do not know is ignored: name and id must both be a known key's.
2. A signature by a known key must be good; a bad one refuses the whole note.
3. A note with no good signature by a known key is refused.
4. Two known keys of the same name and id are ambiguous where such a signature appears: an error of
   ours, not of the note.

Only ``verify_note`` says whether a note may be believed; until then its text is nobody's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.cosignature import check_signature
from ordertrail.ledger.vkey import KEY_ID_SIZE, VerifierKey, format_base64, is_key_name, parse_base64

#: Signatures of a note at most; C2SP asks for at least 16 (signed-note, "Format"), Go accepts 100.
MAX_SIGNATURES: Final = 100
#: Bytes of a note at most, as in Go; 100 signatures of ML-DSA-44 take about 330,000.
MAX_NOTE_SIZE: Final = 1_000_000
#: How a signature line begins (signed-note, "Format").
SIGNATURE_PREFIX: Final = "\u2014 "

_CONTROL = frozenset(range(0x20)) - {0x0A}


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: whose key, by name and id, and the bytes that it made.

    :raises InputError: if it cannot be written as a line.
    """

    name: str
    key_id: bytes
    blob: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise InputError(f"{self.name!r} is not a key name")
        if len(self.key_id) != KEY_ID_SIZE or not self.blob:
            raise InputError(f"a signature has a key id of {KEY_ID_SIZE} bytes and is not empty")


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures, none of them verified yet.

    :raises InputError: if it cannot be written as a signed note.
    """

    text: bytes
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        _require_text(self.text)
        if not self.text.endswith(b"\n"):
            raise InputError("a note's text ends in a newline")
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise InputError(f"a note has 1 to {MAX_SIGNATURES} signatures, not {len(self.signatures)}")


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that was found good, and the time that it vouches for: seconds since 1970, or None."""

    key: VerifierKey
    signature: Signature
    time: int | None


def format_note(note: Note) -> bytes:
    """Write a signed note."""
    return b"%b\n%b" % (note.text, "".join(map(format_signature, note.signatures)).encode())


def parse_note(data: bytes) -> Note:
    """Read a signed note; nothing of it is verified.

    :raises InputError: if it is not exactly one.
    """
    if len(data) > MAX_NOTE_SIZE:
        raise InputError(f"a note has at most {MAX_NOTE_SIZE} bytes, not {len(data)}")
    _require_text(data)
    split = data.rfind(b"\n\n")
    if split < 0:
        raise InputError("a note has an empty line between its text and its signatures")
    lines = data[split + 2 :].decode().split("\n")
    # The split leaves an empty string after the last newline, and nothing else is allowed to.
    if lines.pop():
        raise InputError("a note ends in a newline")
    if len(lines) > MAX_SIGNATURES:
        raise InputError(f"a note has at most {MAX_SIGNATURES} signatures, not {len(lines)}")
    return Note(data[: split + 1], tuple(map(parse_signature, lines)))


def format_signature(signature: Signature) -> str:
    """Write a signature line, with its newline."""
    return f"{SIGNATURE_PREFIX}{signature.name} {format_base64(signature.key_id + signature.blob)}\n"


def parse_signature(line: str) -> Signature:
    """Read a signature line, without its newline.

    :raises InputError: if it is not exactly one.
    """
    if not line.startswith(SIGNATURE_PREFIX):
        raise InputError("a signature line begins with an em dash and a space")
    name, space, encoded = line.removeprefix(SIGNATURE_PREFIX).partition(" ")
    if not space:
        raise InputError("a signature line has a name, a space and a signature")
    data = parse_base64(encoded)
    return Signature(name, data[:KEY_ID_SIZE], data[KEY_ID_SIZE:])


def verify_note(note: Note, keys: Iterable[VerifierKey]) -> tuple[Verified, ...]:
    """Verify the signatures by ``keys``: what comes back is good, in the note's order.

    The same signature line twice counts once.

    :raises EvidenceError: if a signature by a known key is bad, or no known key has signed.
    :raises InputError: if two of ``keys`` have the name and id of a signature.
    """
    known: dict[tuple[str, bytes], list[VerifierKey]] = {}
    for key in keys:
        known.setdefault((key.name, key.key_id), []).append(key)
    verified = []
    for signature in dict.fromkeys(note.signatures):
        candidates = known.get((signature.name, signature.key_id), [])
        if len(candidates) > 1:
            raise InputError(f"two verifier keys are {candidates[0]}: it is not known which one is meant")
        for key in candidates:
            time = check_signature(key, note.text, signature.blob)
            verified.append(Verified(key, signature, time))
    if not verified:
        raise EvidenceError("the note has no signature by a known key")
    return tuple(verified)


def _require_text(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError:
        raise InputError("a note is UTF-8") from None
    if not _CONTROL.isdisjoint(data):
        raise InputError("a note has no control characters other than newline")
