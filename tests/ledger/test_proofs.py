import json
import timeit
from base64 import b64decode
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.hashing import EMPTY_ROOT, leaf_hash, node_hash
from ordertrail.ledger.merkle import MemoryNodes, root
from ordertrail.ledger.proofs import (
    check_consistency,
    check_inclusion,
    prove_consistency,
    prove_inclusion,
)
from ordertrail.ledger.subtree import (
    MAX_SIZE,
    check_subtree_consistency,
    check_subtree_inclusion,
    covering,
    is_valid_subtree,
    prove_subtree_consistency,
    prove_subtree_inclusion,
    subtree_root,
)
from shared_data import shared, shared_json

LEAVES = [leaf_hash(b"%d" % number) for number in range(300)]
NODES = MemoryNodes(LEAVES)
ROOTS = [root(LEAVES[:size]) for size in range(len(LEAVES) + 1)]
sizes = st.integers(1, len(LEAVES))


@st.composite
def spans(draw: st.DrawFn, top: int = len(LEAVES)) -> tuple[int, int]:
    """Any subtree within the first ``top`` leaves."""
    start = draw(st.integers(0, top - 1))
    width = (start & -start) or top
    return start, draw(st.integers(start + 1, min(top, start + width)))


def tampered(proof: tuple[bytes, ...], data: st.DataObject) -> tuple[bytes, ...]:
    """A proof with one bit flipped, or with a hash too many, too few, too long or too short."""
    kinds = ["longer"] + (["bit", "drop", "cut", "grow"] if proof else [])
    kind = data.draw(st.sampled_from(kinds))
    at = data.draw(st.integers(0, max(len(proof) - 1, 0)))
    before, after = proof[:at], proof[at + 1 :]
    if kind == "longer":
        return (*proof[:at], data.draw(st.sampled_from([*LEAVES[:4], *proof])), *proof[at:])
    if kind == "drop":
        return before + after
    if kind == "cut":
        return (*before, proof[at][:-1], *after)
    if kind == "grow":
        return (*before, proof[at] + b"\0", *after)
    return (*before, flipped(proof[at], data), *after)


def flipped(hash_: bytes, data: st.DataObject) -> bytes:
    """Return a hash with one bit changed."""
    bit = data.draw(st.integers(0, 255))
    return (int.from_bytes(hash_, "big") ^ (1 << bit)).to_bytes(32, "big")


class TestInclusion:
    """Laws of inclusion proofs."""

    @settings(deadline=None)
    @given(st.data())
    def test_every_proof_made_is_accepted_and_every_change_of_it_refused(self, data: st.DataObject) -> None:
        """A proof shows that its leaf is at its index of its tree, and nothing else."""
        size = data.draw(sizes)
        index = data.draw(st.integers(0, size - 1))
        proof = prove_inclusion(index, size, NODES)
        check_inclusion(index, size, LEAVES[index], proof, ROOTS[size])
        other = data.draw(sizes.filter(lambda other: other != size))
        wrong = data.draw(st.integers(-1, size).filter(lambda wrong: wrong != index))
        for claim in (
            (index, size, LEAVES[index], tampered(proof, data), ROOTS[size]),
            (index, size, flipped(LEAVES[index], data), proof, ROOTS[size]),
            (index, size, LEAVES[index], proof, flipped(ROOTS[size], data)),
            (index, size, LEAVES[index][:31], proof, ROOTS[size]),
            (index, size, LEAVES[index], proof, ROOTS[size] + b"\0"),
            (wrong, size, LEAVES[index], proof, ROOTS[size]),
            (index, other, LEAVES[index], proof, ROOTS[other]),
        ):
            with pytest.raises(EvidenceError):
                check_inclusion(*claim)

    def test_worked_examples_of_rfc_6962(self) -> None:
        """The proofs of the tree of seven leaves are those of RFC 6962 section 2.1.3."""
        a, b, c, d, e, f, _ = LEAVES[:7]
        g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
        k, last = node_hash(g, h), node_hash(i, LEAVES[6])
        assert prove_inclusion(0, 7, NODES) == (b, h, last)
        assert prove_inclusion(3, 7, NODES) == (c, g, last)
        assert prove_inclusion(4, 7, NODES) == (f, LEAVES[6], k)
        assert prove_inclusion(6, 7, NODES) == (i, k)
        assert prove_consistency(3, 7, NODES) == (c, d, g, last)
        assert prove_consistency(4, 7, NODES) == (last,)
        assert prove_consistency(6, 7, NODES) == (i, LEAVES[6], k)

    def test_there_is_no_proof_of_a_leaf_outside(self) -> None:
        """Asking for a proof of a leaf that the tree has not raises InputError."""
        for index, size in ((0, 0), (-1, 3), (3, 3)):
            with pytest.raises(InputError):
                prove_inclusion(index, size, NODES)


class TestConsistency:
    """Laws of consistency proofs."""

    @settings(deadline=None)
    @given(st.data())
    def test_every_proof_made_is_accepted_and_every_change_of_it_refused(self, data: st.DataObject) -> None:
        """A proof shows that one tree begins the other, and nothing else."""
        size2 = data.draw(sizes)
        size1 = data.draw(st.integers(1, size2))
        proof = prove_consistency(size1, size2, NODES)
        check_consistency(size1, ROOTS[size1], size2, ROOTS[size2], proof)
        other1 = data.draw(sizes.filter(lambda other: other != size1))
        other2 = data.draw(sizes.filter(lambda other: other != size2))
        for claim in (
            (size1, ROOTS[size1], size2, ROOTS[size2], tampered(proof, data)),
            (size1, flipped(ROOTS[size1], data), size2, ROOTS[size2], proof),
            (size1, ROOTS[size1], size2, flipped(ROOTS[size2], data), proof),
            (other1, ROOTS[other1], size2, ROOTS[size2], proof),
            (size1, ROOTS[size1], other2, ROOTS[other2], proof),
            (size2 + 1, ROOTS[size1], size2, ROOTS[size2], proof),
        ):
            with pytest.raises(EvidenceError):
                check_consistency(*claim)

    def test_an_empty_beginning_is_refused(self) -> None:
        """That a tree begins with nothing is true of every tree: it is neither proven nor checked."""
        for size in (0, 1, 8):
            with pytest.raises(InputError):
                prove_consistency(0, size, NODES)
            with pytest.raises(EvidenceError):
                check_consistency(0, EMPTY_ROOT, size, ROOTS[size], ())
        with pytest.raises(InputError):
            prove_consistency(3, 2, NODES)


class TestSubtree:
    """Laws of subtrees and their proofs."""

    @settings(deadline=None)
    @given(st.data())
    def test_every_proof_made_is_accepted_and_every_change_of_it_refused(self, data: st.DataObject) -> None:
        """A proof shows that a subtree lies in a tree at its place, and nothing else."""
        size = data.draw(sizes)
        span = data.draw(spans(size))
        hash_ = subtree_root(span, NODES)
        assert hash_ == root(LEAVES[slice(*span)])
        proof = prove_subtree_consistency(span, size, NODES)
        check_subtree_consistency(span, hash_, size, ROOTS[size], proof)
        other = data.draw(spans(size))
        assume(other != span)
        for claim in (
            (span, hash_, size, ROOTS[size], tampered(proof, data)),
            (span, flipped(hash_, data), size, ROOTS[size], proof),
            (span, hash_, size, flipped(ROOTS[size], data), proof),
            (other, hash_, size, ROOTS[size], proof),
        ):
            with pytest.raises(EvidenceError):
                check_subtree_consistency(*claim)

    @settings(deadline=None)
    @given(st.data())
    def test_every_leaf_of_a_subtree_can_be_proven(self, data: st.DataObject) -> None:
        """A proof shows that a leaf lies in a subtree at its place, and nothing else."""
        span = data.draw(spans())
        index = data.draw(st.integers(span[0], span[1] - 1))
        hash_ = subtree_root(span, NODES)
        proof = prove_subtree_inclusion(index, span, NODES)
        check_subtree_inclusion(index, LEAVES[index], span, hash_, proof)
        wrong = data.draw(st.integers(span[0] - 1, span[1]).filter(lambda wrong: wrong != index))
        for claim in (
            (index, LEAVES[index], span, hash_, tampered(proof, data)),
            (index, flipped(LEAVES[index], data), span, hash_, proof),
            (index, LEAVES[index], span, flipped(hash_, data), proof),
            (wrong, LEAVES[index], span, hash_, proof),
        ):
            with pytest.raises(EvidenceError):
                check_subtree_inclusion(*claim)

    def test_a_tree_and_a_leaf_are_subtrees(self) -> None:
        """The proofs of RFC 6962 are the subtree proofs of ``[0, n)`` and ``[i, i + 1)``."""
        for size in range(1, 40):
            for place in range(size):
                whole = prove_subtree_consistency((0, place + 1), size, NODES)
                assert whole == prove_consistency(place + 1, size, NODES)
                leaf = prove_subtree_consistency((place, place + 1), size, NODES)
                assert leaf == prove_inclusion(place, size, NODES)
                assert prove_subtree_inclusion(place, (0, size), NODES) == leaf

    @settings(deadline=None)
    @given(st.integers(0, 2**62), st.integers(1, 2**62))
    def test_two_subtrees_cover_any_interval(self, start: int, length: int) -> None:
        """Both are valid and adjacent, end where the interval does, and begin hardly before it."""
        (left, middle), (same, end) = covering(start, start + length)
        assert left <= start < middle == same <= end == start + length
        assert is_valid_subtree(left, middle)
        assert middle == end or is_valid_subtree(middle, end)
        assert start - left < middle - start

    def test_what_is_no_subtree_is_refused(self) -> None:
        """Unaligned, empty and reversed intervals, and those beyond the tree, are not proven or checked."""
        for span in ((1, 3), (2, 6), (5, 5), (0, 0), (4, 3), (-1, 0)):
            assert not is_valid_subtree(*span)
            with pytest.raises(InputError):
                subtree_root(span, NODES)
            with pytest.raises(InputError):
                prove_subtree_consistency(span, 8, NODES)
            with pytest.raises(InputError):
                prove_subtree_inclusion(span[0], span, NODES)
            with pytest.raises(EvidenceError):
                check_subtree_consistency(span, LEAVES[0], 8, ROOTS[8], ())
            with pytest.raises(EvidenceError):
                check_subtree_inclusion(span[0], LEAVES[0], span, LEAVES[0], ())
        with pytest.raises(InputError):
            prove_subtree_consistency((8, 10), 9, NODES)
        with pytest.raises(InputError):
            prove_subtree_inclusion(10, (8, 10), NODES)
        with pytest.raises(InputError):
            covering(3, 2)


class AlikeLeaves:
    """A log of any size whose leaves are all the same, so that a node's hash follows from its level."""

    def __init__(self) -> None:
        self.rows = [leaf_hash(b"")]
        for _ in range(64):
            self.rows.append(node_hash(self.rows[-1], self.rows[-1]))

    def node(self, level: int, index: int) -> bytes:
        """Return the one hash of a level."""
        assert index >= 0
        return self.rows[level]


@settings(deadline=None)
@given(st.data())
def test_proofs_in_the_largest_trees(data: st.DataObject) -> None:
    """Proofs are made and checked in trees of up to 2**63 - 1 leaves, and refused beyond."""
    nodes = AlikeLeaves()
    size2 = data.draw(st.integers(1, MAX_SIZE))
    size1 = data.draw(st.integers(1, size2))
    root1, root2 = subtree_root((0, size1), nodes), subtree_root((0, size2), nodes)
    proof = prove_inclusion(size1 - 1, size2, nodes)
    check_inclusion(size1 - 1, size2, leaf_hash(b""), proof, root2)
    assert len(proof) <= 63
    check_consistency(size1, root1, size2, root2, prove_consistency(size1, size2, nodes))
    with pytest.raises(EvidenceError):
        check_inclusion(0, MAX_SIZE + 1, leaf_hash(b""), (), root2)
    with pytest.raises(EvidenceError):
        check_consistency(1, root1, MAX_SIZE + 1, root2, ())
    beyond = (0, MAX_SIZE + 1)
    whole = subtree_root(beyond, nodes)
    with pytest.raises(EvidenceError):
        check_subtree_consistency(beyond, whole, MAX_SIZE + 1, whole, ())
    proof = prove_subtree_inclusion(5, beyond, nodes)
    with pytest.raises(EvidenceError):
        check_subtree_inclusion(5, leaf_hash(b""), beyond, whole, proof)


def test_a_check_costs_less_than_100_microseconds() -> None:
    """In a log of a million entries checking is cheap enough to be done wherever a row is shown."""
    nodes = AlikeLeaves()
    size = 1_000_003
    old_size = size // 3
    tree, old = subtree_root((0, size), nodes), subtree_root((0, old_size), nodes)
    inclusion = prove_inclusion(old_size, size, nodes)
    consistency = prove_consistency(old_size, size, nodes)

    def cost(check: Callable[[], None]) -> float:
        # The least of many runs: what the check itself takes, without what else the machine does.
        return min(timeit.repeat(check, number=20, repeat=20)) / 20

    assert cost(lambda: check_inclusion(old_size, size, nodes.rows[0], inclusion, tree)) < 1e-4
    assert cost(lambda: check_consistency(old_size, old, size, tree, consistency)) < 1e-4


class TestVectors:
    """Vectors of transparency-dev/merkle and of draft-ietf-plants-merkle-tree-certs."""

    #: What the Go library accepts and we refuse. It lets a caller "prove" an empty subtree, about which
    #: nothing can be proven, and two equal roots that are no SHA-256 hashes ("don't care 2").
    ONLY_GO_ACCEPTS = frozenset(
        {
            "consistency/additional/sizes-are-equal-one-and-proof-is-empty.json",
            "subtreeconsistency/additional/sizes-are-equal-one-and-proof-is-empty.json",
            "subtreeconsistency/additional/subtree-is-empty-sizes-are-equal-one-subtree-root-valid-proof-is-empty.json",
            "subtreeconsistency/additional/subtree-is-empty-sizes-are-equal-one-subtree-root-valid-tree-root-random-proof-is-empty.json",
            "subtreeconsistency/additional/subtree-is-empty-sizes-are-equal-zero-subtree-root-valid-proof-is-empty.json",
            "subtreeconsistency/additional/subtree-is-empty-sizes-are-equal-zero-subtree-root-valid-tree-root-random-proof-is-empty.json",
            "subtreeconsistency/additional/subtree-is-empty-subtree-root-valid-proof-is-empty.json",
            "subtreeconsistency/additional/subtree-is-empty-subtree-root-valid-tree-root-random-proof-is-empty.json",
        }
    )

    @staticmethod
    def accepts(path: Path) -> bool:
        """Whether we accept the proof of a vector file."""
        vector: dict[str, Any] = json.loads(path.read_bytes())
        proof = [b64decode(hash_) for hash_ in vector["proof"] or ()]
        try:
            if "leafIdx" in vector:
                leaf, tree, index = (
                    b64decode(vector["leafHash"]),
                    b64decode(vector["root"]),
                    vector["leafIdx"],
                )
                if "start" in vector:
                    check_subtree_inclusion(index, leaf, (vector["start"], vector["end"]), tree, proof)
                else:
                    check_inclusion(index, vector["treeSize"], leaf, proof, tree)
                return True
            root1, root2 = b64decode(vector["root1"]), b64decode(vector["root2"])
            if "start" in vector:
                span = vector["start"], vector["end"]
                check_subtree_consistency(span, root1, vector["size"], root2, proof)
            else:
                check_consistency(vector["size1"], root1, vector["size2"], root2, proof)
        except EvidenceError:
            return False
        return True

    def test_all_proofs_of_transparency_dev(self) -> None:
        """We accept and refuse what the Go library does, but for the documented exceptions."""
        directory = shared("vectors/transparency-dev-merkle/testdata")
        paths = sorted(directory.rglob("*.json"))
        assert len(paths) == 518
        differences = {
            path.relative_to(directory).as_posix(): self.accepts(path)
            for path in paths
            if self.accepts(path) == json.loads(path.read_bytes())["wantErr"]
        }
        assert differences == dict.fromkeys(self.ONLY_GO_ACCEPTS, False)

    @staticmethod
    def draft_spans(top: int) -> Iterator[tuple[int, int]]:
        """All subtrees that end by ``top``, in the draft's order, its empty ones included."""
        for end in range(top + 1):
            for start in range(end + 1):
                if start == end or is_valid_subtree(start, end):
                    yield start, end

    def test_accumulated_hashes_of_the_draft(self) -> None:
        """Every subtree, proof and covering in trees of up to 130 leaves is the draft's.

        The draft counts the empty intervals as subtrees, of the empty root and with empty proofs. We have
        none of them, so that the lines about them are written here.
        """
        vector = shared_json("vectors/literals/subtree_accumulated.json")
        top = vector["max_size"]
        nodes = MemoryNodes([leaf_hash(bytes([number])) for number in range(top)])
        hashes, inclusion, consistency, covers = sha256(), sha256(), sha256(), sha256()
        for start, end in self.draft_spans(top):
            hash_ = EMPTY_ROOT if start == end else subtree_root((start, end), nodes)
            hashes.update(b"[%d, %d) %b\n" % (start, end, hash_.hex().encode()))
            for index in range(start, end):
                proof = prove_subtree_inclusion(index, (start, end), nodes)
                check_subtree_inclusion(index, nodes.node(0, index), (start, end), hash_, proof)
                inclusion.update(self.line(b"%d [%d, %d)" % (index, start, end), proof))
        for size in range(top + 1):
            for start, end in self.draft_spans(size):
                proof = () if start == end else prove_subtree_consistency((start, end), size, nodes)
                consistency.update(self.line(b"[%d, %d) %d" % (start, end, size), proof))
        for end in range(top + 1):
            for start in range(end + 1):
                left, right = covering(start, end)
                covers.update(b"[%d, %d) [%d, %d)\n" % (*left, *right))
        assert hashes.hexdigest() == vector["subtree_hash"]
        assert inclusion.hexdigest() == vector["inclusion"]
        assert consistency.hexdigest() == vector["consistency"]
        assert covers.hexdigest() == vector["covering"]

    @staticmethod
    def line(head: bytes, proof: tuple[bytes, ...]) -> bytes:
        """A line of the draft's rolling hashes."""
        return b" ".join((head, *(hash_.hex().encode() for hash_ in proof))) + b"\n"
