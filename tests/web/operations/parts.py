"""Parts of services for tests of the supervisor: functions that processes of their own run."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path

from ordertrail.kernel.errors import ConfigurationError


def living(file: Path, name: str, ready: Callable[[], None]) -> None:
    """Live until asked to end; write down when that was."""
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: asked.set())
    write(file, f"{name} begins")
    ready()
    asked.wait()
    write(file, f"{name} ends")


def failing(file: Path, ready: Callable[[], None]) -> None:
    """End by an error, each time."""
    write(file, "fails")
    ready()
    raise ValueError("a secret")


def misconfigured(ready: Callable[[], None]) -> None:
    """Find that nothing will do."""
    ready()
    raise ConfigurationError("the PIN is wrong")


def stubborn(file: Path, ready: Callable[[], None]) -> None:
    """Hear of nothing."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    write(file, "stays")
    ready()
    threading.Event().wait()


def write(file: Path, line: str) -> None:
    """Add a line, whole."""
    with file.open("a") as lines:
        lines.write(f"{line}\n")
