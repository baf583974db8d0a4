"""The archive of the trail in a directory: its segments, kept write-once beside the log."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ordertrail.adapters.files.durable import make_folder, replace, translated
from ordertrail.assembly.columnar import SegmentWork, open_segments
from ordertrail.assembly.retention import ARCHIVE, open_retention
from ordertrail.assembly.stores import Stores, read_settings
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import EvidenceError
from ordertrail.query.segments.building import build
from ordertrail.query.segments.checking import check
from ordertrail.query.segments.manifest import MANIFEST, Manifest, parse_manifest
from ordertrail.query.segments.planning import current
from ordertrail.retention.archiving import Archiving
from ordertrail.retention.ports import SealedRange


@contextmanager
def open_archive(root: Path, *, clock: Clock = utc_now) -> Iterator[Archiving]:
    """Open the archive of the trail in a directory. Raises ConfigurationError where there is no trail."""
    settings = read_settings(root)
    stores = Stores(root, settings, clock)
    with open_retention(root, clock=clock) as retention, open_segments(root, clock=clock) as work:
        columns = _Segments(work, root / settings.segments.folder)
        yield Archiving(retention, columns, stores.vault_of(ARCHIVE))


@dataclass(frozen=True, slots=True)
class _Segments:
    """Implements :class:`ordertrail.retention.ports.Columns` by the segments of a trail."""

    work: SegmentWork
    folder: Path

    def seal(self, stream: str) -> Sequence[SealedRange]:
        """See the port."""
        build(self.work.shelf, self.work.source, [stream], self.work.heights)
        return self.sealed(stream)

    def sealed(self, stream: str) -> Sequence[SealedRange]:
        """See the port."""
        return [_range(one) for one in current(self.work.shelf.manifests(stream))]

    def read(self, stream: str, name: str, file: str) -> bytes:
        """See the port."""
        path = self.folder / stream / name / file
        with translated(path, "reading"):
            return path.read_bytes()

    def put_back(self, stream: str, name: str, files: Sequence[tuple[str, bytes]]) -> None:
        """See the port. *If we stop here*, files without a manifest are left, which nobody reads."""
        manifest = parse_manifest(dict(files)[MANIFEST])
        if (manifest.stream, manifest.block.name) != (stream, name):
            raise EvidenceError(
                f"the manifest is of {manifest.stream}/{manifest.block.name}, not {stream}/{name}"
            )
        with self.work.shelf.writing():
            for file, data in files:
                make_folder(self.folder / stream / name)
                replace(self.folder / stream / name / file, data)
            wrong = list(check(manifest, self.work.inspection, self.work.source, deep=False))
            if wrong:
                shutil.rmtree(self.folder / stream / name)
                raise EvidenceError(
                    str(wrong[0]), meaning="It was not put back; the log itself is untouched."
                )


def _range(manifest: Manifest) -> SealedRange:
    files = (*(one.name for one in manifest.files), MANIFEST)
    return SealedRange(
        manifest.block.name, manifest.block.start, manifest.block.end, manifest.root.hex(), files
    )
