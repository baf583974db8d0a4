from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger import tiles
from ordertrail.ledger.hashing import leaf_hash
from ordertrail.ledger.merkle import MemoryNodes, range_fold, root
from ordertrail.ledger.proofs import (
    check_consistency,
    check_inclusion,
    prove_consistency,
    prove_inclusion,
)
from ordertrail.ledger.tiles import (
    BUNDLE,
    MAX_ENTRY_SIZE,
    TILE_WIDTH,
    Tile,
    TileReader,
    edge_tiles,
    format_bundle,
    format_tile,
    parse_bundle,
    parse_path,
    parse_tile,
    tiles_between,
)
from shared_data import shared_json

SIZE = 70_000
LEAVES = [leaf_hash(b"%d" % number) for number in range(SIZE)]
NODES = MemoryNodes(LEAVES)

any_tile = st.builds(Tile, st.integers(BUNDLE, 63), st.integers(0, 10**12), st.integers(1, 256))


def content(tile: Tile) -> bytes:
    """A tile of the log above, as it is published."""
    first = tile.index * TILE_WIDTH
    return format_tile([NODES.node(8 * tile.level, first + place) for place in range(tile.width)])


def published(*sizes: int) -> dict[str, bytes]:
    """All hash tiles of a log that had a checkpoint at each of these sizes."""
    stored: dict[str, bytes] = {}
    for size in sizes:
        for tile in (*tiles_between(0, size), *edge_tiles(size)):
            if tile.level != BUNDLE:
                stored[tile.path] = content(tile)
    return stored


def refusing(store: dict[str, bytes]) -> Callable[[str], bytes | None]:
    """A fetch that may not be called twice for a path."""
    asked: set[str] = set()

    def fetch(path: str) -> bytes | None:
        assert path not in asked
        asked.add(path)
        return store.get(path)

    return fetch


class TestPath:
    """Paths of tiles and bundles."""

    @given(any_tile)
    def test_a_path_reads_back_as_its_tile(self, tile: Tile) -> None:
        """Writing and reading a path is the identity."""
        assert parse_path(tile.path) == tile

    @given(st.text(alphabet="tile/entrs.px0123456789", max_size=24) | st.from_regex(r"tile/[0-9x/.p]+"))
    def test_what_is_accepted_is_written_the_same(self, path: str) -> None:
        """A path has one spelling."""
        try:
            tile = parse_path(path)
        except InputError:
            return
        assert tile.path == path

    def test_paths_of_go_and_of_tlog_tiles(self) -> None:
        """Paths of golang.org/x/mod read the same once their height, which tlog-tiles fixes, is dropped."""
        vector = shared_json("vectors/literals/tile_paths.json")
        assert len(vector["sumdb"]) == 8
        for path, expected in vector["sumdb"]:
            _, height, level, rest = path.split("/", 3)
            ours = f"tile/{'entries' if level == 'data' else level}/{rest}"
            if expected is None:
                with pytest.raises(InputError):
                    parse_path(ours)
                continue
            _, expected_level, index, width = expected
            full = width == 1 << int(height)
            assert parse_path(ours) == Tile(expected_level, index, TILE_WIDTH if full else width)
        assert Tile(0, 1234067).path == f"tile/0/{vector['c2sp']['index_1234067']}"

    def test_strange_paths_are_refused(self) -> None:
        """Leading zeroes, full widths written out, other levels and digits, and anything around them."""
        for path in (
            "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/00", "tile/0/0000", "tile/0/x000/001",
            "tile/0/001/002", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/",
            "/tile/0/000", "tile/0/000/", "tile/0/000\n", "tile/data/000",
            "tile/0/\u0660\u0660\u0660", "checkpoint", "",
        ):  # fmt: skip
            with pytest.raises(InputError):
                parse_path(path)

    def test_what_is_no_tile_is_refused(self) -> None:
        """Levels, indexes and widths have bounds."""
        for arguments in ((-2, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)):
            with pytest.raises(InputError):
                Tile(*arguments)


class TestWhichTiles:
    """Which tiles a log has, and which come as it grows."""

    def test_examples_of_tlog_tiles(self) -> None:
        """Logs of 70,000 and 256 leaves have the tiles that the specification says."""
        vector = shared_json("vectors/literals/tile_paths.json")["c2sp"]
        for size in (70_000, 256):
            full, partial = tiles_between(0, size), edge_tiles(size)
            for name, (count, width) in vector[f"size_{size}"].items():
                level = int(name.removeprefix("tile/"))
                assert sum(tile.level == level for tile in full) == count
                assert [tile.width for tile in partial if tile.level == level] == ([width] if width else [])
        assert [tile.path for tile in edge_tiles(SIZE)] == [
            "tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1",
        ]  # fmt: skip

    def test_counts_of_go(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As many tiles are new as in golang.org/x/mod, whose tests have tiles of height 10."""
        monkeypatch.setattr(tiles, "TILE_HEIGHT", 10)
        monkeypatch.setattr(tiles, "TILE_WIDTH", 1 << 10)
        vectors = shared_json("vectors/literals/tile_paths.json")["new_tiles_h10"]
        assert len(vectors) == 7
        for old_size, new_size, count in vectors:
            grown = tiles_between(old_size, new_size, partial=True)
            assert sum(tile.level != BUNDLE for tile in grown) == count

    @settings(deadline=None)
    @given(st.lists(st.integers(0, 200_000), min_size=2, max_size=5).map(sorted))
    def test_growing_in_steps_completes_what_growing_at_once_does(self, sizes: list[int]) -> None:
        """Every full tile is completed once, whatever the steps; the edge is all that is not full."""
        once = tiles_between(sizes[0], sizes[-1])
        steps = [tile for old, new in pairwise(sizes) for tile in tiles_between(old, new)]
        assert sorted(once) == sorted(steps)
        assert len(set(once)) == len(once)
        assert all(tile.is_full and tile.end <= sizes[-1] and tile.end > sizes[0] for tile in once)
        edge = edge_tiles(sizes[-1])
        assert not any(tile.is_full for tile in edge)
        grown = tiles_between(sizes[0], sizes[-1], partial=True)
        assert set(grown) - set(once) == set(edge) - set(edge_tiles(sizes[0]))

    def test_bounds_of_a_tile(self) -> None:
        """A tile knows the leaves under it; a bundle those of its entries."""
        assert (Tile(BUNDLE, 2, 5).begin, Tile(BUNDLE, 2, 5).end) == (512, 517)
        assert (Tile(0, 2).begin, Tile(0, 2).end) == (512, 768)
        assert (Tile(1, 2, 3).begin, Tile(1, 2, 3).end) == (2 * 65536, 2 * 65536 + 3 * 256)

    def test_a_log_does_not_shrink(self) -> None:
        """Sizes that go down are refused; no growth has no tiles."""
        for sizes in ((3, 2), (-1, 2)):
            with pytest.raises(InputError):
                tiles_between(*sizes)
        assert tiles_between(300, 300, partial=True) == edge_tiles(0) == []


class TestContent:
    """Contents of bundles and tiles."""

    @settings(deadline=None)
    @given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
    def test_a_bundle_reads_back_as_its_entries(self, entries: list[bytes]) -> None:
        """Writing and reading is the identity; cut short, longer or of another width it is refused."""
        data = format_bundle(entries)
        assert parse_bundle(data, len(entries)) == entries
        for wrong, width in (
            (data[:-1], len(entries)),
            (data + b"\0", len(entries)),
            (data, len(entries) + 1),
            (data, len(entries) - 1),
        ):
            with pytest.raises(InputError):
                parse_bundle(wrong, width)

    @given(st.binary(max_size=60), st.integers(0, 30))
    def test_a_bundle_has_one_spelling(self, data: bytes, width: int) -> None:
        """What is read as a bundle is written the same."""
        try:
            entries = parse_bundle(data, width)
        except InputError:
            return
        assert format_bundle(entries) == data

    def test_limits_of_a_bundle(self) -> None:
        """An entry has up to 65,535 bytes, a bundle 1 to 256 entries."""
        largest = bytes(MAX_ENTRY_SIZE)
        assert parse_bundle(format_bundle([largest]), 1) == [largest]
        for entries in ([largest + b"\0"], [], [b""] * 257):
            with pytest.raises(InputError):
                format_bundle(entries)
        with pytest.raises(InputError):
            parse_bundle(b"\0\0" * 257, 257)

    @given(st.integers(1, 256))
    def test_a_tile_reads_back_as_its_hashes(self, width: int) -> None:
        """Writing and reading a tile is the identity; of another width it is refused."""
        data = format_tile(LEAVES[:width])
        assert parse_tile(data, width) == LEAVES[:width]
        for wrong in (data[:-1], data + b"\0", b""):
            with pytest.raises(InputError):
                parse_tile(wrong, width)

    def test_limits_of_a_tile(self) -> None:
        """A tile has 1 to 256 hashes of 32 bytes."""
        for hashes in ([], LEAVES[:257], [b"short"]):
            with pytest.raises(InputError):
                format_tile(hashes)


class TestReader:
    """Reading nodes from tiles."""

    def test_every_node_is_read(self) -> None:
        """Each node of each level is the tree's, and no tile is fetched twice while it is kept."""
        reader = TileReader(refusing(published(SIZE)), SIZE, capacity=1000)
        for level in range(17):
            for index in range(0, SIZE >> level, max((SIZE >> level) // 50, 1)):
                assert reader.node(level, index) == NODES.node(level, index)
            last = (SIZE >> level) - 1
            assert reader.node(level, last) == NODES.node(level, last)

    @settings(deadline=None, max_examples=30)
    @given(st.data())
    def test_proofs_from_tiles(self, data: st.DataObject) -> None:
        """Proofs and roots that are made from tiles are those of the tree."""
        size = data.draw(st.integers(1, SIZE))
        old = data.draw(st.integers(1, size))
        reader = TileReader(published(size).get, size)
        tree, old_tree = range_fold(0, size, reader), range_fold(0, old, reader)
        assert (tree, old_tree) == (root(LEAVES[:size]), root(LEAVES[:old]))
        check_inclusion(old - 1, size, LEAVES[old - 1], prove_inclusion(old - 1, size, reader), tree)
        check_consistency(old, old_tree, size, tree, prove_consistency(old, size, reader))

    def test_a_full_tile_stands_in_for_a_partial_one(self) -> None:
        """Where partial tiles were deleted, the beginnings of the full ones are read."""
        size = 300
        later = {path: data for path, data in published(SIZE).items() if ".p/" not in path}
        reader = TileReader((later | {Tile(1, 0, 1).path: content(Tile(1, 0, 1))}).get, size)
        assert reader.node(0, 299) == LEAVES[299]
        assert range_fold(0, size, reader) == root(LEAVES[:size])

    def test_the_least_recently_used_tile_is_forgotten(self) -> None:
        """No more tiles than the capacity are kept; the ones in use stay."""
        asked: list[str] = []
        store = published(SIZE)

        def fetch(path: str) -> bytes | None:
            asked.append(path)
            return store.get(path)

        reader = TileReader(fetch, SIZE, capacity=2)
        for leaf in (0, 256, 1, 512, 2, 257):
            assert reader.node(0, leaf) == LEAVES[leaf]
        assert asked == ["tile/0/000", "tile/0/001", "tile/0/002", "tile/0/001"]

    def test_a_tile_of_another_length_or_a_missing_one_is_refused(self) -> None:
        """A copy that is not what it must be raises EvidenceError, with its path."""
        store = published(300)
        for path in ("tile/0/000", "tile/0/001.p/44"):
            for data in (b"", store[path][:-1], store[path] + store[path][:32]):
                with pytest.raises(EvidenceError, match=path):
                    TileReader((store | {path: data}).get, 300).node(0, parse_path(path).begin)
            fewer = {other: data for other, data in store.items() if other != path}
            with pytest.raises(EvidenceError, match=f"{path} is missing"):
                TileReader(fewer.get, 300).node(0, parse_path(path).begin)

    def test_nodes_that_the_log_does_not_have_are_refused(self) -> None:
        """Only complete nodes of the tree are read: nothing is fetched for any other."""
        reader = TileReader(refusing({}), 300)
        for level, index in ((0, 300), (1, 150), (9, 0), (-1, 0), (0, -1)):
            with pytest.raises(InputError):
                reader.node(level, index)
