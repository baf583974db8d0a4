"""What asking needs of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import Select

from ordertrail.ledger.ports import EntryRow
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.projection import Indexed, OrderStanding
from ordertrail.query.tables import Dialect


class LogReader(Protocol):
    """The log that an index is made of. Reads see committed batches only."""

    def size(self, stream: str) -> int:
        """Return how many entries a stream has."""

    def rows(self, stream: str, start: int, end: int) -> Iterator[EntryRow]:
        """Yield the entries of a range in order; a hole is simply not there."""


class Index(Protocol):
    """The index, as the one who feeds it uses it.

    Atomic: events, their orders' standings, the counts and the place up to which the log was read come together or not
    at all. Idempotent: a range that begins elsewhere than where the last one ended is refused and changes nothing, so
    that nothing is counted twice, by whoever feeds at the same time. Not durable: what a crash of the machine undoes is
    read from the log again, because the place goes back with it. May be used by several threads.
    """

    def places(self) -> Mapping[str, int]:
        """Return the place in each stream from which on it was not read yet."""

    def add(self, stream: str, start: int, end: int, events: Sequence[Indexed]) -> bool:
        """Add the events of entries from ``start`` to ``end`` (exclusive); False where the place is not ``start``."""

    def clear(self) -> None:
        """Forget everything."""

    def settle(self) -> None:
        """Have the database look at what it holds, so that it chooses well how to find things. After much was added."""


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place between pages: the event at it is on neither. Pages run by time, and by key where times are equal."""

    time: int
    key: int

    def __str__(self) -> str:
        return f"{self.time}.{self.key}"


class Way(StrEnum):
    """Which way a page runs."""

    OLDER = "older"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class Hit:
    """An event that was found, whole, and its key in the index."""

    key: int
    event: Indexed

    @property
    def cursor(self) -> Cursor:
        """Where it stands."""
        return Cursor(self.event.time, self.key)


class Searches(Protocol):
    """Finds events. Each call sees one moment of the index. May be used by several threads."""

    def page(self, filter_: Filter, limit: int, beyond: Cursor | None, way: Way) -> Sequence[Hit]:
        """Return the first ``limit`` events beyond a place, the nearest first; without one, from the very end."""

    def count(self, filter_: Filter, most: int) -> int:
        """Return how many events are meant; no more than ``most`` are looked at."""

    def find(self, ids: Sequence[str]) -> Sequence[Hit]:
        """Return the events with these ids that the index has."""

    def standings(self, orders: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], OrderStanding]:
        """Return where these orders stand, by order and tenant (empty where none), of those that are known."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A value and the number of events with it; ``value`` is None for those that have none."""

    value: str | None
    events: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Values of a field, the most frequent first, and of how many events they were counted.

    ``whole`` is False where only the newest events that are meant were counted.
    """

    values: tuple[Counted, ...]
    events: int
    whole: bool


@dataclass(frozen=True, slots=True)
class MoneyMoved:
    """What an actor's successes changed money by in a day: up and down, in minor units of ``currency``."""

    day: int
    actor: str
    action: str
    currency: str
    events: int
    raised: int
    lowered: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """Events of a day of UTC, by what was asked for; ``key`` are the values of the columns asked for."""

    day: int
    key: tuple[str, ...]
    events: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """Values of what was asked for, such as an actor and an action, and their events."""

    key: tuple[str, ...]
    events: int
    days: int
    """On how many days of UTC there were any."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What an actor did in bulk: in how many intervals, how many events in all of these, and in the largest."""

    actor: str
    bursts: int
    events: int
    largest: int


@dataclass(frozen=True, slots=True)
class MovedAfter:
    """What an actor changed money by after an occasion, by ``changes`` of ``orders``; minor units of ``currency``."""

    actor: str
    currency: str
    changes: int
    orders: int
    raised: int
    lowered: int


Statement = Select[*tuple[Any, ...]]
"""A statement over the tables of :mod:`~ordertrail.query.tables`."""

Rows = Sequence[Sequence[Any]]
"""What a statement returned."""


class IndexRelations(Protocol):
    """Runs statements over the index's tables. Each call sees one moment. May be used by several threads."""

    @property
    def dialect(self) -> Dialect:
        """How texts are found there."""

    def size(self) -> int:
        """Return how many entries were read into the index."""

    def is_narrow(self, filter_: Filter, most: int) -> bool:
        """Say whether an index finds what is meant among fewer than ``most`` events."""

    def run(self, statement: Statement) -> Rows:
        """Return the rows of a statement, which is made by this room and has what people wrote in its parameters."""


class Analytics(Protocol):
    """Questions over the whole trail whose answers are short. May be used by several threads."""

    def bursts(self, filter_: Filter, width: int, least: int, most: int) -> Sequence[Burst]:
        """Return who had ``least`` events or more in an interval of ``width`` microseconds; the most events first."""

    def moved_after(self, first: Filter, then: Filter, most: int) -> Sequence[MovedAfter]:
        """Return who moved money of orders after their first success that ``first`` means."""


class Counts(Protocol):
    """Counts events: from rollups where they know the answer, else from the events. May be used by several threads."""

    def tally(
        self, filter_: Filter, columns: Sequence[str], most: int, looked: int | None
    ) -> Mapping[str, Tally]:
        """Count the values of columns of events, at most ``most`` of each, over at most the ``looked`` newest.

        Over all of them where ``looked`` is None, however long that takes.
        """

    def steps(self, filter_: Filter, width: int) -> Mapping[int, int]:
        """Count events by intervals of ``width`` microseconds since 1970, by the interval's beginning."""

    def days(self, filter_: Filter, columns: Sequence[str]) -> Sequence[DayCount]:
        """Count by day and by some of ``actor``, ``action``, ``outcome``, for a filter that :func:`rolled` takes."""

    def money(self, filter_: Filter) -> Sequence[MoneyMoved]:
        """Return the money moved by day, actor, action and currency, for a filter that :func:`rolled` takes."""

    def ranked(self, filter_: Filter, columns: Sequence[str], most: int) -> Sequence[Ranked]:
        """Return the values of some of ``actor``, ``action``, ``outcome`` with the most events.

        For a filter that :func:`~ordertrail.query.rolled.rolled` takes; raises InputError for another.
        """
