"""The folders of shared segments, over whatever storage pyiceberg reads and writes."""

from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ordertrail.adapters.iceberg.place import Opened, translated
from ordertrail.kernel.errors import EvidenceError
from ordertrail.query.segments.manifest import MANIFEST, Manifest, format_manifest
from ordertrail.query.sharing.ports import Share, share_of
from ordertrail.query.sharing.tie import TIE, Tie, format_tie

_CHUNK: Final = 1 << 22


class IcebergFiles:
    """Implements :class:`ordertrail.query.sharing.ports.SharedFiles`.

    ``own`` says where a segment's files are in the trail; ``names`` are those that any segment has.
    """

    def __init__(self, opened: Opened, own: Callable[[Manifest], Path], names: Iterable[str]) -> None:
        self._opened = opened
        self._own = own
        self._names = (*names, MANIFEST, TIE)

    def place(self, manifest: Manifest, tie: Tie) -> None:
        """See the port. The manifest comes last: where it is, the files are."""
        home = self._home(manifest.stream, share_of(manifest))
        for file in manifest.files:
            self._copy(self._own(manifest) / file.name, f"{home}/{file.name}", file.sha256)
        self._write(f"{home}/{TIE}", format_tie(tie))
        self._write(f"{home}/{MANIFEST}", format_manifest(manifest))

    def fetch(self, stream: str, share: Share, into: Path) -> None:
        """See the port."""
        into.mkdir(parents=True)
        for name in self._names:
            location = f"{self._home(stream, share)}/{name}"
            with translated(location):
                source = self._opened.io.new_input(location)
                if not source.exists():
                    continue
                with source.open() as stored, (into / name).open("wb") as here:
                    while data := stored.read(_CHUNK):
                        here.write(data)

    def remove(self, stream: str, share: Share) -> None:
        """See the port. The manifest goes first."""
        home = self._home(stream, share)
        for name in reversed(self._names):
            with translated(f"{home}/{name}"):
                if self._opened.io.new_input(f"{home}/{name}").exists():
                    self._opened.io.delete(f"{home}/{name}")
        if home.startswith("file://"):
            with translated(home):
                folder = Path(url2pathname(urlsplit(home).path))
                if folder.exists():
                    folder.rmdir()

    def _home(self, stream: str, share: Share) -> str:
        return f"{self._opened.warehouse.segments_of(stream)}/{share.name}"

    def _copy(self, source: Path, location: str, digest: str) -> None:
        """Copy a file, hashing what is copied: nobody reads it before all of it was as it should be."""
        hasher = sha256()
        output = self._opened.io.new_output(location)
        with translated(location), source.open("rb") as own, output.create(overwrite=True) as stored:
            while data := own.read(_CHUNK):
                hasher.update(data)
                stored.write(data)
        if hasher.hexdigest() != digest:
            raise EvidenceError(
                f"{source} is not what was written",
                meaning="The segment is not shared; the log and the index are untouched.",
                remedy="Make segments anew with 'ordertrail segments build --anew', then share them.",
            )

    def _write(self, location: str, data: bytes) -> None:
        with translated(location), self._opened.io.new_output(location).create(overwrite=True) as stored:
            stored.write(data)
