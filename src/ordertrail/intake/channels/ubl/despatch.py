"""UBL's DespatchAdvice: what left, in which parcel, for which lines of which order.

Peppol BIS Despatch Advice 3 (T16). A line that names no line of an order (Peppol writes ``NA``) stays an extension.
"""

from typing import Any

from ordertrail.intake.channels.ubl import library
from ordertrail.intake.document import Node
from ordertrail.intake.parts import present
from ordertrail.orders.fulfilment import Fulfilment, LineShare
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import FulfilmentStatus
from ordertrail.orders.words import CHECKS

NOT_KNOWN = "NA"
"""In the place of an id that Peppol's rules demand and nobody knows."""


def ordered_by(node: Node) -> Node:
    """Return the cac:OrderReference of the one order that a despatch advice is of: its lines', or else its own."""
    own = node.first("OrderReference")
    named = [
        line.first("OrderLineReference").first("OrderReference") for line in node.children("DespatchLine")
    ]
    chosen = next((one for one in named if "ID" in one), own)
    order = chosen.id("ID")
    for one in (own, *named):
        if one is not chosen:
            one.same("ID", order)
    return chosen


def despatched(node: Node) -> Fulfilment | None:
    """Return the parcel that a despatch advice tells of."""
    shipment = node.child("Shipment")
    sent, consignment = shipment.child("Delivery"), shipment.first("Consignment")
    carrier = consignment.child("CarrierParty")
    left = sent.child("Despatch")
    number = node.id("ID", required=True)
    ids = (("shipment", shipment.id("ID")), ("consignment", consignment.id("ID")))
    references = (
        Reference(system="carrier", kind=kind, id=one) for kind, one in ids if one not in {None, NOT_KNOWN}
    )
    lines = present(_share(one) for one in node.children("DespatchLine"))
    parts: dict[str, Any] = {
        "origin": library.role(node, "DespatchSupplierParty"),
        "destination": library.role(node, "DeliveryCustomerParty"),
        "carrier": carrier.first("PartyName").text("Name"),
        "tracking_numbers": present((sent.id("TrackingID"),)),
        "sscc": _sscc(node, shipment),
        "shipped": left.moment("ActualDespatchDate", "ActualDespatchTime"),
        "expected": library.period(sent.child("EstimatedDeliveryPeriod")),
        "delivered": sent.moment("ActualDeliveryDate", "ActualDeliveryTime"),
        "references": tuple(references),
    }
    if number is None:
        return None
    return Fulfilment(id=number, status=FulfilmentStatus.FULFILLED, lines=lines, **parts)


def _share(node: Node) -> LineShare | None:
    reference = node.first("OrderLineReference")
    line = reference.id("LineID")
    if line in {None, NOT_KNOWN} or "DeliveredQuantity" not in node:
        reference.unread("LineID")
        return None
    quantity = node.quantity("DeliveredQuantity")
    return None if quantity is None or line is None else LineShare(line=line, quantity=quantity)


def _sscc(node: Node, shipment: Node) -> tuple[str, ...]:
    """Return the SSCCs among the ids of logistic units; others stay extensions."""
    lines = (inner for line in node.children("DespatchLine") for inner in line.children("Shipment"))
    units = [unit for one in (shipment, *lines) for unit in one.children("TransportHandlingUnit")]
    found = []
    for unit in units:
        text = unit.text("ID")
        if text is not None and CHECKS["sscc"](text) is None:
            found.append(text)
        else:
            unit.unread("ID")
    return tuple(dict.fromkeys(found))
