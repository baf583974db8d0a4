"""Writers under strace: system calls that fail, or that the process does not survive.

The tracer attaches once the writer has imported and tried everything, so that the n-th call counted is ours
and not Python's own start. Where strace is not installed (``tools/install-debian strace`` does it) or may not trace,
the test is skipped with the reason; in continuous integration (``CI=true``) a strace that is installed must work.
"""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from crash.witness import await_line, end_of, start
from crash.writer import Plan


@dataclass(frozen=True, slots=True)
class Injection:
    """What happens to which calls: ``error=EIO`` or ``signal=SIGKILL``; ``when`` as strace counts (``3``, ``3+``)."""

    calls: tuple[str, ...]
    what: str
    when: str

    @property
    def options(self) -> list[str]:
        """Return strace's options. A question mark passes over calls that this machine does not have."""
        calls = ",".join(f"?{call}" for call in self.calls)
        return ["-e", f"trace={calls}", "-e", f"inject={calls}:{self.what}:when={self.when}"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a traced writer ended: its exit status, what it told, and its standard error."""

    status: int
    told: bytes
    errors: str


def require_strace() -> None:
    """Skip the test where this machine cannot trace; fail it where it should be able to."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed; tools/install-debian strace installs it")
    if problem := _problem():
        if os.environ.get("CI") == "true":
            pytest.fail(f"strace is installed and does not work: {problem}")
        pytest.skip(f"strace may not trace here: {problem}")


@cache
def _problem() -> str | None:
    command = ["strace", "-o", os.devnull, "-e", "trace=write", "-e", "inject=write:error=EIO", "echo"]
    tried = subprocess.run(command, capture_output=True, check=False)
    return (
        None if tried.returncode == 1 else tried.stderr.decode(errors="replace").strip() or "no call failed"
    )


def run_traced(plan: Plan, injection: Injection) -> Ending:
    """Run a writer that waits, and inject from its go on."""
    writer = start(plan)
    told = await_line(writer, "ready")
    assert told.endswith(b"ready\n"), end_of(writer)
    with tempfile.TemporaryFile() as errors:
        command = ["strace", "-f", "-o", os.devnull, *injection.options, "-p", str(writer.pid)]
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=errors)
        assert tracer.stderr is not None
        attached = tracer.stderr.readline()
        assert b"attached" in attached, attached
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        rest, complaints = end_of(writer)
        tracer.communicate(timeout=60)
    assert writer.returncode is not None
    return Ending(writer.returncode, told + rest, complaints)


def leftovers(root: Path) -> list[Path]:
    """Return the files that were being written when a writer ended."""
    return [path for path in root.rglob(".part-*") if path.is_file()]
