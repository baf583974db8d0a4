"""cXML 1.2: purchase orders of procurement networks (SAP Ariba, Coupa, Jaggaer, …), and what suppliers answer.

Source: cXML User's Guide and DTDs (http://cxml.org; cXML.dtd for orders, Fulfill.dtd for answers). The document type
that every cXML names is passed over, never loaded.

========================  ============================================================================================
document                  tells
========================  ============================================================================================
OrderRequest new, update  an order, received: each states the whole of it. Its id is orderID; orderVersion or else the
                          document's timestamp, says which state it is
OrderRequest delete       an amendment: cancelled
ConfirmationRequest       an amendment: accept and except accept the order, reject rejects it; its items say how much
                          of a line is accepted, at which price
ShipNoticeRequest         an amendment for each order (ShipNoticePortion): a parcel; operation delete takes it back
any other                 nothing of an order (Foreign): a PunchOutOrderMessage is a cart, a Response an answer
========================  ============================================================================================

==========================================  ===============================================================
OrderRequestHeader                          here
==========================================  ===============================================================
@orderID, @orderDate, @orderType            number, placed, type (regular: sale; release: call-off)
@requisitionID, @agreementID, payloadID     references
Header/From, Header/To                      buyer, seller: their credentials' identities
ShipTo, BillTo                              ship_to, bill_to
Total/Money                                 totals.lines: without tax and shipping, as the guide defines it
Shipping, Tax                               shipping, taxes; the grand total is the sum of the three
Payment                                     payments; of a purchasing card neither number nor expiry
ItemOut                                     lines, by @lineNumber; PriceBasisQuantity says what a price is for
Request/@deploymentMode                     test
==========================================  ===============================================================

A Credential's SharedSecret, CredentialMac or DigitalSignature and a PCard's number and expiry are taken out before
anything is read. They stand in no order, no extension and no fault; only the landed bytes have them.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channels.cxml import library as common
from ordertrail.intake.channels.cxml.fulfil import confirmed, shipped
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.intake.message import Foreign, Message
from ordertrail.intake.parts import added, message_of, order_key, present
from ordertrail.intake.xml import xml_document
from ordertrail.orders.adjustments import Shipping
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.decimals import canonical_decimal
from ordertrail.orders.lines import Item, Line, Period, Quantities
from ordertrail.orders.model import Order, OrderType, SourceVersion
from ordertrail.orders.payment import Payment
from ordertrail.orders.statuses import OrderStatus, PaymentStatus
from ordertrail.orders.words import CHECKS

ACTIONS = {"new": "new", "update": "update", "delete": "delete"}
"""OrderRequestHeader/@type."""

TYPES = {"regular": OrderType.SALE, "release": OrderType.CALL_OFF}
"""OrderRequestHeader/@orderType; blanket and others have no word here, and stay extensions."""

GTIN_DOMAINS = frozenset({"EAN-13", "EANID", "GTIN", "UPCUniversalProductCode", "UPCConsumerPackageCode"})

ROUNDING = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.TOTAL)


class Cxml:
    """Reads cXML documents."""

    name = "cxml"

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the document's payloadID, which a second try of it repeats."""
        if delivery.body.find(b"payloadID") < 0:
            return None
        try:
            return _opened(delivery).root.child("cXML").id("@payloadID")
        except FaultyError:
            return None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield what a document tells: one message, or one an order that a ship notice is of."""
        document = _opened(delivery)
        request = document.tree["cXML"].get("Request")
        inside = request if isinstance(request, dict) else {}
        kind = next((name for name in inside if name in _READERS), None)
        if kind is None:
            yield Message("", _foreign(document.tree["cXML"]), document.root)
            return
        for number, part in enumerate(_portions(document, kind)):
            message = _READERS[kind](_Opened.of(delivery, part, kind))
            yield replace(message, pointer=f"/cXML/Request/{kind}/{number}") if number else message


def shared_secret(delivery: Delivery) -> str | None:
    """Return the secret that a document's sender gives. For whoever authenticates it, and for nobody else."""
    try:
        root = xml_document(delivery.body).root
    except FaultyError:
        return None
    return root.child("cXML").child("Header").child("Sender").first("Credential").text("SharedSecret")


def _opened(delivery: Delivery) -> Document:
    document = xml_document(delivery.body, delivery.source.zone)
    if "cXML" not in document.tree:
        root = next(iter(document.tree))
        raise FaultyError(Fault(Code.UNREADABLE, f"/{root}", f"{root[:80]!r} is not a cXML document"))
    document.tree = common.without_secrets(document.tree)
    return document


def _foreign(tree: dict[str, Any]) -> Foreign:
    """Say what a document is that tells of no order."""
    for outer in ("Request", "Message", "Response"):
        inside = tree.get(outer)
        if inside is None:
            continue
        names = (
            [name for name in inside if not name.startswith(("@", "#"))] if isinstance(inside, dict) else []
        )
        kind = names[0] if names and outer != "Response" else outer
        if kind == "PunchOutOrderMessage":
            return Foreign(kind, "a cart that a buyer filled in a supplier's shop; its order is yet to come")
        return Foreign(
            kind[:200], f"a cXML {outer} that tells of no order, of no answer to one and of no shipment"
        )
    return Foreign("cXML", "an envelope with neither a request nor a message nor a response")


def _portions(document: Document, kind: str) -> Iterator[Document]:
    """Yield a ship notice once for each of its orders; any other document as it is."""
    tree = document.tree["cXML"]
    notice = tree["Request"][kind]
    portions = notice.get("ShipNoticePortion") if isinstance(notice, dict) else None
    if not isinstance(portions, list):
        yield document
        return
    for one in portions:
        request = {**tree["Request"], kind: {**notice, "ShipNoticePortion": one}}
        yield document.part({"cXML": {**tree, "Request": request}}, "")


@dataclass(frozen=True, slots=True)
class _Opened:
    """A document on the desk, with the nodes that all readers need."""

    delivery: Delivery
    document: Document
    root: Node
    envelope: Node
    request: Node
    content: Node

    @classmethod
    def of(cls, delivery: Delivery, document: Document, kind: str) -> "_Opened":
        root = document.root
        envelope = root.child("cXML")
        request = envelope.child("Request")
        return cls(delivery, document, root, envelope, request, request.child(kind))

    def amended(self, named: Node, parts: dict[str, Any]) -> Message:
        """Return an amendment of the order whose orderID a node names."""
        key = order_key(self.delivery, named, "@orderID")
        content = None
        if key is not None and not self.document.faults:
            source = self.delivery.source
            content = Amendment(order=key, channel=source.channel, account=source.account, **parts)
        return message_of(self.document, self.root, content, Cxml.name, key)


def _order(opened: _Opened) -> Message:
    header = opened.content.child("OrderRequestHeader")
    action = header.word("@type", ACTIONS) or "new"
    told = opened.envelope.time("@timestamp")
    number = _version(header)
    if action == "delete":
        return _deletion(opened, header, number)
    key = order_key(opened.delivery, header, "@orderID")
    currency = header.child("Total").child("Money").currency("@currency", opened.delivery.source.currency)
    opened.content.raw("ItemOut", required=True)
    items = opened.content.children("ItemOut")
    numbers = {one.tree.get("@lineNumber") for one in items}
    is_taxed = "Tax" in header
    lines = present(
        _line(one, place, currency, numbers, with_tax=not is_taxed) for place, one in enumerate(items, 1)
    )
    parts: dict[str, Any] = {
        **_header(header, currency),
        **_envelope(opened),
        "number": header.id("@orderID"),
        "placed": header.time("@orderDate"),
        "updated": told if action == "update" else None,
        "source_version": SourceVersion(number=number, time=told) if number or told else None,
        "references": _references(opened, header),
    }
    content = None
    if key is not None and currency is not None and not opened.document.faults:
        source = opened.delivery.source
        content = Order(
            id=key,
            channel=source.channel,
            account=source.account,
            tenant=source.tenant,
            status=OrderStatus.RECEIVED,
            currency=currency,
            tax_included=False,
            rounding=ROUNDING,
            lines=lines,
            **parts,
        )
    return message_of(opened.document, opened.root, content, Cxml.name, key)


def _deletion(opened: _Opened, header: Node, number: int | None) -> Message:
    told = opened.envelope.time("@timestamp")
    parts = {
        "status": OrderStatus.CANCELLED,
        "cancelled": told,
        "version": SourceVersion(number=number, time=told) if number or told else None,
        "references": common.named(("cxml", "payload", opened.envelope.id("@payloadID"))),
        "notes": common.notes(header),
    }
    return opened.amended(header, parts)


def _version(header: Node) -> int | None:
    """Return the order's version; one that does not count stays an extension."""
    text = header.text("@orderVersion")
    if text is not None and text.isdecimal() and len(text) <= 9:
        return int(text)
    header.unread("@orderVersion")
    return None


def _envelope(opened: _Opened) -> dict[str, Any]:
    """Return what the order takes from its envelope."""
    header = opened.envelope.child("Header")
    buyer = common.credentials(header.child("From"))
    sender = header.child("Sender")
    if buyer is not None:
        for one in sender.children("Credential"):
            if one.same("Identity", buyer.id):
                one.same("@domain", buyer.references[0].system)
    mode = opened.request.text("@deploymentMode")
    return {
        "buyer": buyer,
        "seller": common.credentials(header.child("To")),
        "test": mode == "test",
    }


def _header(header: Node, currency: str | None) -> dict[str, Any]:
    """Return what an order's header has, by the fields' names."""
    total = common.money(header, "Total", currency, required=True)
    carriage = common.money(header, "Shipping", currency)
    taxes = common.taxes(header, currency)
    tax = common.money(header, "Tax", currency)
    wanted = header.time("@requestedDeliveryDate")
    shipping = header.child("Shipping").child("Description").text("#text")
    return {
        "ship_to": common.party(header.child("ShipTo").child("Address")),
        "bill_to": common.party(header.child("BillTo").child("Address")),
        "requested_delivery": None if wanted is None else Period(end=wanted),
        "shipping": () if carriage is None else (Shipping(id="1", amount=carriage, name=shipping),),
        "taxes": taxes,
        "totals": Totals(
            lines=total,
            shipping=carriage,
            tax=tax,
            grand_total=added((total, carriage, tax), currency) if total is not None else None,
        ),
        "payments": _payments(header, currency),
        "type": _type(header),
        "notes": common.notes(header),
    }


def _type(header: Node) -> OrderType | None:
    found = TYPES.get(header.text("@orderType") or "")
    if found is None:
        header.unread("@orderType")
    return found


def _payments(header: Node, currency: str | None) -> tuple[Payment, ...]:
    payment = header.child("Payment")
    reference = payment.child("PaymentReference")
    if "PCard" in payment:
        payment.child("PCard")
        return (Payment(id="1", status=PaymentStatus.PENDING, method="purchasing card"),)
    if "PaymentReference" not in payment:
        return ()
    provider = reference.id("@provider")
    ids = ((one.id("@domain"), one.id("@identifier")) for one in reference.children("IdReference"))
    return (
        Payment(
            id="1",
            status=PaymentStatus.PENDING,
            method=reference.text("@method"),
            gateway=provider,
            amount=_paid(reference, currency),
            references=common.named(*((provider or "cxml", kind or "payment", text) for kind, text in ids)),
        ),
    )


def _paid(reference: Node, currency: str | None) -> Any:
    at = reference.child("Money")
    return at.rounded("#text", at.currency("@currency", currency)) if "#text" in at else None


def _references(opened: _Opened, header: Node) -> Any:
    return common.named(
        ("cxml", "payload", opened.envelope.id("@payloadID")),
        ("buyer", "requisition", header.id("@requisitionID")),
        ("buyer", "agreement", header.id("@agreementID")),
        ("seller", "sales_order", header.child("SupplierOrderInfo").id("@orderID")),
    )


def _line(node: Node, place: int, currency: str | None, numbers: set[Any], *, with_tax: bool) -> Line | None:
    detail = node.child("ItemDetail" if "ItemDetail" in node else "BlanketItemDetail")
    number = node.id("@lineNumber")
    ordered = node.quantity("@quantity", required=True)
    unit = common.unit(detail)
    parent = node.id("@parentLineNumber")
    if parent is not None and (parent not in numbers or parent == number):
        node.unread("@parentLineNumber")
        parent = None
    wanted = node.time("@requestedDeliveryDate")
    per = _price_basis(detail, unit)
    parts: dict[str, Any] = {
        "unit_price": None if per is None else common.unit_price(detail, currency, per),
        "taxes": common.taxes(node, currency) if with_tax else (),
        "requested_delivery": None if wanted is None else Period(end=wanted),
        "references": common.named(
            ("buyer", "requisition", node.id("@requisitionID")),
            ("buyer", "agreement_item", node.id("@agreementItemNumber")),
        ),
        "notes": common.comments(node),
    }
    if ordered is None:
        return None
    return Line(
        id=number or str(place),
        item=_item(node.child("ItemID"), detail),
        quantities=Quantities(ordered=ordered),
        unit=unit,
        parent=parent,
        **parts,
    )


def _price_basis(detail: Node, unit: str) -> str | None:
    """Return how many of the line's unit its price is for; None where that is no decimal, and the price unknown.

    ``PriceBasisQuantity quantity="2" conversionFactor="0.5"``: the price is for 2 of a unit, of which the line's is
    half a one: for 4 of the line's.
    """
    at = detail.child("PriceBasisQuantity")
    if not at.tree:
        return "1"
    quantity, factor = at.decimal("@quantity"), at.decimal("@conversionFactor") or "1"
    at.same("UnitOfMeasure", unit)
    with suppress(ArithmeticError, ValueError):
        exact = Fraction(quantity or "1") / Fraction(factor)
        written = canonical_decimal(str(Decimal(exact.numerator) / Decimal(exact.denominator)))
        if exact > 0 and Fraction(written) == exact:
            return written
    at.unread("@quantity")
    at.unread("@conversionFactor")
    return None


def _item(ids: Node, detail: Node) -> Item:
    gtin = None
    for one in ids.children("IdReference"):
        text = one.text("@identifier") if one.tree.get("@domain") in GTIN_DOMAINS else None
        if text is not None and gtin is None and CHECKS["gtin"](text) is None:
            gtin = text
            one.text("@domain")
        elif text is not None:
            one.unread("@identifier")
    description = detail.first("Description")
    name = description.text("#text")
    if name is None:
        name = description.text("ShortName")
    return Item(
        name=name,
        sku=ids.text("SupplierPartID"),
        gtin=gtin,
        variant=ids.child("SupplierPartAuxiliaryID").text("#text"),
        buyer_item=ids.text("BuyerPartID"),
        manufacturer_item=detail.text("ManufacturerPartID"),
    )


def _confirmation(opened: _Opened) -> Message:
    named, parts = confirmed(opened.content, opened.delivery.source.currency)
    return opened.amended(named, parts)


def _ship_notice(opened: _Opened) -> Message:
    named, parts = shipped(opened.content)
    return opened.amended(named, parts)


_READERS: dict[str, Callable[[_Opened], Message]] = {
    "OrderRequest": _order,
    "ConfirmationRequest": _confirmation,
    "ShipNoticeRequest": _ship_notice,
}
