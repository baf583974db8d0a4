"""Whether a correlation is hot at an event: a pure question about the items in its window.

The window of an item are the items of its group from one span before it up to it, in the sequence of times, and of ids
where times are equal. :func:`judge` says whether the correlation holds there, and which items make it hold. It knows
nothing of the sequence in which items came in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ordertrail.monitor.rules.rule import Correlation, Kind
from ordertrail.monitor.stream.seen import Item
from ordertrail.query.projection import LARGEST


@dataclass(frozen=True, slots=True)
class Hot:
    """A correlation holds: these items make it hold, and this is the number that was measured."""

    items: Sequence[Item]
    measure: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "measure", held(self.measure))


def held(number: int) -> int:
    """Return a number as it is kept: no larger, either way, than a database's integer. A sum may be larger."""
    return max(-LARGEST, min(LARGEST, number))


Judge = Callable[[Sequence[Item]], Hot | None]
"""Judges a window, oldest first, at its last item."""


def judge_of(rule: Correlation) -> Judge:
    """Return what judges the windows of a correlation."""
    match rule.kind:
        case Kind.EVENT_COUNT:
            return lambda window: _counted(rule, window, len(window))
        case Kind.VALUE_COUNT:
            return lambda window: _counted(rule, window, len({item.value for item in window}))
        case Kind.VALUE_SUM:
            return lambda window: _counted(rule, window, sum(item.number or 0 for item in window))
        case Kind.VALUE_AVERAGE:
            return lambda window: _average(rule, window)
        case Kind.TEMPORAL:
            return lambda window: _together(rule, window)
        case Kind.TEMPORAL_ORDERED:
            return lambda window: _in_sequence(rule, window)
        case Kind.FIRST:
            return lambda window: _first(rule, window)


def _counted(rule: Correlation, window: Sequence[Item], number: int) -> Hot | None:
    assert rule.threshold is not None  # noqa: S101 - of each kind that counts
    return Hot(window, number) if rule.threshold.holds(number) else None


def _average(rule: Correlation, window: Sequence[Item]) -> Hot | None:
    assert rule.threshold is not None  # noqa: S101 - as above
    average = Fraction(sum(item.number or 0 for item in window), len(window))
    return Hot(window, int(average)) if rule.threshold.holds(average) else None


def _together(rule: Correlation, window: Sequence[Item]) -> Hot | None:
    assert rule.presence is not None  # noqa: S101 - of each temporal correlation
    legs = {item.leg for item in window}
    present = frozenset(rule.legs[leg].rule for leg in legs)
    return Hot(window, len(legs)) if rule.presence.holds(present) else None


def _in_sequence(rule: Correlation, window: Sequence[Item]) -> Hot | None:
    """Return every item that has a part in a chain of the legs, one after the other, that ends with the window.

    Not one chain alone: which one it were would depend on what has come in so far.
    """
    last = len(rule.legs) - 1
    if window[-1].leg != last:
        return None
    # Forwards: when each leg was reached first. An item has a beginning if the leg before was reached before it.
    reached: list[tuple[int, str] | None] = [None] * (last + 1)
    begun: list[Item] = []
    for item in window:
        before = reached[item.leg - 1] if item.leg else None
        if item.leg == 0 or (before is not None and before < item.moment):
            begun.append(item)
            if reached[item.leg] is None:
                reached[item.leg] = item.moment
    if not begun or begun[-1] is not window[-1]:
        return None
    # Backwards from the end: when each leg was left last. An item has an end if the leg after comes after it.
    left: list[tuple[int, str] | None] = [None] * (last + 1)
    whole: list[Item] = []
    for item in reversed(begun):
        after = left[item.leg + 1] if item.leg < last else None
        if item is window[-1] or (after is not None and after > item.moment):
            whole.append(item)
            if left[item.leg] is None:
                left[item.leg] = item.moment
    return Hot(whole[::-1], len(rule.legs))


def _first(rule: Correlation, window: Sequence[Item]) -> Hot | None:
    assert rule.threshold is not None  # noqa: S101 - of each that looks for what is new
    *before, item = window
    if any(one.value == item.value for one in before) or not rule.threshold.holds(len(before)):
        return None
    return Hot([item], len(before))
