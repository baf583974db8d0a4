"""How much more likely a path is as a deviation from another one than as a path of its own.

A noisy channel: somewhere a path as usual, then one deviation. Of each kind, the odds are the sum over all repairs of
how often the repaired path is to be expected, over the ways to deviate, against how often the path itself is. How
often a path is to be expected is its count and what the likelihood of its steps tells of a path that was never seen.

So a rare path that no usual one is near to, but whose steps are usual, is not unusual; and one that is a step away from
what mostly happens is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, inf, log, log1p

from ordertrail.monitor.behaviour.paths import ORDER, Path, Paths, padded
from ordertrail.monitor.behaviour.repairs import Kind, Repair, repairs

RATE = 0.02
"""The share of cases that deviate in one of the ways, of each kind, before anything is known: a tenth, over five."""

_LEAST = -60.0
"""Log-odds below which a repair adds nothing."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a path looks like against all others; odds are natural logarithms.

    ``kinds`` are the log-odds of each kind of deviation, ``places`` those of each step and kind, and ``best`` the
    repair of each kind that tells most.
    """

    seen: int
    kinds: tuple[tuple[Kind, float], ...]
    places: tuple[tuple[int, Kind, float], ...]
    best: tuple[Repair, ...]


def course(path: Path, paths: Paths, *, seen: bool) -> Course:
    """Return what a path looks like; ``seen`` says that ``paths`` has learned from it."""
    count = paths.counts.get(path, 0) - seen
    steps = paths.log_shares(path, seen=seen)
    cases = log(max(1, paths.cases))
    own = cases + sum(steps)
    kinds: dict[Kind, float] = {}
    places: dict[tuple[int, Kind], float] = {}
    best: dict[Kind, tuple[float, Repair]] = {}
    for repair, likelihood in _judged(path, paths, steps):
        usual = paths.counts.get(repair.of(path), 0)
        expected = cases + likelihood
        if usual:
            expected = add(expected, log(usual))
        expected -= log(repair.ways)
        if expected < own + _LEAST:
            continue
        kind = repair.kind
        kinds[kind] = add(kinds.get(kind, -inf), expected)
        for place in repair.places:
            places[place, kind] = add(places.get((place, kind), -inf), expected)
        if kind not in best or expected > best[kind][0]:
            best[kind] = expected, repair
    deviations = RATE * sum(exp(min(one, 700.0)) for one in kinds.values())
    usual_by_itself = count - deviations
    against = add(own, log(usual_by_itself)) if usual_by_itself > 0 else own
    return Course(
        count,
        tuple((kind, odds - against) for kind, odds in sorted(kinds.items())),
        tuple((place, kind, odds - against) for (place, kind), odds in sorted(places.items())),
        tuple(repair for _odds, repair in sorted(best.values(), key=lambda one: -one[0])),
    )


def add(one: float, other: float) -> float:
    """Return the logarithm of the sum of two numbers that are given by theirs."""
    if one < other:
        one, other = other, one
    return one if other == -inf else one + log1p(exp(other - one))


def _judged(path: Path, paths: Paths, steps: list[float]) -> Iterator[tuple[Repair, float]]:
    """Yield the repairs, each with the log-likelihood of the repaired path."""
    whole, length = padded(path), len(path)
    own = {(whole[place : place + ORDER], whole[place + ORDER]): share for place, share in enumerate(steps)}
    sums = [0.0]
    for share in steps:
        sums.append(sums[-1] + share)
    ended = whole[ORDER:]
    for repair in repairs(path, paths):
        tail = ended[repair.right : repair.right + ORDER]
        stretch = whole[repair.left : repair.left + ORDER] + repair.middle + tail
        likelihood = sums[repair.left] + sums[length + 1] - sums[repair.right + len(tail)]
        for place in range(ORDER, len(stretch)):
            key = stretch[place - ORDER : place], stretch[place]
            known = own.get(key)
            likelihood += paths.log_share(*key) if known is None else known
        yield repair, likelihood
