from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ordertrail.kernel.errors import InputError
from ordertrail.ledger.hashing import EMPTY_ROOT, leaf_hash, leaf_hashes, node_hash, parents
from ordertrail.ledger.merkle import CompactRange, MemoryNodes, cover, fold, levels, range_fold, root
from shared_data import shared_json

LEAVES = [leaf_hash(b"%d" % number) for number in range(600)]
sizes = st.integers(0, len(LEAVES))


def defined_root(hashes: list[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 defines it: by recursion, and with no cleverness."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node_hash(defined_root(hashes[:split]), defined_root(hashes[split:]))


def test_the_eight_leaf_tree_of_certificate_transparency() -> None:
    """Leaf hashes, every row of nodes, and every root of the classic tree are reproduced."""
    vector = shared_json("vectors/literals/rfc6962_tree.json")
    leaves = leaf_hashes(bytes.fromhex(entry) for entry in vector["leaf_inputs"])
    assert [leaf_hash(bytes.fromhex(entry)) for entry in vector["leaf_inputs"]] == leaves
    rows = [[node.hex() for node in row] for row in levels(leaves)]
    assert rows == [vector["leaf_hashes"], vector["level1"], vector["level2"], vector["level3"]]
    assert [root(leaves[:size]).hex() for size in range(9)] == vector["roots_by_size"]


def test_worked_examples_of_the_docstrings() -> None:
    """What the specifications in the modules show is what the code does."""
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    twice = node_hash(leaf_hash(b""), leaf_hash(b""))
    assert twice.hex() == "fe43d66afa4a9a5c4f9c9da89f4ffb52635c8f342e7ffb731d68e36c5982072a"
    assert list(cover(0, 7)) == [(2, 0), (1, 2), (0, 6)]
    assert list(cover(3, 9)) == [(0, 3), (2, 1), (0, 8)]


@settings(deadline=None)
@given(sizes)
def test_root_is_the_one_that_rfc_6962_defines(size: int) -> None:
    """The fast root and the recursive definition agree at every size."""
    assert root(LEAVES[:size]) == defined_root(LEAVES[:size])


def test_parents_leave_out_a_last_one_without_a_partner() -> None:
    """A row's parents are its complete pairs, and nothing else."""
    assert parents(LEAVES[:5]) == [node_hash(*LEAVES[0:2]), node_hash(*LEAVES[2:4])]
    assert parents(LEAVES[:1]) == []


@settings(deadline=None)
@given(st.lists(sizes, min_size=2).map(sorted))
def test_compact_range_from_0_is_the_root_however_it_was_appended_to(splits: list[int]) -> None:
    """Whatever the batches, the right edge has the root of all leaves so far."""
    edge = CompactRange()
    for begin, end in pairwise([0, *splits]):
        edge.append(LEAVES[begin:end])
        assert (edge.end, edge.size) == (end, end)
        assert edge.root() == edge.fold() == root(LEAVES[:end])


@settings(deadline=None)
@given(st.lists(sizes, min_size=2).map(sorted))
def test_compact_range_anywhere_has_exactly_the_covering_nodes(splits: list[int]) -> None:
    """A range that does not begin at 0 holds the maximal aligned subtrees, whatever the batches."""
    nodes = MemoryNodes(LEAVES)
    begin, end = splits[0], splits[-1]
    compact = CompactRange(begin)
    for start, stop in pairwise(splits):
        compact.append(LEAVES[start:stop])
    expected = tuple(nodes.node(level, index) for level, index in cover(begin, end))
    assert compact.nodes == expected
    assert compact.fold() == fold(expected) == range_fold(begin, end, nodes)
    restored = CompactRange(begin, end, compact.nodes)
    assert (restored.nodes, restored.begin, restored.end) == (expected, begin, end)


@settings(deadline=None)
@given(sizes, sizes)
def test_cover_is_the_fewest_aligned_nodes(one: int, other: int) -> None:
    """The nodes follow on each other, fill the range, and no two of them make a larger node."""
    begin, end = sorted((one, other))
    at, places = begin, list(cover(begin, end))
    for level, index in places:
        assert index << level == at
        at = (index + 1) << level
    assert at == end
    for (level1, index1), (level2, index2) in pairwise(places):
        assert not (level1 == level2 and index1 % 2 == 0 and index2 == index1 + 1)


@settings(deadline=None)
@given(sizes, st.integers(0, 9))
def test_subtrees_may_be_appended_whole(size: int, level: int) -> None:
    """Perfect subtrees that are already hashed lead to the same range as their leaves."""
    width = 1 << level
    count = size // width
    rows = levels(LEAVES)
    edge = CompactRange()
    edge.append_nodes(level, rows[level][:count] if level < len(rows) else [])
    edge.append(LEAVES[count * width : size])
    assert edge.root() == root(LEAVES[:size])


def test_a_copy_can_be_appended_to_without_the_original() -> None:
    """Staging an append on a copy leaves the range as it was."""
    edge = CompactRange()
    edge.append(LEAVES[:7])
    staged = edge.copy()
    staged.append(LEAVES[7:20])
    assert (edge.root(), staged.root()) == (root(LEAVES[:7]), root(LEAVES[:20]))


def test_what_is_no_range_is_refused() -> None:
    """Wrong bounds, numbers of nodes, alignment or hash sizes raise InputError, and change nothing."""
    for arguments in ((-1,), (3, 2), (0, 3, LEAVES[:1]), (0, 2, LEAVES[:2]), (0, 1, [b"short"])):
        with pytest.raises(InputError):
            CompactRange(*arguments)
    edge = CompactRange()
    edge.append(LEAVES[:3])
    for level, node in ((1, LEAVES[0]), (-1, LEAVES[0]), (0, b"")):
        with pytest.raises(InputError):
            edge.append_nodes(level, [node])
    assert edge.root() == root(LEAVES[:3])
    with pytest.raises(InputError):
        CompactRange(2).root()


def test_nothing_has_the_empty_root() -> None:
    """The root, the fold and the range of no leaves are SHA-256 of nothing."""
    assert root([]) == fold([]) == CompactRange().root() == CompactRange(5).fold() == EMPTY_ROOT
