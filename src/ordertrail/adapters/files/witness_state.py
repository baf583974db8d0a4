"""What a witness remembers, as files: the signed checkpoint that it cosigned last of each log.

In one folder, each named by SHA-256 of the log's origin in hex::

    2c26b46b….checkpoint     the checkpoint, as its log signed it; replaced in one step
    2c26b46b….conflict       the first checkpoint of the same size and another root that its log signed, if any
    2c26b46b….lock           locked while the checkpoint is compared and replaced (flock(2))

A checkpoint names its log, its size and its root, and is all there is to know. The folder is made once and
never again: one that is missing is out of reach, and not the memory of a witness that has cosigned nothing.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ordertrail.adapters.files.durable import make_folder, replace, sync_folder, translated, write_once
from ordertrail.kernel.errors import UnavailableError


class FileWitnessState:
    """Implements :class:`ordertrail.ledger.ports.WitnessState`, among threads and processes of one machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @classmethod
    def create(cls, root: Path) -> "FileWitnessState":
        """Make the memory of a witness that has cosigned nothing."""
        with translated(root, "creating"):
            make_folder(root)
        return cls(root)

    def latest(self, origin: str) -> bytes | None:
        """See the port."""
        return self._read(self._path(origin, "checkpoint"))

    def advance(self, origin: str, expected: bytes | None, new: bytes) -> bool:
        """See the port. *If we stop here*, the old checkpoint is there or the new one, whole."""
        path = self._path(origin, "checkpoint")
        with self._locked(origin):
            if self._read(path) != expected:
                return False
            if new != expected:
                with translated(path, "remembering"):
                    replace(path, new)
        return True

    def keep_conflict(self, origin: str, note: bytes) -> None:
        """See the port."""
        path = self._path(origin, "conflict")
        self._require_folder()
        with translated(path, "keeping"):
            if not path.exists():
                write_once(path, note)
                sync_folder(self._root)

    def conflict(self, origin: str) -> bytes | None:
        """See the port."""
        return self._read(self._path(origin, "conflict"))

    def _path(self, origin: str, suffix: str) -> Path:
        return self._root / f"{sha256(origin.encode()).hexdigest()}.{suffix}"

    def _read(self, path: Path) -> bytes | None:
        with translated(path, "reading"):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                self._require_folder()
                return None

    def _require_folder(self) -> None:
        if not self._root.is_dir():
            raise UnavailableError(
                f"the memory of this witness, {self._root}, is not there",
                meaning="Nothing is cosigned: a witness that forgets would cosign a second history.",
                remedy="Mount or restore it as it was when the last cosignature was made, or retire the witness.",
            )

    @contextmanager
    def _locked(self, origin: str) -> Iterator[None]:
        """Hold one log's lock; whoever holds it is done in the time of a write. It ends with its process."""
        path = self._path(origin, "lock")
        self._require_folder()
        with translated(path, "locking"):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with translated(path, "locking"):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
