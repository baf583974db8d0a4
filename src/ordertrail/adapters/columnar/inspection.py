"""Looking into published segments, for whoever checks them."""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from ordertrail.adapters.columnar.arrow import plain, told_by
from ordertrail.adapters.columnar.duck import Duck
from ordertrail.adapters.columnar.schema import EVENT_FILE, FILES
from ordertrail.adapters.columnar.shelf import (
    DirectoryShelf,
    digest,
    manifest_of,
    read,
    tables_of,
    translated,
)
from ordertrail.kernel.errors import UnavailableError
from ordertrail.query.segments.manifest import MANIFEST, Manifest
from ordertrail.query.segments.ports import Leaf, Making

_AT_ONCE = 4_096


class DirectoryInspection:
    """Implements :class:`ordertrail.query.segments.ports.Inspection`."""

    def __init__(self, shelf: DirectoryShelf, duck: Duck) -> None:
        self._shelf = shelf
        self._duck = duck

    def problems(self, manifest: Manifest) -> Iterator[str]:
        """See the port."""
        folder = self._shelf.folder(manifest)
        named = {one.name: one for one in manifest.files}
        for name in sorted(named.keys() ^ {file.name for file in FILES}):
            yield f"its manifest {'names' if name in named else 'does not name'} {name}"
        with translated(folder):
            there = {path.name for path in folder.iterdir()} - {MANIFEST}
        for name in sorted(there - named.keys()):
            yield f"{name} is not one of its files"
        for name in sorted(named.keys() - there):
            yield f"{name} is gone"
        for name in sorted(named.keys() & there):
            with translated(folder / name):
                if digest(folder / name) != named[name].sha256:
                    yield f"{name} is not what was written"

    def leaves(self, manifest: Manifest) -> Sequence[bytes]:
        """See the port."""
        table = self._read(manifest, ("position", "leaf")).sort_by("position")
        block = manifest.block
        if table.column("position").to_pylist() != list(range(block.start, block.end)):
            return []
        hashes: list[bytes] = table.column("leaf").to_pylist()
        return hashes

    def differences(self, manifest: Manifest, leaves: Iterable[Leaf]) -> Iterator[str]:
        """See the port."""
        told = told_by(leaves)
        making = Making(manifest.stream, manifest.origin, manifest.block, manifest.root, manifest.words)
        if manifest_of(making, told, manifest.files) != manifest:
            yield "its manifest has other times or orders than its entries"
        for file, wanted in tables_of(self._duck, told):
            try:
                kept = read(self._shelf.folder(manifest), file)
            except FileNotFoundError as error:
                raise _gone(error) from None
            place = _first_difference(wanted, kept)
            if place is not None:
                yield f"{file.name} says something else than the log, from row {place:,} on"

    def _read(self, manifest: Manifest, columns: Sequence[str]) -> pa.Table:
        try:
            return read(self._shelf.folder(manifest), EVENT_FILE, columns)
        except FileNotFoundError as error:
            raise _gone(error) from None


def _first_difference(wanted: pa.Table, kept: pa.Table) -> int | None:
    """Return the first row, from 0, in which two tables differ."""
    wanted, kept = plain(wanted), plain(kept)
    for start in range(0, max(len(wanted), len(kept)), _AT_ONCE):
        ours, theirs = wanted.slice(start, _AT_ONCE), kept.slice(start, _AT_ONCE)
        if not ours.equals(theirs):
            both = zip(ours.to_pylist(), theirs.to_pylist(), strict=False)
            shorter = min(len(ours), len(theirs))
            return start + next((at for at, (one, other) in enumerate(both) if one != other), shorter)
    return None


def _gone(error: FileNotFoundError) -> UnavailableError:
    return UnavailableError(
        f"{error.filename or error} is gone", remedy="Make it anew: 'ordertrail segments build'."
    )
