"""Which dead letter first: a score of what each may cost, and the reasons of it in words. Pure.

=================  ======  ==============================================================================
money at stake     0-30    ten for each power of ten in major units: 10 EUR 10, 100 EUR 20, 1,000 EUR 30
promised date      0-25    25 where it has passed or is within a day, 15 within three days, 5 within a week
customer           0-15    by the customer's tier, where one is known
shared cause       0-15    three for each doubling of the letters that one fix would bring back
suspension         0-15    the channel stops sending to whom fails too often, and this source is failing
age                0-10    one for each two hours
=================  ======  ==============================================================================

Amounts of several currencies are compared by their own numbers: a rate would be a guess that nobody has checked.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ordertrail.intake.ports import Letter
from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.money import exponent_of, format_money

SUSPENDS: Mapping[str, str] = {
    "bigcommerce": "BigCommerce ends a webhook whose deliveries failed for 48 hours",
    "shopify": "Shopify removes a webhook after 8 failed deliveries within 4 hours",
    "woocommerce": "WooCommerce ends a webhook after 5 failed deliveries in a row",
}
"""Channels that stop sending to whom fails too often, and when (BigCommerce, Shopify, WooCommerce: webhook docs)."""

TIERS: Mapping[str, int] = {
    **dict.fromkeys(("vip", "platinum", "a", "1", "urgent", "critical"), 15),
    **dict.fromkeys(("gold", "b", "2", "high"), 10),
    **dict.fromkeys(("silver", "c", "3"), 5),
}
"""Points of a customer's tier or an order's priority, in lower case; others have none."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Impact:
    """What a letter may cost: points from 0 to 110, and why, the heaviest reason first."""

    letter: Letter
    score: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known beside a letter: how many share each source and cause, and which sources are failing."""

    now: datetime
    sharing: Mapping[tuple[str, str], int]
    failing: frozenset[str] = frozenset()


def rank(letters: Iterable[Letter], around: Surroundings) -> list[Impact]:
    """Return letters by what they may cost, most first; of equals the oldest first."""
    found = [impact_of(letter, around) for letter in letters]
    return sorted(
        found, key=lambda one: (-one.score, one.letter.received, one.letter.delivery, one.letter.number)
    )


def impact_of(letter: Letter, around: Surroundings) -> Impact:
    """Return what one letter may cost."""
    parts = [
        _money(letter),
        _promised(letter, around.now),
        _tier(letter),
        _shared(around.sharing.get((letter.source, letter.cause), 1)),
        _suspension(letter, around),
        _age(letter, around.now),
    ]
    told = sorted((one for one in parts if one[0]), key=lambda one: -one[0])
    return Impact(letter, sum(points for points, _ in told), tuple(reason for _, reason in told))


def _money(letter: Letter) -> tuple[int, str]:
    value = letter.harm.value
    if value is None:
        return 0, ""
    major = abs(value.amount) / 10 ** exponent_of(value.currency)
    return min(30, round(10 * math.log10(max(major, 1)))), f"{format_money(value)} at stake"


def _promised(letter: Letter, now: datetime) -> tuple[int, str]:
    if letter.harm.promised is None:
        return 0, ""
    left = parse_time(letter.harm.promised) - now
    if left <= timedelta(0):
        return 25, f"promised for {letter.harm.promised[:10]}, which has passed"
    points = next((points for days, points in ((1, 25), (3, 15), (7, 5)) if left <= days * _DAY), 0)
    return points, f"promised for {letter.harm.promised[:10]}"


def _tier(letter: Letter) -> tuple[int, str]:
    tier = letter.harm.tier or ""
    return TIERS.get(tier.strip().lower(), 0), f"the customer's tier or the order's priority is {tier}"


def _shared(sharing: int) -> tuple[int, str]:
    return min(15, round(3 * math.log2(max(sharing, 1)))), f"{sharing} letters share its cause"


def _suspension(letter: Letter, around: Surroundings) -> tuple[int, str]:
    risk = SUSPENDS.get(letter.source.partition("/")[0])
    return (15, risk) if risk is not None and letter.source in around.failing else (0, "")


def _age(letter: Letter, now: datetime) -> tuple[int, str]:
    hours = (now - parse_time(letter.received)) / timedelta(hours=1)
    return min(10, max(0, int(hours / 2))), f"came {_hours(hours)} ago"


def _hours(hours: float) -> str:
    return f"{round(hours / 24)} days" if hours >= 48 else f"{round(hours)} hours"
