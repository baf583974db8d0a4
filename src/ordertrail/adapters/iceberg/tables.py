"""Iceberg tables over the files of shared segments: the files are added as they are, none is written anew.

Each snapshot of a table brings one segment, takes away those whose place it has, or both, and says which: its summary
has ``ordertrail.origin``, ``ordertrail.stream``, ``ordertrail.range`` (the segment's folder), ``ordertrail.root`` (hex)
and ``ordertrail.checkpoint`` (the signed note that the root is proven under). The table's properties have the log, and
``ordertrail.leaving``: folders that no longer are read and wait to be removed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.io.pyarrow import parquet_file_to_data_file
from pyiceberg.manifest import DataFile, DataFileContent
from pyiceberg.table import Table, TableProperties

from ordertrail.adapters.iceberg.place import Opened, translated
from ordertrail.kernel.errors import EvidenceError
from ordertrail.query.segments.manifest import Manifest
from ordertrail.query.sharing.ports import Listing, Share, parse_share, share_of
from ordertrail.query.sharing.tie import Tie

_OURS: Final = "ordertrail."
_LEAVING: Final = f"{_OURS}leaving"


@dataclass(frozen=True, slots=True)
class TableForm:
    """A table: the name of the file that each segment has of it, and its columns."""

    file: str
    schema: pa.Schema

    @property
    def name(self) -> str:
        """The table's name."""
        return self.file.removesuffix(".parquet")


class IcebergTables:
    """Implements :class:`ordertrail.query.sharing.ports.SharedTables`; ``events``, the first form, changes last."""

    def __init__(self, opened: Opened, forms: Sequence[TableForm]) -> None:
        self._opened = opened
        self._forms = {one.name: one for one in (*forms[1:], forms[0])}

    @property
    def names(self) -> Sequence[str]:
        """See the port."""
        return tuple(self._forms)

    def location(self, stream: str, table: str) -> str | None:
        """Return where a table's current metadata is, for engines without a catalogue; None where it was not begun."""
        found = self._find(stream, table)
        return None if found is None else found.metadata_location

    def listing(self, stream: str, table: str) -> Listing:
        """See the port."""
        found = self._find(stream, table)
        if found is None:
            return Listing(())
        shares: list[Share] = []
        strange: list[str] = []
        for file in self._files(found):
            try:
                shares.append(self._share(stream, table, file))
            except EvidenceError as error:
                strange.append(error.message)
        strange += [f"reads {one.name} twice" for one in sorted(set(shares)) if shares.count(one) > 1]
        leaving = found.properties.get(_LEAVING, "").split()
        return Listing(tuple(sorted(set(shares))), tuple(strange), tuple(map(parse_share, leaving)))

    def commit(self, table: str, manifest: Manifest, tie: Tie, leaving: Sequence[Share]) -> None:
        """See the port."""
        share = share_of(manifest)
        found = self._find(manifest.stream, table) or self._begin(manifest, table)
        told = {
            "origin": manifest.origin,
            "stream": manifest.stream,
            "range": share.name,
            "root": manifest.root.hex(),
            "checkpoint": tie.checkpoint.decode(),
        }
        self._change(
            found, manifest.stream, table, leaving, {_OURS + name: one for name, one in told.items()}, share
        )

    def withdraw(self, stream: str, table: str, leaving: Sequence[Share]) -> None:
        """See the port."""
        found = self._find(stream, table)
        if found is not None:
            self._change(found, stream, table, leaving, {f"{_OURS}stream": stream}, None)

    def forget(self, stream: str, table: str) -> None:
        """See the port."""
        found = self._find(stream, table)
        if found is None:
            return
        with translated(f"the table {table}"):
            kept = found.current_snapshot()
            old = [
                one.snapshot_id for one in found.snapshots() if kept and one.snapshot_id != kept.snapshot_id
            ]
            if old:
                found.maintenance.expire_snapshots().by_ids(old).commit()
            if _LEAVING in found.properties:
                with found.transaction() as change:
                    change.remove_properties(_LEAVING)

    def _change(  # noqa: PLR0913, PLR0917 - each is one thing that a snapshot is of
        self,
        found: Table,
        stream: str,
        table: str,
        leaving: Sequence[Share],
        told: dict[str, str],
        coming: Share | None,
    ) -> None:
        """Make one snapshot. Files that leave are named as the table has them."""
        with translated(f"the table {table}"):
            files = [one for one in self._files(found) if self._is_one_of(stream, table, one, leaving)]
            waiting = found.properties.get(_LEAVING, "").split() + [one.name for one in leaving]
            with found.transaction() as change:
                # The file that comes may be one that waits: a segment that is shared again.
                left = [one for one in dict.fromkeys(waiting) if coming is None or one != coming.name]
                if left:
                    change.set_properties({_LEAVING: " ".join(left)})
                with change.update_snapshot(told).overwrite() as update:
                    for file in files:
                        update.delete_data_file(file)
                    if coming is not None:
                        place = self._place(stream, table, coming)
                        update.append_data_file(
                            parquet_file_to_data_file(self._opened.io, change.table_metadata, place)
                        )

    def _files(self, found: Table) -> list[DataFile]:
        """Return all files that the current snapshot of a table reads, of whatever kind."""
        with translated(f"the table {found.name()[-1]}"):
            snapshot = found.current_snapshot()
            if snapshot is None:
                return []
            manifests = snapshot.manifests(self._opened.io)
            return [
                entry.data_file for one in manifests for entry in one.fetch_manifest_entry(self._opened.io)
            ]

    def _share(self, stream: str, table: str, file: DataFile) -> Share:
        """Return the segment that a file is of. Raises EvidenceError where it is of none."""
        if file.content != DataFileContent.DATA:
            raise EvidenceError(f"rows are deleted by {file.file_path}; nothing of a trail is")
        home, _, name = file.file_path.rpartition("/")
        home, _, folder = home.rpartition("/")
        if (home, name) != (self._opened.warehouse.segments_of(stream), self._forms[table].file):
            raise EvidenceError(f"reads {file.file_path}, which is no file of a shared segment")
        return parse_share(folder)

    def _is_one_of(self, stream: str, table: str, file: DataFile, shares: Sequence[Share]) -> bool:
        return file.file_path in {self._place(stream, table, one) for one in shares}

    def _place(self, stream: str, table: str, share: Share) -> str:
        return f"{self._opened.warehouse.segments_of(stream)}/{share.name}/{self._forms[table].file}"

    def _find(self, stream: str, table: str) -> Table | None:
        with translated(f"the table {table}"):
            try:
                return self._opened.catalog.load_table((self._opened.warehouse.namespace_of(stream), table))
            except NoSuchTableError:
                return None

    def _begin(self, manifest: Manifest, table: str) -> Table:
        """Begin a table: empty, with the columns that its files have."""
        warehouse = self._opened.warehouse
        namespace = warehouse.namespace_of(manifest.stream)
        with translated(f"the table {table}"):
            self._opened.catalog.create_namespace_if_not_exists(namespace)
            made = self._opened.catalog.create_table(
                (namespace, table),
                _plain(self._forms[table].schema),
                location=f"{warehouse.root}/{namespace}/{table}",
                properties={
                    f"{_OURS}origin": manifest.origin,
                    f"{_OURS}stream": manifest.stream,
                    "write.metadata.delete-after-commit.enabled": "true",
                    "write.metadata.previous-versions-max": "10",
                },
            )
            # The files have no ids of fields: columns are found by their names.
            with made.transaction() as change:
                change.set_properties(
                    {TableProperties.DEFAULT_NAME_MAPPING: made.schema().name_mapping.model_dump_json()}
                )
            return made


def _plain(schema: pa.Schema) -> pa.Schema:
    """Return a schema with texts where it has dictionaries of them: how a file spells a text is its own business."""
    return pa.schema(
        [one.with_type(one.type.value_type) if pa.types.is_dictionary(one.type) else one for one in schema]
    )
