"""Fulfilments of an order of Saleor: parcels, and what came back."""

from ordertrail.intake.document import Node
from ordertrail.intake.parts import (
    present,
    spelled,
)
from ordertrail.orders.fulfilment import Fulfilment, LineShare
from ordertrail.orders.returns import Return, ReturnedLine
from ordertrail.orders.statuses import FulfilmentStatus, ReturnStatus

_PARCEL = {
    "fulfilled": FulfilmentStatus.FULFILLED,
    "canceled": FulfilmentStatus.CANCELLED,
    "waiting_for_approval": FulfilmentStatus.HELD,
    "replaced": FulfilmentStatus.FULFILLED,
    "refunded": FulfilmentStatus.CANCELLED,
}
"""``refunded``: given back before it was sent."""

_BACK = {"returned": ReturnStatus.RECEIVED, "refunded_and_returned": ReturnStatus.REFUNDED}
"""Saleor tells what came back as fulfilments of these statuses."""


def parcel_of(node: Node) -> Fulfilment | None:
    """Return a fulfilment that is none of what came back."""
    if str(node.tree.get("status")).lower() in _BACK:
        return None
    ident, status = node.id("id", required=True), node.word("status", _PARCEL, required=True)
    shares = present(_share(line) for line in node.children("lines"))
    if ident is None or status is None:
        return None
    number = node.id(spelled(node, "tracking_number"))
    return Fulfilment(
        id=ident,
        status=status,
        lines=shares,
        tracking_numbers=() if number is None else (number,),
        shipped=node.time(spelled(node, "shipping_date")) or node.time("created"),
    )


def return_of(node: Node) -> Return | None:
    """Return a fulfilment of what came back."""
    if str(node.tree.get("status")).lower() not in _BACK:
        return None
    ident, status = node.id("id", required=True), node.word("status", _BACK, required=True)
    shares = present(_share(line) for line in node.children("lines"))
    if ident is None or status is None:
        return None
    lines = tuple(ReturnedLine(line=share.line, quantity=share.quantity) for share in shares)
    return Return(id=ident, status=status, lines=lines, received=node.time("created"))


def _share(node: Node) -> LineShare | None:
    """Return how much of which line; a fulfilment's lines have ids of their own and need not name the order's."""
    name = spelled(node, "order_line_id")
    line = node.id(name) if name in node else None
    held = spelled(node, "order_line")
    if line is None and isinstance(node.tree.get(held), dict):
        line = node.child(held).id("id")
    quantity = None if line is None else node.quantity("quantity", required=True)
    return None if line is None or quantity is None else LineShare(line=line, quantity=quantity)
