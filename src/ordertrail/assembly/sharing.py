"""The segments of the trail in a directory as shared tables: where they are shared, from what, and who checks them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ordertrail.adapters.columnar.duck import Bounds, Duck
from ordertrail.adapters.columnar.inspection import DirectoryInspection
from ordertrail.adapters.columnar.schema import FILES
from ordertrail.adapters.columnar.shelf import DirectoryShelf
from ordertrail.adapters.iceberg.files import IcebergFiles
from ordertrail.adapters.iceberg.place import Opened, Warehouse
from ordertrail.adapters.iceberg.tables import IcebergTables, TableForm
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.streams import list_streams
from ordertrail.assembly.columnar import StoredTree
from ordertrail.assembly.databases import DATABASE
from ordertrail.assembly.stores import Stores, read_settings
from ordertrail.assembly.trail import no_trail
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.query.segments.building import Source
from ordertrail.query.segments.manifest import Manifest
from ordertrail.query.segments.ports import Inspection
from ordertrail.query.sharing.checking import Grounds, check_shared
from ordertrail.query.sharing.ports import Lake
from ordertrail.query.sharing.publishing import Shared, share
from ordertrail.settings import Settings, secret

CATALOG: Final = "iceberg.db"
"""The file of the catalogue, where no server is named."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What sharing segments, and checking what is shared, needs."""

    shelf: DirectoryShelf
    tree: StoredTree
    source: Source
    streams: Sequence[str]
    tables: IcebergTables
    files: IcebergFiles
    bounds: Bounds

    def share(self, *, anew: bool = False, on_segment: Callable[[Manifest], None] = lambda _: None) -> Shared:
        """Bring the shared tables to where the segments are; see :func:`ordertrail.query.sharing.publishing.share`."""
        lake = Lake(self.tables, self.files)
        return share(self.shelf, lake, self.tree, self.streams, anew=anew, on_segment=on_segment)

    def locations(self) -> Mapping[str, Mapping[str, str]]:
        """Return where each table's current metadata is, by log and table."""
        return {
            stream: {
                name: place
                for name in sorted(self.tables.names)
                if (place := self.tables.location(stream, name)) is not None
            }
            for stream in self.streams
        }

    def entries(self) -> int:
        """Return how many entries are shared, of all logs."""
        found = (self.tables.listing(stream, "events").shares for stream in self.streams)
        return sum(one.end - one.start for shares in found for one in shares)

    def check(self, *, deep: bool, on_entries: Callable[[int], None] = lambda _: None) -> Iterator[str]:
        """Yield what is wrong with what is shared; see :mod:`ordertrail.query.sharing.checking`."""
        lake = Lake(self.tables, self.files)
        for stream in self.streams:
            grounds = Grounds(self.tree, self.source, self.shelf.manifests(stream), self._inspecting)
            yield from check_shared(stream, lake, grounds, deep=deep, on_entries=on_entries)

    @contextmanager
    def _inspecting(self, folder: Path) -> Iterator[Inspection]:
        duck = Duck(folder, self.bounds)
        try:
            yield DirectoryInspection(DirectoryShelf(folder, duck), duck)
        finally:
            duck.close()


@contextmanager
def open_sharing(root: Path, *, clock: Clock = utc_now) -> Iterator[Sharing]:
    """Open where the segments of the trail in a directory are shared.

    Raises ConfigurationError where there is no trail, or its settings name no warehouse.
    """
    settings = read_settings(root)
    warehouse = _warehouse(root, settings)
    if settings.database.url is None and not (root / DATABASE).exists():
        raise no_trail(root)
    stores = Stores(root, settings, clock)
    chosen = settings.segments
    bounds = Bounds(chosen.threads, chosen.memory, 24 * 3_600)
    log = stores.database.open()
    try:
        duck = Duck(root / chosen.folder, bounds)
        opened = Opened(warehouse)
        try:
            shelf = DirectoryShelf(root / chosen.folder, duck)
            tree = StoredTree(stores, log)
            yield Sharing(
                shelf,
                tree,
                Source(SqlEntries(log), tree, settings.actions),
                [one.name for one in list_streams(log)],
                IcebergTables(opened, [TableForm(one.name, one.schema) for one in FILES]),
                IcebergFiles(opened, shelf.folder, [one.name for one in FILES]),
                bounds,
            )
        finally:
            opened.close()
            duck.close()
    finally:
        log.close()


def _warehouse(root: Path, settings: Settings) -> Warehouse:
    said = settings.segments
    if said.warehouse is None:
        raise ConfigurationError(
            "the settings name no place where segments are shared",
            meaning="Nothing was shared or checked.",
            remedy="Set warehouse of [segments] in trail.toml to a directory, or to s3://bucket/prefix.",
        )
    place = None if said.catalog_password_file is None else str(root / said.catalog_password_file)
    password = secret("CATALOG_PASSWORD", place, "segments.catalog_password_file")
    return Warehouse(
        said.warehouse if "://" in said.warehouse else str((root / said.warehouse).resolve()),
        said.catalog or f"sqlite:///{(root / CATALOG).resolve()}",
        said.namespace,
        None if password is None else password.decode(),
        said.endpoint,
        said.region,
    )
