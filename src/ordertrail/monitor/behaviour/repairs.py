"""Ways to take one deviation back: what a path would have been without it.

Five kinds of deviation are thought of, none of them of any log: a step is *missing* (up to two in a row), *extra* (up
to two), *repeated* (a stretch of up to three, soon after it was done first), or *moved* (a stretch of up to two,
earlier or later). The fifth, a wrong value, is in :mod:`~ordertrail.monitor.behaviour.values`.

Each repair says how many ways there are to deviate like that, so that what can be had in many ways is not thought more
likely for it. Stretches move no further than :data:`FARTHEST`, so that the work grows with a path's length alone.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from ordertrail.monitor.behaviour.paths import BEGIN, END, Path, Paths

FARTHEST = 12
"""Steps over which a stretch may have moved, and that may lie between two extra steps."""

_LONGEST_REPEAT = 3
_SOON = 5
"""Steps between a repeated stretch and the one that it repeats."""


class Kind(StrEnum):
    """What is not as it would be."""

    EXTRA = "extra"
    REPEATED = "repeated"
    MOVED = "moved"
    MISSING = "missing"
    VALUE = "value"


class Repair(NamedTuple):
    """A path without a deviation: ``path[:left] + middle + path[right:]``.

    ``places`` are the steps that deviate; of a missing step, the one that follows the gap. ``ways`` is how many ways
    there are to deviate from the repaired path like that.
    """

    kind: Kind
    left: int
    middle: Path
    right: int
    ways: float
    places: tuple[int, ...]

    def of(self, path: Path) -> Path:
        """Return the path as it would have been."""
        return path[: self.left] + self.middle + path[self.right :]


def repairs(path: Path, paths: Paths) -> Iterator[Repair]:
    """Yield every way to take one deviation back."""
    yield from _extra(path, paths.alphabet)
    yield from _repeated(path)
    yield from _moved(path)
    yield from _missing(path, paths)


def _extra(path: Path, alphabet: int) -> Iterator[Repair]:
    length = len(path)
    ways = length * alphabet
    for place in range(length):
        yield Repair(Kind.EXTRA, place, (), place + 1, ways, (place,))
        for other in range(place + 1, min(length, place + 1 + FARTHEST)):
            yield Repair(Kind.EXTRA, place, path[place + 1 : other], other + 1, ways * ways, (place, other))


def _repeated(path: Path) -> Iterator[Repair]:
    length = len(path)
    ways = length * _LONGEST_REPEAT * _SOON
    for size in range(1, _LONGEST_REPEAT + 1):
        for place in range(size, length - size + 1):
            stretch = path[place : place + size]
            firsts = range(max(0, place - size - _SOON + 1), place - size + 1)
            if any(path[first : first + size] == stretch for first in firsts):
                yield Repair(Kind.REPEATED, place, (), place + size, ways, tuple(range(place, place + size)))


def _moved(path: Path) -> Iterator[Repair]:
    length = len(path)
    for size in (1, 2):
        ways = 2 * length * length
        for place in range(length - size + 1):
            stretch, places = path[place : place + size], tuple(range(place, place + size))
            end = place + size
            for to in range(max(0, place - FARTHEST), min(length - size, place + FARTHEST) + 1):
                if to < place:
                    left, middle, right = to, stretch + path[to:place], end
                else:
                    left, middle, right = place, path[end : to + size] + stretch, to + size
                if middle != path[left:right]:
                    yield Repair(Kind.MOVED, left, middle, right, ways, places)


def _missing(path: Path, paths: Paths) -> Iterator[Repair]:
    length = len(path)
    ways = 2 * (length + 1)
    for place in range(length + 1):
        came = (path[place - 1],) if place else (BEGIN,)
        comes = path[place] if place < length else END
        before = paths.before.get(comes, set())
        places = (min(place, length - 1),)
        for one in paths.after.get(came, ()):
            if one == END:
                continue
            if one in before:
                yield Repair(Kind.MISSING, place, (one,), place, ways, places)
            for other in paths.after.get((one,), ()):
                if other in before and other != END:
                    yield Repair(Kind.MISSING, place, (one, other), place, ways, places)
