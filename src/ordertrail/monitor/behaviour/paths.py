"""How likely a path is: activities, each given up to four before it.

Interpolated after Witten and Bell (1991): what is seen after a long context is mixed with what is seen after shorter
ones, and the more different things have been seen after a context, the less it is believed. ``DOUBT`` says how much
less: logs are contaminated and contexts are few.

A path that was learned from is judged by all the others: its own counts are left out first.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from math import log

ORDER = 4
"""Activities of the longest context."""

DOUBT = 12
"""A context counts half once it has been seen so many times as often as different things came after it."""

BEGIN = "\0begin"
END = "\0end"

Path = tuple[str, ...]


class Paths:
    """Counts of paths, and of what came after what."""

    def __init__(self, counts: Mapping[Path, int]) -> None:
        self.counts = dict(sorted(counts.items()))  # one sequence, so that sums of floats are the same bits
        self.cases = sum(self.counts.values())
        self.alphabet = len({activity for path in self.counts for activity in path})
        self.after: dict[Path, Counter[str]] = {}
        self.before: dict[str, set[str]] = {}
        self._totals: Counter[Path] = Counter()
        self._known: dict[tuple[Path, str], float] = {}
        for path, count in self.counts.items():
            for context, activity in _steps(path):
                for longer in _contexts(context):
                    self.after.setdefault(longer, Counter())[activity] += count
                    self._totals[longer] += count
                self.before.setdefault(activity, set()).add(context[-1])

    def log_share(self, context: Path, activity: str) -> float:
        """Return the log-probability of an activity after a context of :data:`ORDER` activities."""
        key = context, activity
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._log(context, activity, _NOTHING, _NOTHING)
        return known

    def log_shares(self, path: Path, *, seen: bool) -> list[float]:
        """Return the log-probability of each activity of a path, and of its end.

        ``seen`` says that the path was learned from: it is left out once.
        """
        steps = list(_steps(path))
        if not seen:
            return [self.log_share(context, activity) for context, activity in steps]
        own: Counter[tuple[Path, str | None]] = Counter()
        for context, activity in steps:
            for longer in _contexts(context):
                own[longer, activity] += 1
                own[longer, None] += 1
        return [self._log(context, activity, own, own) for context, activity in steps]

    def came_after(self, first: str, then: str) -> int:
        """Return how often one activity came right after another."""
        return self.after.get((first,), _NONE)[then]

    def times(self, activity: str) -> int:
        """Return how often an activity, or the beginning of a case, came."""
        return self._totals.get((activity,), 0)

    def _log(
        self,
        context: Path,
        activity: str,
        own: Mapping[tuple[Path, str | None], int],
        totals: Mapping[tuple[Path, str | None], int],
    ) -> float:
        share = 1 / (self.alphabet + 2)
        for longer in _contexts(context):
            total = self._totals.get(longer, 0) - totals.get((longer, None), 0)
            if total <= 0:
                break
            after = self.after[longer]
            doubt = DOUBT * len(after)
            share = (after[activity] - own.get((longer, activity), 0) + doubt * share) / (total + doubt)
        return log(share)


_NOTHING: Mapping[tuple[Path, str | None], int] = {}
_NONE: Counter[str] = Counter()


def padded(path: Path) -> Path:
    """Return a path with its beginnings and its end."""
    return (BEGIN,) * ORDER + path + (END,)


def _steps(path: Path) -> Iterator[tuple[Path, str]]:
    whole = padded(path)
    for place in range(ORDER, len(whole)):
        yield whole[place - ORDER : place], whole[place]


def _contexts(context: Path) -> Iterator[Path]:
    """Yield the contexts from the shortest, which is empty, to the whole."""
    for length in range(ORDER + 1):
        yield context[ORDER - length :]
