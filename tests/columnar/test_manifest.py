"""Manifests, filters of orders and plans: what is written is read as the same, and nothing is left out."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.errors import EvidenceError
from ordertrail.query.segments.bloom import Bloom, bloom_of
from ordertrail.query.segments.manifest import (
    Block,
    Manifest,
    SegmentFile,
    digest_of,
    format_manifest,
    parse_manifest,
)
from ordertrail.query.segments.planning import Heights, Join, Make, current, steps, superseded
from ordertrail.record.actions import CATALOGUE, Action, Catalogue

HASHES = st.binary(min_size=32, max_size=32)
BLOCKS = st.builds(Block, st.integers(0, 24), st.integers(0, 1 << 20))
MANIFESTS = st.builds(
    Manifest,
    st.text(min_size=1, max_size=9),
    st.text(min_size=1, max_size=9),
    BLOCKS,
    HASHES,
    st.integers(-(2**62), 2**62),
    st.integers(-(2**62), 2**62),
    HASHES.map(bytes.hex),
    st.lists(st.text(max_size=9), max_size=20).map(bloom_of),
    st.lists(
        st.builds(
            SegmentFile,
            st.from_regex(r"[a-z_]{1,40}\.parquet", fullmatch=True),
            st.integers(0, 1 << 50),
            HASHES.map(bytes.hex),
        ),
        max_size=4,
    ).map(tuple),
)


@given(MANIFESTS)
def test_a_manifest_is_read_as_it_was_written(manifest: Manifest) -> None:
    """Byte for byte, whatever it holds."""
    assert parse_manifest(format_manifest(manifest)) == manifest


@given(MANIFESTS, st.data())
def test_a_changed_manifest_is_none(manifest: Manifest, data: st.DataObject) -> None:
    """Any byte that is another makes it unreadable, and any text that is no manifest is refused alike."""
    written = bytearray(format_manifest(manifest))
    place = data.draw(st.integers(0, len(written) - 1))
    written[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(EvidenceError, match="no manifest of a segment"):
        parse_manifest(bytes(written))


@given(st.binary(max_size=60) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(
    lambda tree: json.dumps(tree).encode()
) | st.just(b"[" * 100_000))  # fmt: skip
def test_any_bytes_are_refused(data: bytes) -> None:
    """Nothing but EvidenceError comes of bytes that are no manifest."""
    with pytest.raises(EvidenceError):
        parse_manifest(data)


@given(st.sets(st.text(max_size=20), max_size=200))
def test_every_order_that_is_there_may_be_there(orders: set[str]) -> None:
    """A filter never denies an order that it was made of."""
    bloom = bloom_of(orders)
    assert all(bloom.may_hold(order) for order in orders)


def test_few_orders_that_are_not_there_seem_to_be() -> None:
    """Of ten thousand strangers fewer than two in a hundred."""
    bloom = bloom_of([f"SO-{number}" for number in range(10_000)])
    strangers = sum(bloom.may_hold(f"PO-{number}") for number in range(10_000))
    assert strangers < 200


def test_a_filter_is_as_its_specification_says() -> None:
    """The worked example: one order in the smallest filter, so that other programs can write the same."""
    assert bloom_of(["SO-1042"]).bits.hex() == "0804002010008100"
    with pytest.raises(ValueError, match="power of two"):
        Bloom(bytes(12))


def test_words_have_a_digest_of_their_own() -> None:
    """Another phrase or mark is another digest; the sequence in which actions were named makes no difference."""
    one, other = Action("order.gift.wrap", "wrapped"), Action("order.gift.tag", "tagged")
    assert digest_of(Catalogue([one, other])) == digest_of(Catalogue([other, one]))
    digests = {
        digest_of(Catalogue([one])),
        digest_of(CATALOGUE),
        digest_of(Catalogue([Action(one.name, "put")])),
    }
    assert len(digests) == 3


def manifest_of(block: Block) -> Manifest:
    """Return a manifest of a block."""
    return Manifest("default", "log", block, bytes(32), 0, 0, "0" * 64, bloom_of([]), ())


@given(
    small=st.integers(0, 3),
    more=st.integers(0, 3),
    sizes=st.lists(st.integers(0, 200), min_size=1, max_size=6).map(sorted),
)
def test_plans_reach_as_far_as_they_can(small: int, more: int, sizes: list[int]) -> None:
    """However a log grew, segments follow each other from its first leaf on, to less than a small one from its end.

    Of those that could be joined none is left small, and what is superseded is held by another.
    """
    heights = Heights(small, small + more)
    there: set[Manifest] = set()
    for size in sizes:
        for one in superseded(there):
            there.discard(one)
        while (step := next(steps(there, size, heights), None)) is not None:
            assert step.block.end <= size
            made = manifest_of(step.block)
            assert made not in there
            match step:
                case Join(parts=parts):
                    assert parts[0].block.start == step.block.start
                    assert all(one.block.end == next_.block.start for one, next_ in pairwise(parts))
                    assert parts[-1].block.end == step.block.end
                case Make():
                    assert not any(one.block.holds(step.block) for one in there)
            there.add(made)
        found = current(there)
        ends = [one.block.end for one in found]
        assert [0, *ends][:-1] == [one.block.start for one in found]
        assert size - (ends[-1] if ends else 0) < 1 << small
        assert sum(one.block.height != heights.large for one in found) < 1 << more or not more
