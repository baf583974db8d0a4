"""A process as it mostly goes, learned from cases without labels, and how unusual one case is against it.

``fit(cases) -> ProcessModel``, ``model.judge(case) -> Judgement``. A model is counts, so that it can be read, checked
and made again: the same cases make the same model, in whatever sequence.

The score of a case is the logarithm of odds: that it is one deviation away from what mostly happens, against that it
is as it should be. The kinds of deviation are added up. Where more cases look like a kind of deviation than deviations
can be (:data:`MOST` times the rate that was assumed), that kind is normal here, and its odds are lowered for all until
no more do.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, inf, log

from ordertrail.monitor.behaviour.cases import Case
from ordertrail.monitor.behaviour.deviations import RATE, Course, add, course
from ordertrail.monitor.behaviour.paths import Path, Paths
from ordertrail.monitor.behaviour.repairs import Kind
from ordertrail.monitor.behaviour.values import FieldCounts, Odd, learn, odds

MOST = 3.0
"""How many times the assumed rate of deviations of a kind there may be, before they are thought normal."""

_HALVINGS = 40
_LARGEST_ALLOWANCE = 700.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """How unusual a case is. ``score`` and the rest are natural logarithms of odds; above 0 it more likely deviates.

    ``kinds`` are the odds of each kind of deviation; ``course`` what its path looks like; ``values`` how unusual each
    value of each step is.
    """

    case: Case
    score: float
    kinds: tuple[tuple[Kind, float], ...]
    course: Course
    values: tuple[Odd, ...]

    def deviating(self) -> frozenset[str]:
        """Return the events that deviate: those with a cell that tells at least a tenth of what most tells."""
        cells = self.cells()
        most = max((max(row) for row in cells), default=0.0)
        pairs = zip(self.case.steps, cells, strict=True)
        return frozenset(step.event for step, row in pairs if max(row) >= most - log(10))

    def cells(self) -> list[list[float]]:
        """Return by step the odds of what was done, and of each field."""
        found = [[-inf] * (len(step.values) + 1) for step in self.case.steps]
        allowed = dict(self.kinds)
        before = dict(self.course.kinds)
        for place, kind, one in self.course.places:
            told = one + allowed[kind] - before[kind]
            found[place][0] = add(found[place][0], told)
        for odd in self.values:
            found[odd.place][odd.field + 1] = odd.odds + log(RATE)
        return found


@dataclass(slots=True)
class ProcessModel:
    """What was learned of a process. ``allowances`` are by how much the odds of each kind are lowered."""

    fields: tuple[str, ...]
    paths: Paths
    counts: tuple[FieldCounts, ...]
    allowances: Mapping[Kind, float] = field(default_factory=dict)
    _courses: dict[tuple[Path, bool], Course] = field(default_factory=dict, repr=False)

    def judge(self, case: Case, *, seen: bool) -> Judgement:
        """Return how unusual a case is; ``seen`` says that the model has learned from it, so that it is left out."""
        path = case.path
        found = self._courses.get((path, seen))
        if found is None:
            found = self._courses[path, seen] = course(path, self.paths, seen=seen)
        values = odds(self.counts, case, seen=seen)
        raw = _kinds(found, values)
        kinds = {kind: one + log(RATE) - self.allowances.get(kind, 0.0) for kind, one in raw.items()}
        score = -inf
        for one in kinds.values():
            score = add(score, one)
        return Judgement(case, score, tuple(sorted(kinds.items())), found, tuple(values))


def fit(cases: Iterable[Case], fields: Sequence[str]) -> ProcessModel:
    """Learn from cases, whose steps have one value for each of ``fields``. Cases without steps tell nothing."""
    learned = [case for case in cases if case.steps]
    counts = tuple(FieldCounts() for _field in fields)
    for case in learned:
        learn(counts, case)
    model = ProcessModel(tuple(fields), Paths(Counter(case.path for case in learned)), counts)
    model.allowances = _allowances([model.judge(case, seen=True) for case in learned])
    return model


def _kinds(found: Course, values: Sequence[Odd]) -> dict[Kind, float]:
    kinds = dict(found.kinds)
    if values:
        total = -inf
        for odd in values:
            total = add(total, odd.odds)
        kinds[Kind.VALUE] = total - log(len(values))
    return kinds


def _allowances(judged: Sequence[Judgement]) -> dict[Kind, float]:
    by_kind: dict[Kind, list[float]] = {}
    for one in judged:
        for kind, log_odds in one.kinds:
            by_kind.setdefault(kind, []).append(log_odds)
    return {kind: _allowance(sorted(found), len(judged)) for kind, found in sorted(by_kind.items())}


def _allowance(found: Sequence[float], cases: int) -> float:
    """Return by how much log-odds must be lowered so that no more deviate than may; thousandths are kept."""
    most = MOST * RATE * cases
    if _deviating(found, 0.0) <= most:
        return 0.0
    least, enough = 0.0, _LARGEST_ALLOWANCE
    for _ in range(_HALVINGS):
        middle = (least + enough) / 2
        if _deviating(found, middle) > most:
            least = middle
        else:
            enough = middle
    return round(enough, 3)


def _deviating(found: Sequence[float], allowance: float) -> float:
    """Return how many cases deviate, as the sum of their probabilities."""
    return sum(1 / (1 + exp(min(_LARGEST_ALLOWANCE, allowance - one))) for one in found)
