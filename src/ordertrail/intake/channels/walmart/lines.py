"""A line of a purchase order: what its charges, its states and its refunds come to.

Answers of the United States and Canada have lists within objects (``charges.charge``), those of Mexico plain lists, the
price of one beside the charges, several taxes of a charge, and no dates but in the states.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from ordertrail.intake.document import Node
from ordertrail.intake.faults import Code
from ordertrail.intake.parts import added, counted, gtin_of, present, price_each, size
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.fulfilment import LineShare
from ordertrail.orders.lines import Item, Line, Price, Quantities
from ordertrail.orders.payment import Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.statuses import OrderStatus

UNITS = {"EACH": "EA", "EA": "EA"}

_STATUSES = {
    "Created": OrderStatus.RECEIVED,
    "Acknowledged": OrderStatus.ACCEPTED,
    "Shipped": OrderStatus.FULFILLED,
    "Delivered": OrderStatus.COMPLETED,
    "Cancelled": OrderStatus.CANCELLED,
    "Refund": OrderStatus.FULFILLED,
}
"""status of a line. A refunded line was shipped before."""


def nested(node: Node, around: str, within: str) -> list[Node]:
    """Return a list that stands in an object of its own, or without one."""
    if isinstance(node.tree.get(around), dict):
        return node.child(around).children(within)
    return node.children(around)


def amount_of(node: Node, name: str, currency: str | None) -> Money | None:
    """Return an amount, which must be of the order's currency."""
    if name not in node:
        return None
    one = node.child(name)
    told = one.currency("currency", currency)
    if told is not None and currency is not None and told != currency:
        one.fault(Code.CONTRADICTION, "currency", f"an amount in {told}, and the order is in {currency}")
    return one.money("amount", currency, required=True)


class LineReader:
    """A line while it is read: what it tells stands in the order's lines, shipping, parcels and payment."""

    def __init__(self, node: Node, currency: str | None) -> None:
        self._node, self._currency = node, currency
        self.id = node.id("lineNumber" if "lineNumber" in node else "primeLineNumber", required=True) or ""
        quantity = node.child("orderLineQuantity")
        self._ordered = quantity.quantity("amount", required=True)
        self._unit = quantity.word("unitOfMeasurement", UNITS, required=True) or ""
        self._dates = [node.time("statusDate")]
        self.seller_order = node.id("sellerOrderId")
        self.states: list[OrderStatus] = []
        self.cancel_reason: str | None = None
        self.parcels: list[tuple[Node, OrderStatus, LineShare]] = []
        self._counts: dict[OrderStatus, list[str]] = {}
        found = nested(node, "orderLineStatuses", "orderLineStatus")
        for one in (*found, *node.children("orderLineStatus")):
            self._take_status(one)
        self.at = max(present(self._dates), default=None)
        self.shipping: Shipping | None = None
        self._price = self._unit_price()
        self._shipping_discounts: list[Discount] = []
        self._charges: list[Charge] = []
        self._discounts: list[Discount] = []
        self._taxes: list[Tax] = []
        for one in nested(node, "charges", "charge"):
            self._take_charge(one)
        self._take_off_shipping()
        self.line = self._line()

    def _take_off_shipping(self) -> None:
        """Put discounts of shipping where they apply, and on the line where shipping costs nothing."""
        if self.shipping is None:
            self._discounts += self._shipping_discounts
        else:
            self.shipping = replace(self.shipping, discounts=tuple(self._shipping_discounts))

    def _unit_price(self) -> Price | None:
        """Return the price of one, where it stands beside the charges."""
        item = self._node.child("item")
        amount = amount_of(item, "unitPrice", self._currency)
        return None if amount is None else Price(amount=amount, per="1")

    def _take_status(self, node: Node) -> None:
        status = node.word("status", _STATUSES, required=True) or OrderStatus.RECEIVED
        counted = node.child("statusQuantity")
        quantity = counted.quantity("amount") or self._ordered or "0"
        if "unitOfMeasurement" in counted and counted.word("unitOfMeasurement", UNITS) != self._unit:
            counted.unread("unitOfMeasurement")
        self._dates.append(node.time("statusDate"))
        self.states.append(status)
        self._counts.setdefault(status, []).append(quantity)
        if status is OrderStatus.CANCELLED:
            self.cancel_reason = node.text("cancellationReason")
        if "trackingInfo" in node:
            share = LineShare(line=self.id, quantity=quantity)
            self.parcels.append((node.child("trackingInfo"), status, share))

    def _take_charge(self, node: Node) -> None:
        kind = (node.text("chargeType", required=True) or "").upper()
        name = node.text("chargeName")
        amount = amount_of(node, "chargeAmount", self._currency)
        taxes = present(_tax(one, self._currency) for one in node.children("tax"))
        if amount is None:
            self._taxes += taxes
            node.unread("chargeType")
            node.unread("chargeName")
        elif kind == "SHIPPING" and self.shipping is None and amount.amount >= 0:
            self.shipping = Shipping(id=self.id, amount=amount, name=name, taxes=taxes)
        elif kind == "PRODUCT" and self._price is None and self._ordered not in {None, "0"}:
            self._price = price_each(amount, self._ordered)
            self._taxes += taxes
            self._node_name(node, name)
        elif amount.amount < 0:
            is_shipping = kind == "SHIPPING" or (name or "").upper().startswith("SHIP")
            discount = Discount(amount=Money(-amount.amount, amount.currency), reason=name)
            (self._shipping_discounts if is_shipping else self._discounts).append(discount)
            self._taxes += taxes
        else:
            self._charges.append(Charge(amount=amount, kind=kind.lower(), name=name, taxes=taxes))

    def _node_name(self, node: Node, name: str | None) -> None:
        """Keep the name of a product's charge that says more than that it is the item's price."""
        if name is not None and name.replace(" ", "").lower() != "itemprice":
            node.unread("chargeName")

    def _count(self, *states: OrderStatus) -> str | None:
        return counted(*(one for state in states for one in self._counts.get(state, [])))

    def _line(self) -> Line:
        item = self._node.child("item")
        return Line(
            id=self.id,
            item=Item(name=item.text("productName"), sku=item.text("sku"), gtin=gtin_of(item, "upc")),
            quantities=Quantities(
                ordered=self._ordered or "0",
                shipped=self._count(OrderStatus.FULFILLED, OrderStatus.COMPLETED),
                delivered=self._count(OrderStatus.COMPLETED),
                cancelled=self._count(OrderStatus.CANCELLED),
            ),
            unit=self._unit,
            unit_price=self._price,
            discounts=tuple(self._discounts),
            charges=tuple(self._charges),
            taxes=tuple(self._taxes),
        )

    def refunds(self) -> Iterator[Transaction]:
        """Yield what was given back for this line."""
        refund = self._node.child("refund")
        number = refund.id("refundId")
        for place, one in enumerate(refund.child("refundCharges").children("refundCharge"), 1):
            charge = one.child("charge")
            parts = (amount_of(charge, "chargeAmount", self._currency), _tax_amount(charge, self._currency))
            amount = size(added(parts, self._currency))
            reason = one.text("refundReason")
            if amount is not None:
                yield Transaction(
                    id=f"refund-{self.id}-{place}",
                    kind=TransactionKind.REFUND,
                    status=TransactionStatus.SUCCESS,
                    amount=amount,
                    reference=number,
                    reason=reason,
                )

    def due(self) -> int:
        """Return what the line and its shipping come to, in minor units."""
        price = 0 if self._price is None else self._price.amount.amount
        charges = sum(one.amount.amount for one in self._charges) - sum(
            one.amount.amount for one in self._discounts
        )
        shipping = (
            ()
            if self.shipping is None
            else (self.shipping.amount, *(tax.amount for tax in self.shipping.taxes))
        )
        return price + charges + sum(one.amount for one in (*shipping, *(tax.amount for tax in self._taxes)))


def _tax(node: Node, currency: str | None) -> Tax | None:
    amount, name = amount_of(node, "taxAmount", currency), node.text("taxName")
    return None if amount is None else Tax(amount=amount, name=name)


def _tax_amount(charge: Node, currency: str | None) -> Money | None:
    return amount_of(charge.child("tax"), "taxAmount", currency)
