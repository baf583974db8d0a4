"""Subtrees, and the one walk from which all proofs are made and checked.

A subtree ``[start, end)`` is the Merkle tree over those leaves of a log, where ``start`` is a multiple of
the smallest power of two that is not less than ``end - start`` (draft-ietf-plants-merkle-tree-certs,
"Subtrees", "Definition of a Subtree"). Only such intervals sit in the log's own tree in a way that a short
proof can show. The draft also calls the empty interval a subtree; here it is none, because a proof about
nothing shows nothing.

**One walk.** A consistency proof of ``[start, end)`` in a tree of ``size`` leaves contains the two proofs of
RFC 6962 as special cases ("Generating a Subtree Consistency Proof")::

    [0, old size)       the consistency proof of RFC 6962 section 2.1.2
    [index, index + 1)  the inclusion proof of RFC 6962 section 2.1.1

so that ``walk`` computes, from the numbers alone, where each hash of the proof sits. The prover reads those
nodes; the checker knows the exact length before it hashes anything, and folds them. A worked example,
``[8, 13)`` in a tree of 14 leaves (the draft's figure)::

    seed   node (0,12)                     neither hash is known yet at leaf 12
    step   (0,13)  right of the path, outside the subtree
    step   (2,2)   left, inside:   [8, 13) = N((2,2), (0,12))
    step   (3,0)   left, outside:  root    = N((3,0), N((2,2), N((0,12), (0,13))))
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.hashing import HASH_SIZE, node_hash
from ordertrail.ledger.merkle import NodeReader, range_fold

#: The largest tree that we sign or believe: the sizes of Go's verifiers are int64, and tlog-cosignature
#: bounds its timestamps alike. A bound also keeps a check's cost from growing with a forged number.
MAX_SIZE: Final = 2**63 - 1


#: A subtree's first leaf, and the one after its last.
Span: TypeAlias = tuple[int, int]


class Step(NamedTuple):
    """One hash of a proof: where it sits, and what it is combined with."""

    level: int
    place: int
    left: bool
    inside: bool


class Walk(NamedTuple):
    """A proof's shape: its seed's place, if it has one, and the steps up to the root."""

    seed: tuple[int, int] | None
    steps: list[Step]

    @property
    def length(self) -> int:
        """How many hashes the proof must have."""
        return len(self.steps) + (self.seed is not None)


def is_valid_subtree(start: int, end: int) -> bool:
    """Whether ``[start, end)`` holds at least one leaf and is aligned as a subtree must be."""
    return 0 <= start < end and start & ((1 << (end - start - 1).bit_length()) - 1) == 0


def covering(start: int, end: int) -> tuple[Span, Span]:
    """Two adjacent subtrees that together cover ``[start, end)`` (draft, "Selecting Two Subtrees").

    The second ends at ``end``; the first may begin before ``start``, by less than half of itself. Of an
    interval of one leaf or none the second is the empty ``(end, end)``.

    :raises InputError: if ``start`` is negative or after ``end``.
    """
    if not 0 <= start <= end:
        raise InputError(f"there is no interval [{start}, {end})")
    if end - start <= 1:
        return (start, end), (end, end)
    last = end - 1
    # The highest bit in which the first and last leaf differ is where their paths part.
    low_bits = (1 << ((start ^ last).bit_length() - 1)) - 1
    middle = last & ~low_bits
    # Below it, the left subtree is as high as the highest bit that start leaves unset.
    height = (~start & low_bits).bit_length()
    return (start >> height << height, middle), (middle, end)


def walk(start: int, end: int, size: int) -> Walk:
    """Where the hashes of the proof of ``[start, end)`` in a tree of ``size`` leaves sit.

    The caller has checked that ``[start, end)`` is a subtree and ``end <= size``. The variable names say:
    ``first``, ``last`` and ``top`` are the nodes, at ``level``, above the leaves ``start``, ``end - 1``
    and ``size - 1``.
    """
    first, last, top = start, end - 1, size - 1
    level = (first ^ last).bit_length()
    if last != top:
        # Climb only while last is a right child: so far the subtree's own right edge is the log's too.
        level = min(level, (~last & (last + 1)).bit_length() - 1)
    first, last, top = first >> level, last >> level, top >> level
    seed = None if first == last else (level, last)
    steps = []
    while top:
        if last & 1 or last == top:
            climb = (last & -last).bit_length() - 1
            first, last, top, level = first >> climb, last >> climb, top >> climb, level + climb
            steps.append(Step(level, last - 1, left=True, inside=first < last))
        else:
            steps.append(Step(level, last + 1, left=False, inside=False))
        first, last, top, level = first >> 1, last >> 1, top >> 1, level + 1
    return Walk(seed, steps)


def read_proof(start: int, end: int, size: int, reader: NodeReader) -> tuple[bytes, ...]:
    """Read the hashes of the proof of ``[start, end)`` in the tree of ``size`` leaves."""
    seed, steps = walk(start, end, size)
    proof = [] if seed is None else [reader.node(*seed)]
    for level, place, left, _ in steps:
        # Only a node to the right can be cut short by the size of the tree.
        if left or (place + 1) << level <= size:
            proof.append(reader.node(level, place))
        else:
            proof.append(range_fold(place << level, size, reader))
    return tuple(proof)


def require_hashes(length: int, proof: Sequence[bytes], *ends: bytes) -> None:
    """Refuse, before any hashing, a proof of another length, or a hash that has not 32 bytes.

    :raises EvidenceError: with the two lengths.
    """
    if len(proof) != length:
        raise EvidenceError(f"the proof has {len(proof)} hashes where {length} are needed")
    for hash_ in (*proof, *ends):
        if len(hash_) != HASH_SIZE:
            raise EvidenceError(f"a hash of the proof has {len(hash_)} bytes where {HASH_SIZE} are needed")


def fold_proof(path: Walk, known: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the subtree's hash and the tree's root that the proof leads to.

    ``known`` is the hash at the walk's beginning where the proof brings no seed.
    """
    rest = iter(proof)
    subtree = tree = known if path.seed is None else next(rest)
    for (_, _, left, inside), hash_ in zip(path.steps, rest, strict=True):
        if not left:
            tree = node_hash(tree, hash_)
            continue
        tree = node_hash(hash_, tree)
        if inside:
            subtree = node_hash(hash_, subtree)
    return subtree, tree


def subtree_root(span: Span, reader: NodeReader) -> bytes:
    """Root of the subtree ``span``.

    :raises InputError: if it is not a subtree.
    """
    start, end = _require_subtree(span)
    return range_fold(start, end, reader)


def prove_subtree_consistency(span: Span, size: int, reader: NodeReader) -> tuple[bytes, ...]:
    """Prove that the subtree ``span`` has the same leaves as the tree of ``size`` leaves.

    :raises InputError: if it is not a subtree, or ends after ``size``.
    """
    start, end = _require_subtree(span)
    if end > size:
        raise InputError(f"the subtree [{start}, {end}) is not within a tree of {size} leaves")
    return read_proof(start, end, size, reader)


def check_subtree_consistency(
    span: Span, subtree: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the subtree ``span`` of hash ``subtree`` lies in the tree of ``size`` leaves and ``root``.

    :raises EvidenceError: if the proof does not show it.
    """
    start, end = span
    if not is_valid_subtree(start, end) or not end <= size <= MAX_SIZE:
        raise EvidenceError(f"[{start}, {end}) is not a subtree of a tree of {size} leaves")
    path = walk(start, end, size)
    require_hashes(path.length, proof, subtree, root)
    computed_subtree, computed_root = fold_proof(path, subtree, proof)
    if computed_subtree != subtree:
        raise EvidenceError(f"the proof does not lead to the hash of the subtree [{start}, {end})")
    if computed_root != root:
        raise EvidenceError(f"the proof does not lead to the root of the tree of {size} leaves")


def prove_subtree_inclusion(index: int, span: Span, reader: NodeReader) -> tuple[bytes, ...]:
    """Prove that leaf ``index`` (counted in the log) lies in the subtree ``span``.

    :raises InputError: if ``span`` is not a subtree, or ``index`` is outside of it.
    """
    start, end = _require_subtree(span)
    if not start <= index < end:
        raise InputError(f"leaf {index} is not within the subtree [{start}, {end})")
    return read_proof(index - start, index - start + 1, end - start, _Shifted(reader, start))


def check_subtree_inclusion(
    index: int, leaf: bytes, span: Span, subtree: bytes, proof: Sequence[bytes]
) -> None:
    """Check that leaf ``index`` of hash ``leaf`` lies in the subtree ``span`` of hash ``subtree``.

    :raises EvidenceError: if the proof does not show it.
    """
    start, end = span
    if not is_valid_subtree(start, end) or not start <= index < end <= MAX_SIZE:
        raise EvidenceError(f"leaf {index} is not within a subtree [{start}, {end})")
    path = walk(index - start, index - start + 1, end - start)
    require_hashes(path.length, proof, leaf, subtree)
    if fold_proof(path, leaf, proof)[1] != subtree:
        raise EvidenceError(f"the proof does not lead to the hash of the subtree [{start}, {end})")


def _require_subtree(span: Span) -> Span:
    if not is_valid_subtree(*span):
        raise InputError(f"[{span[0]}, {span[1]}) is not a subtree")
    return span


class _Shifted:
    """The leaves from ``start`` on as a tree of their own; ``start`` is aligned to all nodes asked for."""

    __slots__ = ("_reader", "_start")

    def __init__(self, reader: NodeReader, start: int) -> None:
        self._reader = reader
        self._start = start

    def node(self, level: int, index: int) -> bytes:
        """Hash of the leaves ``[index << level, (index + 1) << level)`` counted from ``start``."""
        return self._reader.node(level, index + (self._start >> level))
