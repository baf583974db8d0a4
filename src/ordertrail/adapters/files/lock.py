"""A lock that the operating system releases when its process ends, however it ends (flock(2))."""

import fcntl
import os
from pathlib import Path

from ordertrail.adapters.files.durable import translated
from ordertrail.kernel.errors import BusyError


class FileLock:
    """Implements :class:`ordertrail.ledger.ports.SealingLock`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """See the port."""
        with translated(self._path, "taking the lock"):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                _lock(descriptor)
            except BaseException:
                os.close(descriptor)  # and with it the lock, if it was taken
                raise
        self._descriptor = descriptor

    def check(self) -> None:
        """See the port. The operating system takes it from nobody who lives."""
        if self._descriptor is None:
            raise BusyError("this process does not hold the lock for sealing this trail")

    def release(self) -> None:
        """See the port."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _lock(descriptor: int) -> None:
    """Lock an open file, and write into it for others who holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 100, 0).decode(errors="replace").strip() or "another process"
        raise BusyError(
            f"{holder} is sealing this trail; only one process seals",
            meaning="Nothing is lost: what you recorded is in the journal; the other process seals it.",
            remedy="Wait for it, or stop it; its lock ends with it.",
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()} on {os.uname().nodename}\n".encode(), 0)
