"""What orders of WooCommerce share with what hangs below them: times, notes, parcels, and what was done with money."""

from datetime import UTC

from ordertrail.intake.document import Node
from ordertrail.intake.parts import (
    present,
    same_time,
)
from ordertrail.kernel.money import Money
from ordertrail.orders.fulfilment import Fulfilment
from ordertrail.orders.payment import Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.statuses import FulfilmentStatus

NAME = "woocommerce"

PAYMENT = "payment"
"""The id of an order's payment: WooCommerce knows one of each order."""


def moment(node: Node, name: str) -> str | None:
    """Return a time, by preference the one in UTC; the other is kept where it does not say the same."""
    at = node.time(f"{name}_gmt", zone=UTC) or node.time(name)
    same_time(node, name, at)
    return at


def reference_of(node: Node, name: str, kind: str) -> Reference | None:
    """Return what a number refers to; 0 refers to nothing."""
    ident = node.id(name)
    return None if ident in {None, "0"} else Reference(system=NAME, kind=kind, id=ident or "")


def note_of(text: str | None, author: str | None, at: str | None) -> Note | None:
    """Return a note, None where it has no text."""
    return None if text is None else Note(text=text, author=author, at=at)


def parcel_of(node: Node) -> Fulfilment | None:
    """Return the parcel that a shipment tracking tells of; it is written when the parcel has left."""
    ident = node.id("tracking_id") or node.id("tracking_number", required=True)
    if ident is None:
        return None
    return Fulfilment(
        id=ident,
        status=FulfilmentStatus.FULFILLED,
        carrier=node.text("tracking_provider") or node.text("custom_tracking_provider"),
        tracking_numbers=present([node.id("tracking_number")]),
    )


def transaction(
    ident: str, kind: TransactionKind, amount: Money | None, at: str | None, reason: str | None
) -> Transaction | None:
    """Return something done with money that succeeded, None without an amount."""
    if amount is None:
        return None
    return Transaction(
        id=ident, kind=kind, status=TransactionStatus.SUCCESS, amount=amount, at=at, reason=reason
    )
