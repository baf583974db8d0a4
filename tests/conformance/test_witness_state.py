"""What a witness remembers, in memory and in files."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ordertrail.adapters.files.witness_state import FileWitnessState
from ordertrail.adapters.memory.witness_state import MemoryWitnessState
from ordertrail.kernel.errors import UnavailableError
from ordertrail.testing.conformance.witness_state import ORIGIN, WitnessStateSuite

_ADVANCING = """
import sys
from pathlib import Path
from ordertrail.adapters.files.witness_state import FileWitnessState
state, won = FileWitnessState(Path(sys.argv[1])), 0
while (latest := state.latest(sys.argv[2])) is None or int(latest) < 100:
    won += state.advance(sys.argv[2], latest, b"%d" % (int(latest or 0) + 1))
print(won)
"""


class TestMemoryWitnessState(WitnessStateSuite):
    """MemoryWitnessState."""

    @pytest.fixture
    def reopen(self) -> Callable[[], MemoryWitnessState]:
        """Open it once more."""
        state = MemoryWitnessState()
        return lambda: state

    @pytest.fixture
    def unreachable(self) -> MemoryWitnessState:
        """Out of reach."""
        state = MemoryWitnessState()
        state.availability.up = False
        return state


class TestFileWitnessState(WitnessStateSuite):
    """FileWitnessState."""

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], FileWitnessState]:
        """Open it once more."""
        FileWitnessState.create(tmp_path / "state")
        return partial(FileWitnessState, tmp_path / "state")

    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> FileWitnessState:
        """Out of reach: not mounted, or deleted."""
        return FileWitnessState(tmp_path / "absent")

    def test_processes_advance_one_after_the_other(self, tmp_path: Path) -> None:
        """Three count to a hundred together, and no step is taken twice."""
        FileWitnessState.create(tmp_path)
        command = [sys.executable, "-c", _ADVANCING, str(tmp_path), ORIGIN]
        children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
        won = [int(child.communicate(timeout=120)[0]) for child in children]
        assert sum(won) == 100

    def test_nothing_half_written_is_left(self, tmp_path: Path) -> None:
        """The checkpoint, the contradiction, and the lock."""
        state = FileWitnessState.create(tmp_path)
        state.advance(ORIGIN, None, b"first\n")
        state.advance(ORIGIN, b"first\n", b"second\n")
        state.keep_conflict(ORIGIN, b"another\n")
        suffixes = sorted(path.suffix for path in tmp_path.iterdir())
        assert suffixes == [".checkpoint", ".conflict", ".lock"]

    def test_a_file_that_cannot_be_read_is_not_taken_for_none(self, tmp_path: Path) -> None:
        """Whatever is in its place."""
        state = FileWitnessState.create(tmp_path)
        state.advance(ORIGIN, None, b"first\n")
        (path,) = tmp_path.glob("*.checkpoint")
        path.unlink()
        path.mkdir()
        with pytest.raises(UnavailableError):
            state.latest(ORIGIN)
        with pytest.raises(UnavailableError):
            state.advance(ORIGIN, None, b"first\n")
