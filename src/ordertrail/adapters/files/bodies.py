"""Large delivered bodies as files, named by their SHA-256: copied piece by piece, and mapped into memory to be read."""

import hashlib
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import cast

from ordertrail.adapters.files.durable import PART, make_folder, sync_folder, translated
from ordertrail.kernel.errors import EvidenceError

_PIECE = 1 << 20
_NAME = 64


class FileBodies:
    """Implements :class:`ordertrail.intake.ports.Bodies` in a folder. Threads and processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put_file(self, path: Path) -> tuple[str, int]:
        """See the port. *If we stop here* before the link, a part is left that nobody reads, and nothing else."""
        with translated(path, "keeping"):
            make_folder(self._folder)
            with path.open("rb") as source, NamedTemporaryFile(dir=self._folder, prefix=PART) as part:
                sha256, size = hashlib.sha256(), 0
                while piece := source.read(_PIECE):
                    sha256.update(piece)
                    size += len(piece)
                    part.write(piece)
                part.flush()
                os.fchmod(part.fileno(), 0o444)
                os.fsync(part.fileno())
                place = self._place(sha256.hexdigest())
                make_folder(place.parent)
                with suppress(FileExistsError):
                    os.link(part.name, place)
            sync_folder(place.parent)
        return sha256.hexdigest(), size

    @contextmanager
    def open(self, sha256: str) -> Iterator[bytes]:
        """See the port."""
        place = self._place(sha256)
        if not place.exists():
            raise EvidenceError(
                f"the delivered bytes {sha256} are gone from {self._folder}",
                meaning="What was made of them stands; what is still to be read of them cannot be.",
                remedy="Put the file back from a backup under its name; its SHA-256 proves it.",
            )
        with translated(place, "reading"):
            file = place.open("rb")
        with file:
            if not os.fstat(file.fileno()).st_size:
                yield b""
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                mapped.madvise(mmap.MADV_SEQUENTIAL)
                # A memory map is read as bytes are: by slices, find and the buffer protocol.
                yield cast("bytes", mapped)

    def _place(self, sha256: str) -> Path:
        if len(sha256) != _NAME or not (sha256.isascii() and sha256.isalnum()):
            raise EvidenceError(f"{sha256[:80]!r} is not a SHA-256 in hex")
        return self._folder / sha256[:2] / sha256
