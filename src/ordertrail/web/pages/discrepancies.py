"""What does not agree between orders and what gateways and carriers say: by kind, by day, one by one, and all money.

Money is never added across currencies, and of an order with several discrepancies the largest counts, as
:mod:`ordertrail.correlate.reconciling.totals` says.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from ordertrail.correlate.money import Sums
from ordertrail.correlate.reconciling.exceptions import Exceptional
from ordertrail.correlate.reconciling.rules import Discrepancy, Kind
from ordertrail.correlate.reconciling.totals import Total, at_risk, trend_of
from ordertrail.kernel.numbers import count
from ordertrail.web.pages.addresses import Address, order_href
from ordertrail.web.pages.reading import Moment, Reading

ROWS: Final = 50
"""Discrepancies on a page."""
DAYS: Final = 60
"""Days that the chart shows, up to the last on which something began."""
_WIDE: Final = 1_000.0
_HIGH: Final = 100.0

WORDS: Final = {
    Kind.CURRENCY_MISMATCH: "taken in another currency",
    Kind.DOUBLE_CAPTURE: "taken twice",
    Kind.CAPTURE_DIFFERS: "taken is not the total",
    Kind.CAPTURE_UNCONFIRMED: "no gateway knows of the payment",
    Kind.CAPTURED_AFTER_CANCELLATION: "taken after the cancellation",
    Kind.CANCELLED_NOT_REFUNDED: "cancelled and not given back",
    Kind.REFUND_UNFOUNDED: "given back without a reason",
    Kind.REFUND_EXCEEDS: "more given back than taken",
    Kind.SHIPPED_AFTER_CANCELLATION: "left after the cancellation",
    Kind.DELIVERED_UNPAID: "arrived and not paid",
    Kind.DISPUTE_AFTER_DELIVERY: "arrived and disputed",
    Kind.CARRIER_SILENCE: "the carrier is silent",
    Kind.PAID_NOT_SHIPPED: "paid and not shipped",
}
"""Each kind as its reader calls it."""


@dataclass(frozen=True, slots=True)
class KindRow:
    """A kind of discrepancy: how many are open, and what they put at risk."""

    name: str
    words: str
    number: str
    risk: tuple[str, ...]
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class DiscrepancyRow:
    """A discrepancy that is open."""

    order: str
    href: str
    tenant: str
    kind: str
    words: str
    risk: str
    detail: str
    since: Moment
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DayBar:
    """A day on which discrepancies began that are still open."""

    day: str
    shown: str
    risk: tuple[str, ...]
    href: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class TrendChart:
    """Open discrepancies by the day on which they began; ``earlier`` says how many began before the first."""

    title: str
    bars: tuple[DayBar, ...]
    first: str
    last: str
    earlier: str


@dataclass(frozen=True, slots=True)
class Discrepancies:
    """What is open: by kind, by day, and a page of it one by one. ``said`` tells the filter in words."""

    kinds: tuple[KindRow, ...]
    trend: TrendChart
    said: str
    rows: tuple[DiscrepancyRow, ...]
    note: str
    newer: str
    older: str


@dataclass(frozen=True, slots=True)
class SumRow:
    """Money of an account: of payments that are linked, of others, or all that was told."""

    of: str
    captured: str
    refunded: str
    disputed: str
    kept: str
    whole: bool


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account of a gateway in one currency."""

    name: str
    currency: str
    sums: tuple[SumRow, ...]


def risk_of(discrepancies: Iterable[Discrepancy], reading: Reading) -> tuple[str, ...]:
    """Return the money at risk as it is shown, a text a currency."""
    return tuple(reading.money(amount, currency) for currency, amount in at_risk(discrepancies))


def discrepancies_of(
    open_: Sequence[Exceptional], here: Address, kind: Kind | None, page: int, reading: Reading
) -> Discrepancies:
    """Return what is open as it is shown. The address's ``kind`` and ``day`` narrow what is told one by one."""
    day = here.get("day")
    every = [one.discrepancy for one in open_]
    chosen = [one for one in every if kind in {None, one.kind} and one.since.startswith(day)]
    rows = chosen[(page - 1) * ROWS : page * ROWS]
    more = page * ROWS < len(chosen)
    beyond = f"{(page - 1) * ROWS + 1:,} to {(page - 1) * ROWS + len(rows):,} of {len(chosen):,}"
    return Discrepancies(
        kinds=_kinds(every, here, kind, reading),
        trend=_trend(every, here, reading),
        said=_said(kind, day, len(chosen)),
        rows=tuple(_row(one, reading) for one in rows),
        note=beyond if rows else "",
        newer=str(here.with_(page=str(page - 1))) if page > 1 else "",
        older=str(here.with_(page=str(page + 1))) if more else "",
    )


def accounts_of(totals: Iterable[Total], reading: Reading) -> tuple[AccountRow, ...]:
    """Return what facts come to: of each account what is linked, what is not, and both together."""
    return tuple(
        AccountRow(
            f"{one.system}/{one.account}",
            one.currency,
            (
                _sums("linked to orders", one.linked, one.currency, reading),
                _sums("linked to none", one.unlinked, one.currency, reading),
                _sums("all that was told", one.told, one.currency, reading, whole=True),
            ),
        )
        for one in totals
    )


def _kinds(
    every: Sequence[Discrepancy], here: Address, chosen: Kind | None, reading: Reading
) -> tuple[KindRow, ...]:
    numbers = Counter(one.kind for one in every)
    return tuple(
        KindRow(
            name=str(kind),
            words=WORDS[kind],
            number=f"{number:,}",
            risk=risk_of((one for one in every if one.kind is kind), reading),
            href=f"{here.with_(kind=None if kind is chosen else str(kind), page=None)}#discrepancies",
            chosen=kind is chosen,
        )
        for kind, number in sorted(numbers.items(), key=lambda one: (-one[1], one[0]))
    )


def _said(kind: Kind | None, day: str, number: int) -> str:
    terms = [f"of the kind “{WORDS[kind]}”"] if kind is not None else []
    terms += [f"that began on {day} (UTC)"] if day else []
    return f"{count(number, 'discrepancy', 'discrepancies')} {' '.join(terms)}".strip()


def _trend(every: Sequence[Discrepancy], here: Address, reading: Reading) -> TrendChart:
    by_day: dict[str, list[Discrepancy]] = {}
    for one in every:
        by_day.setdefault(one.since[:10], []).append(one)
    counted = {day: sum(one.count for one in trend_of(own)) for day, own in by_day.items()}
    last = date.fromisoformat(max(by_day)) if by_day else reading.now.date()
    first = last - timedelta(days=DAYS - 1)
    peak, width = max(counted.values(), default=1), _WIDE / DAYS
    bars = []
    for place in range(DAYS):
        day = (first + timedelta(days=place)).isoformat()
        if number := counted.get(day, 0):
            height = max(2.0, number / peak * (_HIGH - 4))
            bars.append(
                DayBar(
                    day=day,
                    shown=f"{number:,}",
                    risk=risk_of(by_day[day], reading),
                    href=f"{here.with_(day=day, page=None)}#discrepancies",
                    x=f"{place * width:.2f}",
                    y=f"{_HIGH - height:.2f}",
                    width=f"{width - 2.0:.2f}",
                    height=f"{height:.2f}",
                )
            )
    before = sum(number for day, number in counted.items() if day < first.isoformat())
    return TrendChart(
        title="Open discrepancies by the day on which they began (UTC)",
        bars=tuple(bars),
        first=first.isoformat(),
        last=last.isoformat(),
        earlier=f"{before:,} began before" if before else "",
    )


def _row(one: Discrepancy, reading: Reading) -> DiscrepancyRow:
    return DiscrepancyRow(
        order=one.order,
        href=order_href(one.order, one.tenant),
        tenant=one.tenant or "",
        kind=str(one.kind),
        words=WORDS[one.kind],
        risk="" if one.at_risk is None else reading.worth(one.at_risk),
        detail=one.detail,
        since=reading.moment(one.since),
        facts=one.facts[:5],
    )


def _sums(of: str, sums: Sums, currency: str, reading: Reading, *, whole: bool = False) -> SumRow:
    return SumRow(
        of,
        reading.money(sums.captured, currency),
        reading.money(sums.refunded, currency),
        reading.money(sums.disputed, currency),
        reading.money(sums.kept, currency),
        whole,
    )
