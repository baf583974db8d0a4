"""Segments in a directory: ``<stream>/<first leaf>-<leaf after the last>/``, each with its manifest and its files.

A segment is written into a folder that nobody reads, file by file, each on disk before the next; its manifest comes
last; then the folder is renamed into place, and that is on disk before the call returns. *If we stop* before, a folder
is left whose name begins with :data:`PART`, and the next writer removes it.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ordertrail.adapters.columnar.arrow import Told, plain, told_by
from ordertrail.adapters.columnar.derived import derived
from ordertrail.adapters.columnar.duck import Duck
from ordertrail.adapters.columnar.schema import FILES, TOLD, File
from ordertrail.kernel.errors import BusyError, EvidenceError, UnavailableError
from ordertrail.ledger.merkle import root as tree_root
from ordertrail.query.segments.bloom import bloom_of
from ordertrail.query.segments.manifest import (
    FORM,
    MANIFEST,
    Block,
    Manifest,
    SegmentFile,
    format_manifest,
    parse_manifest,
)
from ordertrail.query.segments.ports import Leaf, Making

PART = ".part-"
"""Begins the name of a folder that is being written; a crash may leave one, and nobody reads it."""

_ROWS = 65_536
"""Rows of a row group: what is skipped or read as a whole."""
_LEVEL = 6
"""Of zstd: files are written once and read often."""
_MEANING = "Segments are no evidence; the log and the index are untouched, and nothing was lost."
_CHUNK = 1 << 20


class DirectoryShelf:
    """Implements :class:`ordertrail.query.segments.ports.Shelf`."""

    def __init__(self, folder: Path, duck: Duck) -> None:
        self._folder = folder
        self._duck = duck

    @contextmanager
    def writing(self) -> Iterator[None]:
        """See the port; the lock ends with the process, however it ends."""
        with translated(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _lock(lock)
            with translated(self._folder):
                for left in self._folder.glob(f"*/{PART}*"):
                    shutil.rmtree(left)
            yield
        finally:
            os.close(lock)

    def manifests(self, stream: str) -> Sequence[Manifest]:
        """See the port."""
        found = []
        for path in (self._folder / stream).glob(f"[0-9]*/{MANIFEST}"):
            with suppress(EvidenceError, FileNotFoundError), translated(path):
                manifest = parse_manifest(path.read_bytes())
                if manifest.stream == stream and manifest.block.name == path.parent.name:
                    found.append(manifest)
        return sorted(found, key=lambda one: (one.block.start, one.block.height))

    def changed(self, streams: Sequence[str]) -> tuple[int, ...]:
        """Return something that is another as soon as a segment was published or removed."""
        found = []
        for stream in streams:
            try:
                found.append((self._folder / stream).stat().st_mtime_ns)
            except OSError:
                found.append(0)
        return tuple(found)

    def make(self, making: Making, leaves: Iterable[Leaf]) -> Manifest:
        """See the port."""
        return self.publish(making, told_by(leaves))

    def join(self, making: Making, parts: Sequence[Manifest]) -> Manifest:
        """See the port."""
        tables = [
            pa.concat_tables([self._read(part, file) for part in parts]).unify_dictionaries() for file in TOLD
        ]
        return self.publish(making, Told(*tables))

    def _read(self, part: Manifest, file: File) -> pa.Table:
        """Read a file of a segment that is what was written. Raises EvidenceError where it is not."""
        path = self.folder(part) / file.name
        written = {one.name: one.sha256 for one in part.files}
        try:
            with translated(path):
                if digest(path) == written.get(file.name):
                    return read(path.parent, file)
        except FileNotFoundError:
            pass
        raise EvidenceError(
            f"{path} is not what was written",
            meaning="The segment must not be relied upon; the log and the index are untouched.",
            remedy="Make segments anew with 'ordertrail segments build --anew'.",
        )

    def drop(self, stream: str, block: Block) -> None:
        """See the port."""
        folder = self._folder / stream / block.name
        with translated(folder):
            with suppress(FileNotFoundError):
                (folder / MANIFEST).unlink()
            shutil.rmtree(folder, ignore_errors=True)

    def folder(self, manifest: Manifest) -> Path:
        """Return where a segment's files are."""
        return self._folder / manifest.stream / manifest.block.name

    def publish(self, making: Making, told: Told) -> Manifest:
        """Check the leaves against their root, write all files, and put them in place."""
        _require_leaves(making, told)
        home = self._folder / making.stream
        part = home / f"{PART}{secrets.token_hex(8)}"
        with translated(part):
            part.mkdir(parents=True)
            try:
                files = tuple(_write(part, file, table) for file, table in tables_of(self._duck, told))
                manifest = manifest_of(making, told, files)
                _put(part / MANIFEST, format_manifest(manifest))
                _sync(part)
                self._place(part, home / making.block.name)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
        return manifest

    def _place(self, part: Path, place: Path) -> None:
        if place.exists():  # what could not be read there, or is of another form
            shutil.rmtree(place)
        part.rename(place)
        _sync(place.parent)
        _sync(self._folder)


def read(folder: Path, file: File, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a file of a segment, or some of its columns. Raises UnavailableError where it is gone or not readable."""
    with translated(folder / file.name):
        names = file.schema.names if columns is None else list(columns)
        with pq.ParquetFile(folder / file.name) as opened:
            table = opened.read(columns=names)
        return table.select(names).cast(pa.schema([file.schema.field(name) for name in names]))


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn errors of files and of Arrow into UnavailableError."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        if isinstance(error, FileNotFoundError):
            raise
        reason = (isinstance(error, OSError) and error.strerror) or str(error).partition("\n")[0]
        raise UnavailableError(
            f"the segments in {path} cannot be read or written: {reason}",
            meaning=_MEANING,
            remedy="Free space or mend the file system or its rights; make them anew with 'ordertrail segments build'.",
        ) from error


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BusyError(
            "another process is making segments of this trail; only one does",
            meaning=_MEANING,
            remedy="Wait for it, or stop it; its lock ends with it.",
        ) from None


def _require_leaves(making: Making, told: Told) -> None:
    """Refuse leaves that are not those of the tree."""
    table = told.events.select(["position", "leaf"]).sort_by("position")
    leaves = table.column("leaf").to_pylist()
    if len(leaves) != making.block.end - making.block.start or tree_root(leaves) != making.root:
        span = f"entries {making.block.start:,} to {making.block.end - 1:,} of stream {making.stream}"
        raise EvidenceError(
            f"{span} are not what the published checkpoint commits to",
            meaning="No segment was made of them.",
        )


def tables_of(duck: Duck, told: Told) -> Iterator[tuple[File, pa.Table]]:
    """Yield each file of a segment with its rows, sorted."""
    for file, table in zip(FILES, (*told.tables, *derived(duck, told)), strict=True):
        yield (
            file,
            plain(table).sort_by([(name, "ascending") for name in file.sorted_by]).cast(file.schema),
        )


def _write(folder: Path, file: File, ordered: pa.Table) -> SegmentFile:
    """Write a table by row groups that can be skipped; on disk when this returns."""
    path = folder / file.name
    sorting = pq.SortingColumn.from_ordering(
        file.schema, [(name, "ascending") for name in file.sorted_by], null_placement="at_end"
    )
    words = [one.name for one in file.schema if pa.types.is_dictionary(one.type)]
    deltas = {one.name: "DELTA_BINARY_PACKED" for one in file.schema if _is_number(one.type)}
    with pq.ParquetWriter(
        path,
        file.schema.with_metadata({"ordertrail.form": str(FORM)}),
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=words,
        column_encoding=deltas,
        write_page_index=True,
        sorting_columns=sorting,
        store_schema=False,
    ) as writer:
        writer.write_table(ordered, row_group_size=_ROWS)
    _sync(path)
    return SegmentFile(file.name, path.stat().st_size, digest(path))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_timestamp(kind))


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    hasher = sha256()
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            hasher.update(data)
    return hasher.hexdigest()


def manifest_of(making: Making, told: Told, files: tuple[SegmentFile, ...]) -> Manifest:
    """Return the manifest of a segment of what the log tells, and of these files."""
    times: Any = pc.min_max(told.events.column("time")).as_py()
    orders = pc.unique(told.events.column("order").drop_null()).to_pylist()
    return Manifest(
        making.stream,
        making.origin,
        making.block,
        making.root,
        times["min"],
        times["max"],
        making.words,
        bloom_of(orders),
        files,
    )


def _put(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
