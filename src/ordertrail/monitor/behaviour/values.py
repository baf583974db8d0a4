"""How unusual the value of a field is: who did a step, in which role, on which day.

A value is judged by three contexts: by what was done and the value before it, by what was done and the value after
it, and by what was done and the other values of the same step. Each is mixed with how the value goes with what was
done at all, and that with all values alike (Witten and Bell, 1991). The three opinions are pooled by their geometric
mean. A case that was learned from is left out first.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import log

from ordertrail.monitor.behaviour.cases import Case, Step

Context = tuple[str, ...]
Own = Counter[tuple[Context, str | None]]

_BEFORE, _AFTER, _BESIDE = "before", "after", "beside"


@dataclass(slots=True)
class FieldCounts:
    """How often each value of one field came, by context. ``counts`` is all that is learned; sums follow from it."""

    counts: dict[tuple[Context, str], int] = field(default_factory=dict)
    _totals: dict[Context, int] = field(default_factory=dict)
    _kinds: dict[Context, int] = field(default_factory=dict)
    _values: set[str] = field(default_factory=set)

    def learn(self, context: Context, value: str, times: int = 1) -> None:
        """Take note of a value in a context."""
        known = self.counts.get((context, value), 0)
        if not known:
            self._kinds[context] = self._kinds.get(context, 0) + 1
        self.counts[context, value] = known + times
        self._totals[context] = self._totals.get(context, 0) + times
        self._values.add(value)

    @property
    def many(self) -> int:
        """How many different values there are, and one that was never seen."""
        return len(self._values) + 1

    def times(self, context: Context, value: str | None = None) -> int:
        """Return how often a context came, or a value in it."""
        return self._totals.get(context, 0) if value is None else self.counts.get((context, value), 0)

    def share(self, context: Context, value: str, otherwise: float, own: Own) -> float:
        """Return the share of a value in a context, mixed with what it is ``otherwise``."""
        doubt = self._kinds.get(context, 0)
        total = self._totals.get(context, 0) - own[context, None]
        if total <= 0:
            return otherwise
        known = self.counts.get((context, value), 0) - own[context, value]
        return (known + doubt * otherwise) / (total + doubt)


@dataclass(frozen=True, slots=True)
class Odd:
    """How unusual a value is: ``odds`` is the logarithm of how much likelier it is as any value than as this one."""

    place: int
    field: int
    odds: float


def learn(fields: Sequence[FieldCounts], case: Case) -> None:
    """Take note of a case's values."""
    for number, counts in enumerate(fields):
        for place, step in enumerate(case.steps):
            for context in _contexts(case.steps, place, number):
                counts.learn(context, step.values[number])


def odds(fields: Sequence[FieldCounts], case: Case, *, seen: bool) -> list[Odd]:
    """Return how unusual each value of a case is; ``seen`` says that it was learned from."""
    return [
        Odd(place, number, _odds(counts, case.steps, place, number, own))
        for number, counts in enumerate(fields)
        for own in [_own(case, number) if seen else Counter()]
        for place in range(len(case.steps))
    ]


def alone(step: Step) -> Context:
    """Return the context of what was done alone."""
    return (step.activity,)


def _odds(counts: FieldCounts, steps: Sequence[Step], place: int, number: int, own: Own) -> float:
    value = steps[place].values[number]
    everywhere, first, *others = _contexts(steps, place, number)
    anyhow = counts.share(everywhere, value, 1 / counts.many, own)
    anyhow = counts.share(first, value, anyhow, own)
    pooled = sum(log(counts.share(context, value, anyhow, own)) for context in others) / len(others)
    return -log(counts.many) - pooled


def _contexts(steps: Sequence[Step], place: int, number: int) -> Iterator[Context]:
    """Yield the contexts in which a value is judged, that of what was done alone at first."""
    step = steps[place]
    yield ()
    yield alone(step)
    before = steps[place - 1] if place else None
    after = steps[place + 1] if place + 1 < len(steps) else None
    yield _neighbour(_BEFORE, step, before, number)
    yield _neighbour(_AFTER, step, after, number)
    beside = step.values[:number] + step.values[number + 1 :]
    if beside:
        yield (_BESIDE, step.activity, *beside)


def _neighbour(side: str, step: Step, other: Step | None, number: int) -> Context:
    if other is None:
        return (side, step.activity)
    return (side, step.activity, other.activity, other.values[number])


def _own(case: Case, number: int) -> Own:
    """Return what a case itself adds to the counts of a field; under no value, to those of the context."""
    own: Own = Counter()
    for place, step in enumerate(case.steps):
        for context in _contexts(case.steps, place, number):
            own[context, step.values[number]] += 1
            own[context, None] += 1
    return own
