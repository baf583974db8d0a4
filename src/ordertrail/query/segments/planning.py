"""Which segments there should be: small ones as the log grows, joined to large ones when these are full.

Blocks have one of two heights. Small ones keep the tail short that only the index has; large ones keep the files few.
Sixteen small ones of 65,536 leaves become one of 1,048,576 in which each file is sorted as a whole. Of a log that was
never made into segments, large blocks are made at once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ordertrail.query.segments.manifest import Block, Manifest


@dataclass(frozen=True, slots=True)
class Heights:
    """The heights of small and of large blocks."""

    small: int = 16
    large: int = 20


@dataclass(frozen=True, slots=True)
class Make:
    """Make a segment of a block, from the log."""

    block: Block


@dataclass(frozen=True, slots=True)
class Join:
    """Make a segment of a block, from those that hold its parts."""

    block: Block
    parts: tuple[Manifest, ...]


def current(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the segments that follow each other from a log's first leaf on: of several at a place, the largest."""
    largest: dict[int, Manifest] = {}
    for one in manifests:
        known = largest.get(one.block.start)
        if known is None or known.block.height < one.block.height:
            largest[one.block.start] = one
    found: list[Manifest] = []
    while (next_ := largest.get(found[-1].block.end if found else 0)) is not None:
        found.append(next_)
    return found


def superseded(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the segments whose leaves are all in a larger one: a crash came before they were removed."""
    every = list(manifests)
    return [
        one
        for one in every
        if any(
            other.block.height > one.block.height and other.block.holds(one.block) for other in current(every)
        )
    ]


def steps(manifests: Iterable[Manifest], size: int, heights: Heights) -> Iterator[Make | Join]:
    """Yield what is to be done so that segments reach as far into a log of ``size`` published leaves as they can.

    Whoever takes a step asks anew for the next one: only the first is sure to be right.
    """
    known = current(one for one in manifests if one.block.end <= size)
    yield from _joins(known, heights)
    place = known[-1].block.end if known else 0
    for height in (heights.large, heights.small):
        wide = 1 << height
        if place % wide == 0 and place + wide <= size:
            yield Make(Block(height, place >> height))
            return


def _joins(known: list[Manifest], heights: Heights) -> Iterator[Join]:
    many = 1 << (heights.large - heights.small)
    small = [one for one in known if one.block.height < heights.large]
    for at, one in enumerate(small):
        if one.block.start % (1 << heights.large):
            continue
        parts = [
            part for part in small[at : at + many] if part.block.end <= one.block.start + (1 << heights.large)
        ]
        if parts[-1].block.end == one.block.start + (1 << heights.large):
            yield Join(Block(heights.large, one.block.start >> heights.large), tuple(parts))
