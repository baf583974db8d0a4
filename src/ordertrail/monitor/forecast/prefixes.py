"""What is known of an order so far: the values that a model sees, kept up with every event at a constant cost.

A value has a name that people can read, and that says how it came about::

    count action=item.stockout      how often a word was said so far      1.0
    last channel=web                the newest word of its kind is this   1.0
    first channel=web               the order began with this word        1.0
    number amount max               a number: last, mean, max, min, sum or std so far
    level amount                    a number that the order began with
    steps                           how many events there were

Two numbers are of the order's own clock: ``gap`` (hours since the event before) and ``age`` (hours since the first). A
value depends on the order's own events alone, up to one of them, so that a score of the past can be had again.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

HOUR = 3_600_000_000
"""Microseconds."""

TRACED = 3
"""Events that are remembered for each value, the newest ones."""

_PARTS = ("last", "mean", "max", "min", "sum", "std")


@dataclass(frozen=True, slots=True)
class Step:
    """One event of an order as learning sees it. ``time`` is in microseconds since 1970.

    ``words`` are ``kind=value``; ``first`` and ``levels`` are words and numbers of the order as a whole, of which the
    first event's count.
    """

    id: str
    time: int
    words: tuple[str, ...] = ()
    numbers: tuple[tuple[str, float], ...] = ()
    first: tuple[str, ...] = ()
    levels: tuple[tuple[str, float], ...] = ()


class Running:
    """A number of an order so far."""

    __slots__ = ("count", "largest", "least", "squares", "total")

    def __init__(self) -> None:
        self.count, self.total, self.squares = 0, 0.0, 0.0
        self.largest, self.least = float("-inf"), float("inf")

    def add(self, value: float) -> tuple[float, ...]:
        """Take a value; return last, mean, max, min, sum and std so far."""
        self.count += 1
        self.total += value
        self.squares += value * value
        self.largest = max(self.largest, value)
        self.least = min(self.least, value)
        mean = self.total / self.count
        spread = max(0.0, self.squares / self.count - mean * mean) ** 0.5
        return value, mean, self.largest, self.least, self.total, spread


class Prefix:
    """An order so far. ``values`` is what a model sees of it, by name; changed by :meth:`add` alone."""

    __slots__ = ("_begun", "_latest", "_numbers", "_time", "_traces", "last", "values")

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.last = ""
        """The id of the newest event."""
        self._begun = self._time = 0
        self._latest: dict[str, list[str]] = {}
        self._numbers: dict[str, Running] = {}
        self._traces: dict[str, tuple[str, ...]] = {}

    @property
    def steps(self) -> int:
        """How many events there were."""
        return int(self.values.get("steps", 0))

    @property
    def time(self) -> int:
        """When the latest event happened, in microseconds since 1970."""
        return self._time

    def add(self, step: Step) -> None:
        """Take the next event of the order."""
        values = self.values
        if not self.last:
            self._begun = self._time = step.time
            values.update((f"first {word}", 1.0) for word in step.first)
            values.update((f"level {name}", value) for name, value in step.levels)
        self._say(step)
        self._number("gap", max(0, step.time - self._time) / HOUR, step.id)
        self._number("age", max(0, step.time - self._begun) / HOUR, step.id)
        for name, value in step.numbers:
            self._number(name, value, step.id)
        values["steps"] = values.get("steps", 0.0) + 1.0
        self._time = max(self._time, step.time)
        self.last = step.id

    def events(self, feature: str) -> tuple[str, ...]:
        """Return ids of events that made a value what it is, the newest last; the last event where it is of all."""
        kind, _, rest = feature.partition(" ")
        key = rest.rsplit(" ", 1)[0] if kind == "number" else rest
        return self._traces.get(key, (self.last,))

    def _say(self, step: Step) -> None:
        values, latest = self.values, self._latest
        before, self._latest = latest, {}
        for word in step.words:
            kind, counted, newest = spelt(word)
            values[counted] = values.get(counted, 0.0) + 1.0
            self._traces[word] = (*self._traces.get(word, ())[1 - TRACED :], step.id)
            said = self._latest.get(kind)
            if said is None:
                for old in before.pop(kind, ()):
                    del values[old]
                said = self._latest[kind] = []
            if newest not in said:
                said.append(newest)
                values[newest] = 1.0
        for kind, names in before.items():
            self._latest.setdefault(kind, names)

    def _number(self, name: str, value: float, event: str) -> None:
        running = self._numbers.get(name)
        if running is None:
            running = self._numbers[name] = Running()
        if value > running.largest:
            self._traces[name] = (event,)
        self.values.update(zip(parts(name), running.add(value), strict=True))


@lru_cache(maxsize=65_536)
def spelt(word: str) -> tuple[str, str, str]:
    """Return a word's kind, and the names of the values that count it and that say it is the newest."""
    return word.partition("=")[0], f"count {word}", f"last {word}"


@lru_cache(maxsize=4_096)
def parts(name: str) -> tuple[str, ...]:
    """Return the names of the values that a number makes, in the sequence of :meth:`Running.add`."""
    return tuple(f"number {name} {part}" for part in _PARTS)


def prefixes(steps: Iterable[Step]) -> Iterator[Prefix]:
    """Yield an order after each of its events; one and the same object, changed."""
    prefix = Prefix()
    for step in steps:
        prefix.add(step)
        yield prefix


def after(steps: Sequence[Step]) -> Prefix:
    """Return an order after all of these events."""
    prefix = Prefix()
    for step in steps:
        prefix.add(step)
    return prefix
