"""From the rows that a statement changed to entries for the outbox: what is told of them, and how it is carried.

Only what must be done while the statement runs is done here: leaving out what did not change, hiding what is redacted,
sealing what is personal, shortening what is long. See :mod:`ordertrail.capture.batch` for what becomes of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import ne
from typing import Any, NamedTuple

import msgspec

from ordertrail.capture.batch import Batch, Columns, Operation, encode_batch, expand, read_batch
from ordertrail.capture.context import Frame, current
from ordertrail.capture.plan import TablePlan
from ordertrail.capture.projection import Image, Projection, pick_all, picker
from ordertrail.capture.values import carry, carry_rows
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Outcome
from ordertrail.record.sealing import Sealer

ROWS = 1_000
"""Rows of one batch that is made row by row."""

TOGETHER = 10_000
"""Rows of one batch that is made in columns."""

BYTES = 1 << 20
"""Bytes of one batch, but for one that is a single row."""

_FEW = 50
"""Rows for which it is worth to look which of their columns changed at all."""


Pair = tuple[Image | None, Image | None]
"""One row before and after; None where there is none."""

_NOTHING: Pair = (None, None)


class Entry(NamedTuple):
    """One row of the outbox, but for its numbers."""

    body: bytes
    events: int
    table: str
    orders: frozenset[str]
    sensitive: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows of one table, as one statement changed them; ``columns`` are the places of an image's values."""

    plan: TablePlan
    op: Operation
    columns: tuple[int, ...]
    pairs: Sequence[Pair]
    orders: Sequence[str | None]
    subjects: Sequence[str]
    tenants: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class ColumnChanges:
    """Rows of one table in columns, as one statement changed them: each changed, and is told as it stands here."""

    plan: TablePlan
    op: Operation
    recorded: tuple[int, ...]
    rows: int
    columns: Columns


class Told(NamedTuple):
    """What is told of changes: which columns, and of which of the rows."""

    recorded: tuple[int, ...]
    kept: Sequence[int]


def told_of(changes: Changes) -> Told:
    """Return what is told of changes: rows, and of a few rows also columns, in which something changed."""
    pairs = changes.pairs
    projection = changes.plan.projection(changes.columns)
    recorded = projection.recorded
    if changes.op != "update":
        return Told(recorded, range(len(pairs)))
    if len(pairs) <= _FEW:
        recorded = _narrowed(pairs, recorded, projection)
    return Told(recorded, _changed(changes, recorded))


def entry_of_one(changes: Changes, transaction: str, outcome: Outcome) -> Entry | None:
    """Return the entry of a single row that is told as it stands; None where nothing that is recorded changed.

    It says what :func:`told_of` and :func:`entries_of` would: most statements of an application change one row, and
    need not be asked what only many rows make a question.
    """
    plan, op = changes.plan, changes.op
    ((before, after),) = changes.pairs
    projection = plan.projection(changes.columns)
    recorded = projection.recorded
    if op == "update" and before is not None and after is not None:
        where = projection.place
        recorded = tuple([one for one in recorded if before[where[one]] != after[where[one]]])
        if not recorded:
            return None
        pick = projection.picker(recorded)
    else:
        pick = projection.pick
    sides = [None if image is None else carry_rows((pick(image),))[0] for image in (before, after)]
    order = changes.orders[0]
    batch = Batch(
        v=1,
        id=new_id(),
        time=format_time(utc_now()),
        op=op,
        outcome=outcome,
        transaction=transaction,
        shape=plan.shape(op, recorded),
        who=msgspec.Raw(current().encoded(plan.tags, plan.defaults)),
        rows=((changes.subjects[0], order, changes.tenants[0], *sides),),
    )
    about = _NO_ORDERS if order is None else frozenset((order,))
    sensitive = bool(plan.sensitive) and _is_sensitive(changes, (0,))
    return Entry(encode_batch(batch), 1, plan.name, about, sensitive)


_NO_ORDERS: frozenset[str] = frozenset()


def entries_of(
    changes: Changes, told: Told, transaction: str, outcome: Outcome, sealer: Sealer | None
) -> Iterator[Entry]:
    """Yield a transaction's entries of what is told of changes, each of at most 1,000 rows and 1 MiB."""
    frame = current()
    for start in range(0, len(told.kept), ROWS):
        some = Told(told.recorded, told.kept[start : start + ROWS])
        yield from _entries(changes, some, transaction, outcome, sealer, frame)


def column_entries(changes: ColumnChanges, transaction: str) -> Iterator[Entry]:
    """Yield a transaction's entries of changes in columns, each of at most 10,000 rows and 1 MiB."""
    rows, columns = changes.rows, changes.columns
    if 0 < rows <= TOGETHER:
        yield from _column_entries(changes, rows, columns, transaction)
        return
    for start in range(0, rows, TOGETHER):
        end = min(start + TOGETHER, rows)
        yield from _column_entries(changes, end - start, columns.between(start, end), transaction)


def _column_entries(changes: ColumnChanges, rows: int, columns: Columns, transaction: str) -> Iterator[Entry]:
    plan = changes.plan
    batch = Batch(
        v=1,
        id=new_id(),
        time=format_time(utc_now()),
        op=changes.op,
        outcome="success",
        transaction=transaction,
        shape=plan.shape(changes.op, changes.recorded),
        who=msgspec.Raw(current().encoded(plan.tags, plan.defaults)),
        columns=columns,
    )
    body = encode_batch(batch)
    if len(body) > BYTES and rows > 1:
        half = rows // 2
        for start, end in ((0, half), (half, rows)):
            yield from _column_entries(changes, end - start, columns.between(start, end), transaction)
        return
    yield Entry(body, rows, plan.name, frozenset(), sensitive=False)


def _entries(
    changes: Changes, told: Told, transaction: str, outcome: Outcome, sealer: Sealer | None, frame: Frame
) -> Iterator[Entry]:
    plan, kept = changes.plan, told.kept
    batch = Batch(
        v=1,
        id=new_id(),
        time=format_time(utc_now()),
        op=changes.op,
        outcome=outcome,
        transaction=transaction,
        shape=plan.shape(changes.op, told.recorded),
        who=msgspec.Raw(frame.encoded(plan.tags, plan.defaults)),
        rows=_rows(changes, told),
    )
    body = encode_batch(batch)
    if plan.personal and not plan.personal.keys().isdisjoint(told.recorded):
        body = _sealed(body, changes, kept, sealer)
    if len(body) > BYTES and len(kept) > 1:
        half = len(kept) // 2
        for some in (kept[:half], kept[half:]):
            yield from _entries(changes, Told(told.recorded, some), transaction, outcome, sealer, frame)
        return
    orders = changes.orders
    about = frozenset([order for place in kept if (order := orders[place]) is not None])
    yield Entry(body, len(kept), plan.name, about, bool(plan.sensitive) and _is_sensitive(changes, kept))


def _sealed(body: bytes, changes: Changes, kept: Sequence[int], sealer: Sealer | None) -> bytes:
    """Return a batch with its events finished here: personal values never reach the outbox in the open."""
    if sealer is None:
        raise RuntimeError(
            "a policy with personal columns needs a sealer; capture() refuses to start without"
        )
    plan, events = changes.plan, []
    names = {f"/{plan.columns[place].name}": person for place, person in plan.personal.items()}
    for place, event in zip(kept, expand(body, "", 0), strict=True):
        old, new = changes.pairs[place]
        image = new or old or ()
        row = dict(zip(changes.columns, image, strict=True))
        personal = {
            f"/changes/{number}/{side}": str(row[names[change.path]])
            for number, change in enumerate(event.changes)
            if change.path in names
            for side in ("before", "after")
            if getattr(change, side) not in (msgspec.UNSET, None)
        }
        events.append(msgspec.structs.replace(sealer.seal(event, personal), origin=None))
    plain = read_batch(body)
    return encode_batch(
        Batch(v=1, id=plain.id, time=plain.time, op=plain.op, outcome=plain.outcome,
              transaction=plain.transaction, events=tuple(events))
    )  # fmt: skip


def rolled_back(body: bytes) -> bytes:
    """Return a batch as one that was undone; it is another event than the one that would have been."""
    batch = msgspec.json.decode(body)
    batch |= {"outcome": "rolled_back", "id": new_id()}
    for number, event in enumerate(batch.get("events", ())):
        batch["events"][number] = event | {"outcome": "rolled_back"}
    return encode_batch(batch)


def _narrowed(pairs: Sequence[Pair], recorded: tuple[int, ...], projection: Projection) -> tuple[int, ...]:
    """Return the columns that changed in at least one row."""
    where = projection.place
    for before, after in pairs:
        if before is None or after is None:
            return recorded
    return tuple(
        [
            column
            for column in recorded
            if any(before[where[column]] != after[where[column]] for before, after in pairs)  # type: ignore[index]
        ]
    )


def _changed(changes: Changes, recorded: tuple[int, ...]) -> Sequence[int]:
    """Return the places of the pairs in which something changed that is recorded."""
    if not recorded:
        return ()
    before, after = _sides(changes.pairs)
    if None in before or None in after:
        pick = picker(changes.columns, recorded)
        return [
            place
            for place, (old, new) in enumerate(changes.pairs)
            if old is None or new is None or pick(old) != pick(new)
        ]
    picked = (pick_all(changes.columns, recorded, side) for side in (before, after))
    return list(compress(range(len(before)), map(ne, *picked)))


def _sides(pairs: Sequence[Pair]) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return what all rows were, and what they are."""
    before, after = zip(*pairs, strict=True) if pairs else ((), ())
    return before, after


def _rows(changes: Changes, told: Told) -> list[tuple[Any, ...]]:
    """Return a batch's rows: each side carried, and columns that need work while the statement runs worked upon."""
    plan, recorded, kept = changes.plan, told.recorded, told.kept
    pairs: Sequence[Pair]
    pairs = [changes.pairs[place] for place in kept] if changes.op != "read" else [_NOTHING] * len(kept)
    sides: list[list[Any]] = []
    for images in _sides(pairs):
        present = [image for image in images if image is not None]
        if not present:
            sides.append(list(images))
            continue
        values = _worked(plan, changes.columns, recorded, present)
        sides.append(list(values) if len(present) == len(images) else _spread(values, images))
    if plan.redacted and not plan.redacted.isdisjoint(recorded):
        _redact(plan, recorded, pairs, picker(changes.columns, recorded), sides)
    ids = ([side[place] for place in kept] for side in (changes.subjects, changes.orders, changes.tenants))
    return list(zip(*ids, *sides, strict=True))


def _spread(values: Sequence[Any], images: Sequence[Image | None]) -> list[Any]:
    remaining = iter(values)
    return [None if image is None else next(remaining) for image in images]


def _worked(
    plan: TablePlan,
    columns: tuple[int, ...],
    recorded: tuple[int, ...],
    images: Sequence[Image],
) -> Sequence[Sequence[Any]]:
    picked = pick_all(columns, recorded, images)
    if not plan.special:
        return carry_rows(picked)
    special = [
        (place, plan.special[column]) for place, column in enumerate(recorded) if column in plan.special
    ]
    if not special:
        return carry_rows(picked)
    worked = []
    for values, image in zip(picked, images, strict=True):
        row = plan.row(columns, image)
        told = list(map(carry, values))
        for place, work in special:
            told[place] = work(values[place], row)
        worked.append(told)
    return worked


def _redact(
    plan: TablePlan,
    recorded: tuple[int, ...],
    pairs: Sequence[Pair],
    pick: Callable[[Image], Image],
    sides: list[list[Any]],
) -> None:
    """Put marks in the place of redacted values, which say no more than whether the value changed."""
    hidden = [place for place, column in enumerate(recorded) if column in plan.redacted]
    for number, (before, after) in enumerate(pairs):
        old = pick(before) if before is not None else None
        new = pick(after) if after is not None else None
        for side, values in ((0, old), (1, new)):
            if values is None:
                continue
            told = list(sides[side][number])
            for place in hidden:
                changed = old is not None and new is not None and old[place] != new[place]
                told[place] = None if values[place] is None else {"redacted": int(side == 1 and changed)}
            sides[side][number] = told


def _is_sensitive(changes: Changes, kept: Sequence[int]) -> bool:
    """Say whether one of these rows touches what the policy calls sensitive."""
    sensitive = changes.plan.sensitive
    if changes.op != "update":
        return True
    places = [place for place, column in enumerate(changes.columns) if column in sensitive]
    return any(
        before is None or after is None or before[place] != after[place]
        for before, after in (changes.pairs[one] for one in kept)
        for place in places
    )
