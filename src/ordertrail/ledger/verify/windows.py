"""One window of 256 entries: the published bundle and level-0 tile against what the table holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ordertrail.ledger.tiles import BUNDLE, TILE_WIDTH, Tile, format_bundle
from ordertrail.ledger.verify.report import Counts, Finding, Step
from ordertrail.ledger.verify.source import Source


@dataclass(frozen=True)
class Window:
    """Up to 256 entries under one tile, with their leaf hashes and recorded times."""

    index: int
    entries: Sequence[bytes]
    leaves: Sequence[bytes]
    times: Sequence[str]

    @cached_property
    def bundle(self) -> bytes:
        """The entries as their published bundle holds them."""
        return format_bundle(self.entries)

    @property
    def start(self) -> int:
        """Index of the first entry."""
        return self.index * TILE_WIDTH

    @property
    def end(self) -> int:
        """Index after the last entry."""
        return self.start + len(self.entries)

    @property
    def full(self) -> bool:
        """Whether the tile over it is full."""
        return len(self.entries) == TILE_WIDTH


def check_window(
    source: Source, window: Window, partial: Sequence[tuple[int, bool]], published: int, counts: Counts
) -> Iterator[Finding]:
    """Compare each published object over this window, byte for byte.

    Full tiles must be there once a checkpoint commits to them, partial ones (their widths, each with whether
    it must be there) at each published size; until then they may be: a crash leaves them behind.
    """
    if window.full:
        yield from _compare(source, window, TILE_WIDTH, counts, required=window.end <= published)
    for width, required in partial:
        if width <= len(window.entries):
            yield from _compare(source, window, width, counts, required=required)


def _compare(
    source: Source, window: Window, width: int, counts: Counts, *, required: bool
) -> Iterator[Finding]:
    bundle = window.bundle if width == len(window.entries) else format_bundle(window.entries[:width])
    expected = (
        (Tile(BUNDLE, window.index, width).path, bundle, Step.CONTENT),
        (Tile(0, window.index, width).path, b"".join(window.leaves[:width]), Step.INCLUSION),
    )
    for path, data, step in expected:
        found = source.tiles.get(path)
        if found is None:
            # A partial tile is asked for because it is listed: it is there, or its term says that it must be.
            if required or width < TILE_WIDTH:
                yield Finding(
                    Step.CUSTODY, path, "is missing from the published tree", window.start, span=width
                )
            continue
        counts.tiles += 1
        if found != data:
            at = next(
                (n for n, (a, b) in enumerate(zip(found, data, strict=False)) if a != b),
                min(len(found), len(data)),
            )
            number = _entry_at(window.entries, at) if step is Step.CONTENT else at // 32
            index = window.start + min(number, width - 1)
            what = (
                "differs from the table"
                if len(found) == len(data)
                else f"has {len(found)} bytes, not {len(data)}"
            )
            yield Finding(step, f"{path} byte {at} (entry {index})", what, index)
        # What a crash left behind before a checkpoint committed to it may not have its term yet.
        for problem in source.custody.problems(path, window.times[width - 1]) if required else ():
            yield Finding(Step.CUSTODY, path, problem, window.start, span=width)


def _entry_at(entries: Sequence[bytes], byte: int) -> int:
    """Return which entry of a bundle a byte belongs to."""
    end = 0
    for number, entry in enumerate(entries):
        end += 2 + len(entry)
        if byte < end:
            return number
    return len(entries) - 1
