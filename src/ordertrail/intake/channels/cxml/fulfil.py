"""cXML's answers to an order (Fulfill.dtd): confirmations and ship notices.

==================================  ========================================================================
ConfirmationHeader/@type            accept, except: accepted; reject: rejected; detail, allDetail, backordered,
                                    requestToPay: nothing of the order as a whole
ConfirmationStatus/@type            accept, detail, allDetail: so much is accepted; reject, backordered: it is not
ShipNoticeHeader                    a parcel: shipmentID, shipmentDate, deliveryDate
ShipControl                         carrier and tracking numbers
ShipNoticeItem                      what is in it, by @lineNumber
@operation delete                   takes back what an earlier notice said: the parcel is cancelled
==================================  ========================================================================
"""

from decimal import Decimal
from typing import Any

from ordertrail.intake.amendment import LineChange
from ordertrail.intake.channels.cxml import library as common
from ordertrail.intake.document import Node
from ordertrail.intake.parts import present
from ordertrail.orders.decimals import format_decimal
from ordertrail.orders.fulfilment import Fulfilment, LineShare
from ordertrail.orders.lines import Period
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus

CONFIRMATIONS = {
    "accept": OrderStatus.ACCEPTED,
    "except": OrderStatus.ACCEPTED,
    "reject": OrderStatus.REJECTED,
    "detail": None,
    "alldetail": None,
    "backordered": None,
    "requesttopay": None,
}
OPERATIONS = {"new": "new", "update": "update", "delete": "delete"}
TAKEN = frozenset({"accept", "detail", "allDetail"})
"""ConfirmationStatus/@type by which a line's quantity is promised."""
REFUSED = frozenset({"reject", "backordered"})


def confirmed(node: Node, default: str | None) -> tuple[Node, dict[str, Any]]:
    """Return which order a ConfirmationRequest names, and what it changes of it, by an amendment's fields."""
    header = node.child("ConfirmationHeader")
    named = _ordered_by(node)
    operation = header.word("@operation", OPERATIONS) or "new"
    status = header.word("@type", CONFIRMATIONS, required=True)
    at = header.time("@noticeDate")
    items = node.children("ConfirmationItem") if operation != "delete" else []
    if operation == "delete":
        header.unread("@type")
        status = None
    parts = {
        "status": status,
        "accepted": at if status is OrderStatus.ACCEPTED else None,
        "updated": at,
        "changed_lines": present(_confirmed_line(one, default) for one in items),
        "references": common.named(
            ("seller", "confirmation", header.id("@confirmID")),
            ("seller", "invoice", header.id("@invoiceID")),
        ),
        "notes": common.notes(header),
    }
    return named, parts


def _ordered_by(node: Node) -> Node:
    """Return what names the order: OrderReference, or OrderIDInfo for a document that is not on the network."""
    return node.child("OrderIDInfo" if "OrderIDInfo" in node else "OrderReference")


def _confirmed_line(node: Node, default: str | None) -> LineChange | None:
    number = node.id("@lineNumber", required=True)
    accepted, known, price, texts = Decimal(0), False, None, list[str]()
    for one in node.children("ConfirmationStatus"):
        kind = one.text("@type", required=True)
        if kind not in TAKEN | REFUSED:
            one.unread("@type")
            continue
        known = True
        texts += common.comments(one)
        if kind in TAKEN:
            accepted += Decimal(one.quantity("@quantity", required=True) or "0")
            if price is None:
                price = common.unit_price(one, default)
    if number is None:
        return None
    promised = format_decimal(accepted) if known else None
    return LineChange(line=number, accepted=promised, unit_price=price, notes=tuple(texts))


def shipped(node: Node) -> tuple[Node, dict[str, Any]]:
    """Return which order a ShipNoticeRequest of one portion names, and what it changes of it."""
    header, portion = node.child("ShipNoticeHeader"), node.child("ShipNoticePortion")
    operation = header.word("@operation", OPERATIONS) or "new"
    number = header.id("@shipmentID", required=True)
    lines = present(_share(one) for one in portion.children("ShipNoticeItem"))
    controls = node.children("ShipControl")
    carriers = [one for control in controls for one in control.children("CarrierIdentifier")]
    carrier = next((one for one in carriers if one.tree.get("@domain") == "companyName"), None) or next(
        iter(carriers), None
    )
    tracking = (one.id("#text") for control in controls for one in control.children("ShipmentIdentifier"))
    contacts = {one.tree.get("@role"): one for one in reversed(header.children("Contact"))}
    due = header.time("@deliveryDate")
    parcel: dict[str, Any] = {
        "status": FulfilmentStatus.CANCELLED if operation == "delete" else FulfilmentStatus.FULFILLED,
        "lines": lines,
        "origin": _contact(contacts.get("shipFrom")),
        "destination": _contact(contacts.get("shipTo")),
        "carrier": None if carrier is None else carrier.text("#text"),
        "service": header.first("ServiceLevel").text("#text"),
        "tracking_numbers": tuple(dict.fromkeys(present(tracking))),
        "shipped": header.time("@shipmentDate"),
        "expected": None if due is None else Period(end=due),
    }
    parts = {
        "updated": header.time("@noticeDate"),
        "fulfilments": () if number is None else (Fulfilment(id=number, **parcel),),
        "notes": common.notes(header) + common.notes(portion),
    }
    return _ordered_by(portion), parts


def _contact(node: Node | None) -> Any:
    if node is None:
        return None
    node.text("@role")
    return common.party(node)


def _share(node: Node) -> LineShare | None:
    line, quantity = node.id("@lineNumber"), node.quantity("@quantity", required=True)
    return None if line is None or quantity is None else LineShare(line=line, quantity=quantity)
