"""Starting a library's process, and hearing it to its end or asking it one thing after another."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.capture_peers.catalogue import Contestant, Framework
from bench.capture_peers.environment import ROOT, environment

_TOO_LONG = 900


class BrokenError(Exception):
    """A process ended before its time; the message is what it said last."""


@dataclass(frozen=True, slots=True)
class Job:
    """A work, ``matrix`` or ``overhead``, under a framework, with what a module sets up, on a database somewhere."""

    work: str
    framework: Framework
    module: str
    vendor: str
    where: str

    def command(self, python: Path) -> list[str]:
        """Return the command that does it."""
        if self.framework == "django":
            start = ["bench.capture_peers.django_process", f"django_{self.work}"]
        else:
            start = [f"bench.capture_peers.sqlalchemy_{self.work}"]
        return [str(python), "-m", *start, self.module, self.vendor, self.where]


def python_of(contestant: Contestant | None, theirs: Path) -> Path:
    """Return the Python of a contestant: our own for us, the libraries' for them and for the unaudited application."""
    return Path(sys.executable) if contestant is not None and contestant.ours else theirs


def hear(arguments: list[str]) -> list[dict[str, Any]]:
    """Run a process to its end; return its lines. Raises BrokenError."""
    done = subprocess.run(
        arguments, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=_TOO_LONG
    )
    if done.returncode:
        raise BrokenError(_last(done.stderr))
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


class Worker:
    """A process that waits for what it is asked."""

    def __init__(self, arguments: list[str]) -> None:
        self._process = subprocess.Popen(
            arguments, cwd=ROOT, env=environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

        self._broken: str | None = None

    def ask(self, **question: object) -> dict[str, Any]:
        """Ask and return the answer. Raises BrokenError, and ever after."""
        if self._broken is None:
            for line in self._lines(json.dumps(question)):
                if line.startswith("{"):
                    answer: dict[str, Any] = json.loads(line)
                    return answer
            self._broken = _last(self._process.communicate()[1])
        raise BrokenError(self._broken)

    def _lines(self, question: str) -> Iterator[str]:
        """Yield what it says to a question; nothing where it has ended."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            return
        with suppress(BrokenPipeError):
            stdin.write(question + "\n")
            stdin.flush()
            while line := stdout.readline():
                yield line

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        if self._broken is None:
            self._process.communicate()


def _last(text: str) -> str:
    return next(iter(text.strip().splitlines()[::-1]), "it said nothing")
