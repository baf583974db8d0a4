"""What :class:`ordertrail.ledger.ports.Tiles` promises."""

from collections.abc import Callable

import pytest

from ordertrail.kernel.errors import EvidenceError
from ordertrail.ledger.ports import Tiles
from ordertrail.testing.conformance.samples import SampleLog, several
from ordertrail.testing.conformance.together import at_once

Reopen = Callable[[], Tiles]

SINCE = "2026-11-22T14:02:10.120000Z"


class TilesSuite:
    """Give ``reopen``; the tree is empty."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the published tree once more."""
        raise NotImplementedError("the suite of tiles needs a fixture 'reopen'")

    @pytest.fixture
    def tiles(self, reopen: Reopen) -> Tiles:
        """The published tree under test."""
        return reopen()

    def test_what_is_not_there_is_none(self, tiles: Tiles) -> None:
        """In an empty tree, beside an object, above it and below it."""
        assert tiles.get("tile/0/000") is None
        tiles.put([("tile/0/000", b"tile")], SINCE)
        for path in ("tile/0/001", "tile/0", "tile", "tile/0/000/1"):
            assert tiles.get(path) is None

    def test_objects_are_kept_to_the_byte(self, tiles: Tiles) -> None:
        """A log's own tiles, partial ones among them; an empty object; a large one; none at all."""
        objects = [
            *SampleLog().edge.extend(*_columns(600)).completed,
            *SampleLog().then(*several(1, 600)).after.edge.partial(),
            ("anchors/0000000000000000", b""),
            ("tile/entries/x001/000", bytes(range(256)) * 8_192),
        ]
        tiles.put(objects, SINCE)
        tiles.put([], SINCE)
        assert [tiles.get(path) for path, _ in objects] == [data for _, data in objects]

    def test_the_same_bytes_are_welcome_again(self, tiles: Tiles) -> None:
        """What a sequencer publishes after a crash is what was there."""
        for _ in range(2):
            tiles.put([("tile/0/000", b"tile"), ("tile/0/001", b"next")], SINCE)
        assert tiles.get("tile/0/001") == b"next"

    def test_other_bytes_change_nothing(self, tiles: Tiles, reopen: Reopen) -> None:
        """EvidenceError, whatever else the call brings, and all that was there is as it was."""
        tiles.put([("tile/0/000", b"tile"), ("tile/0/001", b"next")], SINCE)
        for other in (b"tilE", b"", b"tile and more"):
            with pytest.raises(EvidenceError):
                tiles.put([("tile/0/002", b"new"), ("tile/0/000", other), ("tile/0/001", b"next")], SINCE)
        for one in (tiles, reopen()):
            assert (one.get("tile/0/000"), one.get("tile/0/001")) == (b"tile", b"next")

    def test_what_was_put_is_there_when_it_is_opened_again(self, tiles: Tiles, reopen: Reopen) -> None:
        """Once ``put`` returned, a second opener finds it, and may not change it either."""
        tiles.put([("tile/0/000", b"tile")], SINCE)
        assert reopen().get("tile/0/000") == b"tile"
        with pytest.raises(EvidenceError):
            reopen().put([("tile/0/000", b"other")], SINCE)

    def test_two_that_put_different_bytes_at_once_cannot_both_succeed(self, reopen: Reopen) -> None:
        """One is kept; the other hears EvidenceError."""

        def putting(data: bytes) -> Callable[[], bytes]:
            tiles = reopen()

            def put() -> bytes:
                tiles.put([("tile/0/000", data)], SINCE)
                return data

            return put

        outcomes = at_once(putting(b"one"), putting(b"two"), putting(b"three"))
        kept = [outcome for outcome in outcomes if isinstance(outcome, bytes)]
        assert len(kept) == 1
        assert [type(outcome) for outcome in outcomes if outcome not in kept] == [EvidenceError] * 2
        assert reopen().get("tile/0/000") == kept[0]


def _columns(count: int) -> tuple[list[bytes], list[bytes]]:
    rows = SampleLog().then(*several(1, count)).rows
    return [row.entry for row in rows], [row.hash for row in rows]
