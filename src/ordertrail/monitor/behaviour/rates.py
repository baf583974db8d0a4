"""How unusual a volume is, reading by reading: one pass, nothing looks ahead, bounded memory, one set of constants.

Five opinions look at each reading: how far it is from the mean of all before it; how far the mean of the last eight is;
how large the jump from the reading before is; and how far it is from what the same hour of the day, and the same hour
of the week, mostly had. Each is measured in standard deviations of itself, and turned into how rare that is in its own
past: the negative logarithm to base 10 of the share of earlier readings that were at least as far out. So a noisy
series is held against its noise. The five are added up, as Fisher (1925) combines tests.

What goes on is told once: a reading alarms only if its score is the largest of the last :attr:`RateDetector.pause`.
"""

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, field
from math import log10, sqrt

HOUR = 3_600
DAY = 24 * HOUR
WEEK = 7 * DAY

REMEMBERED = 30_000
"""Readings of the past that an opinion keeps to say how rare one is."""

_SHORT = 8
_LEARNING = 0.5
_BEYOND = 2
_MOST_BEYOND = 2.0
_PAUSE = 5
_LEAST = 1e-9
_ENOUGH = 5


@dataclass(frozen=True, slots=True)
class Opinion:
    """One way to look at a reading: what was usual, what it is, and how rare that is (``-log10`` of a share).

    ``seen`` is how many readings before it that was held against.
    """

    name: str
    usual: float
    found: float
    rarity: float
    seen: int

    @property
    def is_farthest(self) -> bool:
        """Whether no reading before was as far out."""
        return self.rarity > log10(self.seen + 1)


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading, judged. ``score`` is the sum of the opinions' rarities; ``alarm`` is it where it is told, else 0."""

    time: int
    value: float
    score: float
    alarm: float
    opinions: tuple[Opinion, ...]


@dataclass(slots=True)
class _Past:
    """How rare a number is among those before it, as the distance from their mean."""

    count: int = 0
    mean: float = 0.0
    variance: float = 0.0
    _sorted: list[float] = field(default_factory=list)
    _queue: deque[float] = field(default_factory=deque)

    @property
    def seen(self) -> int:
        """How many numbers the last one was held against."""
        return len(self._queue) - 1

    def rarity(self, number: float, learning: int) -> float:
        """Return how rare a number is, and remember it; 0 while fewer than half of ``learning`` were seen."""
        far = 0.0
        if self.count > _ENOUGH and self.variance > 0:
            far = abs(number - self.mean) / sqrt(self.variance)
        self._learn(number)
        seen = len(self._sorted)
        rarity = self._rank(far) if seen >= learning // 2 else 0.0
        insort(self._sorted, far)
        self._queue.append(far)
        if len(self._queue) > REMEMBERED:
            self._sorted.pop(bisect_left(self._sorted, self._queue.popleft()))
        return rarity

    def _rank(self, far: float) -> float:
        seen = len(self._sorted)
        beyond = seen - bisect_left(self._sorted, far)
        if beyond:
            return -log10((beyond + 0.5) / (seen + 1))
        farthest = max(self._sorted[-1], _LEAST) if seen else _LEAST
        return -log10(0.5 / (seen + 1)) + min(_MOST_BEYOND, _BEYOND * log10(max(far, _LEAST) / farthest))

    def _learn(self, number: float) -> None:
        self.count += 1
        part, off = 1 / self.count, number - self.mean
        self.mean += part * off
        self.variance = (1 - part) * (self.variance + part * off * off)


@dataclass(slots=True)
class _Profile:
    """What each hour of a period mostly has; a visit to an hour counts as much as all the visits before it."""

    period: int
    _levels: dict[int, tuple[float, int]] = field(default_factory=dict)

    def usual(self, time: int, value: float, gap: int) -> float | None:
        """Return what the hour of a reading mostly has, and learn; ``gap`` is the seconds since the reading before."""
        slot = time % self.period // HOUR
        known = self._levels.get(slot)
        if known is None:
            self._levels[slot] = value, 1
            return None
        level, count = known
        part = max(_LEARNING * min(1.0, gap / HOUR), 1 / (count + 1))
        self._levels[slot] = level + part * (value - level), count + 1
        return level


class RateDetector:
    """Judges the readings of one series, in the sequence of times.

    ``learning`` is how many readings it watches before it is believed; it says nothing in the first half of them.
    """

    def __init__(self, learning: int) -> None:
        self.learning = learning
        self.pause = max(1, learning // _PAUSE)
        self._pasts = [_Past() for _ in range(5)]
        self._last: deque[float] = deque(maxlen=_SHORT)
        self._day, self._week = _Profile(DAY), _Profile(WEEK)
        self._told: deque[tuple[int, float]] = deque()
        self._count = 0
        self._time: int | None = None

    def take(self, time: int, value: float) -> Reading:
        """Judge the next reading; ``time`` in seconds since 1970."""
        before = self._last[-1] if self._last else value
        self._last.append(value)
        gap = HOUR if self._time is None else max(1, time - self._time)
        self._time = time
        day, week = self._day.usual(time, value, gap), self._week.usual(time, value, gap)
        short = sum(self._last) / len(self._last)
        looked = (
            ("the mean of all before", self._pasts[0].mean, value, value),
            (f"the mean of all before, over {_SHORT} readings", self._pasts[1].mean, short, short),
            ("the reading before", before, value, abs(value - before)),
            ("this hour of the day", *_against(day, value)),
            ("this hour of the week", *_against(week, value)),
        )
        opinions = tuple(
            Opinion(name, usual, found, past.rarity(number, self.learning), past.seen)
            for past, (name, usual, found, number) in zip(self._pasts, looked, strict=True)
        )
        score = sum(one.rarity for one in opinions)
        return Reading(time, value, score, self._alarm(score), opinions)

    def _alarm(self, score: float) -> float:
        """Return the score where it is the largest of the last readings, else 0."""
        place, self._count = self._count, self._count + 1
        while self._told and self._told[0][0] < place - self.pause:
            self._told.popleft()
        alarm = score if not self._told or score > self._told[0][1] else 0.0
        while self._told and self._told[-1][1] <= score:
            self._told.pop()
        self._told.append((place, score))
        return alarm


def _against(usual: float | None, value: float) -> tuple[float, float, float]:
    """Return what is usual, what was found, and the difference; none where nothing is known yet."""
    return (value, value, 0.0) if usual is None else (usual, value, value - usual)
