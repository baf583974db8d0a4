"""Orders of the Trading API.

https://developer.ebay.com/devzone/xml/docs/reference/ebay/types/OrderType.html (versions 853 to 1331)

| eBay | here |
|---|---|
| ExtendedOrderID, else OrderID | id; OrderID is the number, both are references |
| OrderStatus, ShippedTime | status: a completed order that was shipped is fulfilled |
| Transaction: OrderLineItemID, TransactionPrice, QuantityPurchased, Variation, Taxes | a line |
| ShippingServiceSelected | shipping |
| Subtotal, Total, AmountPaid, AdjustmentAmount | totals, and a discount or charge |
| MonetaryDetails, else ExternalTransaction | payments and refunds |
| ShipmentTrackingDetails | fulfilments |
| CheckoutStatus.LastModifiedTime | updated, the source's version |

The order's currency is that of its total. ``AmountSaved``, estimates and eBay's own fees are extensions.
"""

from collections.abc import Iterator

from ordertrail.intake.channels.ebay.money import CHANNEL, ROUNDING
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Message
from ordertrail.intake.parts import (
    AddressNames,
    added,
    address_of,
    message_of,
    order_key,
    present,
    said,
    size,
)
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.amounts import Totals
from ordertrail.orders.fulfilment import Fulfilment
from ordertrail.orders.lines import Item, Line, Price, Quantities
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.party import Party
from ordertrail.orders.payment import Payment, Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus

_STATUSES = {
    "Active": OrderStatus.RECEIVED,
    "InProcess": OrderStatus.RECEIVED,
    "Default": OrderStatus.RECEIVED,
    "Authenticated": OrderStatus.RECEIVED,
    "Completed": OrderStatus.ACCEPTED,
    "Shipped": OrderStatus.FULFILLED,
    "CancelPending": OrderStatus.ON_HOLD,
    "Cancelled": OrderStatus.CANCELLED,
    "Inactive": OrderStatus.CANCELLED,
    "Invalid": OrderStatus.REJECTED,
}
"""OrderStatusCodeType. Completed is the checkout's word: paid, and to be shipped."""

_OUTCOMES = {
    "Succeeded": TransactionStatus.SUCCESS,
    "Successful": TransactionStatus.SUCCESS,
    "Paid": TransactionStatus.SUCCESS,
    "Pending": TransactionStatus.PENDING,
    "Failed": TransactionStatus.FAILURE,
}
_PAYMENTS = {
    TransactionStatus.SUCCESS: PaymentStatus.PAID,
    TransactionStatus.PENDING: PaymentStatus.PENDING,
    TransactionStatus.FAILURE: PaymentStatus.FAILED,
}
_ADDRESS = AddressNames(
    street=("Street1", "Street2", "Street3"),
    city="CityName",
    region="StateOrProvince",
    postal_code="PostalCode",
    country="Country",
)


def trading_order(delivery: Delivery, document: Document) -> Message:
    """Read an order."""
    node = document.root
    key = order_key(delivery, node, "ExtendedOrderID" if "ExtendedOrderID" in node else "OrderID")
    return message_of(document, node, _order(delivery, node, key), CHANNEL, key)


def _order(delivery: Delivery, node: Node, key: str | None) -> Order:
    currency = node.child("Total").currency("@currencyID", delivery.source.currency)
    checkout, shipped = node.child("CheckoutStatus"), node.time("ShippedTime")
    status = node.word("OrderStatus", _STATUSES, required=True) or OrderStatus.RECEIVED
    if status is OrderStatus.ACCEPTED and shipped is not None:
        status = OrderStatus.FULFILLED
    updated = checkout.time("LastModifiedTime")
    transactions = node.child("TransactionArray").children("Transaction")
    lines = tuple(_line(one, currency) for one in transactions)
    adjusted = _amount(node, "AdjustmentAmount", currency)
    message = node.text("BuyerCheckoutMessage")
    return Order(
        id=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        tenant=delivery.source.tenant,
        number=node.id("OrderID"),
        status=status,
        currency=currency or "",
        tax_included=False,
        rounding=ROUNDING,
        placed=node.time("CreatedTime"),
        updated=updated,
        cancelled=node.time("CancelCompletedTime"),
        cancel_reason=node.text("CancelReason"),
        source_version=SourceVersion(time=updated) if updated else None,
        buyer=_buyer(node, transactions),
        seller=said(Party(id=node.id("SellerUserID"), email=node.text("SellerEmail"))),
        ship_to=_recipient(node.child("ShippingAddress")),
        lines=lines,
        discounts=_discounts(adjusted),
        charges=(Charge(amount=adjusted, kind="adjustment"),) if adjusted and adjusted.amount > 0 else (),
        shipping=present([_shipping(node.child("ShippingServiceSelected"), currency)]),
        totals=_totals(node, currency),
        payments=tuple(_payments(node, checkout, currency)),
        fulfilments=tuple(_parcels([node, *transactions], shipped)),
        references=_references(node),
        notes=() if message is None else (Note(text=message, author="customer"),),
    )


def _amount(node: Node, name: str, currency: str | None) -> Money | None:
    """Return an amount; one with a currency of its own must be of the order's."""
    if name not in node:
        return None
    return _same_currency(node.child(name), currency).money("#text", currency, required=True)


def _same_currency(one: Node, currency: str | None) -> Node:
    told = one.currency("@currencyID", currency, required=False)
    if told is not None and currency is not None and told != currency:
        one.fault(Code.CONTRADICTION, "@currencyID", f"an amount in {told}, and the order is in {currency}")
    return one


def _discounts(adjusted: Money | None) -> tuple[Discount, ...]:
    if adjusted is None or adjusted.amount >= 0:
        return ()
    return (Discount(amount=Money(-adjusted.amount, adjusted.currency), reason="adjustment"),)


def _totals(node: Node, currency: str | None) -> Totals:
    return Totals(
        lines=_amount(node, "Subtotal", currency),
        grand_total=_amount(node, "Total", currency),
        paid=size(_amount(node, "AmountPaid", currency)),
    )


def _references(node: Node) -> tuple[Reference, ...]:
    sales_record = node.child("ShippingDetails").id("SellingManagerSalesRecordNumber")
    found = {
        ("order", node.id("ExtendedOrderID")): None,
        ("legacy_order" if "ExtendedOrderID" in node else "order", node.id("OrderID")): None,
        ("sales_record", sales_record): None,
    }
    return tuple(Reference(system=CHANNEL, kind=kind, id=one) for kind, one in found if one)


def _buyer(node: Node, transactions: list[Node]) -> Party | None:
    """Return the buyer, who stands in each transaction again."""
    first = transactions[0].child("Buyer") if transactions else node.child("Buyer")
    for other in transactions[1:]:
        other.child("Buyer").repeats(first)
    return said(
        Party(
            id=node.id("BuyerUserID"),
            given_name=first.text("UserFirstName"),
            family_name=first.text("UserLastName"),
            email=first.text("Email"),
        )
    )


def _recipient(node: Node) -> Party | None:
    return said(
        Party(
            name=node.text("Name"),
            organisation=node.text("CompanyName"),
            phone=node.text("Phone"),
            address=address_of(node, _ADDRESS),
        )
    )


def _line(node: Node, currency: str | None) -> Line:
    item, variation = node.child("Item"), node.child("Variation")
    quantity = node.quantity("QuantityPurchased", required=True)
    sku, own = variation.text("SKU"), item.text("SKU")
    if sku is not None and own is not None and sku != own:
        item.unread("SKU")
    gift, message = node.flag("Gift"), node.child("GiftSummary").text("Message")
    return Line(
        id=_line_id(node),
        item=Item(name=item.text("Title"), sku=sku or own, variant=_variant(variation)),
        quantities=Quantities(ordered=quantity or "0"),
        unit="C62",
        unit_price=_price(node, currency),
        taxes=tuple(_taxes(node.child("Taxes"), currency)),
        gift=bool(gift),
        references=_line_references(node, item),
        notes=present([message]),
    )


def _line_id(node: Node) -> str:
    """Return a line's id; older versions leave it out, and it is made as eBay makes it."""
    line = node.id("OrderLineItemID")
    if line is None:
        item = node.child("Item").id("ItemID", required=True)
        line = f"{item}-{node.id('TransactionID', required=True)}"
    return line


def _line_references(node: Node, item: Node) -> tuple[Reference, ...]:
    found = (("item", item.id("ItemID")), ("transaction", node.id("TransactionID")))
    return tuple(Reference(system=CHANNEL, kind=kind, id=one) for kind, one in found if one)


def _price(node: Node, currency: str | None) -> Price | None:
    if "TransactionPrice" not in node:
        return None
    return _same_currency(node.child("TransactionPrice"), currency).price("#text", currency, required=True)


def _variant(node: Node) -> str | None:
    lists = node.child("VariationSpecifics").children("NameValueList")
    found = ", ".join(f"{one.text('Name')}: {', '.join(one.texts('Value'))}" for one in lists)
    title = node.text("VariationTitle")
    if found and title is not None:
        node.unread("VariationTitle")
    return found or title


def _taxes(node: Node, currency: str | None) -> Iterator[Tax]:
    """Yield each tax that is not nothing; the total of them is one where they are not told apart."""
    total = _amount(node, "TotalTaxAmount", currency)
    found = []
    for one in node.children("TaxDetails"):
        amount = _amount(one, "TaxAmount", currency)
        if amount is not None and amount.amount:
            found.append(Tax(amount=amount, name=one.text("TaxDescription") or one.text("Imposition")))
    if not found and total is not None and total.amount:
        found.append(Tax(amount=total))
    elif total != added((tax.amount for tax in found), currency) and total is not None and total.amount:
        node.child("TotalTaxAmount").unread("#text")
    yield from found


def _shipping(node: Node, currency: str | None) -> Shipping | None:
    amount = _amount(node, "ShippingServiceCost", currency)
    name = node.text("ShippingService")
    if amount is None:
        node.unread("ShippingService")
        return None
    return Shipping(id="shipping", amount=amount, code=name)


def _payments(node: Node, checkout: Node, currency: str | None) -> Iterator[Payment]:
    """Yield the payments; refunds are of the first, because eBay does not say of which."""
    details = node.child("MonetaryDetails")
    found = details.child("Payments").children("Payment")
    refunds = tuple(_refunds(details, currency))
    method = checkout.text("PaymentMethod")
    for number, one in enumerate(found, 1):
        status = one.word("PaymentStatus", _OUTCOMES, required=True) or TransactionStatus.PENDING
        amount = _amount(one, "PaymentAmount", currency)
        reference = one.id("ReferenceID")
        sale = Transaction(
            id="sale",
            kind=TransactionKind.SALE,
            status=status,
            amount=amount or Money(0, currency or ""),
            at=one.time("PaymentTime"),
            reference=reference,
        )
        back = refunds if number == 1 else ()
        yield Payment(
            id=str(number),
            status=_stands(status, amount, back),
            method=method,
            reference=reference,
            amount=amount,
            transactions=(*(() if amount is None else (sale,)), *back),
        )
    if not found:
        yield from _unpaid(node, checkout, method, currency)


def _stands(status: TransactionStatus, amount: Money | None, back: tuple[Transaction, ...]) -> PaymentStatus:
    given = sum(one.amount.amount for one in back if one.status is TransactionStatus.SUCCESS)
    if not given or status is not TransactionStatus.SUCCESS:
        return _PAYMENTS[status]
    is_all = amount is not None and given >= amount.amount
    return PaymentStatus.REFUNDED if is_all else PaymentStatus.PARTIALLY_REFUNDED


def _unpaid(node: Node, checkout: Node, method: str | None, currency: str | None) -> Iterator[Payment]:
    """Yield a payment of an order whose money eBay does not detail: by the time it was paid, if it was."""
    paid = node.time("PaidTime")
    if paid is None and method in {None, "None"}:
        checkout.unread("PaymentMethod")
        return
    amount = size(_amount(node, "AmountPaid", currency))
    done = () if paid is None or amount is None else (_whole(amount, paid),)
    status = PaymentStatus.PENDING if paid is None else PaymentStatus.PAID
    yield Payment(id="1", status=status, method=method, transactions=done)


def _whole(amount: Money, at: str) -> Transaction:
    return Transaction(
        id="sale", kind=TransactionKind.SALE, status=TransactionStatus.SUCCESS, amount=amount, at=at
    )


def _refunds(details: Node, currency: str | None) -> Iterator[Transaction]:
    for number, one in enumerate(details.child("Refunds").children("Refund"), 1):
        amount = size(_amount(one, "RefundAmount", currency))
        if amount is None:
            continue
        yield Transaction(
            id=f"refund-{number}",
            kind=TransactionKind.REFUND,
            status=one.word("RefundStatus", _OUTCOMES) or TransactionStatus.SUCCESS,
            amount=amount,
            at=one.time("RefundTime"),
            reference=one.id("ReferenceID"),
        )


def _parcels(nodes: list[Node], shipped: str | None) -> Iterator[Fulfilment]:
    """Yield each parcel once, whether it is told at the order or at its transactions."""
    seen: set[str] = set()
    for node in nodes:
        for one in node.child("ShippingDetails").children("ShipmentTrackingDetails"):
            number = one.id("ShipmentTrackingNumber")
            carrier = one.text("ShippingCarrierUsed")
            if number is None or number in seen:
                continue
            seen.add(number)
            yield Fulfilment(
                id=number,
                status=FulfilmentStatus.FULFILLED,
                carrier=carrier,
                tracking_numbers=(number,),
                shipped=shipped,
            )
    if shipped is not None and not seen:
        yield Fulfilment(id="1", status=FulfilmentStatus.FULFILLED, shipped=shipped)
