"""Magento's order as a canonical order."""

from collections.abc import Iterator, Sequence
from datetime import UTC
from fractions import Fraction

import msgspec

from ordertrail.intake.channels.magento.lines import (
    NAME,
    charged_once,
    discounts_of,
    line_of,
    repeated,
    taxes_of,
)
from ordertrail.intake.delivery import Source
from ordertrail.intake.document import Node
from ordertrail.intake.faults import Code
from ordertrail.intake.parts import (
    NOTHING,
    AddressNames,
    address_of,
    discount_of,
    present,
    said,
    size,
    status_words,
)
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.exact import line_exact, rounded
from ordertrail.orders.lines import Line
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.party import Address, Party, TaxNumber
from ordertrail.orders.payment import Payment
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.statuses import OrderStatus, PaymentStatus

_ROUNDING = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE)

_STATES = {
    "new": OrderStatus.VALIDATED,
    "pending_payment": OrderStatus.RECEIVED,
    "payment_review": OrderStatus.ON_HOLD,
    "processing": OrderStatus.PROCESSING,
    "holded": OrderStatus.ON_HOLD,
    "complete": OrderStatus.COMPLETED,
    "closed": OrderStatus.COMPLETED,
    "canceled": OrderStatus.CANCELLED,
}
"""``closed`` is an order of which all was given back."""

_STATUSES = {
    **_STATES,
    "pending": OrderStatus.VALIDATED,
    "pending_paypal": OrderStatus.RECEIVED,
    "fraud": OrderStatus.ON_HOLD,
    "rejected": OrderStatus.REJECTED,
    "paypal_canceled_reversal": OrderStatus.PROCESSING,
    "paypal_reversed": OrderStatus.ON_HOLD,
}
"""A status is a state's word in a shop; where no state is told, these are known."""

PAYMENT = "payment"
"""The id of an order's payment: Magento knows one of each order."""

_ADDRESS = AddressNames(
    street=(),
    city="city",
    postal_code="postcode",
    country="country_id",
    region="region",
    region_code="region_code",
)

_LESS_TO_PAY = (
    ("gift_cards_amount", "gift card"),
    ("customer_balance_amount", "store credit"),
    ("reward_currency_amount", "reward points"),
)

_WRAPPING = ("gw", "gw_items", "gw_card")
"""Gift wrapping of the order, of its items, and the printed card."""


def read_order(root: Node, source: Source, key: str | None) -> Order:
    """Return the order that a document tells of; ``key`` is our id of it.

    It is worth nothing where the document has a fault by then, and :func:`message_of` drops it.
    """
    if "items" not in root:
        root.fault(Code.MISSING, "items", "items is missing; an order is read only as a whole")
    status = _status(root, source)
    currency = _currency(root, source)
    more = root.child("extension_attributes")
    code, nodes = root.text("coupon_code"), root.children("items")
    subtotal = root.rounded("subtotal", currency)
    _hold_repetitions(root, nodes)
    lines = charged_once(present(line_of(node, currency, code) for node in nodes), nodes, subtotal)
    delivered = _shipping_node(more)
    shipping = present([_shipping(root, delivered, currency, code)])
    charges = tuple(_charges(root, more, currency))
    discounts = tuple(_discounts(root, more, currency))
    totals = _totals(root, more, currency, lines)
    updated = root.time("updated_at", zone=UTC)
    payments = present([_payment(root, totals, currency)])
    return Order(
        id=key or NOTHING,
        channel=source.channel,
        account=source.account,
        tenant=source.tenant,
        site=root.id("store_id"),
        status=status or OrderStatus.RECEIVED,
        currency=currency or NOTHING,
        tax_included=False,
        rounding=_ROUNDING,
        lines=lines,
        totals=totals,
        number=root.id("increment_id"),
        placed=root.time("created_at", zone=UTC),
        updated=updated,
        source_version=None if updated is None else SourceVersion(time=updated),
        buyer=_buyer(root),
        bill_to=_party(root, "billing_address"),
        ship_to=None if delivered is None else _party(delivered, "address"),
        discounts=discounts,
        charges=charges,
        shipping=shipping,
        payments=payments,
        references=tuple(_references(root)),
        notes=tuple(_notes(root)),
    )


def _hold_repetitions(root: Node, nodes: Sequence[Node]) -> None:
    """Count as read what items repeat: the order's id, and the whole of the item that they are part of."""
    by_id = {str(node.tree.get("item_id")): node for node in nodes}
    for node in nodes:
        node.same("order_id", str(root.tree.get("entity_id")))
        whole = by_id.get(str(node.tree.get("parent_item_id")))
        if whole is not None and whole is not node and isinstance(node.tree.get("parent_item"), dict):
            node.child("parent_item").repeats(whole)


def _status(root: Node, source: Source) -> OrderStatus | None:
    """Return where an order stands: by its status where the account's options know it, else by its state."""
    own, word = status_words(source, {}), str(root.tree.get("status"))
    if word in own or "state" not in root:
        return root.word("status", status_words(source, _STATUSES), required=True)
    root.same("status", str(root.tree.get("state")))
    return root.word("state", _STATES, required=True)


def _currency(root: Node, source: Source) -> str | None:
    currency = root.currency("order_currency_code", source.currency)
    for name in ("base_currency_code", "global_currency_code", "store_currency_code"):
        root.same(name, currency)
    return currency


def _shipping_node(more: Node) -> Node | None:
    """Return how the order is shipped: of several assignments the first, for Magento makes only one."""
    assignments = more.children("shipping_assignments")
    return assignments[0].child("shipping") if assignments else None


def _shipping(root: Node, delivered: Node | None, currency: str | None, code: str | None) -> Shipping | None:
    amount = root.rounded("shipping_amount", currency)
    repeated(root, "shipping_amount", amount)
    discounts = discounts_of(root, "shipping_", currency, code)
    taxes = taxes_of(root, "shipping_tax_amount", currency)
    if amount is None:
        return None
    return Shipping(
        id="shipping",
        amount=amount,
        name=root.text("shipping_description"),
        code=root.text("shipping_method") or (None if delivered is None else delivered.text("method")),
        discounts=discounts,
        taxes=taxes,
    )


def _charges(root: Node, more: Node, currency: str | None) -> Iterator[Charge]:
    """Yield gift wrapping, which stands in the order or in its extension attributes."""
    for stem in _WRAPPING:
        for node in (root, more):
            amount = node.rounded(f"{stem}_price", currency)
            taxes = taxes_of(node, f"{stem}_tax_amount", currency)
            if amount is not None and amount.amount:
                yield Charge(amount=amount, kind="gift_wrap", taxes=taxes)


def _discounts(root: Node, more: Node, currency: str | None) -> Iterator[Discount]:
    """Yield what was paid by means that Magento takes off the grand total."""
    for name, reason in _LESS_TO_PAY:
        for node in (root, more):
            amount = size(node.rounded(name, currency))
            repeated(node, name, amount)
            if amount is not None and amount.amount:
                yield from present([discount_of(amount, None, reason)])


def _totals(root: Node, more: Node, currency: str | None, lines: Sequence[Line]) -> Totals:
    """Return the sums. The subtotal is before discounts: where there are some, it is not what lines come to."""
    names = ("subtotal", "grand_total", "tax_amount", "total_paid", "total_refunded", "total_due")
    found = {name: root.rounded(name, currency) for name in names}
    for name, amount in found.items():
        repeated(root, name, amount)
    discounted = any(line.discounts for line in lines)
    root.same("discount_amount", *_taken_off(root, lines, currency))
    if discounted and found["subtotal"] != _before_discounts(lines, currency):
        root.unread("subtotal")
    back = found["total_refunded"]
    refunded = back if back is not None and back.amount else None
    if refunded is not None:
        root.unread("total_due")
    if "grand_total" not in root:
        root.fault(Code.MISSING, "grand_total", "grand_total is missing")
    return Totals(
        lines=None if discounted else found["subtotal"],
        tax=found["tax_amount"],
        grand_total=found["grand_total"],
        paid=found["total_paid"],
        refunded=refunded,
        due=None if refunded is not None else found["total_due"],
        tax_breakdown=present(_of_rate(node, currency) for node in more.children("applied_taxes")),
    )


def _taken_off(root: Node, lines: Sequence[Line], currency: str | None) -> Iterator[Money]:
    """Yield what the order's discount is, if it only adds up those of its lines and of shipping; it is negative."""
    off = sum(one.amount.amount for line in lines for one in line.discounts)
    if currency is not None:
        yield Money(-off, currency)
        shipping = root.rounded("shipping_discount_amount", currency)
        if shipping is not None:
            yield Money(-off - shipping.amount, currency)


def _before_discounts(lines: Sequence[Line], currency: str | None) -> Money | None:
    exact = [line_exact(msgspec.structs.replace(line, discounts=())) for line in lines]
    known = [amount for amount in exact if amount is not None]
    return None if currency is None else Money(rounded(sum(known, Fraction(0)), _ROUNDING), currency)


def _of_rate(node: Node, currency: str | None) -> Tax | None:
    amount = node.rounded("amount", currency)
    if amount is None:
        return None
    node.same("base_amount", amount)
    return Tax(amount=amount, rate=node.decimal("percent"), name=node.text("title") or node.text("code"))


def _payment(root: Node, totals: Totals, currency: str | None) -> Payment | None:
    if "payment" not in root:
        return None
    node = root.child("payment")
    amount = size(node.rounded("amount_ordered", currency))
    repeated(node, "amount_ordered", amount)
    node.same("amount_paid", totals.paid)
    node.same("amount_refunded", totals.refunded)
    method = node.id("method")
    authorized = node.rounded("amount_authorized", currency)
    if authorized is not None and authorized != amount:
        node.unread("amount_authorized")
    return Payment(
        id=PAYMENT,
        status=_paid(totals, authorized),
        method=method,
        reference=node.id("last_trans_id"),
        amount=amount,
    )


def _paid(totals: Totals, authorized: Money | None) -> PaymentStatus:
    """Return where the payment stands, which only sums say."""
    paid = 0 if totals.paid is None else totals.paid.amount
    total = 0 if totals.grand_total is None else totals.grand_total.amount
    if totals.refunded is not None:
        return PaymentStatus.REFUNDED if totals.refunded.amount >= paid else PaymentStatus.PARTIALLY_REFUNDED
    if paid >= total:
        return PaymentStatus.OVERPAID if paid > total else PaymentStatus.PAID
    if paid > 0:
        return PaymentStatus.PARTIALLY_PAID
    return PaymentStatus.AUTHORIZED if authorized is not None and authorized.amount else PaymentStatus.PENDING


def _buyer(root: Node) -> Party | None:
    number = root.id("customer_taxvat")
    return said(
        Party(
            id=root.id("customer_id"),
            given_name=root.text("customer_firstname"),
            family_name=root.text("customer_lastname"),
            email=root.text("customer_email"),
            tax_numbers=() if number is None else (TaxNumber(scheme="VAT", id=number),),
        )
    )


def _party(holder: Node, name: str) -> Party | None:
    if name not in holder:
        return None
    node = holder.child(name)
    number, address = node.id("vat_id"), address_of(node, _ADDRESS)
    street = node.texts("street")
    if street:
        address = msgspec.structs.replace(address or Address(), street=street)
    return said(
        Party(
            given_name=node.text("firstname"),
            family_name=node.text("lastname"),
            organisation=node.text("company"),
            email=node.text("email"),
            phone=node.text("telephone"),
            tax_numbers=() if number is None else (TaxNumber(scheme="VAT", id=number),),
            address=address,
        )
    )


def _references(root: Node) -> Iterator[Reference]:
    names = (("quote_id", NAME, "quote"), ("ext_order_id", "external", "order"))
    for name, system, kind in names:
        ident = root.id(name)
        if ident not in {None, "0"}:
            yield Reference(system=system, kind=kind, id=ident or "")
    if "payment" in root:
        number = root.child("payment").id("po_number")
        if number is not None:
            yield Reference(system="buyer", kind="purchase_order", id=number)


def _notes(root: Node) -> Iterator[Note]:
    text = root.text("customer_note")
    if text is not None:
        yield Note(text=text, author="customer")
    for node in root.children("status_histories"):
        text = node.text("comment")
        if text is not None:
            yield Note(text=text, author="staff", at=node.time("created_at", zone=UTC))
