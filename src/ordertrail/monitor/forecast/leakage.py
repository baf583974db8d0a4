"""Which values know the answer: what ranks orders nearly perfectly alone, and what is known only afterwards.

Two kinds of leak are named, each by what it looks like in the examples:

* **label**: one value by itself parts breaches from clear orders almost wholly, as a copy of the label would; or of the
  orders that have it all but a few breach, and half of all that breach have it.
* **time**: a value is there only when the truth is: it is seen among prefixes after which a breach came at once, and
  hardly ever in prefixes that a breach came to later. Such is what the breach itself writes, at the same moment.

What is named is no proof: an honest value may be that good. Whoever answers for the target leaves it out by name
(``without`` in its declaration), or says why not.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ordertrail.monitor.forecast.calibration import ranking
from ordertrail.monitor.forecast.columns import Columns, Examples, Matrix

TOO_GOOD = 0.97
"""Area under the ROC curve that one value alone does not reach, unless it knows the answer."""

AT_ONCE = 1_000_000
"""Microseconds within which a breach that follows is the same thing as what was seen."""

_LEAST = 8
_PURE = 0.95
_SHARE = 0.6
_COPY = 0.98
_HALF = 0.5


class Leak(StrEnum):
    """How a value may know the answer."""

    LABEL = "label"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A value that may know the answer, and a sentence that says why."""

    feature: str
    leak: Leak
    measure: float
    sentence: str


def suspects(examples: Examples, columns: Columns) -> tuple[Suspect, ...]:
    """Return the values that may know the answer, the worst first."""
    rows = np.arange(len(examples), dtype=np.intp)
    matrix, truths = examples.matrix(columns, rows), examples.truth
    found = []
    for place, name in enumerate(columns.names):
        one = _label_leak(name, matrix, place, truths) or _time_leak(name, matrix, place, examples)
        if one is not None:
            found.append(one)
    return tuple(sorted(found, key=lambda one: (-one.measure, one.feature)))


def _label_leak(name: str, matrix: Matrix, place: int, truths: NDArray[np.bool_]) -> Suspect | None:
    if min(int(truths.sum()), int((~truths).sum())) < _LEAST:
        return None
    area = ranking(matrix[:, place], truths)
    apart = max(area, 1.0 - area)
    if apart >= TOO_GOOD:
        sentence = (
            f"“{name}” alone tells breaches from other orders: the area under its ROC curve is {apart:.3f}."
        )
        return Suspect(name, Leak.LABEL, apart, sentence)
    held = matrix[:, place] != 0
    if int(held.sum()) < _LEAST:
        return None
    precise, whole = float(truths[held].mean()), float(held[truths].mean())
    if precise < _COPY or whole < _HALF:
        return None
    sentence = (
        f"Of prefixes with “{name}”, {precise:.1%} come to a breach, and {whole:.0%} of all that do have it."
    )
    return Suspect(name, Leak.LABEL, precise, sentence)


def _time_leak(name: str, matrix: Matrix, place: int, examples: Examples) -> Suspect | None:
    delays, truths = np.array(examples.delays), examples.truth
    held = matrix[:, place] != 0
    if int(held.sum()) < _LEAST or float(truths[held].mean()) < _PURE:
        return None
    at_once = truths & (delays <= AT_ONCE)
    if not at_once.any():
        return None
    of_held = float(at_once[held].mean())
    later = truths & ~at_once
    if of_held < _SHARE or (later.any() and float(held[later].mean()) > 1.0 - _SHARE):
        return None
    sentence = (
        f"“{name}” is there only when a breach follows within a second, in {of_held:.0%} of the prefixes that have it: "
        "it is written by the breach itself."
    )
    return Suspect(name, Leak.TIME, of_held, sentence)
