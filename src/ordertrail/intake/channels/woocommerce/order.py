"""WooCommerce's order as a canonical order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from ordertrail.intake.channels.woocommerce.lines import (
    different,
    fees_of,
    line_of,
    shipping_of,
    tax_of_rate,
    with_parents,
)
from ordertrail.intake.channels.woocommerce.pieces import (
    PAYMENT,
    moment,
    note_of,
    parcel_of,
    reference_of,
    transaction,
)
from ordertrail.intake.delivery import Source
from ordertrail.intake.document import Node
from ordertrail.intake.faults import Code
from ordertrail.intake.parts import (
    NOTHING,
    AddressNames,
    added,
    address_of,
    present,
    said,
    size,
    status_words,
)
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Shipping, Tax
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.fulfilment import Fulfilment
from ordertrail.orders.lines import Line
from ordertrail.orders.model import Order, OrderType, SourceVersion
from ordertrail.orders.party import Party
from ordertrail.orders.payment import Payment, Transaction, TransactionKind
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import OrderStatus, PaymentStatus

_Taxed = TypeVar("_Taxed", Line, Shipping, Charge)

ROUNDING = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE)


_STATUS = {
    "pending": OrderStatus.RECEIVED,
    "processing": OrderStatus.ACCEPTED,
    "on-hold": OrderStatus.ON_HOLD,
    "completed": OrderStatus.COMPLETED,
    "cancelled": OrderStatus.CANCELLED,
    "refunded": OrderStatus.COMPLETED,
    "failed": OrderStatus.VALIDATED,
    "trash": OrderStatus.ARCHIVED,
    "draft": OrderStatus.RECEIVED,
    "auto-draft": OrderStatus.RECEIVED,
    "checkout-draft": OrderStatus.RECEIVED,
    "any-draft": OrderStatus.RECEIVED,
    "partially-shipped": OrderStatus.PARTIALLY_FULFILLED,
    "partial-shipped": OrderStatus.PARTIALLY_FULFILLED,
    "shipped": OrderStatus.FULFILLED,
    "delivered": OrderStatus.COMPLETED,
}
"""The core's statuses, and those that the usual extensions for shipping add."""

_DRAFT = "draft"

_UNPAID = {"failed": PaymentStatus.FAILED, "cancelled": PaymentStatus.VOIDED}
"""What became of the payment of an order that was never paid; of any other it is still to come."""

_ADDRESS = AddressNames(
    street=("address_1", "address_2"),
    city="city",
    postal_code="postcode",
    country="country",
    region_code="state",
)


def read_order(root: Node, source: Source, key: str | None) -> Order:
    """Return the order that a document tells of; ``key`` is our id of it.

    It is worth nothing where the document has a fault by then, and :func:`message_of` drops it.
    """
    if "line_items" not in root:
        root.fault(Code.MISSING, "line_items", "line_items is missing; an order is read only as a whole")
    word = (root.text("status", required=True) or "").removeprefix("wc-")
    status = root.word("status", _with_prefix(status_words(source, _STATUS)), required=True)
    currency = root.currency("currency", source.currency)
    rates = {str(node.tree.get("rate_id")): node for node in root.children("tax_lines")}
    coupons = root.children("coupon_lines")
    code = coupons[0].text("code") if len(coupons) == 1 else None
    lines = present(line_of(node, currency, rates, code) for node in different(root.children("line_items")))
    shipping = present(shipping_of(node, currency, rates) for node in root.children("shipping_lines"))
    charges, discounts, taxes = fees_of(root, currency, rates)
    totals = _totals(root, currency)
    if _rounded_once(totals, lines, shipping, charges, taxes):
        lines, shipping, charges = _untaxed(root, lines), _untaxed(root, shipping), _untaxed(root, charges)
        taxes, totals = totals.tax_breakdown, msgspec.structs.replace(totals, tax_breakdown=())
    off = added((one.amount for line in lines for one in line.discounts), currency)
    root.same("discount_total", off or _zero(currency))
    if code is not None:
        coupons[0].same("discount", off)
    placed = moment(root, "date_created")
    updated = moment(root, "date_modified")
    payments = _payments(root, word, totals.grand_total)
    return Order(
        id=key or NOTHING,
        channel=source.channel,
        account=source.account,
        tenant=source.tenant,
        status=status or OrderStatus.RECEIVED,
        type=OrderType.DRAFT if word.endswith(_DRAFT) else None,
        currency=currency or NOTHING,
        tax_included=False,
        rounding=ROUNDING,
        lines=with_parents(lines, root.children("line_items")),
        totals=totals,
        number=root.id("number"),
        placed=placed,
        updated=updated,
        source_version=None if updated is None else SourceVersion(time=updated),
        buyer=_buyer(root),
        bill_to=_party(root, "billing"),
        ship_to=_party(root, "shipping"),
        discounts=discounts,
        charges=charges,
        shipping=shipping,
        taxes=taxes,
        payments=payments,
        fulfilments=tuple(_parcels(root)),
        references=tuple(_references(root)),
        notes=present([note_of(root.text("customer_note"), "customer", None)]),
    )


def _rounded_once(totals: Totals, *parts: Sequence[Line | Shipping | Charge | Tax]) -> bool:
    """Say whether taxes were rounded once a rate, as a shop may choose: those on parts do not come to the total."""
    if totals.tax is None:
        return False
    on_parts = [
        tax for part in parts for one in part for tax in ((one,) if isinstance(one, Tax) else one.taxes)
    ]
    total = totals.tax.amount
    return total == _amounts(totals.tax_breakdown) != _amounts(on_parts)


def _amounts(taxes: Iterable[Tax]) -> int:
    return sum(tax.amount.amount for tax in taxes)


def _untaxed(root: Node, parts: tuple[_Taxed, ...]) -> tuple[_Taxed, ...]:
    """Return parts without their taxes, which are kept as extensions: what counts is the tax of the whole."""
    for name in ("line_items", "shipping_lines", "fee_lines"):
        for node in root.children(name):
            node.unread("taxes")
            node.unread("total_tax")
    return tuple(msgspec.structs.replace(part, taxes=()) for part in parts)


def _with_prefix(words: Mapping[str, OrderStatus]) -> Mapping[str, OrderStatus]:
    """Return the words as the database has them too: ``wc-processing``."""
    return {**words, **{f"wc-{word}": meaning for word, meaning in words.items()}}


def _zero(currency: str | None) -> Money | None:
    return None if currency is None else Money(0, currency)


def _totals(root: Node, currency: str | None) -> Totals:
    tax = root.rounded("total_tax", currency)
    in_cart, on_shipping = root.rounded("cart_tax", currency), root.rounded("shipping_tax", currency)
    if added((in_cart, on_shipping), currency) != tax:
        root.unread("cart_tax")
        root.unread("shipping_tax")
    back = root.children("refunds") if _is_paid(root) else []
    return Totals(
        shipping=root.rounded("shipping_total", currency),
        tax=tax,
        grand_total=root.rounded("total", currency, required=True),
        refunded=added((size(node.rounded("total", currency)) for node in back), currency),
        tax_breakdown=present(tax_of_rate(node, currency) for node in root.children("tax_lines")),
    )


def _is_paid(root: Node) -> bool:
    return "date_paid" in root or "date_paid_gmt" in root


def _payments(root: Node, word: str, total: Money | None) -> tuple[Payment, ...]:
    """Return the payment. Paid is all of the total at once; what was given back is told by the refunds."""
    at, reference = moment(root, "date_paid"), root.id("transaction_id")
    method, gateway = root.text("payment_method_title"), root.id("payment_method")
    if total is None or not (at or reference or method or gateway or word in _UNPAID):
        return ()
    moves: tuple[Transaction, ...] = ()
    status = _UNPAID.get(word, PaymentStatus.PENDING)
    if at is not None:
        sale = transaction(PAYMENT, TransactionKind.SALE, size(total), at, None)
        back = [_given_back(node, total.currency) for node in root.children("refunds")]
        moves = present([sale, *back])
        returned = sum(one.amount.amount for one in moves[1:])
        status = PaymentStatus.REFUNDED if returned >= total.amount else PaymentStatus.PARTIALLY_REFUNDED
        status = status if returned else PaymentStatus.PAID
    paid = Payment(
        id=PAYMENT,
        status=status,
        method=method,
        gateway=gateway,
        reference=reference,
        amount=total if total.amount >= 0 else None,
        transactions=moves,
    )
    return (paid,)


def _given_back(node: Node, currency: str) -> Transaction | None:
    ident, amount = node.id("id", required=True), size(node.rounded("total", currency, required=True))
    return (
        None
        if ident is None
        else transaction(ident, TransactionKind.REFUND, amount, None, node.text("reason"))
    )


def _buyer(root: Node) -> Party | None:
    """Return the customer's account; guests have the number 0."""
    ident = root.id("customer_id")
    return None if ident in {None, "0"} else Party(id=ident)


def _party(root: Node, name: str) -> Party | None:
    node = root.child(name)
    return said(
        Party(
            given_name=node.text("first_name"),
            family_name=node.text("last_name"),
            organisation=node.text("company"),
            email=node.text("email"),
            phone=node.text("phone"),
            address=address_of(node, _ADDRESS),
        )
    )


def _references(root: Node) -> Iterator[Reference]:
    for name, kind in (("order_key", "order_key"), ("parent_id", "parent_order")):
        yield from present([reference_of(root, name, kind)])


def _parcels(root: Node) -> Iterator[Fulfilment]:
    """Yield the parcels that the extension Shipment Tracking notes on an order."""
    for meta in root.children("meta_data"):
        parcels = meta.tree.get("value")
        if meta.tree.get("key") != "_wc_shipment_tracking_items" or not isinstance(parcels, list):
            continue
        if all(isinstance(one, dict) and one.get("tracking_number") for one in parcels):
            meta.text("key")
            yield from present(parcel_of(node) for node in meta.children("value"))
