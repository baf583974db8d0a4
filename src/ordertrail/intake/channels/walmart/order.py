"""A purchase order, whichever way and in whichever format it comes.

https://developer.walmart.com/us-marketplace/reference/getanorder

| Walmart | here |
|---|---|
| purchaseOrderId, customerOrderId, originalCustomerOrderID, sellerOrderId | id, number, references |
| orderLineStatuses | status of the order (of all its lines), quantities shipped, delivered and cancelled |
| charge PRODUCT | the line's price, for all of its quantity; taxes beside it are the line's |
| charge SHIPPING | shipping, one for each line |
| other charges; negative ones | the line's charges; its discounts |
| trackingInfo | fulfilments, one for each tracking number |
| refund | refunds of the payment; an amount is given back whatever its sign |
| statusDate, the latest | updated, the source's version |

Prices are without tax, in Mexico with it. Totals stand in ``orderSummary``, in Mexico in ``orderTotal``.
"""

from collections.abc import Iterator

from ordertrail.intake.channels.walmart.lines import UNITS, LineReader, amount_of, nested
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Message
from ordertrail.intake.parts import (
    AddressNames,
    address_of,
    message_of,
    order_key,
    present,
    said,
)
from ordertrail.kernel.money import Money
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.fulfilment import Fulfilment, LineShare
from ordertrail.orders.lines import Period
from ordertrail.orders.model import Order, OrderType, SourceVersion
from ordertrail.orders.party import Party
from ordertrail.orders.payment import Payment
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus

CHANNEL = "walmart"

ROUNDING = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE)
"""Walmart rounds each charge and tax."""

_TAXED = frozenset({"MXN"})
"""The currencies of the marketplaces whose prices are with tax."""

_TYPES = {
    "REGULAR": OrderType.SALE,
    "REPLACEMENT": OrderType.REPLACEMENT,
    "PREORDER": OrderType.SALE,
    "MULTI_CHANNEL_SOLUTIONS": OrderType.SALE,
}
_ADDRESS = AddressNames(
    street=("address1", "address2", "address3", "address4", "address5", "address6"),
    city="city",
    region="state",
    postal_code="postalCode",
    country="country",
)


def read_order(delivery: Delivery, document: Document) -> Message:
    """Read a purchase order."""
    node = document.root
    key = order_key(delivery, node, "purchaseOrderId")
    return message_of(document, node, _order(delivery, node, key), CHANNEL, key)


def _order(delivery: Delivery, node: Node, key: str | None) -> Order:
    found = nested(node, "orderLines", "orderLine")
    currency = _currency(delivery, node, found)
    lines = [LineReader(one, currency) for one in found]
    shipping, summary = node.child("shippingInfo"), node.child("orderSummary")
    updated = max(present(line.at for line in lines), default=None)
    status = order_status([stands for line in lines for stands in line.states])
    grand = _total(summary, currency) or amount_of(node, "orderTotal", currency)
    node.text("@xmlns")
    return Order(
        id=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        tenant=delivery.source.tenant,
        type=_type(node),
        number=node.id("purchaseOrderId"),
        status=status,
        currency=currency or "",
        tax_included=currency in _TAXED,
        rounding=ROUNDING,
        placed=node.time("orderDate"),
        updated=updated,
        cancelled=updated if status is OrderStatus.CANCELLED else None,
        cancel_reason=next(iter(present(line.cancel_reason for line in lines)), None),
        source_version=SourceVersion(time=updated) if updated else None,
        buyer=said(Party(id=node.id("buyerId"), email=node.text("customerEmailId"))),
        bill_to=_recipient(node.child("billingInfo")),
        ship_to=_recipient(shipping),
        requested_delivery=said(Period(end=shipping.time("estimatedDeliveryDate"))),
        priority=shipping.text("methodCode"),
        lines=tuple(line.line for line in lines),
        shipping=present(line.shipping for line in lines),
        totals=Totals(grand_total=grand),
        payments=_payments(node, lines),
        fulfilments=(*_parcels(lines), *_shipments(node, lines)),
        references=_references(node, lines),
    )


def _type(node: Node) -> OrderType | None:
    kind = node.word("orderType", _TYPES)
    if kind is OrderType.SALE:
        node.unread("orderType")
        return None
    return kind


def _currency(delivery: Delivery, node: Node, lines: list[Node]) -> str | None:
    for line in lines:
        amounts = [one.child("chargeAmount") for one in nested(line, "charges", "charge")]
        for amount in (*amounts, line.child("item").child("unitPrice")):
            if "currency" in amount:
                return amount.currency("currency")
    if delivery.source.currency is None:
        message = "no charge says the currency, and the source has none of its own"
        node.fault(Code.MISSING, "orderLines", message)
    return delivery.source.currency


def order_status(lines: list[OrderStatus]) -> OrderStatus:
    """Return where an order stands of where its lines stand; cancelled lines do not hold it back."""
    alive = {one for one in lines if one is not OrderStatus.CANCELLED}
    sent = {OrderStatus.FULFILLED, OrderStatus.COMPLETED}
    if not alive:
        return OrderStatus.CANCELLED if lines else OrderStatus.RECEIVED
    if alive <= sent:
        return OrderStatus.FULFILLED
    if alive & sent:
        return OrderStatus.PARTIALLY_FULFILLED
    return OrderStatus.RECEIVED if OrderStatus.RECEIVED in alive else OrderStatus.ACCEPTED


def _references(node: Node, lines: list[LineReader]) -> tuple[Reference, ...]:
    found = (
        ("purchase_order", node.id("purchaseOrderId")),
        ("customer_order", node.id("customerOrderId")),
        ("replaced_order", node.id("originalCustomerOrderID")),
        *(("seller_order", line.seller_order) for line in lines),
    )
    made = {Reference(system=CHANNEL, kind=kind, id=one): None for kind, one in found if one}
    return tuple(made)


def _recipient(node: Node) -> Party | None:
    address = node.child("postalAddress")
    return said(
        Party(name=address.text("name"), phone=node.text("phone"), address=address_of(address, _ADDRESS))
    )


def _total(summary: Node, currency: str | None) -> Money | None:
    """Return the total of the newer answers; they name its fields in two ways."""
    total = summary.child("totalAmount")
    if "currencyUnit" in total and total.currency("currencyUnit", required=False) != currency:
        total.unread("currencyUnit")
        return None
    return total.money("currencyAmount", currency) or amount_of(summary, "totalAmount", currency)


def _payments(node: Node, lines: list[LineReader]) -> tuple[Payment, ...]:
    """Return the one payment, which Walmart takes: authorized when the order comes, and what was given back of it."""
    methods = ", ".join((*node.texts("paymentTypes"), *node.texts("paymentMethod")))
    refunds = tuple(one for line in lines for one in line.refunds())
    if not methods and not refunds:
        return ()
    given, due = sum(one.amount.amount for one in refunds), sum(line.due() for line in lines)
    status = PaymentStatus.AUTHORIZED
    if refunds:
        status = PaymentStatus.REFUNDED if given >= due else PaymentStatus.PARTIALLY_REFUNDED
    return (Payment(id="1", status=status, method=methods or None, transactions=refunds),)


def _parcels(lines: list[LineReader]) -> Iterator[Fulfilment]:
    """Yield each parcel once with all that is in it."""
    parcels: dict[str, list[tuple[Node, OrderStatus, LineShare]]] = {}
    for line in lines:
        for told in line.parcels:
            number = told[0].id("trackingNumber") or f"line {told[2].line}"
            parcels.setdefault(number, []).append(told)
    for number, shares in parcels.items():
        first, status, _ = shares[0]
        carriers = [_carrier(node) for node, _, _ in shares]
        for node, _, _ in shares[1:]:
            node.repeats(first)
        yield Fulfilment(
            id=number,
            status=_PARCELS.get(status, FulfilmentStatus.UNFULFILLED),
            lines=tuple(share for _, _, share in shares),
            carrier=carriers[0],
            service=first.text("methodCode"),
            tracking_numbers=present([first.id("trackingNumber")]),
            shipped=first.time("shipDateTime"),
        )


_PARCELS = {
    OrderStatus.FULFILLED: FulfilmentStatus.FULFILLED,
    OrderStatus.COMPLETED: FulfilmentStatus.DELIVERED,
    OrderStatus.CANCELLED: FulfilmentStatus.CANCELLED,
}


def _shipments(node: Node, lines: list[LineReader]) -> Iterator[Fulfilment]:
    """Yield the parcels of an order in Mexico, which stand beside its lines."""
    states = {line.id: line.states for line in lines}
    for one in node.children("shipments"):
        shares = tuple(_share(share) for share in one.children("shipmentLines"))
        stands = [state for share in shares for state in states.get(share.line, [])]
        number = one.id("trackingNumber")
        yield Fulfilment(
            id=one.id("shipmentNo", required=True) or "",
            status=_PARCELS.get(order_status(stands), FulfilmentStatus.UNFULFILLED),
            lines=shares,
            carrier=one.text("carrier"),
            tracking_numbers=present([number]),
        )


def _share(node: Node) -> LineShare:
    line = node.id("primeLineNo", required=True)
    quantity = node.child("quantity")
    if "unitOfMeasurement" in quantity and quantity.word("unitOfMeasurement", UNITS) != "EA":
        quantity.unread("unitOfMeasurement")
    return LineShare(line=line or "", quantity=quantity.quantity("amount", required=True) or "0")


def _carrier(node: Node) -> str | None:
    """Return the carrier; one that Walmart does not know stands under another name."""
    name = node.child("carrierName")
    carrier = name.text("carrier")
    return carrier if carrier is not None else name.text("otherCarrier")
