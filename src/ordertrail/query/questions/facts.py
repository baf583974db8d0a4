"""Facts of the whole trail, from its rollups: who did how much of what, by day; and whose changes moved money."""

from collections.abc import Sequence
from dataclasses import dataclass

from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Counts, DayCount, MoneyMoved, Ranked

__all__ = ["Moved", "Ranked", "by_day", "money_by_actor", "ranking"]


@dataclass(frozen=True, slots=True)
class Moved:
    """What an actor changed money by, up and down, in minor units of a currency."""

    actor: str
    currency: str
    events: int
    raised: int
    lowered: int


def by_day(counts: Counts, filter_: Filter, columns: Sequence[str]) -> tuple[DayCount, ...]:
    """Count events by day and by ``actor``, ``action`` or ``outcome``.

    Raises InputError for a filter that asks for more than the rollups know.
    """
    return tuple(counts.days(filter_, columns))


def ranking(counts: Counts, filter_: Filter, columns: Sequence[str], most: int = 50) -> tuple[Ranked, ...]:
    """Return who, or what, has the most events: ``("actor",)`` of ``action:order.cancel`` are the cancellers.

    Raises InputError for a filter that asks for more than the rollups know.
    """
    return tuple(counts.ranked(filter_, columns, most))


def money_by_actor(counts: Counts, filter_: Filter) -> tuple[Moved, ...]:
    """Return whose changes moved how much money, in each currency; the most first, whichever way."""
    sums: dict[tuple[str, str], MoneyMoved] = {}
    for one in counts.money(filter_):
        key = (one.currency, one.actor)
        last = sums.get(key)
        sums[key] = (
            one
            if last is None
            else MoneyMoved(
                last.day, one.actor, last.action, one.currency,
                last.events + one.events, last.raised + one.raised, last.lowered + one.lowered,
            )
        )  # fmt: skip
    told = [Moved(one.actor, one.currency, one.events, one.raised, one.lowered) for one in sums.values()]
    return tuple(sorted(told, key=lambda one: (one.currency, -(one.raised + one.lowered), one.actor)))
