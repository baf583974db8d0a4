"""With the extension and without it: the same results."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import pytest

import ordertrail
from ordertrail.kernel.errors import InputError
from ordertrail.ledger import hashing, tiles
from ordertrail.ledger import native as choice
from ordertrail.ledger.merkle import RangeNodes, root
from ordertrail.testing.story import order_story
from shared_data import shared_json

CHECK = """
import json, sys
import ordertrail
from ordertrail.ledger.native import native
with ordertrail.open(sys.argv[1]) as trail:
    report = trail.verify()
findings = [(str(f.step), f.where, f.message, f.index, f.order) for f in report.findings]
print(json.dumps([native is not None, report.verdict, findings, report.counts.tiles, report.counts.blobs]))
"""


def check(root: Path, **environment: str) -> list[object]:
    """Check a trail in a new process; return what it found, and first whether by the extension."""
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(root)],
        check=True, capture_output=True, env={**os.environ, "ORDERTRAIL_NATIVE": "", **environment},
    )  # fmt: skip
    said: list[object] = json.loads(done.stdout)
    return said


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 600 events, one of them with a blob."""
    root = tmp_path_factory.mktemp("choice") / "trail"
    lines = [*order_story(orders=70), BLOB]
    with ordertrail.create(root, "shop.example/log", immutable=False) as new:
        list(new.record_lines((f"line {n}", line) for n, line in enumerate(lines)))
        new.seal()
    return root


BLOB = (
    b'{"time":"2026-11-21T09:00:00.000000Z","action":"order.update","actor":{"id":"edi","kind":"service"},'
    b'"subject":{"kind":"order","id":"SO-1","order":"SO-1"},"changes":[{"path":"/d","after":"%b"}]}'
    % (b"x" * 80_000)
)


@pytest.mark.parametrize("tampered", [False, True])
def test_a_check_says_the_same_with_and_without(native: ModuleType, trail: Path, *, tampered: bool) -> None:
    """An intact log is intact, and a tampered one is tampered at the same place, whoever hashes."""
    del native
    bundle = trail / "log" / "tile" / "entries" / "000"
    if tampered:
        data = bytearray(bundle.read_bytes())
        data[5_000] ^= 1
        bundle.chmod(0o644)
        bundle.write_bytes(data)
        bundle.chmod(0o444)
    used, *with_it = check(trail)
    unused, *without_it = check(trail, ORDERTRAIL_NATIVE="off")
    assert (used, unused) == (True, False)
    assert with_it == without_it
    assert bool(with_it[1]) == tampered


@pytest.fixture(params=["extension", "python"])
def one_of_both(native: ModuleType, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger's hashes and bundles, made with the extension or without it, whatever is switched on."""
    for module in (hashing, tiles):
        monkeypatch.setattr(module, "native", native if request.param == "extension" else None)


@pytest.mark.usefixtures("one_of_both")
@pytest.mark.parametrize("size", [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 121, 255, 256, 257, 65_535])
def test_the_ledger_hashes_the_same_with_and_without(size: int) -> None:
    """Leaves, nodes and bundles are what the standard library and the specification make of them."""
    entries = [b"%d" % number * size for number in range(7)]
    entries = [entry[:size] for entry in entries]
    leaves = [sha256(b"\x00" + entry).digest() for entry in entries]
    above = [sha256(b"\x01" + leaves[at] + leaves[at + 1]).digest() for at in (0, 2, 4)]
    assert hashing.leaf_hashes(entries) == leaves == [hashing.leaf_hash(entry) for entry in entries]
    assert hashing.parents(leaves) == above
    assert hashing.parents_of_row(b"".join(leaves)) == b"".join(above)
    bundle = b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
    assert tiles.format_bundle(entries) == bundle
    assert tiles.is_bundle(bundle, entries)
    assert not tiles.is_bundle(bundle + b"x", entries)


@pytest.mark.usefixtures("one_of_both")
def test_an_entry_that_is_too_long_is_refused_with_and_without() -> None:
    """No bundle holds 65,536 bytes, and none is taken for one that does."""
    entry = b"x" * (tiles.MAX_ENTRY_SIZE + 1)
    with pytest.raises(InputError, match="65535"):
        tiles.format_bundle([entry])
    assert not tiles.is_bundle(b"\x00\x00" + entry, [entry])


@pytest.mark.usefixtures("one_of_both")
def test_published_trees_are_the_same_with_and_without() -> None:
    """The tree of Certificate Transparency, by its published vectors."""
    vector = shared_json("vectors/literals/rfc6962_tree.json")
    leaves = hashing.leaf_hashes(bytes.fromhex(entry) for entry in vector["leaf_inputs"])
    assert [leaf.hex() for leaf in leaves] == vector["leaf_hashes"]
    assert [root(leaves[:size]).hex() for size in range(9)] == vector["roots_by_size"]
    nodes = RangeNodes(0, leaves)
    assert [node.hex() for node in nodes.row(2)] == vector["level2"]
    assert nodes.node(1, 3).hex() == vector["level1"][3]
    with pytest.raises(IndexError):
        nodes.node(1, 4)


def test_an_extension_of_another_version_is_left_alone(
    native: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the interface that is known is used, and nothing of one that is not."""
    monkeypatch.delenv("ORDERTRAIL_NATIVE", raising=False)
    assert choice._load() is native
    monkeypatch.setattr(native, "INTERFACE", native.INTERFACE + 1)
    assert choice._load() is None


def test_without_the_extension_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed it is not used, and that is all."""
    monkeypatch.delenv("ORDERTRAIL_NATIVE", raising=False)
    monkeypatch.setitem(sys.modules, "ordertrail_native", None)
    assert choice._load() is None
