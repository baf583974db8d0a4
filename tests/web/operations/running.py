"""A service that really runs, for tests that end it, kill it, and see what is left."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

PROGRAM = (sys.executable, "-c", "from ordertrail.cli.main import run; run()")
SECONDS = 60


@dataclass(frozen=True, slots=True)
class Running:
    """A service's process, and where it answers."""

    process: subprocess.Popen[str]
    url: str

    def workers(self) -> dict[str, int]:
        """Return the process ids of its parts, by their names."""
        found = {}
        for process in children_of(self.process.pid):
            words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            if b"--multiprocessing-fork" in words:
                found[str(process)] = process
        return found

    def client(self, **named: Any) -> httpx.Client:
        """Return a client of it."""
        return httpx.Client(base_url=self.url, timeout=SECONDS, **named)

    def end(self) -> int:
        """Ask it to end; return its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


def children_of(process: int) -> list[int]:
    """Return the ids of a process's children."""
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(one) for one in text.split()]


@contextmanager
def running(root: Path, *options: str, log: Path | None = None) -> Iterator[Running]:
    """Serve a trail on a free port; whatever is left of it at the end is killed."""
    command = [*PROGRAM, "serve", "--trail", str(root), "--port", "0", "--json", *options]
    with (log or root.parent / "serve.log").open("w") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=dict(os.environ)
        )
    try:
        assert process.stdout is not None
        told = ""
        while not told.endswith("}\n"):
            line = process.stdout.readline()
            assert line, f"it ended: {process.wait()}\n{Path(errors.name).read_text()}"
            told += line
        yield Running(process, json.loads(told)["url"])
    finally:
        left = [process.pid, *children_of(process.pid)] if process.poll() is None else []
        for one in left:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
