"""A change of an order, where its source tells the change and not the whole order, and how it is applied.

A webhook about a refund, a UBL OrderChange, an X12 860 and a cancellation say little, and of an order that came before.
What an amendment leaves out stays as it is. Parts that have an id (payments, parcels, returns) are put in the place of
the part of the same id, or added.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.kernel.errors import Problem
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.amounts import Totals
from ordertrail.orders.extensions import Extension
from ordertrail.orders.fulfilment import Fulfilment, Sighting
from ordertrail.orders.lines import Item, Line, Period, Price
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.part import Part
from ordertrail.orders.party import Party
from ordertrail.orders.payment import Payment, Transaction
from ordertrail.orders.problems import part_problems
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.returns import Return
from ordertrail.orders.statuses import OrderStatus
from ordertrail.orders.words import Amount, Id, Time
from ordertrail.record.encoding import encode


class LineChange(Part, frozen=True):
    """What becomes of one line; what is None stays. UBL OrderChange cac:OrderLine; X12 POC."""

    line: Id
    item: Item | None = None
    ordered: Amount | None = None
    accepted: Amount | None = None
    shipped: Amount | None = None
    delivered: Amount | None = None
    returned: Amount | None = None
    cancelled: Amount | None = None
    unit_price: Price | None = None
    amount: Money | None = None
    requested_delivery: Period | None = None
    notes: tuple[str, ...] = ()
    """Added to the line's."""


class Done(Part, frozen=True):
    """Something done with the money of a payment that the order has."""

    payment: Id
    transaction: Transaction
    begins: Payment | None = None
    """The payment as it is where the order has none of this id yet; without it, such a payment is a fault."""


class Seen(Part, frozen=True):
    """Something that a carrier said of a parcel that the order has; the parcel then stands where the latest says."""

    fulfilment: Id
    sighting: Sighting


class Amendment(Part, frozen=True):
    """A change of an order. UBL OrderChange, OrderCancellation, OrderResponse; X12 855, 860, 865."""

    order: Id
    """The order's id, as :func:`ordertrail.orders.ids.order_id` makes it."""
    channel: Id
    account: Id
    version: SourceVersion | None = None
    """Which state of the order its source is telling of."""
    follows: int | None = None
    """The number of the state that must be known before, where the source counts without holes."""
    status: OrderStatus | None = None
    number: Id | None = None
    accepted: Time | None = None
    updated: Time | None = None
    cancelled: Time | None = None
    cancel_reason: str | None = None
    buyer: Party | None = None
    seller: Party | None = None
    bill_to: Party | None = None
    ship_to: Party | None = None
    deliver_to: Party | None = None
    requested_delivery: Period | None = None
    incoterm: str | None = None
    priority: str | None = None
    totals: Totals | None = None
    discounts: tuple[Discount, ...] | None = None
    charges: tuple[Charge, ...] | None = None
    taxes: tuple[Tax, ...] | None = None
    lines: tuple[Line, ...] = ()
    """As they are now, whether the order has them already or not: put in the place of the line of the same id."""
    shipping: tuple[Shipping, ...] = ()
    added_lines: tuple[Line, ...] = ()
    changed_lines: tuple[LineChange, ...] = ()
    removed_lines: tuple[Id, ...] = ()
    payments: tuple[Payment, ...] = ()
    transactions: tuple[Done, ...] = ()
    fulfilments: tuple[Fulfilment, ...] = ()
    sightings: tuple[Seen, ...] = ()
    returns: tuple[Return, ...] = ()
    references: tuple[Reference, ...] = ()
    notes: tuple[Note, ...] = ()
    tags: tuple[str, ...] = ()
    extensions: tuple[Extension, ...] = ()
    """Put in the place of the extension of the same name, or added."""


_REPLACED = (
    *(
        "number",
        "accepted",
        "updated",
        "cancelled",
        "cancel_reason",
        "requested_delivery",
        "incoterm",
        "priority",
    ),
    *("buyer", "seller", "bill_to", "ship_to", "deliver_to", "totals", "discounts", "charges", "taxes"),
)
_COUNTED = ("ordered", "accepted", "shipped", "delivered", "returned", "cancelled")
_PUT = ("item", "unit_price", "amount", "requested_delivery")

_Named = TypeVar("_Named", bound=Part)


def amend(order: Order, amendment: Amendment) -> Order:
    """Return the order as the amendment makes it, but for its status: that goes through the order's lifecycle.

    Raises FaultyError naming every line and payment that the order does not have, and every line that it has already.
    """
    faults = list(_unknown(order, amendment))
    if faults:
        raise FaultyError(faults)
    changes: dict[str, Any] = {
        name: value for name in _REPLACED if (value := getattr(amendment, name)) is not None
    }
    changes["lines"] = _lines(order, amendment)
    changes["shipping"] = _put(order.shipping, amendment.shipping, lambda one: one.id)
    begun = tuple(done.begins for done in amendment.transactions if done.begins is not None)
    known = {payment.id for payment in order.payments}
    new = (*(one for one in begun if one.id not in known), *amendment.payments)
    payments = _put(order.payments, new, lambda one: one.id)
    changes["payments"] = tuple(_with(payment, amendment.transactions) for payment in payments)
    parcels = _put(order.fulfilments, amendment.fulfilments, lambda one: one.id)
    changes["fulfilments"] = tuple(_sighted(parcel, amendment.sightings) for parcel in parcels)
    changes["returns"] = _put(order.returns, amendment.returns, lambda one: one.id)
    changes["extensions"] = _put(order.extensions, amendment.extensions, lambda one: one.name)
    for name in ("references", "notes", "tags"):
        old = getattr(order, name)
        changes[name] = old + tuple(one for one in getattr(amendment, name) if one not in old)
    if amendment.version is not None:
        changes["source_version"] = amendment.version
    return msgspec.structs.replace(order, **changes)


def amendment_problems(amendment: Amendment) -> Iterator[Problem]:
    """Yield what no order could take of an amendment: ids, times, amounts and texts that are none.

    Whether the order that it changes has what it names, :func:`amend` says.
    """
    yield from part_problems(amendment, "")
    try:
        encode(amendment)
    except UnicodeEncodeError:
        yield Problem("", "holds a lone surrogate, which is not Unicode text")


def _unknown(order: Order, amendment: Amendment) -> Iterable[Fault]:
    lines = {line.id for line in order.lines}
    known = lines | {line.id for line in amendment.lines}
    for line in (*(one.line for one in amendment.changed_lines), *amendment.removed_lines):
        if line not in known:
            yield Fault(Code.UNKNOWN_PART, "", f"the order has no line {line} that could be changed")
    for added in amendment.added_lines:
        if added.id in lines:
            yield Fault(
                Code.CONTRADICTION, "", f"the order has a line {added.id} already; it cannot be added"
            )
    payments = {payment.id for payment in (*order.payments, *amendment.payments)}
    for done in amendment.transactions:
        if done.payment not in payments and (done.begins is None or done.begins.id != done.payment):
            yield Fault(Code.UNKNOWN_PART, "", f"the order has no payment {done.payment}")
    parcels = {parcel.id for parcel in (*order.fulfilments, *amendment.fulfilments)}
    for seen in amendment.sightings:
        if seen.fulfilment not in parcels:
            yield Fault(Code.UNKNOWN_PART, "", f"the order has no parcel {seen.fulfilment}")


def _lines(order: Order, amendment: Amendment) -> tuple[Line, ...]:
    changes = {change.line: change for change in amendment.changed_lines}
    gone = set(amendment.removed_lines)
    kept = [
        _changed(line, changes[line.id]) if line.id in changes else line
        for line in _put(order.lines, amendment.lines, lambda one: one.id)
        if line.id not in gone
    ]
    return (*kept, *amendment.added_lines)


def _changed(line: Line, change: LineChange) -> Line:
    quantities = {name: value for name in _COUNTED if (value := getattr(change, name)) is not None}
    put = {name: value for name in _PUT if (value := getattr(change, name)) is not None}
    return msgspec.structs.replace(
        line,
        quantities=msgspec.structs.replace(line.quantities, **quantities),
        notes=line.notes + change.notes,
        **put,
    )


def _with(payment: Payment, transactions: tuple[Done, ...]) -> Payment:
    new = tuple(done.transaction for done in transactions if done.payment == payment.id)
    if not new:
        return payment
    put = _put(payment.transactions, new, lambda one: one.id)
    return msgspec.structs.replace(payment, transactions=put)


def _sighted(parcel: Fulfilment, sightings: tuple[Seen, ...]) -> Fulfilment:
    new = [seen.sighting for seen in sightings if seen.fulfilment == parcel.id]
    new = [one for one in new if one not in parcel.sightings]
    if not new:
        return parcel
    known = sorted((*parcel.sightings, *new), key=lambda one: one.at)
    latest = known[-1].status if known[-1] in new else parcel.status
    return msgspec.structs.replace(parcel, sightings=tuple(known), status=latest)


def _put(
    old: tuple[_Named, ...], new: tuple[_Named, ...], name: Callable[[_Named], str]
) -> tuple[_Named, ...]:
    """Return the old parts, each new one in the place of the old of its name or at the end."""
    by_name = {name(one): one for one in old}
    by_name.update((name(one), one) for one in new)
    return tuple(by_name.values())
