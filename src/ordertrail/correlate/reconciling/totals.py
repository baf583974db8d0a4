"""What all of it comes to: money by system, account, currency and day, linked and not, to the cent; and the trend.

The equation that is always checked: what is linked to orders and what is linked to none add up to all that was told.
An order's captures are counted with the order and with the gateway from the same facts, so that both sides agree or the
difference is a link that waits, and has a name.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ordertrail.correlate.facts import Fact, Thing
from ordertrail.correlate.money import NOTHING, Sums, once, sums_of
from ordertrail.correlate.reconciling.rules import Discrepancy, Kind


@dataclass(frozen=True, slots=True)
class Total:
    """What a gateway says of one account in one currency: of payments that are linked to orders, and of others."""

    system: str
    account: str
    currency: str
    linked: Sums
    unlinked: Sums

    @property
    def told(self) -> Sums:
        """All of it: what the provider's own statement of these days must come to."""
        return self.linked + self.unlinked

    def __add__(self, other: "Total") -> "Total":
        return Total(
            self.system,
            self.account,
            self.currency,
            self.linked + other.linked,
            self.unlinked + other.unlinked,
        )


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What a reconciliation came to at a time: orders looked at, discrepancies that turned, and what facts sum to."""

    time: str
    orders: int
    opened: int
    gone: int
    totals: tuple[Total, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """Discrepancies that began on a day of UTC, of one kind; ``at_risk`` by currency, in minor units."""

    day: str
    kind: Kind
    count: int
    at_risk: tuple[tuple[str, int], ...]


def totals_of(facts: Iterable[Fact], linked: Collection[Thing]) -> tuple[Total, ...]:
    """Return what facts come to, by system, account and currency."""
    groups: dict[tuple[str, str, bool], list[Fact]] = defaultdict(list)
    for fact in once(facts):
        groups[fact.system, fact.account, fact.about in linked].append(fact)
    sums: dict[tuple[str, str, str], dict[bool, Sums]] = defaultdict(dict)
    for (system, account, known), own in groups.items():
        for currency, one in sums_of(own).items():
            sums[system, account, currency][known] = one
    return tuple(
        Total(*key, linked=found.get(True, NOTHING), unlinked=found.get(False, NOTHING))
        for key, found in sorted(sums.items())
    )


def trend_of(discrepancies: Sequence[Discrepancy]) -> tuple[Trend, ...]:
    """Return discrepancies by the day on which they began, and by kind."""
    groups: dict[tuple[str, Kind], list[Discrepancy]] = defaultdict(list)
    for one in discrepancies:
        groups[one.since[:10], one.kind].append(one)
    return tuple(Trend(day, kind, len(own), at_risk(own)) for (day, kind), own in sorted(groups.items()))


def at_risk(discrepancies: Iterable[Discrepancy]) -> tuple[tuple[str, int], ...]:
    """Return the money at risk, by currency; of an order of several discrepancies the largest counts."""
    largest: dict[tuple[str, str], int] = {}
    for one in discrepancies:
        if one.at_risk is not None:
            place = (one.order, one.at_risk.currency)
            largest[place] = max(largest.get(place, 0), one.at_risk.amount)
    sums: dict[str, int] = defaultdict(int)
    for (_, currency), amount in largest.items():
        sums[currency] += amount
    return tuple(sorted(sums.items()))
