"""What is captured in one database transaction, until it commits: entries for the outbox, and what was left out.

Nothing here touches a database. An adapter calls :meth:`Transaction.add` and its siblings while statements run, moves
marks with savepoints, and at commit writes :meth:`Transaction.drain` with :mod:`ordertrail.capture.outbox.writing`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from ordertrail.capture.batch import Batch, Operation, encode_batch, expand, read_batch
from ordertrail.capture.context import Frame, current
from ordertrail.capture.plan import Image, TablePlan
from ordertrail.capture.policy import Policy
from ordertrail.capture.values import carry, carry_rows
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Context, Event, Outcome
from ordertrail.record.sealing import Sealer

ROWS = 1_000
"""Rows of one batch: what one transaction of the relay makes events of."""

BYTES = 1 << 20
"""Bytes of one batch, but for one that is a single row."""

ATTEMPTS = 1_000
"""Entries that are kept of one transaction that came to nothing; what is beyond is counted."""

_FEW = 50
"""Rows for which it is worth to look which of their columns changed at all."""

CACHED = 10_000
"""Rows of one transaction that are remembered as they are now."""


class Pair(NamedTuple):
    """One row before and after; None where there is none."""

    before: Image | None
    after: Image | None


_NOTHING = Pair(None, None)


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


@dataclass(slots=True)
class _Mark:
    name: str | None
    entries: int
    filtered: Counter[tuple[str, str]]


@dataclass(slots=True)
class Transaction:
    """The audited side of a database transaction; one per connection, used by one thread at a time."""

    policy: Policy
    sealer: Sealer | None = None
    id: str = field(default_factory=new_id)
    used: bool = False
    entries: list[Entry] = field(default_factory=list)
    attempts: list[Entry] = field(default_factory=list)
    filtered: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: dict[tuple[str, Image], Image] = field(default_factory=dict)
    _marks: list[_Mark] = field(default_factory=list)

    def add(self, changes: Changes, outcome: Outcome = "success") -> None:
        """Take what a statement changed; rows in which nothing that is recorded changed are left out and counted."""
        self.used = True
        plan = changes.plan
        recorded = tuple(column for column in changes.columns if column in plan.recorded)
        if changes.op == "update" and len(changes.pairs) <= _FEW:
            recorded = _narrowed(changes, recorded)
        kept = _changed(changes, recorded)
        if len(kept) < len(changes.pairs):
            ignored = sum(pair.before != pair.after for pair in changes.pairs) - len(kept)
            if ignored > 0:
                self.leave_out("ignored", plan.name, ignored)
        # What was read stays read, whatever becomes of the transaction.
        target = self.entries if outcome == "success" and changes.op != "read" else self.attempts
        frame = current()
        for start in range(0, len(kept), ROWS):
            target += self._entries(changes, recorded, kept[start : start + ROWS], frame, outcome)
        if len(self.attempts) > ATTEMPTS:
            self.leave_out("attempts", plan.name, sum(entry.events for entry in self.attempts[ATTEMPTS:]))
            del self.attempts[ATTEMPTS:]

    def add_event(self, event: Event, table: str, *, sensitive: bool = False, read: bool = False) -> None:
        """Take an event that is made already; its link to the transaction is its maker's business."""
        self.used = True
        batch = Batch(
            v=1, id=event.id, time=event.time, op="statement", outcome=event.outcome,
            transaction=self.id, events=(event,),
        )  # fmt: skip
        orders = frozenset({event.subject.order} if event.subject.order else ())
        entry = Entry(encode_batch(batch), 1, table, orders, sensitive)
        (self.entries if event.outcome == "success" and not read else self.attempts).append(entry)

    def leave_out(self, rule: str, table: str, rows: int) -> None:
        """Count rows that a rule of the policy leaves out."""
        self.used = True
        self.filtered[rule, table] += rows

    def savepoint(self, name: str | None) -> None:
        """Remember where a savepoint begins."""
        self.used = True
        self._marks.append(_Mark(name, len(self.entries), self.filtered.copy()))

    def release(self, name: str | None) -> None:
        """Forget a savepoint, and those inside it."""
        place = self._find(name)
        if place is not None:
            del self._marks[place:]

    def rollback_to(self, name: str | None) -> None:
        """Undo what came since a savepoint: it leaves nothing but the attempts on what is sensitive."""
        place = self._find(name)
        if place is None:
            return
        mark = self._marks[place]
        del self._marks[place + 1 :]
        self.filtered = mark.filtered.copy()
        self._give_up(self.entries[mark.entries :])
        del self.entries[mark.entries :]
        self.rows.clear()

    def rollback(self) -> None:
        """Undo everything; what is sensitive of it is left as attempts."""
        self.filtered.clear()
        self._give_up(self.entries)
        self.entries.clear()
        self.rows.clear()
        self._marks.clear()

    def drain(self) -> list[Entry]:
        """Return what is to be written, and be empty."""
        entries, self.entries = self.entries, []
        return entries

    def remember(self, plan: TablePlan, image: Image) -> None:
        """Remember a whole row as it is now: this transaction holds its lock, so that nobody else changes it."""
        self.used = True
        if len(self.rows) >= CACHED:
            self.rows.clear()
        self.rows[plan.name, tuple(image[place] for place in plan.key)] = image

    def forget(self, plan: TablePlan, key: Image | None = None) -> None:
        """Forget a row, or all rows of a table."""
        if key is not None:
            self.rows.pop((plan.name, key), None)
        else:
            for known in [one for one in self.rows if one[0] == plan.name]:
                del self.rows[known]

    def _find(self, name: str | None) -> int | None:
        for place in range(len(self._marks) - 1, -1, -1):
            if self._marks[place].name == name:
                return place
        return None

    def _give_up(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if not entry.sensitive:
                continue
            if len(self.attempts) >= ATTEMPTS:
                self.leave_out("attempts", entry.table, entry.events)
            else:
                self.attempts.append(entry._replace(body=_rolled_back(entry.body)))

    def _entries(
        self, changes: Changes, recorded: tuple[int, ...], kept: list[int], frame: Frame, outcome: Outcome
    ) -> list[Entry]:
        plan = changes.plan
        batch = Batch(
            v=1,
            id=new_id(),
            time=format_time(utc_now()),
            op=changes.op,
            outcome=outcome,
            transaction=self.id,
            shape=plan.shape(changes.op, recorded),
            who=msgspec.Raw(frame.encoded((plan.tag,), Context(version=self.policy.application))),
            rows=_rows(changes, recorded, kept),
        )
        body = encode_batch(batch)
        if plan.personal and not plan.personal.keys().isdisjoint(recorded):
            body = self._sealed(body, changes, kept)
        if len(body) > BYTES and len(kept) > 1:
            half = len(kept) // 2
            return [
                *self._entries(changes, recorded, kept[:half], frame, outcome),
                *self._entries(changes, recorded, kept[half:], frame, outcome),
            ]
        orders = frozenset(order for place in kept if (order := changes.orders[place]) is not None)
        return [Entry(body, len(kept), plan.name, orders, _is_sensitive(changes, kept))]

    def _sealed(self, body: bytes, changes: Changes, kept: list[int]) -> bytes:
        """Return a batch with its events finished here: personal values never reach the outbox in the open."""
        if self.sealer is None:
            raise RuntimeError(
                "a policy with personal columns needs a sealer; capture() refuses to start without"
            )
        plan, events = changes.plan, []
        names = {f"/{plan.columns[place].name}": person for place, person in plan.personal.items()}
        for place, event in zip(kept, expand(body, "", 0), strict=True):
            pair = changes.pairs[place]
            image = pair.after or pair.before or ()
            row = dict(zip(changes.columns, image, strict=True))
            personal = {
                f"/changes/{number}/{side}": str(row[names[change.path]])
                for number, change in enumerate(event.changes)
                if change.path in names
                for side in ("before", "after")
                if getattr(change, side) not in (msgspec.UNSET, None)
            }
            events.append(msgspec.structs.replace(self.sealer.seal(event, personal), origin=None))
        plain = read_batch(body)
        return encode_batch(
            Batch(v=1, id=plain.id, time=plain.time, op=plain.op, outcome=plain.outcome,
                  transaction=plain.transaction, events=tuple(events))
        )  # fmt: skip


def _narrowed(changes: Changes, recorded: tuple[int, ...]) -> tuple[int, ...]:
    """Return the columns that changed in at least one row."""
    places = {column: place for place, column in enumerate(changes.columns)}
    return tuple(
        column
        for column in recorded
        if any(
            before is None or after is None or before[places[column]] != after[places[column]]
            for before, after in changes.pairs
        )
    )


def _changed(changes: Changes, recorded: tuple[int, ...]) -> list[int]:
    """Return the places of the pairs in which something changed that is recorded."""
    if changes.op != "update":
        return list(range(len(changes.pairs)))
    if recorded == changes.columns:
        return [place for place, pair in enumerate(changes.pairs) if pair.before != pair.after]
    if not recorded:
        return []
    pick = _picker(changes.columns, recorded)
    return [
        place
        for place, (before, after) in enumerate(changes.pairs)
        if before is None or after is None or pick(before) != pick(after)
    ]


def _picker(columns: tuple[int, ...], wanted: tuple[int, ...]) -> Any:
    """Return a function that takes some columns' values out of an image, as a tuple."""
    if columns == wanted:
        return lambda image: image
    places = [columns.index(place) for place in wanted]
    if len(places) == 1:
        only = places[0]
        return lambda image: (image[only],)
    return itemgetter(*places) if places else lambda _image: ()


def _rows(changes: Changes, recorded: tuple[int, ...], kept: list[int]) -> list[tuple[Any, ...]]:
    """Return a batch's rows: each side carried, and columns that need work while the statement runs worked upon."""
    plan, pick = changes.plan, _picker(changes.columns, recorded)
    pairs = [changes.pairs[place] if changes.op != "read" else _NOTHING for place in kept]
    sides: list[list[Any]] = []
    for side in (0, 1):
        images = [pair[side] for pair in pairs]
        present = [image for image in images if image is not None]
        if not present:
            sides.append(images)
            continue
        values = _worked(plan, changes.columns, recorded, present, pick)
        sides.append(list(values) if len(present) == len(images) else _spread(values, images))
    if plan.redacted and not plan.redacted.isdisjoint(recorded):
        _redact(plan, recorded, pairs, pick, sides)
    return [
        (changes.subjects[place], changes.orders[place], changes.tenants[place], before, after)
        for place, before, after in zip(kept, *sides, strict=True)
    ]


def _spread(values: Sequence[Any], images: Sequence[Image | None]) -> list[Any]:
    remaining = iter(values)
    return [None if image is None else next(remaining) for image in images]


def _worked(
    plan: TablePlan, columns: tuple[int, ...], recorded: tuple[int, ...], images: Sequence[Image], pick: Any
) -> Sequence[Sequence[Any]]:
    picked = [pick(image) for image in images]
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
    plan: TablePlan, recorded: tuple[int, ...], pairs: Sequence[Pair], pick: Any, sides: list[list[Any]]
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


def _is_sensitive(changes: Changes, kept: list[int]) -> bool:
    """Say whether one of these rows touches what the policy calls sensitive."""
    sensitive = changes.plan.sensitive
    if not sensitive or changes.op != "update":
        return bool(sensitive)
    places = [place for place, column in enumerate(changes.columns) if column in sensitive]
    return any(
        pair.before is None or pair.after is None or pair.before[place] != pair.after[place]
        for pair in (changes.pairs[one] for one in kept)
        for place in places
    )


def _rolled_back(body: bytes) -> bytes:
    """Return a batch as one that was undone; it is another event than the one that would have been."""
    batch = msgspec.json.decode(body)
    batch |= {"outcome": "rolled_back", "id": new_id()}
    for number, event in enumerate(batch.get("events", ())):
        batch["events"][number] = event | {"outcome": "rolled_back"}
    return encode_batch(batch)
