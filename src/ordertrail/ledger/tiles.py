"""Tiles: the tree and its entries as immutable files (C2SP tlog-tiles).

A tile holds 256 consecutive nodes of one level in eight: at tile level L, node (8 * L, i) of the tree. An
entry bundle holds the 256 entries under a tile of level 0; here it is the tile of level ``BUNDLE``. Each is
named by a path ("Merkle Tree" and "Log entries")::

    tile/<L>/<N>          a full tile          L 0 to 63, N in groups of three digits, all but the
    tile/<L>/<N>.p/<W>    W of its 256 hashes  last with an "x" before them
    tile/entries/<N>[.p/<W>]                   the same of entries

A worked example, a tree of 70,000 leaves, has at its right edge::

    70000        = 273 * 256 + 112    tile/0/000 … tile/0/272 and tile/0/273.p/112
    70000 >> 8   = 1 * 256 + 17       tile/1/000 and tile/1/001.p/17
    70000 >> 16  = 1                  tile/2/000.p/1

**Contents.** A tile is its hashes, one after the other, 32 bytes each. A bundle is its entries, each after
its length as a big-endian uint16, so that an entry has at most 65,535 bytes.

A partial tile may be dropped once the full one exists ("Partial Tiles"); a reader then takes the beginning
of the full one. Tiles need not be trusted: proofs made from them are checked against a signed root.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.hashing import HASH_SIZE, parents
from ordertrail.ledger.native import native

#: Levels of the tree in a tile (tlog-tiles, "Merkle Tree").
TILE_HEIGHT: Final = 8
#: Hashes in a full tile, entries in a full bundle (tlog-tiles, "Merkle Tree").
TILE_WIDTH: Final = 1 << TILE_HEIGHT
#: The greatest level of a tile (tlog-tiles, "Merkle Tree").
MAX_TILE_LEVEL: Final = 63
#: The level of an entry bundle: below the tiles of level 0, which hold the hashes of its entries.
BUNDLE: Final = -1
#: Bytes of the largest entry, for its length is a uint16 (tlog-tiles, "Log entries").
MAX_ENTRY_SIZE: Final = 0xFFFF
#: Where a log's newest signed checkpoint is found (tlog-tiles, "Checkpoints").
CHECKPOINT_PATH: Final = "checkpoint"

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """A tile or, where ``level`` is ``BUNDLE``, an entry bundle; ``width`` is 256 where it is full."""

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        exists = BUNDLE <= self.level <= MAX_TILE_LEVEL and self.index >= 0 and 1 <= self.width <= TILE_WIDTH
        if not exists:
            raise InputError(f"no tile has level {self.level}, index {self.index} and width {self.width}")

    @property
    def is_full(self) -> bool:
        """Whether it has all its hashes or entries, and will never change."""
        return self.width == TILE_WIDTH

    @property
    def full(self) -> "Tile":
        """The full tile at the same place."""
        return Tile(self.level, self.index)

    @property
    def begin(self) -> int:
        """Index of the first leaf under it."""
        return self.index << TILE_HEIGHT * (max(self.level, 0) + 1)

    @property
    def end(self) -> int:
        """Index after the last leaf under it; a log pruned to there may drop a full tile ("Pruning")."""
        return self.begin + (self.width << TILE_HEIGHT * max(self.level, 0))

    @property
    def path(self) -> str:
        """Its path below the log's root: ``tile/0/x001/x234/067.p/8``."""
        index, rest = f"{self.index % 1000:03d}", self.index // 1000
        while rest:
            index, rest = f"x{rest % 1000:03d}/{index}", rest // 1000
        level = "entries" if self.level == BUNDLE else self.level
        return f"tile/{level}/{index}" + ("" if self.is_full else f".p/{self.width}")


def parse_path(path: str) -> Tile:
    """Read the path of a tile or bundle.

    :raises InputError: if it is not exactly the path of one.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise InputError(f"{path!r} is not the path of a tile")
    level = BUNDLE if match["level"] == "entries" else int(match["level"])
    index = int(match["index"].replace("x", "").replace("/", ""))
    tile = Tile(level, index, int(match["width"] or TILE_WIDTH))
    if tile.path != path:
        raise InputError(f"{path!r} is not the path of a tile; {tile.path!r} is")
    return tile


def tiles_between(old_size: int, new_size: int, *, partial: bool = False) -> list[Tile]:
    """Tiles and bundles completed while a log grew from ``old_size`` to ``new_size``, bundles first.

    With ``partial`` also the partial ones at the right edge that are new or wider than at ``old_size``.

    :raises InputError: if the log would have shrunk.
    """
    if not 0 <= old_size <= new_size:
        raise InputError(f"a log does not grow from {old_size} to {new_size} leaves")
    tiles: list[Tile] = []
    for level, new_count in _counts(new_size):
        old_count = old_size >> TILE_HEIGHT * max(level, 0)
        full = new_count // TILE_WIDTH
        tiles.extend(Tile(level, index, TILE_WIDTH) for index in range(old_count // TILE_WIDTH, full))
        if partial and new_count % TILE_WIDTH and new_count != old_count:
            tiles.append(Tile(level, full, new_count % TILE_WIDTH))
    return tiles


def edge_tiles(size: int) -> list[Tile]:
    """All partial tiles, and the partial bundle, of a log of ``size`` leaves ("Partial Tiles")."""
    return [
        Tile(level, count // TILE_WIDTH, count % TILE_WIDTH)
        for level, count in _counts(size)
        if count % TILE_WIDTH
    ]


def _counts(size: int) -> Iterator[tuple[int, int]]:
    """How many hashes or entries each level has, from the bundles up to the last level that has any."""
    if size:
        yield BUNDLE, size
    level = 0
    while size:
        yield level, size
        level, size = level + 1, size >> TILE_HEIGHT


def format_tile(hashes: Sequence[bytes]) -> bytes:
    """Write the content of a tile: 1 to 256 hashes.

    :raises InputError: if they are more, none, or of another size.
    """
    data = b"".join(hashes)
    if not 1 <= len(hashes) <= TILE_WIDTH or any(len(hash_) != HASH_SIZE for hash_ in hashes):
        raise InputError(f"a tile has 1 to {TILE_WIDTH} hashes of {HASH_SIZE} bytes")
    return data


def parse_tile(data: bytes, width: int) -> list[bytes]:
    """Read the ``width`` hashes of a tile.

    :raises InputError: if the content has another length.
    """
    if not 1 <= width <= TILE_WIDTH or len(data) != width * HASH_SIZE:
        raise InputError(f"a tile of {width} hashes has not {len(data)} bytes")
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


@cache
def _length_prefixes() -> tuple[bytes, ...]:
    """Every uint16: a table lookup is the fastest way to write one. Made when a bundle is first written."""
    return tuple(length.to_bytes(2, "big") for length in range(MAX_ENTRY_SIZE + 1))


def format_bundle(entries: Sequence[bytes]) -> bytes:
    """Write the content of a bundle: 1 to 256 entries of at most 65,535 bytes each.

    :raises InputError: if there are more, none, or one is longer.
    """
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise InputError(f"a bundle has 1 to {TILE_WIDTH} entries, not {len(entries)}")
    try:
        if native is not None:
            return native.format_bundle(entries)
        prefixes = _length_prefixes()
        return b"".join([piece for entry in entries for piece in (prefixes[len(entry)], entry)])
    except (IndexError, ValueError):
        raise InputError(f"an entry has at most {MAX_ENTRY_SIZE} bytes") from None


def is_bundle(data: bytes, entries: Sequence[bytes]) -> bool:
    """Say whether ``data`` is the content of the bundle of these entries; False where no bundle can hold them."""
    if native is not None:
        return 1 <= len(entries) <= TILE_WIDTH and native.is_bundle(data, entries)
    try:
        return data == format_bundle(entries)
    except InputError:
        return False


def parse_bundle(data: bytes, width: int) -> list[bytes]:
    """Read the ``width`` entries of a bundle.

    :raises InputError: if it is cut short, or something follows the last entry.
    """
    if not 1 <= width <= TILE_WIDTH:
        raise InputError(f"a bundle has 1 to {TILE_WIDTH} entries, not {width}")
    entries: list[bytes] = []
    at, end = 0, len(data)
    for _ in range(width):
        start = at + 2
        if start > end:
            break
        at = start + (data[start - 2] << 8 | data[start - 1])
        entries.append(data[start:at])
    # An entry cut short leaves the mark beyond the end, what follows the last one leaves it before.
    if at != end or len(entries) != width:
        raise InputError(f"a bundle of {width} entries does not end with its last entry")
    return entries


class TileReader:
    """A ``NodeReader`` over the tiles of a log of ``size`` leaves.

    ``fetch`` gets a path as ``Tile.path`` writes it, and returns the content, or None where there is none;
    its errors pass through. Only tiles that a tree of ``size`` leaves has are asked for, each once while it
    stays among the last ``capacity`` used. Not thread-safe.
    """

    __slots__ = ("_cache", "_capacity", "_fetch", "size")

    def __init__(self, fetch: Callable[[str], bytes | None], size: int, *, capacity: int = 64) -> None:
        self.size = size
        self._fetch = fetch
        self._capacity = capacity
        # A tile's rows: its hashes, and above them what has been computed from them so far.
        self._cache: dict[tuple[int, int], list[list[bytes]]] = {}

    def node(self, level: int, index: int) -> bytes:
        """Hash of the leaves ``[index << level, (index + 1) << level)``: 32 bytes.

        :raises InputError: if the log does not have all those leaves.
        :raises EvidenceError: if the tile is missing, or has another length.
        """
        if level < 0 or index < 0 or (index + 1) << level > self.size:
            raise InputError(f"a log of {self.size} leaves has no node {index} at level {level}")
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, place = divmod(index << height, TILE_WIDTH)
        rows = self._rows(tile_level, tile_index)
        while len(rows) <= height:
            rows.append(parents(rows[-1]))
        return rows[height][place >> height]

    def hashes(self, tile: Tile) -> list[bytes]:
        """Hashes of a tile, whether it is stored at that width or only in full.

        :raises EvidenceError: if the tile is missing, or has another length.
        """
        stored, data = tile, self._fetch(tile.path)
        if data is None and not tile.is_full:
            # A partial tile may be gone once the full one is there.
            stored, data = tile.full, self._fetch(tile.full.path)
        if data is None:
            raise EvidenceError(f"{tile.path} is missing")
        if len(data) != stored.width * HASH_SIZE:
            raise EvidenceError(f"{stored.path} has {len(data)} bytes, not {stored.width * HASH_SIZE}")
        return parse_tile(data[: tile.width * HASH_SIZE], tile.width)

    def _rows(self, tile_level: int, tile_index: int) -> list[list[bytes]]:
        key = tile_level, tile_index
        # Taken out and put back, so that the first key is always the least recently used.
        rows = self._cache.pop(key, None)
        if rows is None:
            width = (self.size >> TILE_HEIGHT * tile_level) - tile_index * TILE_WIDTH
            rows = [self.hashes(Tile(tile_level, tile_index, min(TILE_WIDTH, width)))]
            if len(self._cache) >= self._capacity:
                del self._cache[next(iter(self._cache))]
        self._cache[key] = rows
        return rows
