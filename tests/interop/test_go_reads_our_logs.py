"""The Go checksum database's code reads what we publish, at every size at which a tile begins, fills or ends."""

import shutil
import subprocess
from pathlib import Path

import pytest

from interop.golang import TlogCheck
from interop.logs import create, grow, snapshots
from interop.offline import read_log
from ordertrail.kernel.errors import EvidenceError
from ordertrail.ledger.hashing import EMPTY_ROOT
from ordertrail.ledger.paths import anchor_path
from ordertrail.record.event import Actor

SIZES = (0, 1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 70_000)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """One log as it was published at each size."""
    folder = tmp_path_factory.mktemp("published")
    return snapshots(folder / "trail", SIZES, folder)


@pytest.mark.parametrize("size", [size for size in SIZES if size])
def test_each_size(size: int, published: dict[int, Path], tlogcheck: TlogCheck) -> None:
    """Go and we rebuild the tree from the entries, compare each tile, and prove consistency and inclusion."""
    verdict = tlogcheck(published[size])
    assert verdict.accepted, verdict.message
    assert f"OK size={size} checkpoints={SIZES.index(size) + 1} " in verdict.message
    assert read_log(published[size]).size == size


def test_the_empty_log(published: dict[int, Path], tlogcheck: TlogCheck) -> None:
    """Of the empty log Go verifies the signature, and stops at the root that only newer versions know.

    RFC 6962 section 2.1 gives the tree of no leaves the root SHA-256(""). ``tlog.TreeHash`` of the x/mod that
    Debian 12 ships (0.7.0) returns 32 zero bytes for it, which later versions mended; so the checker comes to
    its last comparison, and says exactly these two roots. What it could not say is checked here: the root is
    the RFC's, there is no tile, and at every other size ``checkpoint.0`` is among what Go verifies.
    """
    verdict = tlogcheck(published[0])
    if not verdict.accepted:
        zeros, empty = "A" * 43 + "=", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        assert verdict.message.strip() == f"FAIL entries rebuild to {zeros}, checkpoint says {empty}"
    top = read_log(published[0])
    assert (top.size, top.root) == (0, EMPTY_ROOT)
    assert not (published[0] / "tile").exists()


def test_after_a_key_rotation(tmp_path: Path, tlogcheck: TlogCheck) -> None:
    """Who trusts the new key reads the log from the rotation on, who trusts the old one up to it."""
    with create(tmp_path / "trail") as trail:
        grow(trail, 0, 300)
        old = shutil.copytree(tmp_path / "trail" / "log", tmp_path / "old")
        trail.rotate(Actor("operator", "person"))
        rotated = shutil.copytree(tmp_path / "trail" / "log", tmp_path / "rotated")
        grow(trail, 301, 420)
        assert trail.verify().intact
    log = tmp_path / "trail" / "log"
    shutil.copyfile(log / anchor_path(301), log / "checkpoint.301")
    for folder, size, checkpoints in ((old, 300, 1), (rotated, 301, 1), (log, 420, 2)):
        verdict = tlogcheck(folder)
        assert f"OK size={size} checkpoints={checkpoints} " in verdict.message, verdict.message
        assert read_log(folder).size == size
    # At the rotation both keys signed: the old key's holder can follow to there.
    shutil.copyfile(old / "keys.txt", rotated / "keys.txt")
    assert tlogcheck(rotated).accepted
    assert read_log(rotated).size == 301
    shutil.copyfile(old / "keys.txt", log / "keys.txt")
    assert not tlogcheck(log).accepted
    with pytest.raises(EvidenceError):
        read_log(log)


def test_a_second_signature_of_a_kind_that_go_does_not_know(tmp_path: Path, tlogcheck: TlogCheck) -> None:
    """A log that also signs with ML-DSA-44 is read by who knows its Ed25519 key only."""
    with create(tmp_path / "trail", post_quantum=True) as trail:
        grow(trail, 0, 300)
    log = tmp_path / "trail" / "log"
    first, _ = (log / "keys.txt").read_text().splitlines()
    assert read_log(log).size == 300
    (log / "keys.txt").write_text(f"{first}\n")
    verdict = tlogcheck(log)
    assert verdict.accepted, verdict.message


def test_what_is_no_log_is_refused(tlogcheck: TlogCheck) -> None:
    """The checker does not accept whatever it is given: that it accepts ours means something."""
    done = subprocess.run(
        [str(tlogcheck.program), "/nonexistent"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout.startswith("FAIL ")
