"""Late and out of order: which of two states of an order its source made later.

Sources differ in what they tell: a counter of the order's own decides where both states have one, else the time of the
last change. Where neither is told by both, nobody knows, and whoever asked must not guess.
"""

from enum import StrEnum

from ordertrail.orders.model import SourceVersion


class Age(StrEnum):
    """How a state that arrives stands to the one that is known."""

    NEWER = "newer"
    SAME = "same"
    OLDER = "older"
    UNKNOWN = "unknown"


def age_of(arriving: SourceVersion | None, known: SourceVersion | None) -> Age:
    """Say how old an arriving state is, seen from the one that is known."""
    if arriving is None or known is None:
        return Age.UNKNOWN
    if arriving.number is not None and known.number is not None:
        return _compare(arriving.number, known.number)
    if arriving.time is not None and known.time is not None:
        # Times have one spelling, in which the order of texts is the order of times.
        return _compare(arriving.time, known.time)
    return Age.UNKNOWN


def _compare(arriving: int | str, known: int | str) -> Age:
    if arriving == known:
        return Age.SAME
    return Age.NEWER if arriving > known else Age.OLDER  # type: ignore[operator]
