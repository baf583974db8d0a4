"""``add-checkpoint``: what a log and a witness say to each other (C2SP tlog-witness, "add-checkpoint").

The log POSTs to ``<submission prefix>/add-checkpoint`` the size that the witness cosigned last, a consistency
proof from there, and its new checkpoint. Lines, each ended by a newline::

    old 20852014                                         decimal, no leading zero
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=         0 to 63 hashes in base64
    jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
                                                         an empty line
    example.com/behind-the-sofa                          the signed checkpoint, its own empty line included
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO…

The witness answers by HTTP status:

    200  cosignature lines, one or more, each ``— <name> <base64>`` and a newline
    400  it is no such request, or its old size is greater than the checkpoint's
    403  no key that it knows signed the checkpoint; or it does not know the log (see below)
    404  it does not know the log
    409  the old size is not what it cosigned last, or that size has another root. The body is the size that it
         cosigned last in decimal and a newline, as ``text/x.tlog.size``
    422  the consistency proof does not hold

A log that the witness does not know is a 404 in the text of the specification and a 403 in the conversation
that litewitness, its reference implementation, is tested with. Ours answers 403, as that one does; a client
must be ready for either, and ours is.

A client that does not know what a witness cosigned last sends 0, and learns it from the 409.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from ordertrail.kernel.errors import InputError, Problem
from ordertrail.ledger.checkpoint_text import Checkpoint, parse_checkpoint, parse_decimal
from ordertrail.ledger.hashing import HASH_SIZE
from ordertrail.ledger.note import (
    MAX_SIGNATURES,
    Note,
    Signature,
    format_note,
    format_signature,
    parse_note,
    parse_signature,
)
from ordertrail.ledger.subtree import MAX_SIZE
from ordertrail.ledger.vkey import format_base64, parse_base64

#: What is appended to a witness's submission prefix (tlog-witness, "add-checkpoint").
PATH: Final = "/add-checkpoint"
#: Hashes of a consistency proof at most ("The client MUST NOT send more than 63").
MAX_PROOF: Final = 63
#: Bytes of a request, and of an answer, at most; the checkpoint may carry some 70 signatures of ML-DSA-44.
MAX_MESSAGE_SIZE: Final = 1 << 18
#: Path of the problem where a checkpoint's signatures cannot be read: nobody signed it, and the answer is 403.
SIGNATURES: Final = "signatures"
#: Content type of the size in a 409.
SIZE_TYPE: Final = "text/x.tlog.size"
#: Content type of everything else.
TEXT_TYPE: Final = "text/plain; charset=utf-8"

OK: Final = 200
BAD_REQUEST: Final = 400
FORBIDDEN: Final = 403
CONFLICT: Final = 409
UNPROCESSABLE: Final = 422


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request to cosign: the size cosigned last, a proof from there (hashes of 32 bytes), the signed checkpoint.

    ``checkpoint`` is the note's text, read; nothing is verified yet.

    :raises InputError: if it cannot be written as a request, or the note's text is no checkpoint.
    """

    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint = field(init=False)

    def __post_init__(self) -> None:
        if not 0 <= self.old <= MAX_SIZE:
            raise InputError(f"{self.old} is not the size of a tree")
        if len(self.proof) > MAX_PROOF or any(len(hash_) != HASH_SIZE for hash_ in self.proof):
            raise InputError(f"a consistency proof has at most {MAX_PROOF} hashes of {HASH_SIZE} bytes each")
        object.__setattr__(self, "checkpoint", parse_checkpoint(self.note.text))


@dataclass(frozen=True, slots=True)
class Answer:
    """A witness's answer: HTTP status, body, and content type."""

    status: int
    body: bytes
    content_type: str


def format_add_checkpoint(request: AddCheckpoint) -> bytes:
    """Write the body of a request."""
    head = (f"old {request.old}", *map(format_base64, request.proof), "")
    return "".join(f"{line}\n" for line in head).encode() + format_note(request.note)


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Read the body of a request; nothing of it is verified.

    :raises InputError: if it is not exactly one; at the path ``SIGNATURES`` if all but those can be read.
    """
    if len(body) > MAX_MESSAGE_SIZE:
        raise InputError(f"a request has at most {MAX_MESSAGE_SIZE} bytes, not {len(body)}")
    head, empty_line, note = body.partition(b"\n\n")
    first, *proof = head.decode("ascii", "replace").split("\n")
    if not empty_line or not first.startswith("old "):
        raise InputError("a request begins with 'old <size>', and an empty line ends its proof")
    if len(proof) > MAX_PROOF:
        raise InputError(f"a consistency proof has at most {MAX_PROOF} hashes, not {len(proof)}")
    old = parse_decimal(first.removeprefix("old "))
    return AddCheckpoint(old, tuple(map(parse_base64, proof)), _parse_note(note))


def _parse_note(data: bytes) -> Note:
    try:
        return parse_note(data)
    except InputError as error:
        text, _, _ = data.rpartition(b"\n\n")
        parse_checkpoint(text + b"\n")  # its own error, if that is what is wrong
        raise InputError(Problem(SIGNATURES, error.message)) from None


def format_cosignatures(signatures: Iterable[Signature]) -> bytes:
    """Write the body of a 200."""
    return "".join(map(format_signature, signatures)).encode()


def parse_cosignatures(body: bytes) -> tuple[Signature, ...]:
    """Read the body of a 200; no signature is verified.

    :raises InputError: if it is anything but 1 to 100 signature lines.
    """
    if len(body) > MAX_MESSAGE_SIZE:
        raise InputError(f"an answer has at most {MAX_MESSAGE_SIZE} bytes, not {len(body)}")
    try:
        lines = body.decode().split("\n")
    except UnicodeDecodeError:
        raise InputError("cosignatures are UTF-8") from None
    if lines.pop() or not 1 <= len(lines) <= MAX_SIGNATURES:
        raise InputError(f"an answer has 1 to {MAX_SIGNATURES} signature lines, each ended by a newline")
    return tuple(map(parse_signature, lines))


def format_size(size: int) -> bytes:
    """Write the body of a 409."""
    return b"%d\n" % size


def parse_size(body: bytes) -> int:
    """Read the body of a 409.

    :raises InputError: if it is not a number of leaves and a newline.
    """
    line, newline, rest = body.partition(b"\n")
    if not newline or rest:
        raise InputError("a size is one line, ended by a newline")
    return parse_decimal(line.decode("ascii", "replace"))
