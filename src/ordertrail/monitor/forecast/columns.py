"""Which values a model sees, in which sequence: the feature declaration that stands in its file.

Chosen by what the training orders have: a value that fewer than two orders have, or that is the same in all, tells
nothing. Of too many, those that most orders have stay. A value that an order lacks is 0.
"""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

Packed: TypeAlias = "tuple[array[int], array[float]]"

BASELINE = "baseline"
"""The name of the value that says that the target's base rule held; no model sees it."""

MOST_COLUMNS = 1_000
LEAST_ORDERS = 2


class Examples:
    """Prefixes that a model learns from or is judged by, packed: some 12 bytes for each value of each.

    ``orders``, ``truths``, ``times`` (microseconds, of the prefix's last event), ``known`` (when the truth came to be
    known), ``delays`` (microseconds to the breach, or -1) and ``drawn`` (the order's place in the drawing of samples)
    have one element for each prefix.
    """

    def __init__(self) -> None:
        self.orders: list[int] = []
        self.truths: list[bool] = []
        self.times: list[int] = []
        self.known: list[int] = []
        self.delays: list[int] = []
        self.drawn: list[int] = []
        self._names: dict[str, int] = {}
        self._ids = array("I")
        self._numbers = array("d")
        self._ends = array("Q", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def packed(self, values: Mapping[str, float]) -> Packed:
        """Return a prefix as it waits for its truth."""
        names = self._names
        ids = array("I", [names.setdefault(name, len(names)) for name in values])
        return ids, array("d", values.values())

    def add(  # noqa: PLR0913 - an example has this many parts
        self,
        packed: Packed,
        *,
        order: int,
        time: int,
        truth: bool,
        known: int,
        delay: int = -1,
        drawn: int = 0,
    ) -> None:
        """Add a prefix that was packed by this object."""
        self._ids.extend(packed[0])
        self._numbers.extend(packed[1])
        self._ends.append(len(self._ids))
        self.orders.append(order)
        self.times.append(time)
        self.truths.append(truth)
        self.known.append(known)
        self.delays.append(delay)
        self.drawn.append(drawn)

    def keep(self, below: int) -> None:
        """Let go of the prefixes of orders that were drawn at a number or above it; the sequence stays."""
        kept = [row for row, drawn in enumerate(self.drawn) if drawn < below]
        ids, numbers, ends = self._ids, self._numbers, self._ends
        self._ids, self._numbers, self._ends = array("I"), array("d"), array("Q", [0])
        for row in kept:
            self._ids.extend(ids[ends[row] : ends[row + 1]])
            self._numbers.extend(numbers[ends[row] : ends[row + 1]])
            self._ends.append(len(self._ids))
        for column in (self.orders, self.times, self.known, self.delays, self.drawn):
            column[:] = [column[row] for row in kept]
        self.truths = [self.truths[row] for row in kept]

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Whether each came to a breach."""
        return np.array(self.truths, dtype=bool)

    def names(self) -> Sequence[str]:
        """Return the names of all values, by their numbers."""
        return list(self._names)

    def values(self, row: int) -> dict[str, float]:
        """Return a prefix's values by name."""
        names, start, end = list(self._names), self._ends[row], self._ends[row + 1]
        return {names[self._ids[place]]: self._numbers[place] for place in range(start, end)}

    def matrix(self, columns: "Columns", rows: Sequence[int] | NDArray[np.intp]) -> Matrix:
        """Return some prefixes as rows over columns."""
        chosen = np.asarray(rows, dtype=np.intp)
        place = {name: number for number, name in enumerate(columns.names)}
        column_of = np.array([place.get(name, -1) for name in self._names], dtype=np.int64)
        ends = np.frombuffer(self._ends, dtype=np.uint64).astype(np.int64)
        lengths = ends[chosen + 1] - ends[chosen]
        of_row = np.repeat(np.arange(len(chosen)), lengths)
        within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        places = np.repeat(ends[chosen], lengths) + within
        at = column_of[np.frombuffer(self._ids, dtype=np.uint32)[places]]
        found = np.zeros((len(chosen), len(columns.names)))
        kept = at >= 0
        found[of_row[kept], at[kept]] = np.frombuffer(self._numbers, dtype=np.float64)[places][kept]
        return found

    def holders(self, rows: Sequence[int] | NDArray[np.intp]) -> Counter[str]:
        """Return by name how many orders have a value, other than 0, among some prefixes."""
        names = list(self._names)
        seen: dict[int, set[int]] = {}
        for row in rows:
            of_order = seen.setdefault(self.orders[row], set())
            of_order.update(self._ids[self._ends[row] : self._ends[row + 1]])
        told: Counter[int] = Counter()
        for of_order in seen.values():
            told.update(of_order)
        return Counter({names[number]: count for number, count in told.items()})


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of values, in the sequence of a row's numbers.

    ``ordinary`` is the median of each in orders without a breach.
    """

    names: tuple[str, ...]
    ordinary: tuple[float, ...] = ()

    def rows(self, prefixes: Sequence[Mapping[str, float]]) -> Matrix:
        """Return the values of prefixes as rows."""
        place = self.places()
        found = np.zeros((len(prefixes), len(self.names)))
        for row, values in zip(found, prefixes, strict=True):
            for name, value in values.items():
                at = place.get(name)
                if at is not None:
                    row[at] = value
        return found

    def places(self) -> dict[str, int]:
        """Return where the value of a name stands in a row."""
        return {name: number for number, name in enumerate(self.names)}

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in a model file."""
        return {"names": list(self.names), "ordinary": list(self.ordinary)}


def choose(
    examples: Examples, rows: Sequence[int] | NDArray[np.intp], without: Sequence[str] = ()
) -> Columns:
    """Return the columns that training prefixes give; ``without`` are beginnings of names that are left out."""
    holders = examples.holders(rows)
    left_out = (BASELINE, *without)
    held = [
        name for name, count in holders.items() if count >= LEAST_ORDERS and not name.startswith(left_out)
    ]
    held.sort(key=lambda name: (-holders[name], name))
    columns = Columns(tuple(sorted(held[:MOST_COLUMNS])))
    matrix = examples.matrix(columns, rows)
    varied = np.ptp(matrix, axis=0) > 0
    clear = ~examples.truth[np.asarray(rows, dtype=np.intp)]
    ordinary = np.median(matrix[clear] if clear.any() else matrix, axis=0)
    kept = [number for number, varies in enumerate(varied) if varies]
    return Columns(
        tuple(columns.names[number] for number in kept), tuple(float(ordinary[number]) for number in kept)
    )
