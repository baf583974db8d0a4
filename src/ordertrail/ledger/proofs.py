"""Inclusion and consistency proofs of RFC 6962 sections 2.1.1 and 2.1.2 (RFC 9162 section 2.1.3, 2.1.4).

An **inclusion** proof shows that a leaf is in a tree: the siblings from the leaf's own up to the root's
child. A **consistency** proof shows that a tree is the beginning of a larger one: nothing of it was changed,
removed, reordered or inserted. A worked example, the tree of 7 leaves of RFC 6962 section 2.1.3::

    hash                    prove_inclusion(0, 7)      →  b, h, l
      k            l        prove_inclusion(6, 7)      →  k          (j, the leaf d6, goes straight up)
     g   h     i    j       prove_consistency(3, 7)    →  c, d, g, l
    a b c d   e f   d6      prove_consistency(4, 7)    →  l          (k is known: it is the old root)

``prove_*`` reads nodes and raises ``InputError`` where there is nothing to prove. ``check_*`` takes nothing
on trust, raises ``EvidenceError``, and returns nothing: no answer can be forgotten to be looked at.

A root does not contain its tree's size: the proof of leaf 0 among 3 leaves has the shape of one among 4. A
size and a root must therefore come from the same signed checkpoint.
"""

from collections.abc import Sequence

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.merkle import NodeReader
from ordertrail.ledger.subtree import MAX_SIZE, fold_proof, read_proof, require_hashes, walk


def prove_inclusion(index: int, size: int, reader: NodeReader) -> tuple[bytes, ...]:
    """Prove that leaf ``index`` is in the tree of ``size`` leaves.

    :raises InputError: if there is no such leaf.
    """
    if not 0 <= index < size:
        raise InputError(f"leaf {index} is not within a tree of {size} leaves")
    return read_proof(index, index + 1, size, reader)


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf hash ``leaf`` is at ``index`` of the tree of ``size`` leaves and this ``root``.

    :raises EvidenceError: if the proof does not show it.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise EvidenceError(f"leaf {index} is not within a tree of {size} leaves")
    path = walk(index, index + 1, size)
    require_hashes(path.length, proof, leaf, root)
    if fold_proof(path, leaf, proof)[1] != root:
        raise EvidenceError(f"the proof of leaf {index} does not lead to the root of the {size} leaves")


def prove_consistency(size1: int, size2: int, reader: NodeReader) -> tuple[bytes, ...]:
    """Prove that the tree of ``size1`` leaves is the beginning of the tree of ``size2`` leaves.

    :raises InputError: if ``size1`` is 0, which every tree begins with, or greater than ``size2``.
    """
    if not 0 < size1 <= size2:
        raise InputError(f"nothing can prove that a tree of {size1} leaves begins one of {size2} leaves")
    return read_proof(0, size1, size2, reader)


def check_consistency(size1: int, root1: bytes, size2: int, root2: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree ``size1``, ``root1`` is the beginning of the tree ``size2``, ``root2``.

    An empty beginning (``size1`` 0) is refused: it would be true of any two trees, so that a "checked"
    answer would say nothing.

    :raises EvidenceError: if the proof does not show it.
    """
    if not 0 < size1 <= size2 <= MAX_SIZE:
        raise EvidenceError(f"no proof shows that a tree of {size1} leaves begins one of {size2} leaves")
    path = walk(0, size1, size2)
    require_hashes(path.length, proof, root1, root2)
    computed1, computed2 = fold_proof(path, root1, proof)
    if computed1 != root1:
        raise EvidenceError(f"the proof does not lead to the root of the tree of {size1} leaves")
    if computed2 != root2:
        raise EvidenceError(f"the proof does not lead to the root of the tree of {size2} leaves")
