r"""What ties a shared segment to the log: its root's proof under a signed checkpoint. Kept beside it as ``tie.json``.

A segment is a node of the log's Merkle tree (see :mod:`ordertrail.query.segments.manifest`). The proof is a subtree
consistency proof: with it, whoever knows the log's key checks a shared segment without the trail at hand, by the steps
of :func:`check_tie`. RFC 8785 canonical JSON; only what :func:`format_tie` writes is read::

    {"block":{"height":16,"number":3},"checkpoint":"shop.example/orders\n262144\n…","form":1,"manifest":"…hex…",
     "proof":["…hex…",…],"root":"…hex…","stream":"default"}
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from ordertrail.kernel.canonical import canonical
from ordertrail.kernel.errors import EvidenceError
from ordertrail.ledger.checkpoint_text import Checkpoint
from ordertrail.ledger.subtree import check_subtree_consistency
from ordertrail.query.segments.manifest import TALLEST, Block

TIE: Final = "tie.json"
"""The name of the file."""

_FORM: Final = 1
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST_HASHES: Final = 128
"""Of a proof: twice the height of the tallest tree of 2^64 leaves."""


@dataclass(frozen=True, slots=True)
class Tie:
    """A segment's root (32 bytes), the SHA-256 of its manifest (32 bytes), a signed checkpoint and the proof between.

    ``checkpoint`` is the signed note as it was published, when the segment was shared.
    """

    stream: str
    block: Block
    root: bytes
    manifest: bytes
    checkpoint: bytes
    proof: tuple[bytes, ...]


def check_tie(tie: Tie, checkpoint: Checkpoint) -> None:
    """Check that the segment's root lies under a checkpoint whose signature was checked, and is that of ``tie``.

    Raises EvidenceError where it does not.
    """
    if tie.block.end > checkpoint.size:
        raise EvidenceError("its checkpoint commits to fewer entries than it holds")
    span = (tie.block.start, tie.block.end)
    check_subtree_consistency(span, tie.root, checkpoint.size, checkpoint.root, tie.proof)


def format_tie(tie: Tie) -> bytes:
    """Write a tie."""
    return canonical(
        {
            "form": _FORM,
            "stream": tie.stream,
            "block": {"height": tie.block.height, "number": tie.block.number},
            "root": tie.root.hex(),
            "manifest": tie.manifest.hex(),
            "checkpoint": tie.checkpoint.decode(),
            "proof": [one.hex() for one in tie.proof],
        }
    )


def parse_tie(data: bytes) -> Tie:
    """Read a tie. Raises EvidenceError for what :func:`format_tie` would not write."""
    try:
        tie = _read(json.loads(data))
        if format_tie(tie) == data:
            return tie
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    raise EvidenceError(
        f"{TIE} is not what ties a segment to its log",
        meaning="The shared segment proves nothing; the log and the index are untouched.",
        remedy="Share the segments anew with 'ordertrail segments share --anew'.",
    )


def _read(told: Any) -> Tie:
    block = told["block"]
    height, number = _whole(block["height"], TALLEST), _whole(block["number"], 1 << 40)
    if len(told["proof"]) > _MOST_HASHES:
        raise ValueError("no proof")
    return Tie(
        str(told["stream"]),
        Block(height, number),
        _hash(told["root"]),
        _hash(told["manifest"]),
        told["checkpoint"].encode(),
        tuple(map(_hash, told["proof"])),
    )


def _whole(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("no whole number within bounds")
    return value


def _hash(value: Any) -> bytes:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise ValueError("no hash")
    return bytes.fromhex(value)
