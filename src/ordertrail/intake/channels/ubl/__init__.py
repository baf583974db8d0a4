"""OASIS UBL 2.0 to 2.4, and Peppol BIS 3 Ordering and Advanced Ordering on it.

Sources: https://docs.oasis-open.org/ubl/UBL-2.4.html; https://docs.peppol.eu/poacc/upgrade-3/ (transactions T01, T76,
T114, T115, T116, T16); code lists UNCL4343 (response), UNCL1229 (line action), UNCL1001 (order type). A document comes
bare or in a UN/CEFACT StandardBusinessDocument.

========================  ============================================================================================
document                  tells
========================  ============================================================================================
Order                     an order, received. Its id is cbc:ID, by which all the others name it
OrderChange               an amendment: header parts in the place of the order's; lines by their UNCL1229 code (1 added,
                          2 deleted, 3 changed, 4 nothing, 74 reopened). cbc:SequenceNumberID counts without holes from
                          the order, which is 0
OrderCancellation         an amendment for each order that it names: cancelled, and why
OrderResponse             an amendment: AP accepted, CA being changed, RE rejected, AB nothing yet; lines' quantities as
                          the seller promises them (5 as ordered, 3 changed, 7 not accepted, 42 delivered already)
OrderResponse of the      an order, accepted: an Order Agreement (T110) states what was ordered otherwise
Order Agreement profile
OrderResponseSimple       an amendment: accepted or rejected
DespatchAdvice            an amendment for each order that it names: a parcel that has left
any other                 nothing of an order (Foreign)
========================  ============================================================================================

========================================  =================================================================
Order                                     here
========================================  =================================================================
cbc:ID, cbc:UUID, cbc:SalesOrderID        number; references
cbc:IssueDate, cbc:IssueTime              placed
cbc:OrderTypeCode                         type: 220 sale, 226 call-off, 227 consignment; others stay extensions
cbc:DocumentCurrencyCode                  currency; without it the totals' own
cac:*DocumentReference, cac:Contract      references
cac:BuyerCustomerParty, …                 buyer, seller, bill_to
cac:Delivery (the first)                  ship_to, requested_delivery
cac:TaxTotal                              taxes of the order, unless its lines' taxes add up to it
cac:AnticipatedMonetaryTotal              totals; cbc:TaxInclusiveAmount, or else what is payable, is the grand total
cac:OrderLine/cac:LineItem                lines, by cbc:ID
========================================  =================================================================

Amounts are without tax and rounded line by line (Peppol rules of calculation). A response, a cancellation and a
despatch advice name the parties again, shorter than the order did: there they stay extensions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ordertrail.intake.amendment import Amendment, LineChange
from ordertrail.intake.channels.ubl import library, order
from ordertrail.intake.channels.ubl.despatch import despatched, ordered_by
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.intake.message import Foreign, Message
from ordertrail.intake.parts import message_of, order_key, present
from ordertrail.intake.xml import xml_document
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.lines import Line
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.reference import Note
from ordertrail.orders.statuses import OrderStatus

SCHEMAS = "urn:oasis:names:specification:ubl:schema:xsd:"
ENVELOPE = "StandardBusinessDocument"

RESPONSES = {
    "AB": None,
    "AP": OrderStatus.ACCEPTED,
    "CA": OrderStatus.BEING_CHANGED,
    "RE": OrderStatus.REJECTED,
}
"""UNCL4343; AB says that the message came, and no more."""

ADDED, DELETED, CHANGED, NOTHING, ACCEPTED, NOT_ACCEPTED, DELIVERED, REOPENED = (
    "1",
    "2",
    "3",
    "4",
    "5",
    "7",
    "42",
    "74",
)
"""UNCL1229."""

ACTIONS = {code: code for code in (ADDED, DELETED, CHANGED, NOTHING, REOPENED)}
"""Those of a change."""

AGREEMENT = ":order_agreement:"
"""Stands in the CustomizationID of Peppol's Order Agreement (T110), which has the shape of an OrderResponse."""

ROUNDING = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE)


class Ubl:
    """Reads UBL documents of the order family."""

    name = "ubl"

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the envelope's InstanceIdentifier, or else the document's cbc:UUID."""
        if delivery.body.find(b"InstanceIdentifier") < 0 and delivery.body.find(b"UUID") < 0:
            return None
        try:
            root = _opened(delivery).root
        except FaultyError:
            return None
        header = root.child("StandardBusinessDocumentHeader").child("DocumentIdentification")
        payload = next(
            (root.child(name) for name in root.names() if name != "StandardBusinessDocumentHeader"), root
        )
        return header.id("InstanceIdentifier") or payload.id("UUID")

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield what a document tells: one message, or one an order where it names several."""
        document = _opened(delivery)
        kind = next((name for name in document.tree if name in _READERS), None)
        if kind is None:
            found = next((name for name in document.tree if not name.startswith(("@", ENVELOPE))), "nothing")
            reason = f"a UBL {found} tells of no order, of no change of one and of no shipment"
            yield Message(document.pointer, Foreign(found[:200], reason), document.root)
            return
        splitter, reader = _READERS[kind]
        for number, part in enumerate(splitter(document, kind)):
            message = reader(delivery, part, kind)
            yield replace(message, pointer=f"{message.pointer}/{kind}/{number}") if number else message


def _opened(delivery: Delivery) -> Document:
    """Return the document, or the envelope's part that has it."""
    whole = xml_document(delivery.body, delivery.source.zone, (SCHEMAS,))
    root, tree = next(iter(whole.tree.items()))
    if root == ENVELOPE:
        return whole.part(tree, f"/{ENVELOPE}")
    if not str(tree.get("@xmlns", "")).startswith(SCHEMAS):
        raise FaultyError(Fault(Code.UNREADABLE, f"/{root}", f"{root[:80]!r} is not a document of UBL 2"))
    return whole


@dataclass(frozen=True, slots=True)
class _Opened:
    """A document on the desk."""

    delivery: Delivery
    document: Document
    root: Node
    node: Node
    """The document's own element."""


def _whole(document: Document, _: str) -> Iterator[Document]:
    yield document


def _each_reference(document: Document, kind: str) -> Iterator[Document]:
    """Yield the document once for each order that it names."""
    tree = document.tree[kind]
    named = tree.get("OrderReference") if isinstance(tree, dict) else None
    if not isinstance(named, list):
        yield document
        return
    for one in named:
        yield document.part({**document.tree, kind: {**tree, "OrderReference": one}}, "")


def _each_shipped(document: Document, kind: str) -> Iterator[Document]:
    """Yield a despatch advice once for each order that its lines are of."""
    tree = document.tree[kind]
    lines = tree.get("DespatchLine") if isinstance(tree, dict) else None
    header = (
        Document(tree, markup=True).root.first("OrderReference").id("ID") if isinstance(tree, dict) else None
    )
    by_order: dict[str | None, list[Any]] = {}
    for line in lines if isinstance(lines, list) else []:
        by_order.setdefault(_named_order(line) or header, []).append(line)
    if len(by_order) < 2:
        yield document
        return
    for some in by_order.values():
        yield document.part({**document.tree, kind: {**tree, "DespatchLine": some}}, "")


def _named_order(line: Any) -> str | None:
    node = Document(line, markup=True).root
    return node.first("OrderLineReference").first("OrderReference").id("ID")


def _order(delivery: Delivery, document: Document, kind: str) -> Message:
    opened = _open(delivery, document, kind)
    node = opened.node
    key = order_key(delivery, node, "ID")
    parts = {
        "status": OrderStatus.RECEIVED,
        "number": node.id("ID"),
        "source_version": SourceVersion(number=0),
        "references": order.references(node),
    }
    return _stated(opened, key, parts)


def _agreement(delivery: Delivery, document: Document, kind: str) -> Message:
    """Read an Order Agreement: the seller states an order that was made elsewhere, in the shape of a response."""
    opened = _open(delivery, document, kind)
    node = opened.node
    named = node.first("OrderReference")
    at, name = (named, "ID") if "ID" in named else (node, "SalesOrderID" if "SalesOrderID" in node else "ID")
    key = order_key(delivery, at, name)
    parts = {
        "status": OrderStatus.ACCEPTED,
        "number": at.id(name),
        "accepted": node.moment("IssueDate", "IssueTime"),
        "references": order.references(node, ("seller", "order_agreement")),
    }
    return _stated(opened, key, parts)


def _stated(opened: _Opened, key: str | None, parts: dict[str, Any]) -> Message:
    """Return the order that a document states as a whole."""
    node, delivery, faults = opened.node, opened.delivery, opened.document.faults
    currency = order.currency_of(node, delivery.source.currency)
    on_lines = order.are_taxes_on_lines(node, currency)
    node.raw("OrderLine", required=True)
    lines = present(order.line(one, currency, with_taxes=on_lines) for one in node.children("OrderLine"))
    node.same("LineCountNumeric", str(len(lines)))
    parts |= {
        **order.header(node, currency, on_lines=on_lines),
        "tenant": delivery.source.tenant,
        "type": order.type_of(node),
        "placed": node.moment("IssueDate", "IssueTime", required=True),
        "payments": order.payments(node),
    }
    content = None
    if key is not None and currency is not None and not faults:
        content = Order(
            id=key,
            channel=delivery.source.channel,
            account=delivery.source.account,
            currency=currency,
            tax_included=False,
            rounding=ROUNDING,
            lines=lines,
            **parts,
        )
    return message_of(opened.document, opened.root, content, Ubl.name, key)


def _change(delivery: Delivery, document: Document, kind: str) -> Message:
    opened = _open(delivery, document, kind)
    node = opened.node
    currency = order.currency_of(node, delivery.source.currency)
    on_lines = order.are_taxes_on_lines(node, currency)
    number = _sequence(node)
    lines = _Lines(currency, with_taxes=on_lines)
    for one in node.children("OrderLine"):
        lines.take(one)
    header = order.header(node, currency, on_lines=on_lines)
    if "AnticipatedMonetaryTotal" not in node:
        # It does not say what the order comes to as a whole: what it does not name is not taken away.
        header = {name: value for name, value in header.items() if value not in {(), Totals()}}
    parts = {
        **header,
        "version": None if number is None else SourceVersion(number=number),
        "follows": number - 1 if number else None,
        "updated": node.moment("IssueDate", "IssueTime", required=True),
        "added_lines": tuple(lines.added),
        "changed_lines": tuple(lines.changed),
        "removed_lines": tuple(lines.removed),
        "references": order.references(node, ("buyer", "order_change")),
    }
    return _amended(opened, node.first("OrderReference"), parts)


def _cancellation(delivery: Delivery, document: Document, kind: str) -> Message:
    opened = _open(delivery, document, kind)
    node = opened.node
    parts = {
        "status": OrderStatus.CANCELLED,
        "cancelled": node.moment("IssueDate", "IssueTime", required=True),
        "cancel_reason": "\n".join(node.texts("CancellationNote")) or None,
        "references": order.references(node, ("buyer", "order_cancellation")),
        "notes": order.notes(node),
    }
    return _amended(opened, node.first("OrderReference"), parts)


def _response(delivery: Delivery, document: Document, kind: str) -> Message:
    if AGREEMENT in (document.root.child(kind).text("CustomizationID") or ""):
        return _agreement(delivery, document, kind)
    opened = _open(delivery, document, kind)
    node = opened.node
    status = _answer(node, kind)
    issued = node.moment("IssueDate", "IssueTime", required=True)
    currency = node.currency("DocumentCurrencyCode", delivery.source.currency, required=False)
    rejections = tuple(Note(text=text, author="seller") for text in node.texts("RejectionNote"))
    parts = {
        "status": status,
        "accepted": issued if status is OrderStatus.ACCEPTED else None,
        "updated": issued,
        "changed_lines": present(_promise(one, currency) for one in node.children("OrderLine")),
        "references": order.references(node, ("seller", "order_response")),
        "notes": order.notes(node) + rejections,
    }
    return _amended(opened, node.first("OrderReference"), parts)


def _amended(opened: _Opened, named: Node, parts: dict[str, Any]) -> Message:
    """Return an amendment of the order that a cac:OrderReference names."""
    delivery = opened.delivery
    key = order_key(delivery, named, "ID")
    content = None
    if key is not None and not opened.document.faults:
        content = Amendment(
            order=key, channel=delivery.source.channel, account=delivery.source.account, **parts
        )
    return message_of(opened.document, opened.root, content, Ubl.name, key)


def _answer(node: Node, kind: str) -> OrderStatus | None:
    """Return what the seller says to the order; a response without a code says it line by line."""
    if kind == "OrderResponse":
        return node.word("OrderResponseCode", RESPONSES)
    node.raw("AcceptedIndicator", required=True)
    accepted = node.flag("AcceptedIndicator")
    return OrderStatus.ACCEPTED if accepted else OrderStatus.REJECTED


def _promise(node: Node, currency: str | None) -> LineChange | None:
    """Return what the seller says to one line."""
    line = node.child("LineItem")
    own = line.id("ID", required=True)
    named = node.first("OrderLineReference").id("LineID") or own
    if named is None:
        return None
    if named != own:
        line.unread("ID")
    code = line.text("LineStatusCode")
    if code == NOT_ACCEPTED:
        return LineChange(line=named, accepted="0")
    promised = line.quantity("Quantity")
    if code == DELIVERED:
        return LineChange(line=named, delivered=promised)
    if promised is None or code not in {ACCEPTED, CHANGED, None}:
        line.unread("LineStatusCode")
    price = library.price(line.child("Price"), currency) if code == CHANGED else None
    return LineChange(line=named, accepted=promised, unit_price=price)


def _despatch(delivery: Delivery, document: Document, kind: str) -> Message:
    opened = _open(delivery, document, kind)
    node = opened.node
    parcel = despatched(node)
    named = ordered_by(node)
    parts = {
        "updated": node.moment("IssueDate", "IssueTime", required=True),
        "fulfilments": present((parcel,)),
        "notes": order.notes(node),
    }
    return _amended(opened, named, parts)


class _Lines:
    """The lines of a change, by what is to be done with each."""

    def __init__(self, currency: str | None, *, with_taxes: bool) -> None:
        self.added = list[Line]()
        self.changed = list[LineChange]()
        self.removed = list[str]()
        self._currency = currency
        self._with_taxes = with_taxes

    def take(self, node: Node) -> None:
        """Read one cac:OrderLine."""
        item = node.child("LineItem")
        action = item.word("LineStatusCode", ACTIONS) or CHANGED
        number = item.id("ID", required=True)
        if action == ADDED:
            self.added.extend(present((order.line(node, self._currency, with_taxes=self._with_taxes),)))
        elif number is None:
            return
        elif action == DELETED:
            self.removed.append(number)
        elif action != NOTHING:
            self.changed.append(
                LineChange(
                    line=number,
                    item=library.item(item.child("Item")) if "Item" in item else None,
                    ordered=item.quantity("Quantity"),
                    cancelled="0" if action == REOPENED else None,
                    unit_price=library.price(item.child("Price"), self._currency),
                    amount=library.money(item, "LineExtensionAmount", self._currency),
                    requested_delivery=order.requested(item),
                    notes=node.texts("Note") + item.texts("Note"),
                )
            )


def _open(delivery: Delivery, document: Document, kind: str) -> _Opened:
    root = document.root
    node = root.child(kind)
    node.text("@xmlns")
    return _Opened(delivery, document, root, node)


def _sequence(node: Node) -> int | None:
    """Return the change's number in the sequence; one that does not count stays an extension."""
    text = node.text("SequenceNumberID")
    if text is not None and text.isdecimal() and len(text) <= 9:
        return int(text)
    node.unread("SequenceNumberID")
    return None


_Splitter = Callable[[Document, str], Iterator[Document]]
_Reader = Callable[[Delivery, Document, str], Message]
_READERS: dict[str, tuple[_Splitter, _Reader]] = {
    "Order": (_whole, _order),
    "OrderChange": (_whole, _change),
    "OrderCancellation": (_each_reference, _cancellation),
    "OrderResponse": (_whole, _response),
    "OrderResponseSimple": (_whole, _response),
    "DespatchAdvice": (_each_shipped, _despatch),
}
