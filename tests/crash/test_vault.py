"""The vault's own law, and the trail's: a kill between any two system calls leaves nothing half kept."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crash.tracing import Injection, leftovers, require_strace, run_traced
from crash.witness import DEADLY, Witness
from crash.writer import TERM, Plan, objects_of
from ordertrail.adapters.files.durable import is_immutable
from ordertrail.adapters.files.vault import FileVault
from ordertrail.kernel.clock import format_time
from ordertrail.vault.custody import VaultCustody

SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"

CALLS = {
    "folder": ("mkdir", "mkdirat"),
    "open": ("openat",),
    "write": ("write",),
    "sync": ("fsync", "fdatasync"),
    "link": ("link", "linkat"),
    "unlink": ("unlink", "unlinkat"),
    "flag": ("ioctl",),
    "rename": ("rename", "renameat", "renameat2"),
}
RECORDED = format_time(TERM)


@contextmanager
def _mutable_after(root: Path) -> Iterator[None]:
    """Take the immutable flags off at the end, so that the test's folder can be deleted."""
    try:
        yield
    finally:
        if shutil.which("chattr"):
            subprocess.run(["chattr", "-R", "-i", str(root)], capture_output=True, check=False)


def _problems(vault: FileVault, seed: int, *, ended: bool) -> list[str]:
    """Say what is wrong with what the vault keeps of these objects.

    Nothing but an object's term may be missing where a put did not end.
    """
    custody = VaultCustody(vault, 0)
    objects = dict(objects_of(seed))
    found = set(vault.paths(""))
    problems = [f"{path}: a stranger" for path in found - objects.keys()]
    problems += [f"{path}: is missing" for path in objects.keys() - found if ended]
    for path in found & objects.keys():
        for problem in custody.problems(path, RECORDED):
            if ended or not problem.startswith("has no term"):
                problems.append(f"{path}: {problem}")
        if vault.get(path) != objects[path]:
            problems.append(f"{path}: holds other bytes")
    return problems


@pytest.mark.parametrize("call", sorted(CALLS.keys() - {"rename"}))
@pytest.mark.parametrize("immutable", [False, True], ids=["plain", "immutable"])
def test_a_put_that_was_killed_can_be_put_again(tmp_path: Path, call: str, *, immutable: bool) -> None:
    """Killed between any of its calls: what is there is whole; put again, all is there, with its term."""
    require_strace()
    for when in range(1, 12, 1 if SOAK else 3):
        root = tmp_path / f"vault-{when}"
        plan = Plan(str(root), mode="keep", seed=when, waits=True, immutable=immutable)
        with _mutable_after(root):
            ending = run_traced(plan, Injection(CALLS[call], "signal=SIGKILL", str(when)))
            assert ending.status in (*DEADLY, 0), ending.errors
            vault = FileVault(root, immutable=immutable)
            assert _problems(vault, when, ended=ending.status == 0) == []
            vault.put(objects_of(when), TERM)
            assert _problems(vault, when, ended=True) == []
            if immutable and os.geteuid() == 0 and any(map(is_immutable, root.rglob("*"))):
                assert all(is_immutable(root / path) for path, _ in objects_of(when))
        if ending.status == 0:
            break


def test_leftovers_of_a_kill_are_never_objects(tmp_path: Path) -> None:
    """A file that was being written when its process died stays behind, and nobody takes it for evidence."""
    require_strace()
    plan = Plan(str(tmp_path / "vault"), mode="keep", seed=1, waits=True)
    assert run_traced(plan, Injection(CALLS["link"], "signal=SIGKILL", "2")).status in DEADLY
    assert len(leftovers(tmp_path / "vault")) == 1
    vault = FileVault(tmp_path / "vault", immutable=False)
    assert not [path for path in vault.paths("") if ".part-" in path]
    vault.put(objects_of(1), TERM)
    assert _problems(vault, 1, ended=True) == []


@pytest.mark.parametrize("call", sorted(CALLS.keys() - {"flag"}))
def test_a_trail_killed_at_a_system_call(tmp_path: Path, call: str) -> None:
    """Killed at a system call, a rotation and the filling of a tile among them, a trail is whole at once."""
    require_strace()
    witness = Witness.of_new_trail(tmp_path / "trail")
    for when in range(1, 60, 2) if SOAK else (1, 4, 13):
        plan = Plan(
            str(witness.root),
            seed=when,
            rounds=3,
            events=120,
            rotates=(1,),
            waits=True,
            again=witness.unanswered,
        )
        ending = run_traced(plan, Injection(CALLS[call], "signal=SIGKILL", str(when)))
        witness.hear(ending.told)
        assert ending.status in (*DEADLY, 0), ending.errors
        witness.examine()
