"""What UBL's Order, OrderChange and Order Agreement have alike: the header, the lines, the totals.

Amounts are without tax and rounded line by line, after Peppol's rules of calculation.
"""

from typing import Any

from ordertrail.intake.channels.ubl import library
from ordertrail.intake.document import Document, Node
from ordertrail.intake.parts import added, opposite
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Tax
from ordertrail.orders.amounts import Totals
from ordertrail.orders.lines import Line, Period, Quantities
from ordertrail.orders.model import OrderType
from ordertrail.orders.payment import Payment
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.statuses import PaymentStatus

TYPES = {"220": OrderType.SALE, "226": OrderType.CALL_OFF, "227": OrderType.CONSIGNMENT}
"""UNCL1001."""

REFERENCES = {
    "QuotationDocumentReference": ("seller", "quotation"),
    "OrderDocumentReference": ("buyer", "order"),
    "OrderChangeDocumentReference": ("buyer", "order_change"),
    "OriginatorDocumentReference": ("originator", "document"),
    "CatalogueReference": ("seller", "catalogue"),
    "AdditionalDocumentReference": ("ubl", "document"),
    "Contract": ("ubl", "contract"),
    "ProjectReference": ("ubl", "project"),
}
"""Whose name it is, and of what."""


def line(node: Node, currency: str | None, *, with_taxes: bool) -> Line | None:
    """Return a cac:OrderLine; None where it has no id or no quantity, and the document a fault."""
    item = node.child("LineItem")
    number = item.id("ID", required=True)
    ordered = item.quantity("Quantity", required=True)
    unit = library.unit(item.child("Quantity"))
    price = item.child("Price")
    price.child("BaseQuantity").same("@unitCode", unit)
    put = library.adjustments(item, currency)
    sold = item.id("SalesOrderID")
    amount = library.money(item, "LineExtensionAmount", currency)
    if number is None or ordered is None:
        return None
    return Line(
        id=number,
        item=library.item(item.child("Item")),
        quantities=Quantities(ordered=ordered),
        unit=unit,
        unit_price=library.price(price, currency),
        list_price=library.list_price(price, currency),
        discounts=put.discounts,
        charges=put.charges,
        taxes=_line_taxes(item, currency) if with_taxes else (),
        amount=amount,
        requested_delivery=requested(item),
        references=() if sold is None else (Reference(system="seller", kind="sales_order_line", id=sold),),
        notes=node.texts("Note") + item.texts("Note"),
    )


def requested(item: Node) -> Period | None:
    """Return when a line is wanted."""
    return library.period(item.first("Delivery").child("RequestedDeliveryPeriod"))


def _line_taxes(item: Node, currency: str | None) -> tuple[Tax, ...]:
    found = tuple(tax for one in item.children("TaxTotal") for tax in library.taxes(one, currency))
    if found:
        return found
    total = library.money(item, "TotalTaxAmount", currency)
    return () if total is None else (Tax(amount=total),)


def are_taxes_on_lines(node: Node, currency: str | None) -> bool:
    """Say whether the lines' taxes are all there are: they come to the document's total, or it states none."""
    scratch = Document(dict(node.tree), markup=True)
    copy = scratch.root
    lines = [
        tax for one in copy.children("OrderLine") for tax in _line_taxes(one.child("LineItem"), currency)
    ]
    stated = [library.money(one, "TaxAmount", currency) for one in copy.children("TaxTotal")]
    if scratch.faults or not lines:
        return False
    return not stated or added(stated, currency) == added((tax.amount for tax in lines), currency)


def header(node: Node, currency: str | None, *, on_lines: bool) -> dict[str, Any]:
    """Return what an order and a change of one have alike, by the fields' names."""
    put = library.adjustments(node, currency, freight=True)
    delivery = node.first("Delivery")
    place = delivery.child("DeliveryLocation")
    at = library.address(delivery.child("DeliveryAddress")) or library.address(place.child("Address"))
    requested = library.period(delivery.child("RequestedDeliveryPeriod"))
    if requested is None:
        latest = delivery.moment("LatestDeliveryDate", "LatestDeliveryTime")
        requested = None if latest is None else Period(end=latest)
    other = node.text("TaxCurrencyCode")
    if other is not None:
        node.unread("TaxCurrencyCode")
    totals = [
        one
        for one in node.children("TaxTotal")
        if other in {None, currency} or one.child("TaxAmount").tree.get("@currencyID") != other
    ]
    taxes = tuple(tax for one in totals for tax in library.taxes(one, currency))
    tax = added((library.money(one, "TaxAmount", currency) for one in totals), currency)
    agreed = "LegalMonetaryTotal" if "LegalMonetaryTotal" in node else "AnticipatedMonetaryTotal"
    total = node.child(agreed)
    return {
        "buyer": library.role(node, "BuyerCustomerParty"),
        "seller": library.role(node, "SellerSupplierParty"),
        "bill_to": library.role(node, "AccountingCustomerParty"),
        "ship_to": library.party(delivery.child("DeliveryParty"), place, at),
        "requested_delivery": requested,
        "incoterm": node.first("DeliveryTerms").text("ID"),
        "discounts": put.discounts,
        "charges": put.charges,
        "shipping": put.shipping,
        "taxes": () if on_lines else taxes,
        "totals": _totals(total, currency, put, tax, taxes if on_lines else ()),
        "notes": notes(node),
    }


def _totals(
    node: Node, currency: str | None, put: library.Adjustments, tax: Money | None, breakdown: tuple[Tax, ...]
) -> Totals:
    lines = library.money(node, "LineExtensionAmount", currency)
    discount = library.money(node, "AllowanceTotalAmount", currency)
    charges = library.money(node, "ChargeTotalAmount", currency)
    exclusive = added((lines, charges, opposite(discount)), currency)
    if exclusive is not None and node.same("TaxExclusiveAmount", exclusive):
        node.child("TaxExclusiveAmount").same("@currencyID", currency)
    rounding = library.money(node, "PayableRoundingAmount", currency)
    paid = library.money(node, "PrepaidAmount", currency)
    due = library.money(node, "PayableAmount", currency)
    inclusive = library.money(node, "TaxInclusiveAmount", currency)
    grand = added((inclusive, rounding), currency) if inclusive is not None else added((due, paid), currency)
    freight = added((one.amount for one in put.shipping), currency)
    if charges is not None:
        charges = added((charges, opposite(freight)), currency)
    return Totals(
        lines=lines,
        discount=discount,
        shipping=freight,
        charges=charges,
        tax=tax,
        rounding=rounding,
        grand_total=grand,
        paid=paid,
        due=due,
        tax_breakdown=breakdown,
    )


def currency_of(node: Node, default: str | None) -> str | None:
    """Return a document's currency: its own, that of what is payable or of the first price, or the source's."""
    if "DocumentCurrencyCode" in node:
        return node.currency("DocumentCurrencyCode")
    total = node.child("AnticipatedMonetaryTotal").child("PayableAmount")
    price = node.first("OrderLine").child("LineItem").child("Price").child("PriceAmount")
    found = total.currency("@currencyID", required=False) or price.currency("@currencyID", required=False)
    return found or node.currency("DocumentCurrencyCode", default)


def type_of(node: Node) -> OrderType | None:
    """Return what kind of order it is; a code that is not ours stays an extension."""
    found = TYPES.get(node.text("OrderTypeCode") or "")
    if found is None:
        node.unread("OrderTypeCode")
    return found


def payments(node: Node) -> tuple[Payment, ...]:
    """Return how it is to be paid."""
    return tuple(
        Payment(
            id=str(number),
            status=PaymentStatus.PENDING,
            method=one.text("PaymentMeansCode"),
            reference=one.id("PaymentID"),
            due=one.moment("PaymentDueDate", "PaymentDueTime"),
        )
        for number, one in enumerate(node.children("PaymentMeans"), 1)
    )


def references(node: Node, own: tuple[str, str] | None = None) -> tuple[Reference, ...]:
    """Return what others call the order; ``own`` is what a document about it is itself known by."""
    named: list[tuple[str, str, str | None]] = [
        ("ubl", "uuid", node.id("UUID")),
        ("seller", "sales_order", node.id("SalesOrderID")),
        ("buyer", "customer_reference", node.id("CustomerReference")),
    ]
    if own is not None:
        named.append((*own, node.id("ID")))
    for name, (system, kind) in REFERENCES.items():
        named += ((system, kind, one.id("ID")) for one in node.children(name))
    found = (Reference(system=system, kind=kind, id=text) for system, kind, text in named if text is not None)
    return tuple(dict.fromkeys(found))


def notes(node: Node) -> tuple[Note, ...]:
    """Return what people wrote."""
    return tuple(Note(text=text) for text in node.texts("Note"))
