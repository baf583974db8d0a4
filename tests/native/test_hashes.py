from collections.abc import Iterator, Sequence
from hashlib import sha256
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordertrail.ledger.native import native as used
from shared_data import shared_json

#: A block has 64 bytes, the prefix takes one, the padding at least nine: here one more byte is one more block.
EDGES = (
    0, 1, 2, 53, 54, 55, 56, 57, 62, 63, 64, 65, 117, 118, 119, 120, 121, 126, 127, 128, 129,
    181, 182, 183, 191, 192, 193, 246, 247, 255, 256, 257, 1000, 65_534, 65_535, 65_536, 200_000,
)  # fmt: skip

same_machine = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)
messages = st.lists(
    st.one_of(st.binary(max_size=300), st.sampled_from(EDGES[:-4]).flatmap(lambda n: st.just(b"\xa5" * n))),
    max_size=70,
)


def leaves(entries: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 leaf hashes, by the standard library."""
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def nodes(row: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 parents, by the standard library."""
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]


@pytest.mark.parametrize("size", EDGES)
def test_every_length_at_the_edge_of_a_block(path: ModuleType, size: int) -> None:
    """A message of any length hashes as it does in the standard library, alone and among many."""
    entry = bytes(number * 7 % 251 for number in range(size))
    assert path.leaf_hashes([entry]) == leaves([entry])
    many = [entry] * 16 + [entry[:-1], entry + b"x"]
    assert path.leaf_hashes(many) == leaves(many)


def test_every_length_up_to_five_blocks(path: ModuleType) -> None:
    """All lengths at once, so that the lanes are never in step."""
    entries = [bytes(range(size % 256)) + b"\x80" * (size - size % 256) for size in range(330)]
    assert path.leaf_hashes(entries) == leaves(entries)
    assert path.leaf_hashes(entries[::-1]) == leaves(entries)[::-1]


@pytest.mark.parametrize("count", [*range(20), 31, 32, 33, 255, 256, 257, 600, 1025])
def test_every_number_of_messages(path: ModuleType, count: int) -> None:
    """However many lanes there are, each message and each pair gets its own hash, in its place."""
    entries = [b"%d" % number for number in range(count)]
    hashes = leaves(entries)
    assert path.leaf_hashes(entries) == hashes
    assert path.parents(hashes) == nodes(hashes)
    assert path.parents_of_row(b"".join(hashes)) == b"".join(nodes(hashes))


@same_machine
@given(entries=messages)
def test_any_messages(path: ModuleType, entries: list[bytes]) -> None:
    """Whatever the entries are, and however their lengths are mixed, the hashes are the standard library's."""
    hashes = leaves(entries)
    assert path.leaf_hashes(entries) == hashes
    assert path.leaf_hashes(iter(entries)) == hashes
    assert path.parents(tuple(hashes)) == nodes(hashes)


def test_the_tree_of_certificate_transparency(path: ModuleType) -> None:
    """The classic tree of eight leaves, as its published vectors have it."""
    vector = shared_json("vectors/literals/rfc6962_tree.json")
    row = path.leaf_hashes(bytes.fromhex(entry) for entry in vector["leaf_inputs"])
    for level in ("leaf_hashes", "level1", "level2", "level3"):
        assert [node.hex() for node in row] == vector[level]
        row = path.parents(row)


@pytest.mark.parametrize("wrong", [[1], ["text"], [None], [bytearray(32)], [memoryview(bytes(32))], 7, None])
def test_what_is_not_bytes_is_refused(native: ModuleType, wrong: object) -> None:
    """No other type is read, not even one that holds bytes: they could change meanwhile."""
    for function in (native.leaf_hashes, native.parents, native.parents_of_row, native.format_bundle):
        with pytest.raises(TypeError):
            function(wrong)


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_a_node_of_another_size_is_refused(native: ModuleType, size: int) -> None:
    """Parents are made of hashes of 32 bytes; also a last one without a partner must be one."""
    for row in ([bytes(32), bytes(size)], [bytes(32), bytes(32), bytes(size)]):
        with pytest.raises(ValueError, match="32 bytes"):
            native.parents(row)
    if size % 32:
        with pytest.raises(ValueError, match="32 bytes"):
            native.parents_of_row(bytes(64 + size))


def test_an_iterator_that_fails_says_so(native: ModuleType) -> None:
    """An error from where the messages come is passed on."""

    def broken() -> Iterator[bytes]:
        yield b""
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        native.leaf_hashes(broken())


def test_implementations_are_chosen_by_name(native: ModuleType) -> None:
    """Scalar code is everywhere; a name that is none is refused, and changes nothing."""
    names = native.implementations()
    assert names[-1] == "scalar"
    for name in (*names, None):
        native.use(name)
        assert native.in_use() == name
    for wrong, error in (("md5", ValueError), ("", ValueError), (7, TypeError)):
        with pytest.raises(error):
            native.use(wrong)
    assert native.in_use() is None


def test_the_product_uses_it(native: ModuleType) -> None:
    """Where it is installed and not switched off, it is what the ledger's hashes are made with."""
    assert used is None or used is native
