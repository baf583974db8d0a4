"""Exports in the background, in a directory: a folder each, with what it is, who holds it, and its file.

::

    takeouts/<id>/takeout.json     what it is and where it stands; replaced in one step
    takeouts/<id>/lock             held while it is made (flock(2)): let go when the process dies
    takeouts/<id>/part             the file as it is written
    takeouts/<id>/file             the finished file

All of it is for its user's eyes only (modes 0700 and 0600).
"""

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from ordertrail.adapters.files.durable import make_folder, replace, sync_folder, translated
from ordertrail.kernel.errors import UnavailableError
from ordertrail.takeout.takeout import Takeout

_ID: Final = re.compile(r"[0-9a-f-]{36}", re.ASCII)
_RECORD: Final = "takeout.json"
_DOING: Final = "keeping exports in"


class FileTakeouts:
    """Implements :class:`ordertrail.takeout.ports.Takeouts`; its directory is made with the first export."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, takeout: Takeout) -> None:
        """See the port."""
        folder = self._folder(takeout.id)
        with translated(folder, _DOING):
            if not folder.is_dir():
                make_folder(self._root)
                self._root.chmod(0o700)
                folder.mkdir(mode=0o700)
                sync_folder(self._root)
            replace(folder / _RECORD, msgspec.json.encode(takeout), 0o600)

    def get(self, takeout: str) -> Takeout | None:
        """See the port."""
        if _ID.fullmatch(takeout) is None:
            return None
        path = self._folder(takeout) / _RECORD
        try:
            return msgspec.json.decode(path.read_bytes(), type=Takeout)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise UnavailableError(
                f"the export in {path} cannot be read: {error}",
                meaning="The file that it made, if any, is not handed out; evidence is untouched.",
                remedy="Remove its folder, and export again.",
            ) from error

    def every(self) -> Sequence[Takeout]:
        """See the port. One that cannot be read is passed over: it hides none of the others."""
        with translated(self._root, _DOING):
            names = [one.name for one in self._root.iterdir()] if self._root.is_dir() else []
        found = []
        for name in names:
            try:
                one = self.get(name)
            except UnavailableError:
                continue
            if one is not None:
                found.append(one)
        return sorted(found, key=lambda one: (one.asked, one.id))

    @contextmanager
    def hold(self, takeout: str) -> Iterator[bool]:
        """See the port."""
        path = self._folder(takeout) / "lock"
        with translated(path, "holding"):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield _held(descriptor)
        finally:
            os.close(descriptor)  # and with it the lock

    def begin(self, takeout: str) -> BinaryIO:
        """See the port."""
        path = self._folder(takeout) / "part"
        with translated(path, "writing"):
            path.unlink(missing_ok=True)
            return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")

    def finish(self, takeout: str, file: BinaryIO) -> None:
        """See the port."""
        folder = self._folder(takeout)
        with translated(folder, "writing"):
            file.flush()
            os.fsync(file.fileno())
            file.close()
            (folder / "part").replace(folder / "file")
            sync_folder(folder)

    def file(self, takeout: str) -> BinaryIO | None:
        """See the port."""
        path = self._folder(takeout) / "file"
        with translated(path, "reading"):
            return path.open("rb") if path.exists() else None

    def discard(self, takeout: str) -> None:
        """See the port."""
        folder = self._folder(takeout)
        with translated(folder, "removing"):
            for name in ("part", "file"):
                (folder / name).unlink(missing_ok=True)

    def forget(self, takeout: str) -> None:
        """See the port."""
        folder = self._folder(takeout)
        with translated(folder, "removing"):
            for one in folder.iterdir() if folder.is_dir() else ():
                one.unlink()
            if folder.is_dir():
                folder.rmdir()

    def _folder(self, takeout: str) -> Path:
        if _ID.fullmatch(takeout) is None:
            raise ValueError(f"{takeout[:60]!r} is no id of an export")
        return self._root / takeout


def _held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
