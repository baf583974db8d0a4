"""Parcels and what carriers say of them: Shopify's Fulfillment and FulfillmentEvent.

Source: https://shopify.dev/docs/api/admin-rest/latest/resources/fulfillment and ``fulfillmentevent``. A fulfilment that
succeeded has left; where its carrier is known, ``shipment_status`` says how far it got.
"""

from collections.abc import Iterable, Mapping

from ordertrail.intake.document import Node
from ordertrail.intake.parts import AddressNames, address_of, counted, present, said
from ordertrail.orders.fulfilment import Fulfilment, LineShare, Sighting
from ordertrail.orders.party import Party
from ordertrail.orders.statuses import FulfilmentStatus
from ordertrail.orders.words import CHECKS

_STATUS = {
    "pending": FulfilmentStatus.UNFULFILLED,
    "open": FulfilmentStatus.UNFULFILLED,
    "success": FulfilmentStatus.FULFILLED,
    "cancelled": FulfilmentStatus.CANCELLED,
    "error": FulfilmentStatus.EXCEPTION,
    "failure": FulfilmentStatus.EXCEPTION,
}

SHIPMENT = {
    "label_purchased": FulfilmentStatus.FULFILLED,
    "label_printed": FulfilmentStatus.FULFILLED,
    "confirmed": FulfilmentStatus.FULFILLED,
    "carrier_picked_up": FulfilmentStatus.IN_TRANSIT,
    "in_transit": FulfilmentStatus.IN_TRANSIT,
    "delayed": FulfilmentStatus.EXCEPTION,
    "out_for_delivery": FulfilmentStatus.OUT_FOR_DELIVERY,
    "attempted_delivery": FulfilmentStatus.EXCEPTION,
    "ready_for_pickup": FulfilmentStatus.READY_FOR_PICKUP,
    "picked_up": FulfilmentStatus.DELIVERED,
    "delivered": FulfilmentStatus.DELIVERED,
    "failure": FulfilmentStatus.EXCEPTION,
}
"""Until a carrier has picked it up, a parcel with a label is one that left the shop."""

_GONE = frozenset(FulfilmentStatus) - {
    FulfilmentStatus.UNFULFILLED,
    FulfilmentStatus.CANCELLED,
    FulfilmentStatus.EXCEPTION,
}

_ORIGIN = AddressNames(
    street=("address1", "address2"),
    city="city",
    postal_code="zip",
    country="country_code",
    region_code="province_code",
)


def fulfilment_of(node: Node, lines: Mapping[str, Node]) -> Fulfilment | None:
    """Return a parcel. ``lines`` are the order's by their id, whose words the parcel's own lines repeat."""
    ident = node.id("id", required=True)
    status = node.word("status", _STATUS)
    seen = node.word("shipment_status", SHIPMENT)
    if status is FulfilmentStatus.FULFILLED and seen is not None:
        status = seen
    elif seen is not None:
        node.unread("shipment_status")
    if ident is None:
        return None
    return Fulfilment(
        id=ident,
        status=status or seen or FulfilmentStatus.UNFULFILLED,
        lines=present(_share(one, lines) for one in node.children("line_items")),
        origin=_origin(node),
        carrier=node.text("tracking_company"),
        tracking_numbers=_tracking(node),
        shipped=node.time("created_at"),
    )


def _share(node: Node, lines: Mapping[str, Node]) -> LineShare | None:
    line, quantity = node.id("id", required=True), node.quantity("quantity", required=True)
    if line is None or quantity is None:
        return None
    if line in lines:
        node.repeats(lines[line])
    return LineShare(line=line, quantity=quantity)


def _origin(node: Node) -> Party | None:
    if "origin_address" not in node:
        return None
    return said(Party(address=address_of(node.child("origin_address"), _ORIGIN)))


def _tracking(node: Node) -> tuple[str, ...]:
    """Return the tracking numbers that are ids; what people typed into the field besides stays an extension."""
    numbers = node.texts("tracking_numbers") or present([node.text("tracking_number")])
    if any(CHECKS["id"](number) is not None for number in numbers):
        node.unread("tracking_numbers")
        node.unread("tracking_number")
        return ()
    node.same("tracking_number", *numbers)
    return tuple(dict.fromkeys(numbers))


def sent_quantities(parcels: Iterable[Fulfilment]) -> dict[str, str]:
    """Return how much of each line is in parcels that left."""
    sent: dict[str, str] = {}
    for parcel in parcels:
        if parcel.status in _GONE:
            for share in parcel.lines:
                sent[share.line] = counted(sent.get(share.line), share.quantity) or share.quantity
    return sent


def sighting_of(node: Node) -> Sighting | None:
    """Return what a carrier said of a parcel (FulfillmentEvent)."""
    at = node.time("happened_at") or node.time("created_at", required=True)
    status = node.word("status", SHIPMENT, required=True)
    if at is None or status is None:
        return None
    place = ", ".join(present(node.text(name) for name in ("address1", "zip", "city", "province", "country")))
    return Sighting(
        at=at,
        status=status,
        code=node.text("status"),
        place=place or None,
        detail=node.text("message"),
    )
