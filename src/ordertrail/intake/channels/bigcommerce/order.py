"""BigCommerce's V2 order as a canonical order."""

from collections.abc import Iterator

from ordertrail.intake.channels.bigcommerce.lines import NAME, line_of, reference_of, repeated, taxes_of
from ordertrail.intake.delivery import Source
from ordertrail.intake.document import Node
from ordertrail.intake.parts import (
    NOTHING,
    AddressNames,
    added,
    address_of,
    discount_of,
    present,
    said,
    status_words,
)
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Discount, Shipping
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.party import Party
from ordertrail.orders.payment import Payment
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.statuses import OrderStatus, PaymentStatus

_ROUNDING = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE)

_STATUSES = (
    ("0", "Incomplete", OrderStatus.RECEIVED),
    ("1", "Pending", OrderStatus.RECEIVED),
    ("2", "Shipped", OrderStatus.FULFILLED),
    ("3", "Partially Shipped", OrderStatus.PARTIALLY_FULFILLED),
    ("4", "Refunded", OrderStatus.COMPLETED),
    ("5", "Cancelled", OrderStatus.CANCELLED),
    ("6", "Declined", OrderStatus.REJECTED),
    ("7", "Awaiting Payment", OrderStatus.VALIDATED),
    ("8", "Awaiting Pickup", OrderStatus.PROCESSING),
    ("9", "Awaiting Shipment", OrderStatus.PROCESSING),
    ("10", "Completed", OrderStatus.COMPLETED),
    ("11", "Awaiting Fulfillment", OrderStatus.ACCEPTED),
    ("12", "Manual Verification Required", OrderStatus.ON_HOLD),
    ("13", "Disputed", OrderStatus.ON_HOLD),
    ("14", "Partially Refunded", OrderStatus.COMPLETED),
)
"""Number, name and meaning; what was refunded or disputed, payments tell. GET /v2/order_statuses"""

STATUS = {number: meaning for number, _, meaning in _STATUSES}
_BY_NAME = {name.lower(): meaning for _, name, meaning in _STATUSES}
_NAMES = {number: name for number, name, _ in _STATUSES}
_DISPUTED = "13"

_PAYMENT = {
    "authorized": PaymentStatus.AUTHORIZED,
    "capture pending": PaymentStatus.AUTHORIZED,
    "captured": PaymentStatus.PAID,
    "paid": PaymentStatus.PAID,
    "pending": PaymentStatus.PENDING,
    "held for review": PaymentStatus.PENDING,
    "declined": PaymentStatus.FAILED,
    "partially refunded": PaymentStatus.PARTIALLY_REFUNDED,
    "refunded": PaymentStatus.REFUNDED,
    "void": PaymentStatus.VOIDED,
    "void pending": PaymentStatus.AUTHORIZED,
}

PAYMENT = "payment"
"""The id of the payment that is neither store credit nor a gift certificate."""

OTHER_MEANS = {"store_credit": "store_credit_amount", "gift_certificate": "gift_certificate_amount"}
"""Payments that BigCommerce handles itself, and the fields of their amounts."""

ADDRESS = AddressNames(
    street=("street_1", "street_2"), city="city", postal_code="zip", country="country_iso2", region="state"
)


def read_order(root: Node, source: Source, key: str | None) -> Order:
    """Return the order that a document tells of; ``key`` is our id of it.

    It is worth nothing where the document has a fault by then, and :func:`message_of` drops it.
    """
    status = status_of(root, source)
    currency = _currency(root, source)
    products, addresses = _products(root), _addresses(root)
    lines = present(line_of(node, currency) for node in products)
    charges = tuple(_charges(root, currency))
    shipping = present([_shipping(root, currency)])
    discounts = tuple(_discounts(root, currency))
    taxes = () if lines else taxes_of(root, "subtotal_tax", currency)
    updated = root.time("date_modified")
    totals = _totals(root, currency)
    if lines:
        root.same("subtotal_tax", added((tax.amount for line in lines for tax in line.taxes), currency))
    return Order(
        id=key or NOTHING,
        channel=source.channel,
        account=source.account,
        tenant=source.tenant,
        site=root.id("channel_id"),
        status=status or OrderStatus.RECEIVED,
        currency=currency or NOTHING,
        tax_included=False,
        rounding=_ROUNDING,
        lines=lines,
        totals=totals,
        placed=root.time("date_created"),
        updated=updated,
        source_version=None if updated is None else SourceVersion(time=updated),
        buyer=_buyer(root),
        bill_to=None if "billing_address" not in root else party_of(root.child("billing_address")),
        ship_to=party_of(addresses[0]) if addresses else None,
        discounts=discounts,
        charges=charges,
        shipping=shipping,
        taxes=taxes,
        payments=tuple(_payments(root, currency)),
        references=tuple(_references(root)),
        notes=tuple(_notes(root)),
    )


def status_of(root: Node, source: Source) -> OrderStatus | None:
    """Return where an order stands; an archived one is called deleted."""
    number = root.text("status_id")
    if number is None:
        status = root.word("status", status_words(source, _BY_NAME), required=True)
    else:
        status = root.word("status_id", status_words(source, STATUS))
        root.same("status", _NAMES.get(number))
    root.same("custom_status", str(root.tree.get("status")))
    return OrderStatus.ARCHIVED if root.flag("is_deleted") is True else status


def _currency(root: Node, source: Source) -> str | None:
    """Return what the shopper pays in; what prices were shown in stays an extension where it is another."""
    paid = root.currency("default_currency_code", None, required=False)
    if paid is None:
        return root.currency("currency_code", source.currency)
    root.same("currency_code", paid)
    return paid


def _products(root: Node) -> list[Node]:
    """Return the products that the answer holds; it may hold links to them only."""
    if isinstance(root.tree.get("products"), list):
        return root.children("products")
    return [
        node
        for consignment in _consignments(root)
        if isinstance(consignment.tree.get("line_items"), list)
        for node in consignment.children("line_items")
    ]


def _consignments(root: Node) -> list[Node]:
    held = root.tree.get("consignments")
    if not isinstance(held, dict) or not isinstance(held.get("shipping"), list):
        return []
    return root.child("consignments").children("shipping")


def _addresses(root: Node) -> list[Node]:
    if isinstance(root.tree.get("shipping_addresses"), list):
        return root.children("shipping_addresses")
    return _consignments(root)


def _shipping(root: Node, currency: str | None) -> Shipping | None:
    amount = root.rounded("shipping_cost_ex_tax", currency)
    taxes = taxes_of(root, "shipping_cost_tax", currency)
    repeated(root, "shipping_cost", amount, taxes)
    if amount is None:
        return None
    return Shipping(id="shipping", amount=amount, taxes=taxes)


def _charges(root: Node, currency: str | None) -> Iterator[Charge]:
    for kind in ("handling", "wrapping"):
        amount = root.rounded(f"{kind}_cost_ex_tax", currency)
        taxes = taxes_of(root, f"{kind}_cost_tax", currency)
        repeated(root, f"{kind}_cost", amount, taxes)
        if amount is not None and (amount.amount or taxes):
            yield Charge(amount=amount, kind=kind, taxes=taxes)


def _discounts(root: Node, currency: str | None) -> Iterator[Discount]:
    """Yield what was taken off by hand or by promotions, and by coupons, each with its code where they come to it."""
    yield from present([discount_of(_nonzero(root.rounded("discount_amount", currency)))])
    total = _nonzero(root.rounded("coupon_discount", currency))
    if total is None:
        return
    coupons = root.children("coupons") if isinstance(root.tree.get("coupons"), list) else []
    amounts = [node.rounded("discount", currency) for node in coupons]
    if added(amounts, currency) == total:
        yield from present(
            discount_of(amount, node.text("code")) for node, amount in zip(coupons, amounts, strict=True)
        )
        return
    root.unread("coupons")
    yield Discount(amount=total, reason="coupon")


def _nonzero(amount: Money | None) -> Money | None:
    return amount if amount is not None and amount.amount else None


def _totals(root: Node, currency: str | None) -> Totals:
    lines, tax = root.rounded("subtotal_ex_tax", currency), root.rounded("total_tax", currency)
    grand = root.rounded("total_inc_tax", currency, required=True)
    if grand is not None and tax is not None:
        root.same("total_ex_tax", Money(grand.amount - tax.amount, grand.currency))
    on_lines = root.tree.get("subtotal_tax")
    if lines is not None and currency is not None and on_lines is not None:
        repeated(root, "subtotal", lines, taxes_of(root, "subtotal_tax", currency))
    return Totals(
        lines=lines, tax=tax, grand_total=grand, refunded=_nonzero(root.rounded("refunded_amount", currency))
    )


def _payments(root: Node, currency: str | None) -> Iterator[Payment]:
    """Yield what the order is paid with; what the shop itself holds for the customer was taken at once."""
    method, status = root.text("payment_method"), root.word("payment_status", _PAYMENT)
    disputed = str(root.tree.get("status_id")) == _DISPUTED
    if method is not None or status is not None:
        yield Payment(
            id=PAYMENT,
            status=PaymentStatus.DISPUTED if disputed else status or PaymentStatus.PENDING,
            method=method,
            reference=root.id("payment_provider_id"),
        )
    for ident, name in OTHER_MEANS.items():
        amount = _nonzero(root.rounded(name, currency))
        if amount is not None:
            yield Payment(id=ident, status=PaymentStatus.PAID, method=ident, amount=amount)


def _buyer(root: Node) -> Party | None:
    """Return the customer's account; guests have the number 0."""
    ident = root.id("customer_id")
    return None if ident in {None, "0"} else Party(id=ident)


def party_of(node: Node) -> Party | None:
    """Return who is at an address."""
    return said(
        Party(
            given_name=node.text("first_name"),
            family_name=node.text("last_name"),
            organisation=node.text("company"),
            email=node.text("email"),
            phone=node.text("phone"),
            address=address_of(node, ADDRESS),
        )
    )


def _references(root: Node) -> Iterator[Reference]:
    names = (
        ("cart_id", "cart", NAME),
        ("external_id", "external", "external"),
        ("external_order_id", "order", "external"),
        ("ebay_order_id", "order", "ebay"),
    )
    for name, kind, system in names:
        yield from present([reference_of(root, name, kind, system)])


def _notes(root: Node) -> Iterator[Note]:
    for name, author in (("customer_message", "customer"), ("staff_notes", "staff")):
        text = root.text(name)
        if text is not None:
            yield Note(text=text, author=author)
