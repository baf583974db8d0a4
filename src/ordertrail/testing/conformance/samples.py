"""Events, batches and objects for the suites: real ones, put together by the ledger itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ordertrail.kernel.ids import parse_id
from ordertrail.ledger.edge import Edge
from ordertrail.ledger.entry import NO_HASH
from ordertrail.ledger.merkle import CompactRange
from ordertrail.ledger.ports import Batch, EntryRow
from ordertrail.ledger.staging import Tail, stage
from ordertrail.record.chain import chain_name
from ordertrail.record.encoding import encode
from ordertrail.record.event import Actor, Change, Event, Subject
from ordertrail.record.ports import Captured, JournalRow

STREAM = "default"
OTHER_STREAM = "second"
"""The two streams that a trail under test has."""

RECORDED = "2026-11-22T14:02:11.004512Z"


def event_id(number: int) -> str:
    """Return the id of the sample event with this number."""
    return f"01935f6e-9c1a-7cc2-b0a5-{number:012x}"


def captured(number: int, order: str | None = None, *, tenant: str | None = None, text: str = "") -> Captured:
    """Return a sample event on its way into a log; another text is another body under the same id."""
    event = Event(
        id=event_id(number),
        time="2026-11-22T14:02:10.120000Z",
        action="order.update",
        actor=Actor("clerk-17", "person"),
        subject=Subject("order", order or "none", order, tenant),
        changes=(Change("/note", after=text),),
    )
    return Captured(parse_id(event.id), chain_name(event.subject.order, event.subject.tenant), encode(event))


def several(first: int, count: int, order: str | None = None) -> list[Captured]:
    """Return ``count`` sample events, numbered from ``first``."""
    return [captured(number, order) for number in range(first, first + count)]


@dataclass(frozen=True, slots=True)
class SampleLog:
    """Where a log stands; :meth:`then` computes its next batch as the sequencer does, unsigned."""

    edge: Edge = field(default_factory=lambda: Edge(CompactRange(), [], []))
    last: bytes = NO_HASH
    tails: Mapping[str, Tail] = field(default_factory=dict)

    def then(self, *events: Captured) -> "SampleBatch":
        """Return the batch of these events on top of this log."""
        rows = [JournalRow(position, *event) for position, event in enumerate(events, 1)]
        staged = stage(rows, self.edge, self.last, self.tails, RECORDED)
        batch = Batch(
            start=self.edge.size,
            end=staged.edge.size,
            root=staged.root,
            tree_root=staged.edge.root,
            sealed=RECORDED,
            checkpoint=b"checkpoint of size %d" % staged.edge.size,
        )
        return SampleBatch(
            staged.rows, batch, SampleLog(staged.edge, staged.last, {**self.tails, **staged.tails})
        )


@dataclass(frozen=True, slots=True)
class SampleBatch:
    """A batch, its rows, and the log once it is committed."""

    rows: Sequence[EntryRow]
    batch: Batch
    after: SampleLog
