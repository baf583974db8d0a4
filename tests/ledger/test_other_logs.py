"""Logs that other implementations wrote: tessera (C2SP tlog-tiles) and sunlight (static-ct-api)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ordertrail.ledger.checkpoint import open_checkpoint, parse_checkpoint
from ordertrail.ledger.hashing import leaf_hash, leaf_hashes
from ordertrail.ledger.merkle import MemoryNodes, root
from ordertrail.ledger.note import parse_note, verify_note
from ordertrail.ledger.proofs import (
    check_consistency,
    check_inclusion,
    prove_consistency,
    prove_inclusion,
)
from ordertrail.ledger.tiles import (
    BUNDLE,
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
from ordertrail.ledger.vkey import VerifierKey, parse_vkey
from shared_data import shared

#: The key of tessera's test log, as its repository's documentation gives it.
TESSERA = parse_vkey("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")


class TestTessera:
    """A log of 15 entries with a checkpoint at each size."""

    def test_every_checkpoint_verifies_and_extends_the_one_before(self) -> None:
        """All 17 checkpoint files are signed by the log, over the root of the entries."""
        log = shared("vectors/tessera/testdata/log")
        entries = parse_bundle((log / "tile/entries/000.p/15").read_bytes(), 15)
        hashes = leaf_hashes(entries)
        files = sorted(log.glob("checkpoint*"))
        assert len(files) == 17
        for file in files:
            tree = open_checkpoint(file.read_bytes(), TESSERA).checkpoint
            assert tree.root == root(hashes[: tree.size])
            for size in range(1, tree.size + 1):
                proof = prove_consistency(size, tree.size, MemoryNodes(hashes))
                check_consistency(size, root(hashes[:size]), tree.size, tree.root, proof)
        state = json.loads((log / ".state/treeState").read_bytes())
        assert state["size"] == 15

    def test_every_file_is_rebuilt_byte_for_byte(self) -> None:
        """From the entries alone we write all its tiles and bundles, at the same paths, and no others."""
        log = shared("vectors/tessera/testdata/log")
        entries = parse_bundle((log / "tile/entries/000.p/15").read_bytes(), 15)
        rebuilt = {}
        for size in range(1, 16):
            for tile in (*tiles_between(0, size), *edge_tiles(size)):
                some = entries[: tile.width]
                content = format_bundle(some) if tile.level == BUNDLE else format_tile(leaf_hashes(some))
                rebuilt[tile.path] = content
        stored = {
            file.relative_to(log).as_posix(): file.read_bytes()
            for file in log.rglob("tile/**/*")
            if file.is_file()
        }
        assert len(stored) == 30
        assert rebuilt == stored
        assert {parse_path(path).width for path in stored} == set(range(1, 16))

    def test_proofs_from_its_tiles(self) -> None:
        """Proofs that are made from its files check against its signed checkpoint."""
        log = shared("vectors/tessera/testdata/log")
        tree = open_checkpoint((log / "checkpoint").read_bytes(), TESSERA).checkpoint
        reader = TileReader(lambda path: (log / path).read_bytes(), tree.size)
        for index, entry in enumerate(parse_bundle((log / "tile/entries/000.p/15").read_bytes(), 15)):
            check_inclusion(index, 15, leaf_hash(entry), prove_inclusion(index, 15, reader), tree.root)


class TestSunlight:
    """A CT log of 778 entries, and the witnesses and the mirror of another."""

    WITNESSES = "vectors/sunlight/cmd/skylight/testdata"
    ROME = "000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706"
    MILAN = "88ad7a28caeb0b2aa890fdf0304c2fcaf59fca2ee140134ff8c1300bac493482"

    @pytest.mark.parametrize(
        ("keys", "checkpoint", "ignored"),
        [
            ("witness/witness.v0.json", f"witness/{ROME}/checkpoint", 1),
            ("witness/mirror/mirror.v0.json", f"witness/mirror/{ROME}/checkpoint", 0),
            ("witness2/witness.v0.json", f"witness2/{MILAN}/checkpoint", 0),
        ],
    )
    def test_witnessed_checkpoints_verify(self, keys: str, checkpoint: str, ignored: int) -> None:
        """Cosignatures of type 4 are good, with a time; the CT log's own type 5 is not known, and ignored."""
        directory = shared(self.WITNESSES)
        known: list[VerifierKey] = [
            parse_vkey(vkey) for vkey in json.loads((directory / keys).read_bytes())["verifier_keys"]
        ]
        note = parse_note((directory / checkpoint).read_bytes())
        (verified,) = verify_note(note, known)
        assert verified.time == 0x69546780
        assert len(note.signatures) == 1 + ignored
        assert parse_checkpoint(note.text).size == 300

    def test_the_mirror_has_the_tree_that_it_cosigned(self) -> None:
        """Its tiles of both levels lead to the root of its checkpoint, and proofs from them check."""
        mirror = shared(self.WITNESSES) / "witness/mirror" / self.ROME
        tree = parse_checkpoint(parse_note((mirror / "checkpoint").read_bytes()).text)
        reader = TileReader(lambda path: (mirror / path).read_bytes(), tree.size)
        hashes = reader.hashes(Tile(0, 0)) + reader.hashes(Tile(0, 1, 44))
        assert root(hashes) == tree.root
        assert reader.hashes(Tile(1, 0, 1)) == [root(hashes[:256])]
        for index in range(tree.size):
            check_inclusion(index, 300, hashes[index], prove_inclusion(index, 300, reader), tree.root)
        wanted = {tile.path for tile in (*tiles_between(0, 300), *edge_tiles(300))}
        stored = {file.relative_to(mirror).as_posix() for file in mirror.rglob("tile/**/*") if file.is_file()}
        assert stored == wanted

    @staticmethod
    def ct_leaves(data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Timestamp, index and leaf hash of each entry of a CT data tile (static-ct-api, "Log Entries").

        A CT leaf is not its bundle entry: it is the MerkleTreeLeaf of RFC 6962 section 3.4, which the entry
        begins with, less two zero bytes for version and type.
        """
        at = 0

        def skip(length_size: int) -> None:
            nonlocal at
            at += length_size + int.from_bytes(data[at : at + length_size], "big")

        while at < len(data):
            begin, precert = at, data[at + 8 : at + 10] == b"\0\1"
            at += 10 + 32 * precert
            skip(3)
            skip(2)
            leaf = data[begin:at]
            if precert:
                skip(3)
            skip(2)
            # The one extension is the leaf's index, in 40 bits, and ends the leaf.
            time, index = int.from_bytes(leaf[:8], "big"), int.from_bytes(leaf[-5:], "big")
            yield time, index, leaf_hash(b"\0\0" + leaf)

    @staticmethod
    def names_times(file: Path) -> list[int]:
        """Timestamps of a names tile, a JSON object a line."""
        return [json.loads(line)["Timestamp"] for line in file.read_bytes().splitlines()]

    def test_hash_tiles_are_those_of_the_data(self) -> None:
        """Each hash of level 0 is that of the certificate at its index; a partial tile begins a full one."""
        log = shared("vectors/sunlight/testdata/navigli2025h2/tile")
        count = 0
        for number, path in enumerate(("000", "001", "002", "003", "003.p/10")):
            width = 10 if path.endswith("10") else 256
            hashes = parse_tile((log / "0" / path).read_bytes(), width)
            leaves = list(self.ct_leaves((log / "data" / path).read_bytes()))
            first = 256 * min(number, 3)
            assert [hash_ for _, _, hash_ in leaves] == hashes
            assert [index for _, index, _ in leaves] == list(range(first, first + width))
            assert [time for time, _, _ in leaves] == self.names_times(log / "names" / path)
            count += width
        assert count == 4 * 256 + 10
        whole = parse_tile((log / "0/003").read_bytes(), 256)
        assert parse_tile((log / "0/003.p/10").read_bytes(), 10) == whole[:10]
