"""A trail is there, whole, or is not there: a kill during its creation leaves nothing in between."""

import contextlib
import os
import shutil
import subprocess
from itertools import count
from pathlib import Path

import pytest

from crash.witness import DEADLY, Witness, end_of, start
from crash.writer import ORIGIN, Kill, Plan
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly import trail as assembly
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.settings import Settings

STRIDE = 1 if os.environ.get("ORDERTRAIL_SOAK") == "1" else 3
PLAIN = Settings(immutable=False)


def _require_all_or_nothing(root: Path) -> bool:
    """Say whether the trail is there; where it is not, both verbs say so, and what to do helps."""
    with contextlib.suppress(ConfigurationError):
        Witness(root).examine()
        return True
    with pytest.raises(ConfigurationError, match=r"there is no trail|never created to its end") as refused:
        open_trail(root)
    assert "reate" in refused.value.remedy
    if any(root.iterdir()):
        with pytest.raises(ConfigurationError) as caught:
            create_trail(root, ORIGIN, settings=PLAIN)
        assert "Delete" in caught.value.remedy or "empty this one" in caught.value.remedy
        shutil.rmtree(root)
    create_trail(root, ORIGIN, settings=PLAIN).close()
    Witness(root).examine()
    return False


def test_killed_while_a_trail_is_created(tmp_path: Path) -> None:
    """Killed at each of its calls, creation has made a whole trail or one that is refused with its remedy."""
    finished = []
    for nth in count(1, STRIDE):
        root = tmp_path / f"trail-{nth}"
        root.mkdir()
        writer = start(Plan(str(root), mode="create", kill=Kill("any", nth)))
        _, errors = end_of(writer)
        assert writer.returncode in (*DEADLY, 0), errors
        finished.append(_require_all_or_nothing(root))
        if writer.returncode == 0:
            break
    assert finished[-1]
    assert not finished[0]
    assert len(finished) > 8, "creation is killed at many places"


def test_a_log_whose_addition_was_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that was registered and not yet published is empty and intact, and sealing publishes it."""
    root = tmp_path / "trail"
    create_trail(root, ORIGIN, settings=PLAIN).close()

    class Cut(Exception):  # noqa: N818 - not an error: where the crash comes
        pass

    def cut(*_arguments: object) -> None:
        raise Cut

    monkeypatch.setattr(assembly, "sequencing", cut)
    with pytest.raises(Cut):
        assembly.add_log(root, LogIdentity("second", f"{ORIGIN}/second", 1, format_time(utc_now())))
    with open_trail(root) as trail:
        assert trail.verify(stream="second").intact
        assert trail.seal(stream="second") == 0
        report = trail.verify(stream="second")
        assert report.intact
        assert report.checkpoint is not None


def test_the_refusal_names_what_deletes_immutable_files(tmp_path: Path) -> None:
    """Where flags keep a cut-short trail from being deleted, the remedy names the command that helps."""
    root = tmp_path / "trail"
    writer = start(Plan(str(root), mode="create", immutable=True, kill=Kill("os.rename", 4)))
    end_of(writer)
    assert writer.returncode in DEADLY
    with pytest.raises(ConfigurationError, match="never created to its end") as caught:
        open_trail(root)
    assert f"chattr -R -i {root}" in caught.value.remedy
    if shutil.which("chattr"):
        subprocess.run(["chattr", "-R", "-i", str(root)], capture_output=True, check=False)
    shutil.rmtree(root)
    create_trail(root, ORIGIN, settings=PLAIN).close()
