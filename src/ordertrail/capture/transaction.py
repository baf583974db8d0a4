"""What is captured in one database transaction, until it commits: entries for the outbox, and what was left out.

Nothing here touches a database. An adapter calls :meth:`Transaction.add` and its siblings while statements run, moves
marks with savepoints, and at commit writes :meth:`Transaction.drain` with :mod:`ordertrail.capture.outbox.writing`.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ordertrail.capture.batch import Batch, encode_batch
from ordertrail.capture.plan import Image, TablePlan
from ordertrail.capture.policy import Policy
from ordertrail.capture.telling import (
    ROWS,
    Changes,
    ColumnChanges,
    Entry,
    Pair,
    column_entries,
    entries_of,
    entry_of_one,
    rolled_back,
    told_of,
)
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Event, Outcome
from ordertrail.record.sealing import Sealer

__all__ = ["ATTEMPTS", "CACHED", "ROWS", "Changes", "Entry", "Pair", "Transaction"]

ATTEMPTS = 1_000
"""Entries that are kept of one transaction that came to nothing; what is beyond is counted."""

CACHED = 10_000
"""Rows of one transaction that are remembered as they are now."""


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
    _id: str = ""
    used: bool = False
    entries: list[Entry] = field(default_factory=list)
    attempts: list[Entry] = field(default_factory=list)
    filtered: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: dict[tuple[str, Image], Image] = field(default_factory=dict)
    _marks: list[_Mark] = field(default_factory=list)

    @property
    def id(self) -> str:
        """What the events of this transaction are known by; drawn when the first one asks."""
        if not self._id:
            self._id = new_id()
        return self._id

    def add(self, changes: Changes, outcome: Outcome = "success") -> None:
        """Take what a statement changed; rows in which nothing that is recorded changed are left out and counted."""
        self.used = True
        plan, pairs = changes.plan, changes.pairs
        # What was read stays read, whatever becomes of the transaction.
        target = self.entries if outcome == "success" and changes.op != "read" else self.attempts
        if len(pairs) == 1 and changes.op != "read" and plan.projection(changes.columns).plain:
            entry = entry_of_one(changes, self.id, outcome)
            if entry is not None:
                target.append(entry)
            ignored = int(entry is None and pairs[0][0] != pairs[0][1])
        else:
            told = told_of(changes)
            ignored = 0
            if len(told.kept) < len(pairs):
                ignored = sum(before != after for before, after in pairs) - len(told.kept)
            target += entries_of(changes, told, self.id, outcome, self.sealer)
        if ignored > 0:
            self.leave_out("ignored", plan.name, ignored)
        if len(self.attempts) > ATTEMPTS:
            self.leave_out("attempts", plan.name, sum(entry.events for entry in self.attempts[ATTEMPTS:]))
            del self.attempts[ATTEMPTS:]

    def add_columns(self, changes: ColumnChanges) -> None:
        """Take what a statement changed, in columns. Of SQLite, where no order's lock is to be taken."""
        self.used = True
        self.entries += column_entries(changes, self.id)

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
        self.rows[plan.name, tuple([image[place] for place in plan.key])] = image

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
                self.attempts.append(entry._replace(body=rolled_back(entry.body)))
