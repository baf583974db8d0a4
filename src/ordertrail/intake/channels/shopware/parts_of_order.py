"""Line items, deliveries, transactions and addresses: parts of an order, and answers of their own.

https://shopware.stoplight.io/docs/admin-api: schemas OrderLineItem, OrderDelivery, OrderTransaction, OrderAddress
"""

from collections.abc import Iterator

from msgspec.structs import replace

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Message
from ordertrail.intake.parts import AddressNames, address_of, country_of, message_of, present, said, size
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Tax
from ordertrail.orders.fulfilment import Fulfilment, LineShare
from ordertrail.orders.ids import order_id
from ordertrail.orders.lines import Item, Line, Quantities
from ordertrail.orders.party import Address, Party, TaxNumber
from ordertrail.orders.payment import Payment, Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import FulfilmentStatus, PaymentStatus

CHANNEL = "shopware"

_DELIVERIES = {
    "open": FulfilmentStatus.UNFULFILLED,
    "shipped": FulfilmentStatus.FULFILLED,
    "shipped_partially": FulfilmentStatus.PARTIAL,
    "returned": FulfilmentStatus.RETURNED_TO_SENDER,
    "returned_partially": FulfilmentStatus.FULFILLED,
    "cancelled": FulfilmentStatus.CANCELLED,
}
_TRANSACTIONS = {
    "open": PaymentStatus.PENDING,
    "in_progress": PaymentStatus.PENDING,
    "unconfirmed": PaymentStatus.PENDING,
    "reminded": PaymentStatus.PENDING,
    "authorized": PaymentStatus.AUTHORIZED,
    "paid": PaymentStatus.PAID,
    "paid_partially": PaymentStatus.PARTIALLY_PAID,
    "refunded": PaymentStatus.REFUNDED,
    "refunded_partially": PaymentStatus.PARTIALLY_REFUNDED,
    "cancelled": PaymentStatus.VOIDED,
    "failed": PaymentStatus.FAILED,
    "chargeback": PaymentStatus.CHARGED_BACK,
}
_CAPTURES = {
    "pending": TransactionStatus.PENDING,
    "open": TransactionStatus.PENDING,
    "in_progress": TransactionStatus.PENDING,
    "completed": TransactionStatus.SUCCESS,
    "failed": TransactionStatus.FAILURE,
    "cancelled": TransactionStatus.FAILURE,
}
_ADDRESS = AddressNames(
    street=("street", "additionalAddressLine1", "additionalAddressLine2"),
    city="city",
    postal_code="zipcode",
    country="countryIso",
)


def line(item: Node, currency: str | None, *, included: bool, known: frozenset[str]) -> Line:
    """Return a line. What stands in its price again is not told twice; a parent that is not known is kept."""
    price, payload = item.child("price"), item.child("payload")
    amount = item.rounded("totalPrice", currency)
    price.same("totalPrice", amount)
    price.same("quantity", item.text("quantity"))
    price.same("unitPrice", item.text("unitPrice"))
    holder = item if "unitPrice" in item else price
    listed = price.child("listPrice")
    options = (
        ": ".join(present([one.text("group"), one.text("option")])) for one in payload.children("options")
    )
    return Line(
        id=item.id("id", required=True) or "",
        number=item.id("position"),
        parent=_parent(item, known),
        item=Item(
            name=item.text("label") or item.text("description"),
            sku=payload.text("productNumber"),
            variant=", ".join(options) or None,
            manufacturer_item=payload.text("manufacturerNumber"),
        ),
        quantities=Quantities(ordered=item.quantity("quantity", required=True) or "0"),
        unit="C62",
        unit_price=holder.price("unitPrice", currency),
        list_price=listed.price("price", currency),
        amount=amount,
        taxes=tuple(taxes_of(price, currency, amount if included else None)),
        references=_reference("product", item.id("productId")),
    )


def ids_of(items: list[Node]) -> frozenset[str]:
    """Return the ids of lines that stand together."""
    return frozenset(str(item.tree.get("id")) for item in items)


def _parent(item: Node, known: frozenset[str]) -> str | None:
    parent = item.id("parentId")
    if parent in known:
        return parent
    item.unread("parentId")
    return None


def taxes_of(price: Node, currency: str | None, gross: Money | None) -> Iterator[Tax]:
    """Yield the taxes of a price; what each is computed of is with tax where prices are, and then only repeats."""
    for one in price.children("calculatedTaxes"):
        amount = one.rounded("tax", currency, required=True)
        rate = one.decimal("taxRate")
        one.same("price", gross)
        if amount is not None:
            yield Tax(amount=amount, rate=rate)


def _reference(kind: str, number: str | None) -> tuple[Reference, ...]:
    return () if number is None else (Reference(system=CHANNEL, kind=kind, id=number),)


def address(node: Node) -> Party | None:
    """Return who is at an address; its country and state are associations."""
    vat, state = node.id("vatId"), node.child("countryState")
    place = replace(
        address_of(node, _ADDRESS) or Address(),
        country=country_of(node.child("country"), "iso"),
        region=state.text("name"),
        region_code=state.text("shortCode"),
    )
    return said(
        Party(
            given_name=node.text("firstName"),
            family_name=node.text("lastName"),
            organisation=node.text("company"),
            phone=node.text("phoneNumber"),
            tax_numbers=() if vat is None else (TaxNumber(scheme="VAT", id=vat),),
            address=said(place),
        )
    )


def fulfilment(node: Node) -> Fulfilment:
    """Return a delivery."""
    status = node.child("stateMachineState").word("technicalName", _DELIVERIES)
    method = node.child("shippingMethod").text("name")
    return Fulfilment(
        id=node.id("id", required=True) or "",
        status=status or FulfilmentStatus.UNFULFILLED,
        lines=tuple(_share(one) for one in node.children("positions")),
        service=method,
        tracking_numbers=tuple(dict.fromkeys(node.texts("trackingCodes"))),
    )


def _share(node: Node) -> LineShare:
    """Return how much of a line a delivery has; the position's own price says it in older versions."""
    holder = node if "quantity" in node else node.child("price")
    line_id = node.id("orderLineItemId", required=True)
    return LineShare(line=line_id or "", quantity=holder.quantity("quantity") or "1")


def payment(node: Node, currency: str | None) -> Payment:
    """Return a transaction of Shopware's, which is a payment with captures and refunds."""
    status = node.child("stateMachineState").word("technicalName", _TRANSACTIONS, required=True)
    method = node.child("paymentMethod")
    done = (one for capture in node.children("captures") for one in _captured(capture, currency))
    return Payment(
        id=node.id("id", required=True) or "",
        status=status or PaymentStatus.PENDING,
        method=method.text("name") or node.text("paymentMethodId"),
        gateway=method.id("technicalName"),
        amount=node.child("amount").rounded("totalPrice", currency),
        transactions=tuple(done),
    )


def _captured(capture: Node, currency: str | None) -> Iterator[Transaction]:
    yield from _done(capture, TransactionKind.CAPTURE, currency, None)
    for refund in capture.children("refunds"):
        yield from _done(refund, TransactionKind.REFUND, currency, capture.id("id"))


def _done(
    node: Node, kind: TransactionKind, currency: str | None, parent: str | None
) -> Iterator[Transaction]:
    amount = size(node.child("amount").rounded("totalPrice", currency, required=True))
    status = node.child("stateMachineState").word("technicalName", _CAPTURES, required=True)
    if amount is not None:
        yield Transaction(
            id=node.id("id", required=True) or "",
            kind=kind,
            status=status or TransactionStatus.PENDING,
            amount=amount,
            at=node.time("createdAt"),
            reference=node.id("externalReference"),
            parent=parent,
            reason=node.text("reason"),
        )


def line_items(delivery: Delivery, document: Document, order: str | None) -> Message:
    """Read the lines of one order."""
    node, key, found = _parts(delivery, document, order)
    currency = _own_currency(delivery, node)
    known = ids_of(found)
    amendment = replace(
        _amendment(delivery, key),
        lines=tuple(line(one, currency, included=True, known=known) for one in found),
    )
    return message_of(document, node, amendment, CHANNEL, key)


def deliveries(delivery: Delivery, document: Document, order: str | None) -> Message:
    """Read the deliveries of one order."""
    node, key, found = _parts(delivery, document, order)
    party = address(found[0].child("shippingOrderAddress")) if found else None
    amendment = replace(
        _amendment(delivery, key), fulfilments=tuple(fulfilment(one) for one in found), ship_to=party
    )
    return message_of(document, node, amendment, CHANNEL, key)


def transactions(delivery: Delivery, document: Document, order: str | None) -> Message:
    """Read the payments of one order."""
    node, key, found = _parts(delivery, document, order)
    currency = _own_currency(delivery, node)
    amendment = replace(_amendment(delivery, key), payments=tuple(payment(one, currency) for one in found))
    return message_of(document, node, amendment, CHANNEL, key)


def _amendment(delivery: Delivery, key: str | None) -> Amendment:
    return Amendment(order=key or "", channel=delivery.source.channel, account=delivery.source.account)


def _own_currency(delivery: Delivery, node: Node) -> str | None:
    if delivery.source.currency is None:
        message = "parts of an order carry no currency, and the source has none of its own"
        node.fault(Code.MISSING, "currency", message)
    return delivery.source.currency


def _parts(delivery: Delivery, document: Document, order: str | None) -> tuple[Node, str | None, list[Node]]:
    """Return the node of the whole answer, our id of the one order that it is about, and its parts."""
    node = document.root
    found = node.children("data")
    named = {one.id("orderId") for one in found} - {None}
    named |= {order} - {None}
    if not named:
        node.fault(Code.MISSING, "data", "neither a part nor the delivery's name says of which order it is")
        return node, None, found
    if len(named) > 1:
        node.fault(Code.CONTRADICTION, "data", "the parts are of more than one order")
    try:
        key = order_id(delivery.source.channel, delivery.source.account, min(map(str, named)))
    except ValueError as error:
        node.fault(Code.MALFORMED, "data", str(error))
        return node, None, found
    return node, key, found
