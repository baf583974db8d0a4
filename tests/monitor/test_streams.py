"""Several logs are looked at in the sequence in which their events were recorded, whatever the batches."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ordertrail.adapters.monitor.database import STATE
from ordertrail.adapters.monitor.store import SqlMonitor
from ordertrail.adapters.state import open_file
from ordertrail.kernel.clock import format_time
from ordertrail.ledger.entry import format_entry
from ordertrail.ledger.ports import EntryRow
from ordertrail.monitor.ports import AlertQuery
from ordertrail.monitor.rules.reading import read_rules
from ordertrail.monitor.rules.rulebook import Rulebook
from ordertrail.monitor.watch import Surroundings, Watch
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.encoding import encode
from ordertrail.record.event import Actor, Change, Event, Subject

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOLE = 700
RULES = """title: Read
name: opened
logsource: {product: ordertrail}
detection: {a: {action: order.read}, condition: a}
---
title: Cancelled
name: cancelled
logsource: {product: ordertrail}
detection: {a: {action: order.cancel}, condition: a}
---
title: Read here, cancelled there
name: both
correlation: {type: temporal_ordered, rules: [opened, cancelled], group-by: [order], timespan: 1h}
---
title: A sum beyond all numbers
name: sums
correlation:
  type: value_sum
  rules: [cancelled]
  group-by: [actor]
  timespan: 1h
  condition: {field: after.amount.EUR, gt: 5}
"""


class TwoLogs:
    """Two logs: one of readings, one of cancellations a minute later each; the first begins with a purged stretch."""

    def size(self, stream: str) -> int:
        """Return how many entries there are, purged ones too."""
        return 900 if stream == "readings" else 200

    def rows(self, stream: str, start: int, end: int) -> Iterator[EntryRow]:
        """Yield those of a range that are there."""
        for place in range(start, end):
            if stream == "readings" and place < HOLE:
                continue
            number = place - (HOLE if stream == "readings" else 0)
            moment = format_time(NOON + timedelta(minutes=number * 20 + (stream != "readings")))
            event = Event(
                id=f"01935f6e-9c1a-7cc2-b0a5-{number:06x}{'00000a' if stream == 'readings' else '00000b'}",
                time=moment,
                action="order.read" if stream == "readings" else "order.cancel",
                actor=Actor("clerk", "person"),
                subject=Subject("order", f"SO-{number}", f"SO-{number}"),
                changes=tuple(
                    Change(f"/{part}/amount", after={"amount": 2**53 - 1, "currency": "EUR"})
                    for part in range(30)
                ),
            )
            entry = format_entry(encode(event), place, moment, b"\0" * 32, None)
            yield EntryRow(place, b"\0" * 16, None, 0, b"\0" * 32, b"\0" * 32, entry)


@pytest.mark.parametrize("batch", [7, 64, 4_096])
def test_two_logs_are_one_river(batch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reading meets its cancellation in the other log; what was purged is passed over; any sum is kept."""
    monkeypatch.setattr("ordertrail.monitor.watch.BATCH", batch)
    with closing(open_file(tmp_path / "watch.db", STATE)) as database:
        store = SqlMonitor(database)
        around = Surroundings(
            store=store, alerts=store, lives=store, log=TwoLogs(), streams=["readings", "cancellations"],
            actions=CATALOGUE, door=lambda _events: None, clock=lambda: NOON, large={},
        )  # fmt: skip
        watch = Watch(Rulebook.of(read_rules(RULES)), around)
        looked = 0
        while step := watch.step():
            looked += step
        assert looked == 400
        found = store.find(AlertQuery(rule="both", limit=1_000))
        assert sorted(one.orders[0] for one in found) == sorted(f"SO-{number}" for number in range(200))
        assert all(len(one.evidence) == 2 for one in found)
        assert store.find(AlertQuery(rule="sums"))
        assert store.standing().places == {"readings": 900, "cancellations": 200}
        assert store.standing().late == 0
