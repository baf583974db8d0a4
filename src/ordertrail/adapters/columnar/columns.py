"""The segments as tables of the query room: each table is the same file of all segments that a filter needs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

from ordertrail.adapters.columnar.duck import TEXTS, Duck, compiled, tables_of
from ordertrail.adapters.columnar.schema import (
    CHANGE_FILE,
    DAY_FILE,
    EVENT_FILE,
    FIRST_FILE,
    HOUR_FILE,
    MARK_FILE,
    MONEY_FILE,
    MOVE_FILE,
    File,
)
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Rows, Statement
from ordertrail.query.segments.manifest import Manifest
from ordertrail.query.segments.ports import Tail
from ordertrail.query.segments.pruning import needed
from ordertrail.query.statements import order_firsts, order_moves
from ordertrail.query.tables import (
    Dialect,
    changes,
    day_counts,
    day_money,
    events,
    key_of,
    marks,
    sensitive_hours,
)

_FILES: Mapping[str, File] = {
    events.name: EVENT_FILE,
    changes.name: CHANGE_FILE,
    marks.name: MARK_FILE,
    day_counts.name: DAY_FILE,
    sensitive_hours.name: HOUR_FILE,
    day_money.name: MONEY_FILE,
    order_firsts.name: FIRST_FILE,
    order_moves.name: MOVE_FILE,
}
_NO_TAILS: Mapping[str, Tail] = MappingProxyType({})


class DuckColumns:
    """Implements :class:`ordertrail.query.segments.ports.Columns` over these segments."""

    def __init__(self, duck: Duck, folders: Sequence[tuple[Manifest, Path]]) -> None:
        self._duck = duck
        self._manifests = [manifest for manifest, _ in folders]
        self._folders = {(manifest.stream, manifest.block): folder for manifest, folder in folders}

    @property
    def dialect(self) -> Dialect:
        """See the port."""
        return TEXTS

    def reach(self) -> Mapping[str, int]:
        """See the port."""
        reach: dict[str, int] = {}
        for one in self._manifests:
            reach[one.stream] = max(reach.get(one.stream, 0), one.block.end)
        return reach

    def run(self, statement: Statement, about: Filter, tails: Mapping[str, Tail] = _NO_TAILS) -> Rows:
        """See the port. Where no segment is needed, one is asked all the same: an empty answer has its own form."""
        manifests = needed(self._manifests, about) or self._manifests[:1]
        named = ", ".join(
            f"{name} AS NOT MATERIALIZED ({self._relation(_FILES[name], manifests)})"
            for name in sorted(tables_of(statement) - tails.keys())
        )
        text, parameters = compiled(statement)
        tables = {name: _table(tail) for name, tail in tails.items()}
        return self._duck.rows(f"WITH {named} {text}" if named else text, parameters, tables)

    def _relation(self, file: File, manifests: Sequence[Manifest]) -> str:
        """Return the rows of a file of these segments; where they have positions, with keys that all logs share."""
        streams: dict[str, list[Path]] = {}
        for one in manifests:
            streams.setdefault(one.stream, []).append(self._folders[one.stream, one.block] / file.name)
        keyed = "position" in file.schema.names
        told = []
        for number, paths in enumerate(streams.values(), 1):
            key = f", position + {key_of(number, 0)} AS key" if keyed else ""
            told.append(f"SELECT *{key} FROM {self._duck.files(paths)}")  # noqa: S608 - our own files
        return " UNION ALL ".join(told)


def _table(tail: Tail) -> pa.Table:
    columns = list(zip(*tail.rows, strict=True)) if tail.rows else [()] * len(tail.names)
    arrays = [
        pa.array([int(value) for value in column] if name in tail.numbers else column, _kind(name, tail))
        for name, column in zip(tail.names, columns, strict=True)
    ]
    return pa.Table.from_arrays(arrays, list(tail.names))


def _kind(name: str, tail: Tail) -> pa.DataType:
    return pa.int64() if name in tail.numbers else pa.string()
