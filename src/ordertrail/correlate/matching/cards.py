"""What an order, and what a fact, can be recognised by.

Names of orders are compared without their case, the white space around them and a leading number sign: ``#1042`` in a
shop is ``1042`` at its gateway. Tracking numbers are compared without spaces and dashes. Nothing else is made alike:
ids that only look like each other are not the same.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ordertrail.correlate.facts import ORDER, TRACKING, Fact
from ordertrail.correlate.facts import PAYMENT as PAYMENT_LINK
from ordertrail.kernel.money import Money
from ordertrail.orders.ids import parse_order_id
from ordertrail.orders.model import Order

Blind = Callable[[str], str]
"""Makes a token of a personal value, by which equal values are known and nothing else is (a keyed hash)."""

_SPACING: Final = re.compile(r"[\s-]+")


class KeyKind(StrEnum):
    """What kind of id it is. Ids of different kinds are never compared."""

    NAME = "name"
    """What people and systems call the order."""
    PAYMENT = "payment"
    """An id of a payment at a gateway."""
    PARCEL = "parcel"
    """A tracking number."""
    SHIPMENT = "shipment"
    """An id of a shipment at a broker of labels."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """An id, normalised."""

    kind: KeyKind
    value: str


@dataclass(frozen=True, slots=True)
class OrderCard:
    """What is known of an order for matching. ``payer`` is a token of the buyer's address of e-mail."""

    order: str
    tenant: str | None
    keys: frozenset[Key]
    amount: Money | None
    placed: str | None
    payer: str | None = None


def card_of(order: Order, blind: Blind | None = None) -> OrderCard:
    """Return what an order can be recognised by."""
    email = order.buyer.email if order.buyer is not None else None
    return OrderCard(
        order=order.id,
        tenant=order.tenant,
        keys=frozenset(_keys_of_order(order)),
        amount=order.totals.grand_total,
        placed=order.placed,
        payer=payer_token(email, blind),
    )


def keys_of(fact: Fact) -> frozenset[Key]:
    """Return what a fact can be recognised by."""
    return frozenset(_keys_of_fact(fact))


def payer_token(email: str | None, blind: Blind | None) -> str | None:
    """Return the token of an address of e-mail; None where there is none, or no key to make one with."""
    if email is None or blind is None:
        return None
    return blind(email.strip().casefold())


def name_key(text: str) -> Key:
    """Return the key of an order's name."""
    return Key(KeyKind.NAME, text.strip().removeprefix("#").casefold())


def parcel_key(text: str) -> Key:
    """Return the key of a tracking number."""
    return Key(KeyKind.PARCEL, _SPACING.sub("", text).upper())


def _keys_of_order(order: Order) -> Iterator[Key]:
    yield name_key(order.id)
    with suppress(ValueError):
        yield name_key(parse_order_id(order.id)[2])
    if order.number is not None:
        yield name_key(order.number)
    for reference in order.references:
        yield name_key(reference.id)
    for payment in order.payments:
        ids = (payment.reference, *(one.reference for one in payment.transactions))
        ids += tuple(reference.id for reference in payment.references)
        for one in ids:
            if one is not None:
                yield Key(KeyKind.PAYMENT, one)
    for parcel in order.fulfilments:
        for number in parcel.tracking_numbers:
            yield parcel_key(number)
        for reference in parcel.references:
            yield Key(KeyKind.SHIPMENT, reference.id)


def _keys_of_fact(fact: Fact) -> Iterator[Key]:
    yield parcel_key(fact.thing) if fact.kind.of_parcel else Key(KeyKind.PAYMENT, fact.thing)
    for link in fact.links:
        if link.kind == ORDER:
            yield name_key(link.id)
        elif link.kind == PAYMENT_LINK:
            yield Key(KeyKind.PAYMENT, link.id)
        elif link.kind == TRACKING:
            yield parcel_key(link.id)
        else:
            yield Key(KeyKind.SHIPMENT, link.id)
