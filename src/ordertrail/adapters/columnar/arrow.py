"""Leaves into Arrow tables of a segment's schema."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import Any

import pyarrow as pa

from ordertrail.adapters.columnar.schema import CHANGES, EVENTS, MARKS
from ordertrail.query.projection import Indexed, IndexedChange
from ordertrail.query.segments.ports import Leaf

_AT_ONCE = 16_384
_OWN = (
    "stream", "position", "id", "time", "recorded", "action", "outcome", "actor", "actor_kind", "subject_kind",
    "subject", "sensitive", "search", "order", "number", "tenant", "behalf", "session", "ip", "request", "trace",
    "channel", "source", "ticket",
)  # fmt: skip
_CHANGE = (
    "path", "field", "before", "after", "unit", "before_number", "after_number", "delta", "ratio",
)  # fmt: skip
_OF_EVENT = ("position", "time", "action", "outcome", "actor", "order", "tenant")
"""Columns of an event that its changes have too."""

_own: Callable[[Indexed], tuple[Any, ...]] = attrgetter(*_OWN)
_change: Callable[[IndexedChange], tuple[Any, ...]] = attrgetter(*_CHANGE)
_of_event: Callable[[Indexed], tuple[Any, ...]] = attrgetter(*_OF_EVENT)


@dataclass(frozen=True, slots=True)
class Told:
    """What the log tells of some leaves: tables of events, changes and marks, in the log's order."""

    events: pa.Table
    changes: pa.Table
    marks: pa.Table

    @property
    def tables(self) -> tuple[pa.Table, pa.Table, pa.Table]:
        """All three, as :data:`~ordertrail.adapters.columnar.schema.TOLD` lists their files."""
        return self.events, self.changes, self.marks


def told_by(leaves: Iterable[Leaf]) -> Told:
    """Put leaves into tables; only some thousands of them are in memory as anything else."""
    events: list[pa.RecordBatch] = []
    changes: list[pa.RecordBatch] = []
    marks: list[pa.RecordBatch] = []
    rest = iter(leaves)
    while some := list(islice(rest, _AT_ONCE)):
        events.append(_events(some))
        changes.append(_changes(some))
        rows = [(leaf.event.position, mark.kind, mark.value) for leaf in some for mark in leaf.event.marks]
        marks.append(_batch(rows, MARKS.names, MARKS))
    return Told(
        pa.Table.from_batches(events, EVENTS).unify_dictionaries(),
        pa.Table.from_batches(changes, CHANGES).unify_dictionaries(),
        pa.Table.from_batches(marks, MARKS).unify_dictionaries(),
    )


def _events(leaves: Sequence[Leaf]) -> pa.RecordBatch:
    rows = [
        (*_own(leaf.event), leaf.hash, leaf.event.time, leaf.event.outcome != "success") for leaf in leaves
    ]
    return _batch(rows, (*_OWN, "leaf", "happened", "attempt"), EVENTS)


def _changes(leaves: Sequence[Leaf]) -> pa.RecordBatch:
    rows = [
        (*_of_event(leaf.event), leaf.event.time, place, *_change(change))
        for leaf in leaves
        for place, change in enumerate(leaf.event.changes)
    ]
    return _batch(rows, (*_OF_EVENT, "happened", "place", *_CHANGE), CHANGES)


def _batch(rows: Sequence[tuple[Any, ...]], names: Sequence[str], schema: pa.Schema) -> pa.RecordBatch:
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    arrays = [_array(columns[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(values, kind.value_type).dictionary_encode()
    return pa.array(values, kind)


def plain(table: pa.Table) -> pa.Table:
    """Return a table with its texts as texts: a dictionary cannot be sorted by its values."""
    kinds = [
        pa.field(
            one.name, one.type.value_type if pa.types.is_dictionary(one.type) else one.type, one.nullable
        )
        for one in table.schema
    ]
    return table.cast(pa.schema(kinds))
