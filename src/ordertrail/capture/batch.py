"""What one statement did to one table, as it stands in the outbox: a batch, and the events that it means.

A batch is one JSON text. It says once what all its rows share, so that a statement that changes ten thousand rows
writes one outbox row and not ten thousand, and so that nothing but the outbox is needed to read it::

    {"v": 1, "id": "01935f6e-…", "time": "2026-11-22T14:02:10.120000Z", "op": "update", "outcome": "success",
     "transaction": "01935f6e-…",
     "shape": {"table": "order_lines", "kind": "order_line", "action": "order.line.update",
               "columns": [["/unit_price", "money", "EUR"]], "rules": [[0, "order.price.change"]]},
     "who": {"actor": {"id": "clerk-17", "kind": "person"}, "context": {"ip": "203.0.113.7"}},
     "rows": [["1042/2", "1042", null, ["120.00"], ["72.00"]]]}

A row is the subject's id, its order, its tenant, the values before and the values after (null where there is no row),
each in the order of the shape's columns. Row *n* is the event whose id is the batch's plus *n*, so that whoever reads
a batch again makes the same events again. A batch whose events had to be finished where they were captured (personal
values are sealed there) holds ``events`` in place of rows. One whose rows were asked for in columns holds those
(:class:`Columns`)::

     "columns": {"subjects": [1, 2, 3], "before": [[7, 8, 9]], "after": [[8, 9, 10]]}
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress, repeat
from typing import Any, Literal
from uuid import UUID

import msgspec

from ordertrail.capture.values import tell
from ordertrail.record.event import Actor, Cause, Change, Context, Event, Link, Origin, Outcome, Subject

Operation = Literal["insert", "update", "delete", "read", "statement"]

Row = tuple[str, str | None, str | None, Sequence[Any] | None, Sequence[Any] | None]
"""Subject's id, order, tenant, values before, values after."""

_RANDOM = (1 << 62) - 1


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """The column (by its place) that goes through states, and the actions of going forwards and backwards."""

    column: int
    order: tuple[str, ...]
    forward: str
    backward: str


class Shape(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the rows of a batch share: how to read their values, and which action they are."""

    table: str
    kind: str
    action: str
    columns: tuple[tuple[str, str, str | int | None], ...] = ()
    rules: tuple[tuple[int, str], ...] = ()
    status: Status | None = None


class Who(msgspec.Struct, frozen=True):
    """Who did it, from where and why."""

    actor: Actor
    context: Context
    cause: Cause | None = None


class Columns(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Rows in columns: ids, and for each of the shape's columns the values of all rows, before and after.

    Without ``orders`` the subjects are the orders; without ``tenants`` there are none; without ``before`` or ``after``
    there is no row. Ids are texts, or integers that mean their digits. Each column is a sequence, or the JSON of one.
    """

    subjects: Any
    orders: Any = None
    tenants: Any = None
    before: Any = None
    after: Any = None

    def chosen(self, wanted: Iterable[object]) -> "Columns":
        """Return the rows for which a true value stands in ``wanted``."""
        marks = list(wanted)
        return self._each(lambda values: list(compress(values, marks)))

    def between(self, start: int, end: int) -> "Columns":
        """Return the rows from one place to another."""
        return self._each(lambda values: values[start:end])

    def _each(self, cut: Callable[[Sequence[Any]], Sequence[Any]]) -> "Columns":
        ids = [None if one is None else cut(_listed(one)) for one in (self.orders, self.tenants)]
        sides = [
            None if side is None else [cut(_listed(one)) for one in side]
            for side in (self.before, self.after)
        ]
        return Columns(
            subjects=cut(_listed(self.subjects)),
            orders=ids[0],
            tenants=ids[1],
            before=sides[0],
            after=sides[1],
        )


def _listed(values: Any) -> Sequence[Any]:
    listed: Sequence[Any] = msgspec.json.decode(values) if isinstance(values, msgspec.Raw) else values
    return listed


class _ReadColumns(Columns, frozen=True, kw_only=True):
    """Columns as they are read."""

    subjects: tuple[str | int, ...]
    orders: tuple[str | int | None, ...] | None = None
    tenants: tuple[str | int | None, ...] | None = None
    before: tuple[tuple[Any, ...], ...] | None = None
    after: tuple[tuple[Any, ...], ...] | None = None

    def rows(self) -> Iterator[Row]:
        """Yield the rows one by one. Raises ValueError where columns are not of one length."""
        count = len(self.subjects)
        orders = self.subjects if self.orders is None else self.orders
        sides = [
            repeat(None, count) if side is None else zip(*side, strict=True) if side else repeat((), count)
            for side in (self.before, self.after)
        ]
        tenants = repeat(None, count) if self.tenants is None else self.tenants
        for subject, order, tenant, before, after in zip(self.subjects, orders, tenants, *sides, strict=True):
            yield str(subject), _digits(order), _digits(tenant), before, after


def _digits(value: str | int | None) -> str | None:
    return None if value is None else str(value)


class Batch(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One statement's rows; ``shape`` and ``who`` are written from JSON that was made before."""

    v: int
    id: str
    time: str
    op: Operation
    outcome: Outcome
    transaction: str
    shape: Any = None
    who: Any = None
    rows: Sequence[Any] = ()
    columns: Columns | None = None
    events: tuple[Event, ...] = ()


class _Read(Batch, frozen=True, kw_only=True):
    """A batch as it is read."""

    shape: Shape | None = None
    who: Who | None = None
    rows: tuple[Row, ...] = ()
    columns: _ReadColumns | None = None


encode_batch = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Read).decode


def read_batch(body: bytes) -> _Read:
    """Read a batch. Raises :class:`msgspec.MsgspecError` for what is none."""
    return _decode(body)


def numbered(base: str, number: int) -> str:
    """Return the id of a batch's row: the batch's own id, counted on in its random bits (RFC 9562 section 6.2)."""
    if number == 0:
        return base
    value = UUID(base).int
    return str(UUID(int=(value & ~_RANDOM) | ((value + number) & _RANDOM)))


def expand(body: bytes, client: str, counter: int) -> Iterator[Event]:
    """Yield the events that a batch means; ``counter`` is the first one's number among its client's."""
    batch = read_batch(body)
    for number, event in enumerate(_events(batch)):
        yield msgspec.structs.replace(event, origin=Origin(client, counter + number))


def _events(batch: _Read) -> Iterator[Event]:
    if batch.shape is None or batch.who is None:
        yield from batch.events
        return
    shape, who = batch.shape, batch.who
    link = (Link("capture", "transaction", batch.transaction),)
    for number, (subject, order, tenant, before, after) in enumerate(
        batch.columns.rows() if batch.columns is not None else batch.rows
    ):
        changes = tuple(_changes(shape, before, after))
        yield Event(
            id=numbered(batch.id, number),
            time=batch.time,
            action=_action(batch.op, shape, before, after),
            actor=who.actor,
            subject=Subject(shape.kind, subject, order, tenant),
            outcome=batch.outcome,
            changes=changes,
            context=who.context,
            cause=who.cause,
            links=link,
        )


def _changes(shape: Shape, before: Sequence[Any] | None, after: Sequence[Any] | None) -> Iterator[Change]:
    if before is None and after is None:
        return
    for place, (path, kind, extra) in enumerate(shape.columns):
        if before is None:
            yield Change(path, after=tell(kind, extra, after[place]) if after else None)
        elif after is None:
            yield Change(path, before=tell(kind, extra, before[place]))
        elif before[place] != after[place]:
            old, new = tell(kind, extra, before[place]), tell(kind, extra, after[place])
            if old != new or kind == "redacted":  # 12.5 and 12.50 are carried as they came, and are the same
                yield Change(path, old, new)


def _action(op: Operation, shape: Shape, before: Sequence[Any] | None, after: Sequence[Any] | None) -> str:
    if op != "update" or before is None or after is None:
        return shape.action
    status = shape.status
    if status is not None and before[status.column] != after[status.column]:
        return _direction(status, str(before[status.column]), str(after[status.column]))
    for place, action in shape.rules:
        if before[place] != after[place]:
            return action
    return shape.action


def _direction(status: Status, before: str, after: str) -> str:
    """Return the action of going from one state to another; a state that is not in the list says nothing."""
    order = status.order
    if before in order and after in order and order.index(after) < order.index(before):
        return status.backward
    return status.forward
