"""Whoever changes a published log is found by the Go checker, by our full check, and by our offline reading."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from interop.golang import TlogCheck
from interop.logs import ORIGIN, create, grow
from interop.offline import read_log
from ordertrail.adapters.files.keyring import FileKeyRing
from ordertrail.assembly import open_trail
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.checkpoint import Checkpoint, sign_checkpoint
from ordertrail.ledger.tiles import format_bundle, parse_bundle
from ordertrail.ledger.verify.full import Options
from ordertrail.ledger.verify.offline import check_pair
from ordertrail.ledger.vkey import parse_vkey
from ordertrail.testing.tamper.copies import copy_trail, overwrite

SIZES = (100, 300, 600)
TOP = SIZES[-1]
BUNDLE, PARTIAL_BUNDLE = "tile/entries/001", f"tile/entries/002.p/{TOP - 512}"
TILE, PARTIAL_TILE, UPPER = "tile/0/000", f"tile/0/002.p/{TOP - 512}", "tile/1/000.p/2"

Change = Callable[[bytes], bytes]


@pytest.fixture(scope="session")
def trail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trail of 600 events, anchored three times, that nobody has open."""
    root = tmp_path_factory.mktemp("refused") / "trail"
    with create(root) as trail:
        for before, size in zip((0, *SIZES), SIZES, strict=False):
            grow(trail, before, size)
    return root


def as_published(trail: Path, folder: Path) -> Path:
    """Return a copy of the log with the checkpoints of all sizes side by side, as tlogcheck reads them."""
    log = shutil.copytree(trail / "log", folder)
    for size in SIZES[:-1]:
        shutil.copyfile(log / "anchors" / f"{size:016d}", log / f"checkpoint.{size}")
    return log


def flip(at: int) -> Change:
    """Change one byte."""
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def in_line(number: int) -> Change:
    """Change the second character of a line of a checkpoint to another that may stand there."""

    def change(data: bytes) -> bytes:
        lines = data.split(b"\n")
        line = lines[number]
        lines[number] = line[:1] + (b"A" if line[1:2] != b"A" else b"B") + line[2:]
        return b"\n".join(lines)

    return change


def resized(data: bytes) -> bytes:
    """Write another size into a checkpoint."""
    return data.replace(f"\n{TOP}\n".encode(), f"\n{TOP - 1}\n".encode())


def signature_flipped(data: bytes) -> bytes:
    """Change one character in the middle of a checkpoint's signature, to another of base64."""
    at = len(data) - 40
    return data[:at] + (b"A" if data[at : at + 1] != b"A" else b"B") + data[at + 1 :]


def signer_renamed(data: bytes) -> bytes:
    """Let the signature line name another key."""
    return data.replace("— orders".encode(), "— orderz".encode())


def entries_changed(width: int, change: Callable[[list[bytes]], Sequence[bytes]]) -> Change:
    """Rewrite a bundle with other entries, its lengths right."""
    return lambda data: format_bundle(change(parse_bundle(data, width)))


def without_one(entries: list[bytes]) -> Sequence[bytes]:
    """Drop an entry."""
    return entries[:7] + entries[8:]


def swapped(entries: list[bytes]) -> Sequence[bytes]:
    """Swap two entries."""
    return [*entries[:7], entries[8], entries[7], *entries[9:]]


MUTATIONS: dict[str, tuple[str, Change]] = {
    "a byte of an entry": (BUNDLE, flip(1_000)),
    "a byte of an entry of the partial bundle": (PARTIAL_BUNDLE, flip(700)),
    "a length in a bundle": (BUNDLE, flip(1)),
    "an entry dropped": (BUNDLE, entries_changed(256, without_one)),
    "an entry dropped from the partial bundle": (PARTIAL_BUNDLE, entries_changed(TOP - 512, without_one)),
    "two entries swapped": (BUNDLE, entries_changed(256, swapped)),
    "a byte of a tile": (TILE, flip(3_333)),
    "a byte of the partial tile": (PARTIAL_TILE, flip(33)),
    "a byte of the upper tile": (UPPER, flip(40)),
    "the partial tile cut short": (PARTIAL_TILE, lambda data: data[:-32]),
    "the partial tile cut within a hash": (PARTIAL_TILE, lambda data: data[:-5]),
    "the partial bundle cut short": (PARTIAL_BUNDLE, lambda data: data[:-100]),
    "the checkpoint's name": ("checkpoint", in_line(0)),
    "the checkpoint's size": ("checkpoint", resized),
    "the checkpoint's root": ("checkpoint", in_line(2)),
    "the checkpoint's signature": ("checkpoint", signature_flipped),
    "the signer's name": ("checkpoint", signer_renamed),
    "an older checkpoint's root": ("anchors/0000000000000300", in_line(2)),
}


def test_the_log_as_it_is(trail: Path, tlogcheck: TlogCheck, tmp_path: Path) -> None:
    """Unchanged, all three accept it."""
    log = as_published(trail, tmp_path / "log")
    verdict = tlogcheck(log)
    assert f"OK size={TOP} checkpoints=3 " in verdict.message, verdict.message
    assert read_log(log).size == TOP
    with open_trail(trail) as opened:
        assert opened.verify().intact


@pytest.mark.parametrize("what", MUTATIONS)
def test_a_change(what: str, trail: Path, tlogcheck: TlogCheck, tmp_path: Path) -> None:
    """One change, and all three refuse."""
    path, change = MUTATIONS[what]
    copy = copy_trail(trail, tmp_path / "copy")
    before = (copy / "log" / path).read_bytes()
    overwrite(copy / "log" / path, change(before))
    assert (copy / "log" / path).read_bytes() != before
    with open_trail(copy) as opened:
        first = opened.verify().first
    assert first is not None
    assert first.where.startswith(path)
    log = as_published(copy, tmp_path / "log")
    assert not tlogcheck(log).accepted
    with pytest.raises((EvidenceError, InputError)):
        read_log(log)


def test_a_split_view(trail: Path, tlogcheck: TlogCheck, tmp_path: Path) -> None:
    """Two checkpoints of one size, both signed by the log's key, are two histories: all three say so."""
    log = as_published(trail, tmp_path / "log")
    vkey = (log / "keys.txt").read_text().strip()
    signer = FileKeyRing(trail / "keys", None, lambda: 0).signer(vkey)
    other = sign_checkpoint(Checkpoint(ORIGIN, TOP, bytes(range(32))), [signer])
    (log / "checkpoint.other").write_bytes(other)
    verdict = tlogcheck(log)
    assert not verdict.accepted
    assert "SPLIT VIEW" in verdict.message
    with pytest.raises(EvidenceError):
        read_log(log)
    with pytest.raises(EvidenceError, match="two histories"):
        check_pair((log / "checkpoint").read_bytes(), other, [parse_vkey(vkey)], None)
    with open_trail(trail) as opened:
        first = opened.verify(Options(elsewhere=[("the other view", other)])).first
    assert first is not None
    assert first.where == "the other view"
    assert "another root" in first.message
