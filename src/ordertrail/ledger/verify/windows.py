"""One window of 256 entries: the published bundle and level-0 tile against what the table holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ordertrail.ledger.tiles import BUNDLE, TILE_WIDTH, Tile, format_bundle, is_bundle
from ordertrail.ledger.verify.report import Counts, Finding, Step
from ordertrail.ledger.verify.source import Source


@dataclass(frozen=True, slots=True)
class Window:
    """Up to 256 entries under one tile, with their leaf hashes and recorded times."""

    index: int
    entries: Sequence[bytes]
    leaves: Sequence[bytes]
    times: Sequence[str]

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
    source: Source, window: Window, partial: Sequence[tuple[int, int, bool]], published: int, counts: Counts
) -> Iterator[Finding]:
    """Compare each published object over this window, byte for byte.

    Full tiles must be there once a checkpoint commits to them, partial ones (their levels and widths, each
    with whether it must be there) at each published size; until then they may be: a crash leaves them behind,
    a bundle perhaps without its tile.
    """
    if window.full:
        for level in (BUNDLE, 0):
            tile = Tile(level, window.index)
            yield from _compare(source, window, tile, counts, required=window.end <= published)
    for level, width, required in partial:
        if width <= len(window.entries):
            yield from _compare(source, window, Tile(level, window.index, width), counts, required=required)


def _compare(
    source: Source, window: Window, tile: Tile, counts: Counts, *, required: bool
) -> Iterator[Finding]:
    path, width = tile.path, tile.width
    found = source.tiles.get(path)
    if found is None:
        # A partial tile is asked for because it is listed: it is there, or its term says that it must be.
        if required or not tile.is_full:
            yield Finding(Step.CUSTODY, path, "is missing from the published tree", window.start, span=width)
        return
    counts.tiles += 1
    if not _is_expected(window, tile, found):
        yield _difference(window, tile, found)
    # What a crash left behind before a checkpoint committed to it may not have its term yet.
    for problem in source.custody.problems(path, window.times[width - 1]) if required else ():
        yield Finding(Step.CUSTODY, path, problem, window.start, span=width)


def _is_expected(window: Window, tile: Tile, found: bytes) -> bool:
    if tile.level == BUNDLE:
        return is_bundle(found, window.entries[: tile.width])
    return found == _hashes(window, tile)


def _hashes(window: Window, tile: Tile) -> bytes:
    return b"".join(window.leaves[: tile.width])


def _difference(window: Window, tile: Tile, found: bytes) -> Finding:
    """Name the first byte at which an object differs, and the entry that it belongs to."""
    in_bundle = tile.level == BUNDLE
    expected = format_bundle(window.entries[: tile.width]) if in_bundle else _hashes(window, tile)
    at = next(
        (n for n, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b),
        min(len(found), len(expected)),
    )
    step, number = (Step.CONTENT, _entry_at(window.entries, at)) if in_bundle else (Step.INCLUSION, at // 32)
    index = window.start + min(number, tile.width - 1)
    same_length = len(found) == len(expected)
    what = "differs from the table" if same_length else f"has {len(found)} bytes, not {len(expected)}"
    return Finding(step, f"{tile.path} byte {at} (entry {index})", what, index)


def _entry_at(entries: Sequence[bytes], byte: int) -> int:
    """Return which entry of a bundle a byte belongs to."""
    end = 0
    for number, entry in enumerate(entries):
        end += 2 + len(entry)
        if byte < end:
            return number
    return len(entries) - 1
