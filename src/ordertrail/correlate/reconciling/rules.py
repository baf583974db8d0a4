"""The rules: an order as promised, held against the facts that are linked to it. Pure; the moment is handed in.

Each rule looks for one thing, and the most telling one speaks: money that was taken twice is not also told as too much
money. Nothing is told of an order whose facts may still be on their way (:class:`Patience`).

==================================  ===============================================  ====================
discrepancy                         is found where                                   at risk
==================================  ===============================================  ====================
``currency_mismatch``               money was taken in another currency              what was taken
``double_capture``                  the same amount was taken twice and kept         what was too much
``capture_differs``                 what was taken is not the total                  by how much
``capture_unconfirmed``             we count it as paid; the gateway does not        what we count
``captured_after_cancellation``     money of a cancelled order was taken, and kept   what is kept
``cancelled_not_refunded``          money of a cancelled order was not returned      what is kept
``refund_unfounded``                nothing was cancelled, returned or cheaper       what was refunded
``refund_exceeds``                  more was given back than taken                   by how much
``shipped_after_cancellation``      a parcel left after the cancellation             the order's total
``delivered_unpaid``                it arrived, and nothing was taken                the order's total
``dispute_after_delivery``          it arrived, and the money is asked back          what is disputed
``carrier_silence``                 a parcel is not heard of any more                the order's total
``paid_not_shipped``                it was paid long ago, and nothing left           what is kept
==================================  ===============================================  ====================
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ordertrail.correlate.facts import Fact, FactKind
from ordertrail.correlate.matching.cards import parcel_key
from ordertrail.correlate.money import NOTHING, Sums, once, sums_of, taken
from ordertrail.correlate.reconciling.promise import Promise
from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.money import EXPONENTS, Money, format_money


class Kind(StrEnum):
    """What does not agree."""

    CURRENCY_MISMATCH = "currency_mismatch"
    DOUBLE_CAPTURE = "double_capture"
    CAPTURE_DIFFERS = "capture_differs"
    CAPTURE_UNCONFIRMED = "capture_unconfirmed"
    CAPTURED_AFTER_CANCELLATION = "captured_after_cancellation"
    CANCELLED_NOT_REFUNDED = "cancelled_not_refunded"
    REFUND_UNFOUNDED = "refund_unfounded"
    REFUND_EXCEEDS = "refund_exceeds"
    SHIPPED_AFTER_CANCELLATION = "shipped_after_cancellation"
    DELIVERED_UNPAID = "delivered_unpaid"
    DISPUTE_AFTER_DELIVERY = "dispute_after_delivery"
    CARRIER_SILENCE = "carrier_silence"
    PAID_NOT_SHIPPED = "paid_not_shipped"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long facts may be on their way, and how long things may take, before they count as missing."""

    facts: timedelta = timedelta(days=4)
    """For a gateway's or carrier's word to come, by webhook or by the log that is polled."""
    refund: timedelta = timedelta(days=14)
    """For the money of a cancelled order to be given back."""
    silence: timedelta = timedelta(days=10)
    """Between two sightings of a parcel."""
    shipping: timedelta = timedelta(days=21)
    """For what is paid to leave."""
    skew: timedelta = timedelta(minutes=30)
    """By how much clocks of two systems may differ before a sequence between them counts."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Something that does not agree. ``since`` is when it began; ``facts`` are the ids of those that show it."""

    order: str
    tenant: str | None
    kind: Kind
    at_risk: Money | None
    since: str
    detail: str
    facts: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, Kind]:
        """What it is known by: of each kind an order has one at a time."""
        return self.order, self.kind


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule sees: the promise, each fact once by its time, and what they come to."""

    promise: Promise
    facts: tuple[Fact, ...]
    now: datetime
    patience: Patience
    sums: Sums = NOTHING
    """In the order's currency."""
    foreign: Sums = NOTHING
    """In all others together; only whether it is nothing counts."""
    captures: tuple[Fact, ...] = ()
    of_kind: dict[FactKind, list[Fact]] = field(default_factory=dict)
    waiting: bool = False
    """A payment that may be of this order waits for a person."""

    def found(
        self, kind: Kind, amount: int | None, since: str, detail: str, facts: Sequence[Fact] = ()
    ) -> Discrepancy:
        """Return a discrepancy of this case."""
        money = None if amount is None else Money(amount, self.promise.currency)
        ids = tuple(fact.id for fact in facts)
        return Discrepancy(self.promise.order, self.promise.tenant, kind, money, since, detail, ids)

    def worth(self, amount: int) -> str:
        """Return minor units of the order's currency as text; of a currency that nobody knows as they stand."""
        money = Money(amount, self.promise.currency)
        return format_money(money) if money.currency in EXPONENTS else f"{amount} {money.currency}"

    def first(self, *kinds: FactKind) -> Fact | None:
        """Return the earliest fact of some kinds."""
        found = [fact for kind in kinds for fact in self.of_kind.get(kind, ())]
        return min(found, key=lambda fact: fact.time) if found else None

    def waited(self, since: str, patience: timedelta) -> bool:
        """Say whether so long has passed since then."""
        return self.now - parse_time(since) >= patience


def reconcile(
    promise: Promise,
    facts: Sequence[Fact],
    now: datetime,
    patience: Patience | None = None,
    *,
    waiting: bool = False,
) -> tuple[Discrepancy, ...]:
    """Return what does not agree about an order, by kind. Test orders promise nothing.

    ``waiting``: a payment that may be of this order waits for a person, so that nobody can say that none came.
    """
    if promise.test:
        return ()
    each = once(facts)
    by_currency = sums_of(each)
    of_kind: dict[FactKind, list[Fact]] = {}
    for fact in each:
        of_kind.setdefault(fact.kind, []).append(fact)
    foreign = NOTHING
    for currency, sums in by_currency.items():
        if currency != promise.currency:
            foreign += sums
    case = Case(
        promise,
        each,
        now,
        patience or Patience(),
        by_currency.get(promise.currency, NOTHING),
        foreign,
        taken(each),
        of_kind,
        waiting,
    )
    return tuple(found for rule in _RULES for found in rule(case))


def _money_in(case: Case) -> Iterator[Discrepancy]:
    """Money taken: in which currency, how often, how much, and whether the gateway knows of it."""
    promise, sums = case.promise, case.sums
    if case.foreign.captured > 0:
        wrong = [one for one in case.captures if one.amount and one.amount.currency != promise.currency]
        first = wrong[0] if wrong else case.first(FactKind.CAPTURED)
        amount = first.amount if first is not None else None
        since = first.time if first is not None else promise.placed or ""
        told = f"taken in {amount.currency if amount else '?'}, ordered in {promise.currency}"
        found = case.found(Kind.CURRENCY_MISMATCH, None, since, told, wrong)
        yield Discrepancy(found.order, found.tenant, found.kind, amount, since, told, found.facts)
        return
    if promise.total is None or promise.gave_up:
        return
    if sums.captured == 0:
        yield from _unconfirmed(case)
        return
    over = sums.captured - promise.total
    if over == 0 or sums.kept == promise.total:
        return
    twice = _twice(case.captures)
    if over > 0 and twice is not None and sums.kept > promise.total:
        come, total = case.worth(sums.captured), case.worth(promise.total)
        told = f"{len(case.captures)} captures come to {come}, the order to {total}"
        excess = sums.kept - promise.total
        yield case.found(Kind.DOUBLE_CAPTURE, excess, twice.time, told, case.captures)
        return
    last = max((one.time for one in case.of_kind.get(FactKind.CAPTURED, ())), default=promise.placed or "")
    if over < 0 and not case.waited(last, case.patience.facts):
        return
    told = f"{case.worth(sums.captured)} was taken, the order comes to {case.worth(promise.total)}"
    yield case.found(Kind.CAPTURE_DIFFERS, abs(over), last, told, case.captures)


def _unconfirmed(case: Case) -> Iterator[Discrepancy]:
    promise = case.promise
    if promise.said_paid <= 0 or promise.placed is None or promise.pay_later or case.waiting:
        return
    if case.waited(promise.placed, case.patience.facts):
        told = f"{case.worth(promise.said_paid)} counts as taken here, and no gateway says so"
        yield case.found(Kind.CAPTURE_UNCONFIRMED, promise.said_paid, promise.placed, told)


def _twice(captures: Sequence[Fact]) -> Fact | None:
    """Return the second of two captures of one amount."""
    seen: set[Money] = set()
    for one in captures:
        if one.amount is not None:
            if one.amount in seen:
                return one
            seen.add(one.amount)
    return None


def _cancelled(case: Case) -> Iterator[Discrepancy]:
    """Orders that were given up: money taken afterwards, money not given back, parcels that left all the same."""
    promise, sums, skew = case.promise, case.sums, case.patience.skew
    if not promise.gave_up or promise.cancelled is None:
        return
    end = parse_time(promise.cancelled)
    late = [one for one in case.captures if parse_time(one.time) > end + skew]
    if sums.kept > 0 and late:
        told = f"{case.worth(sums.kept)} was taken after the order was cancelled, and kept"
        yield case.found(Kind.CAPTURED_AFTER_CANCELLATION, sums.kept, late[0].time, told, late)
    elif sums.kept > 0 and case.waited(promise.cancelled, case.patience.refund):
        told = f"{case.worth(sums.kept)} of a cancelled order was not given back"
        yield case.found(Kind.CANCELLED_NOT_REFUNDED, sums.kept, promise.cancelled, told, case.captures)
    moved = [
        one
        for one in (*case.of_kind.get(FactKind.IN_TRANSIT, ()), *case.of_kind.get(FactKind.DELIVERED, ()))
        if parse_time(one.time) > end + skew
    ]
    began = case.first(FactKind.IN_TRANSIT, FactKind.DELIVERED)
    if moved and began is not None and parse_time(began.time) > end + skew:
        told = "a parcel left after the order was cancelled"
        yield case.found(Kind.SHIPPED_AFTER_CANCELLATION, promise.total, began.time, told, moved[:3])


def _refunds(case: Case) -> Iterator[Discrepancy]:
    promise, sums = case.promise, case.sums
    first = case.first(FactKind.REFUNDED)
    if first is None or sums.refunded <= 0:
        return
    own = case.of_kind[FactKind.REFUNDED]
    if sums.refunded > sums.captured and case.waited(first.time, case.patience.facts):
        told = f"{case.worth(sums.refunded)} was given back, {case.worth(sums.captured)} was taken"
        yield case.found(Kind.REFUND_EXCEEDS, sums.refunded - sums.captured, first.time, told, own)
    elif promise.total is not None and sums.captured > promise.total and sums.kept >= promise.total:
        return  # what was taken too much was given back
    elif not promise.returnable and sums.refunded <= sums.captured:
        told = f"{case.worth(sums.refunded)} was given back; nothing was cancelled, returned or made cheaper"
        yield case.found(Kind.REFUND_UNFOUNDED, sums.refunded, first.time, told, own)


def _delivered(case: Case) -> Iterator[Discrepancy]:
    promise, sums = case.promise, case.sums
    arrived = case.first(FactKind.DELIVERED)
    if arrived is None:
        return
    unpaid = sums.captured == 0 and case.foreign.captured == 0 and (promise.total or 0) > 0
    expected = promise.said_paid > 0 or promise.pay_later or promise.gave_up or case.waiting
    if unpaid and not expected and case.waited(arrived.time, case.patience.facts):
        told = "it arrived, and nothing was taken for it"
        yield case.found(Kind.DELIVERED_UNPAID, promise.total, arrived.time, told, [arrived])
    disputes = [
        one
        for one in case.of_kind.get(FactKind.DISPUTED, ())
        if parse_time(one.time) > parse_time(arrived.time) - case.patience.skew
    ]
    if disputes and sums.disputed > 0:
        told = f"it arrived on {arrived.time[:10]}, and the money is asked back"
        yield case.found(Kind.DISPUTE_AFTER_DELIVERY, sums.disputed, disputes[0].time, told, disputes)


_ENDED: Final = frozenset({FactKind.DELIVERED, FactKind.RETURNED})


def _carriers(case: Case) -> Iterator[Discrepancy]:
    """Parcels that are not heard of any more, and paid orders that never left."""
    promise = case.promise
    seen: dict[str, list[Fact]] = {}
    for fact in case.facts:
        if fact.kind.of_parcel:
            seen.setdefault(parcel_key(fact.thing).value, []).append(fact)
    silent: list[tuple[str, str]] = [
        (facts[-1].time, number)
        for number, facts in seen.items()
        if not any(fact.kind in _ENDED for fact in facts)
        and any(fact.kind is not FactKind.LABEL_MADE for fact in facts)
        and case.waited(facts[-1].time, case.patience.silence)
    ]
    silent += [
        (parcel.shipped, parcel.number)
        for parcel in promise.parcels
        if parcel.shipped is not None
        and not any(
            fact.kind is not FactKind.LABEL_MADE for fact in seen.get(parcel_key(parcel.number).value, ())
        )
        and case.waited(parcel.shipped, case.patience.silence)
    ]
    if silent:
        since, number = min(silent)
        told = f"of parcel {number} nothing was heard since {since[:10]}"
        yield case.found(Kind.CARRIER_SILENCE, promise.total, since, told, seen.get(number, ())[-1:])
        return
    idle = not seen and not promise.parcels and not promise.shipped and not promise.gave_up
    first = case.first(FactKind.CAPTURED)
    if idle and first is not None and case.sums.kept > 0 and case.waited(first.time, case.patience.shipping):
        told = "it was paid, and nothing left"
        yield case.found(Kind.PAID_NOT_SHIPPED, case.sums.kept, first.time, told, [first])


_RULES: Final[tuple[Callable[[Case], Iterator[Discrepancy]], ...]] = (
    _money_in,
    _cancelled,
    _refunds,
    _delivered,
    _carriers,
)
