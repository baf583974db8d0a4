"""Asking a trail: its index and its log together, behind one object; every answer says how far behind it is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ordertrail.kernel.clock import Clock
from ordertrail.kernel.errors import InputError, UnavailableError
from ordertrail.query.engines import Reach, telling
from ordertrail.query.entries import SealedEvent, read_entry
from ordertrail.query.feeding import Lag, feed, lag
from ordertrail.query.filters.grammar import Filter, parse_filter
from ordertrail.query.ports import Analytics, Counts, Hit, Index, LogReader, Searches
from ordertrail.query.questions.orders import OrderReader
from ordertrail.record.actions import Catalogue

Value = TypeVar("Value")

_NEAR: Final = 16
"""Entries between two that are read with them: to skip them would cost more than to read them."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """What was asked for, how far the index was behind the log when it was asked, and which engines answered."""

    value: Value
    lag: Lag
    reach: Reach = field(default_factory=Reach)


@dataclass(frozen=True, slots=True)
class Query:
    """Asks a trail, by its parts.

    ::

    page = query.answer(lambda: search(query.searches, query.parse("actor:clerk-17", "Europe/Berlin")))
    page.value.hits, page.lag.events
    """

    index: Index
    searches: Searches
    counts: Counts
    log: LogReader
    orders: OrderReader
    streams: Sequence[str]
    actions: Catalogue
    clock: Clock
    analytics: Analytics

    def parse(self, text: str, zone: str = "UTC") -> Filter:
        """Read a filter as of now. Raises InputError naming what is wrong, the zone too."""
        return parse_filter(text, self.clock(), zone_of(zone))

    def answer(self, question: Callable[[], Value]) -> Answer[Value]:
        """Answer a question, with the index's lag just before."""
        behind = self.lag()
        with telling() as heard:
            value = question()
        return Answer(value, behind, heard())

    def lag(self) -> Lag:
        """Say how far the index is behind the log."""
        return lag(self.index, self.log, self.streams, self.clock)

    def feed(self, on_batch: Callable[[int], None] = lambda _: None) -> int:
        """Bring the index up to where the log is; return how many entries were read."""
        return feed(self.index, self.log, self.streams, self.actions, on_batch)

    def rebuild(self, on_batch: Callable[[int], None] = lambda _: None) -> int:
        """Drop what the index has and feed it anew; return how many entries were read."""
        self.index.clear()
        fed = self.feed(on_batch)
        self.index.settle()
        return fed

    def read(self, hit: Hit) -> SealedEvent:
        """Return a found event from the log itself. Raises UnavailableError where the log has another, or none."""
        return self.read_all((hit,))[hit.key]

    def read_all(self, hits: Sequence[Hit]) -> dict[int, SealedEvent]:
        """Return found events from the log itself, by their keys; those that stand near each other by one reading.

        Raises UnavailableError where the log has another event at a place, or none.
        """
        found: dict[int, SealedEvent] = {}
        for run in _runs(sorted(hits, key=lambda one: (one.event.stream, one.event.position))):
            stream, start, end = run[0].event.stream, run[0].event.position, run[-1].event.position + 1
            rows = {row.index: row for row in self.log.rows(stream, start, end)}
            for hit in run:
                row = rows.get(hit.event.position)
                sealed = None if row is None else read_entry(stream, row)
                if sealed is None or sealed.event.id != hit.event.id:
                    raise _other(stream, hit.event.position)
                found[hit.key] = sealed
        return found


def _other(stream: str, position: int) -> UnavailableError:
    return UnavailableError(
        f"entry {position} of stream {stream} is not the event that the index has there",
        meaning="The index is not of this log.",
        remedy="Rebuild it with 'ordertrail index build --anew'; check the log with 'ordertrail verify'.",
    )


def _runs(hits: Sequence[Hit]) -> Iterator[list[Hit]]:
    """Yield hits that lie near each other in one log."""
    run: list[Hit] = []
    for hit in hits:
        last = run[-1].event if run else None
        if last is not None and (
            hit.event.stream != last.stream or hit.event.position - last.position > _NEAR
        ):
            yield run
            run = []
        run.append(hit)
    if run:
        yield run


def zone_of(name: str) -> ZoneInfo:
    """Return a zone of the IANA database. Raises InputError for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            f"{name[:60]!r} is no time zone",
            remedy="Name one of the IANA database, such as Europe/Berlin or UTC.",
        ) from None
