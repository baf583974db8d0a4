"""What is kept of an order when its source tells it anew, and what of a late amendment still counts.

A document about the whole order is the whole of what *that document* speaks of. What other documents told (a shipment's
own webhook, a refund's) stays: payments, parcels, returns and references that the new one leaves out are kept, and so
are the extensions where it brings none. Of a source that tells an order's head and its lines apart, the head leaves the
lines and what bringing them costs as they are. Parties, prices and totals are as the new one says.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from ordertrail.intake.amendment import Amendment, Done
from ordertrail.orders.model import Order
from ordertrail.orders.part import Part
from ordertrail.orders.payment import Payment

_Named = TypeVar("_Named", bound=Part)


def restated(known: Order, told: Order) -> Order:
    """Return the order as its source tells it now, at the state in which it is kept."""
    kept = {payment.id: payment for payment in known.payments}
    payments = tuple(_with_kept(payment, kept.get(payment.id)) for payment in told.payments)
    return msgspec.structs.replace(
        told,
        status=known.status,
        held_from=known.held_from,
        placed=told.placed or known.placed,
        accepted=told.accepted or known.accepted,
        original_totals=told.original_totals or known.original_totals,
        lines=told.lines or known.lines,
        shipping=told.shipping if told.lines else told.shipping or known.shipping,
        payments=_kept_too(known.payments, payments, lambda one: one.id),
        fulfilments=_kept_too(known.fulfilments, told.fulfilments, lambda one: one.id),
        returns=_kept_too(known.returns, told.returns, lambda one: one.id),
        references=_union(known.references, told.references),
        extensions=told.extensions or known.extensions,
    )


def _with_kept(payment: Payment, known: Payment | None) -> Payment:
    if known is None or not known.transactions:
        return payment
    transactions = _kept_too(known.transactions, payment.transactions, lambda one: one.id)
    return msgspec.structs.replace(payment, transactions=transactions)


def _kept_too(
    known: Iterable[_Named], told: tuple[_Named, ...], name: Callable[[_Named], str]
) -> tuple[_Named, ...]:
    """Return the old parts, each new one in the place of the old of its name or at the end."""
    by_name = {name(one): one for one in known}
    by_name.update((name(one), one) for one in told)
    return tuple(by_name.values())


def _union(known: tuple[_Named, ...], told: tuple[_Named, ...]) -> tuple[_Named, ...]:
    return known + tuple(one for one in told if one not in known)


def still_new(order: Order, late: Amendment) -> Amendment | None:
    """Return what a late amendment brings that a newer state did not know of; None where that is nothing.

    A payment, a parcel or a return that the order does not have is one that happened, whenever it is told of, and so is
    what a carrier saw. All else of a late amendment is what a newer one has overwritten. The order stays at the newer
    version.
    """
    payments = {payment.id: {one.id for one in payment.transactions} for payment in order.payments}
    parcels = {one.id for one in order.fulfilments}
    returns = {one.id for one in order.returns}
    seen = {parcel.id: parcel.sightings for parcel in order.fulfilments}
    new = Amendment(
        order=late.order,
        channel=late.channel,
        account=late.account,
        payments=tuple(one for one in late.payments if one.id not in payments),
        transactions=tuple(one for one in late.transactions if _is_new(one, payments)),
        fulfilments=tuple(one for one in late.fulfilments if one.id not in parcels),
        sightings=tuple(
            one for one in late.sightings if one.sighting not in seen.get(one.fulfilment, (one.sighting,))
        ),
        returns=tuple(one for one in late.returns if one.id not in returns),
    )
    happened = new.payments or new.transactions or new.fulfilments or new.sightings or new.returns
    return new if happened else None


def _is_new(done: Done, payments: dict[str, set[str]]) -> bool:
    known = payments.get(done.payment)
    return done.begins is not None if known is None else done.transaction.id not in known
