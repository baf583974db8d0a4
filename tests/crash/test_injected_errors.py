"""The operating system says no: disks that fail, fill up or run into a quota, at any call.

The process must say so in an error of OrderTrail's own tree, must never have acknowledged what is not there,
and a restart must find a whole trail. The short form takes a sample; ``ORDERTRAIL_SOAK=1`` a denser one.
"""

import errno
import os
from itertools import product
from pathlib import Path

import pytest

from crash.tracing import Ending, Injection, require_strace, run_traced
from crash.witness import Heard, Witness, end_of, start
from crash.writer import FAILED, Kill, Plan
from ordertrail.adapters.files.lock import FileLock
from ordertrail.kernel.errors import UnavailableError

SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"

CALLS = {
    "write": ("write",),
    "pwrite": ("pwrite64",),
    "fsync": ("fsync",),
    "fdatasync": ("fdatasync",),
    "rename": ("rename", "renameat", "renameat2"),
    "link": ("link", "linkat"),
    "open": ("openat",),
    "unlink": ("unlink", "unlinkat"),
}
ERRORS = ("EIO", "ENOSPC", "EDQUOT")
FAMILIES = {"UnavailableError"}
"""What a failing disk is: nothing is wrong with the input, the evidence or the settings."""

_FEW = ("1", "3", "9+")
_MANY = tuple(f"{n}{more}" for n in (1, 2, 3, 4, 5, 6, 8, 11, 15, 20, 30, 45) for more in ("", "+"))


def _sample() -> list[tuple[str, str, str]]:
    if SOAK:
        return [(call, error, when) for call, error, when in product(CALLS, ERRORS, _MANY)]
    few = product(CALLS, _FEW)
    return [(call, ERRORS[n % len(ERRORS)], when) for n, (call, when) in enumerate(few)]


def _hold(witness: Witness, ending: Ending) -> Heard:
    """An ending is a good end or an error of ours, told in three sentences."""
    heard = witness.hear(ending.told)
    assert "Traceback" not in ending.errors, ending.errors
    assert ending.status in (0, FAILED), ending.errors
    assert heard.done == (ending.status == 0)
    for family, *sentences in heard.failures:
        assert family in FAMILIES, sentences
        assert all(sentences)
    return heard


@pytest.mark.parametrize(("call", "error", "when"), _sample())
def test_a_failing_call_is_told_and_loses_nothing(tmp_path: Path, call: str, error: str, when: str) -> None:
    """Whichever call fails, once or from then on: an error that helps, no false promise, a whole trail after."""
    require_strace()
    witness = Witness.of_new_trail(tmp_path / "trail")
    plan = Plan(str(witness.root), seed=7, rounds=4, events=120, rotates=(1,), waits=True)
    heard = _hold(witness, run_traced(plan, Injection(CALLS[call], f"error={error}", when)))
    if call in {"fsync", "fdatasync", "pwrite", "write"}:
        assert all(family == "UnavailableError" for family, *_ in heard.failures)
    witness.examine()


@pytest.mark.parametrize("call", sorted(CALLS))
def test_going_on_after_a_failing_call(tmp_path: Path, call: str) -> None:
    """A process that takes the error and goes on sealing with what it has in hand leaves a whole trail too."""
    require_strace()
    for number, when in enumerate(_MANY[::2] if SOAK else ("2", "9..11")):
        witness = Witness.of_new_trail(tmp_path / f"trail-{number}")
        plan = Plan(
            str(witness.root), seed=number, rounds=8, events=150, rotates=(1, 4), waits=True, stubborn=True
        )
        _hold(witness, run_traced(plan, Injection(CALLS[call], "error=EIO", when)))
        witness.examine()


@pytest.mark.parametrize("step", ["PUBLISH", "EDGE", "CHECKPOINT"])
@pytest.mark.parametrize("sealed", [0, 200, 255])
def test_going_on_after_a_step_failed(tmp_path: Path, step: str, sealed: int) -> None:
    """What could not be published when a key came in or a tile became full is published by and by, in order."""
    witness = Witness.of_new_trail(tmp_path / "trail", sealed)
    kill = Kill(step, moment="failing")
    plan = Plan(str(witness.root), seed=sealed, events=150, rotates=(0, 2), kill=kill, stubborn=True)
    told, errors = end_of(start(plan))
    heard = _hold(witness, Ending(0, told, errors))
    assert [family for family, *_ in heard.failures] == ["UnavailableError"]
    witness.examine()


def test_a_lock_that_cannot_be_signed_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the lock file cannot be written to, taking the lock fails, and the next who tries may have it."""

    def full(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(UnavailableError, match="No space left"):
            FileLock(tmp_path / "lock").acquire()
    lock = FileLock(tmp_path / "lock")
    lock.acquire()
    lock.release()
