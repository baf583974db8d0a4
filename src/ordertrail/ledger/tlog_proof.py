"""Proof files: all that is needed to check, offline, that an entry is in a log (C2SP tlog-proof).

Lines, each ended by a newline: a header, opaque extra data if there is any, the index, the inclusion proof,
an empty line, and the signed checkpoint as it was received ("Format")::

    c2sp.org/tlog-proof@v1
    extra ZXh0cmEgaW5mb3JtYXRpb24=
    index 1
    rzFuy5Go7nrpkhBwKy1HWPMM3eO/YePY54fXRoH5Cm4=        from the leaf's sibling to the root's child

    example.com/fancylog
    2
    sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

    — example.com/fancylog hI2DJw…

Such files are named ``*.tlog-proof``. The extra data is not covered by anything: it must not be believed.
"""

from dataclasses import dataclass
from typing import Final

from ordertrail.kernel.errors import InputError
from ordertrail.ledger.checkpoint import SignedCheckpoint, open_checkpoint
from ordertrail.ledger.checkpoint_text import parse_decimal
from ordertrail.ledger.hashing import HASH_SIZE, leaf_hash
from ordertrail.ledger.note import MAX_NOTE_SIZE, parse_note
from ordertrail.ledger.policy import Policy
from ordertrail.ledger.proofs import check_inclusion
from ordertrail.ledger.subtree import MAX_SIZE
from ordertrail.ledger.vkey import VerifierKey, format_base64, parse_base64

#: First line (tlog-proof, "Format").
HEADER: Final = "c2sp.org/tlog-proof@v1"
#: Hashes of an inclusion proof at most: one for each bit of the largest index.
MAX_HASHES: Final = MAX_SIZE.bit_length()
#: Bytes of a proof file at most: a note's, and as much again for the extra data and the hashes.
MAX_PROOF_SIZE: Final = 2 * MAX_NOTE_SIZE


@dataclass(frozen=True, slots=True)
class TlogProof:
    """An entry's index, its inclusion proof, and the signed checkpoint that it leads to; none checked yet.

    :raises InputError: if it cannot be written as a proof file.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.index <= MAX_SIZE:
            raise InputError(f"{self.index} is not the index of an entry")
        if len(self.hashes) > MAX_HASHES or any(len(hash_) != HASH_SIZE for hash_ in self.hashes):
            raise InputError(f"a proof has at most {MAX_HASHES} hashes of {HASH_SIZE} bytes each")
        if not self.checkpoint.endswith(b"\n"):
            raise InputError("a proof has a checkpoint, which ends in a newline")
        if self.extra is not None and not self.extra:
            raise InputError("extra data that is empty is left out")


def format_tlog_proof(proof: TlogProof) -> bytes:
    """Write a proof file."""
    lines = [HEADER]
    if proof.extra is not None:
        lines.append(f"extra {format_base64(proof.extra)}")
    lines += [f"index {proof.index}", *map(format_base64, proof.hashes), "", ""]
    return "\n".join(lines).encode() + proof.checkpoint


def parse_tlog_proof(data: bytes) -> TlogProof:
    """Read a proof file; nothing of it is checked.

    :raises InputError: if it is not exactly one.
    """
    if len(data) > MAX_PROOF_SIZE:
        raise InputError(f"a proof has at most {MAX_PROOF_SIZE} bytes, not {len(data)}")
    head, blank, checkpoint = data.partition(b"\n\n")
    if not (blank and head.isascii()):
        raise InputError("a proof is ASCII lines, an empty line and a checkpoint")
    header, *lines = head.decode().split("\n")
    if header != HEADER:
        raise InputError(f"the first line of a proof is {HEADER!r}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = parse_base64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise InputError("a proof has an index line before its hashes")
    index = parse_decimal(lines[0].removeprefix("index "))
    return TlogProof(index, tuple(map(parse_base64, lines[1:])), checkpoint, extra)


def check_tlog_proof(proof: TlogProof, entry: bytes, trust: VerifierKey | Policy) -> SignedCheckpoint:
    """Check that ``entry`` is in the log, as somebody trusted has signed: a log's key, or a policy's quorum.

    :returns: the opened checkpoint, with the good signatures and their times.
    :raises InputError: if the checkpoint in the proof is malformed.
    :raises EvidenceError: if it is not signed as required, or the entry is not where the proof says.
    """
    if isinstance(trust, Policy):
        opened = trust.check(parse_note(proof.checkpoint))
    else:
        opened = open_checkpoint(proof.checkpoint, trust)
    tree = opened.checkpoint
    check_inclusion(proof.index, tree.size, leaf_hash(entry), proof.hashes, tree.root)
    return opened
