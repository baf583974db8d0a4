"""Which document of BigCommerce's a delivery holds, and what becomes of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ordertrail.intake.amendment import Amendment, Done
from ordertrail.intake.channels.bigcommerce.lines import NAME, line_of
from ordertrail.intake.channels.bigcommerce.order import OTHER_MEANS, PAYMENT, STATUS, party_of, read_order
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import FaultyError
from ordertrail.intake.json_text import json_tree
from ordertrail.intake.message import Foreign, Message
from ordertrail.intake.parts import message_of, order_key, present, size, status_words
from ordertrail.orders.fulfilment import Fulfilment, LineShare
from ordertrail.orders.model import SourceVersion
from ordertrail.orders.payment import Payment, Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.reference import Note
from ordertrail.orders.returns import Return, ReturnedLine
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus, ReturnStatus

_SIGNS = (
    ("webhook", {"scope", "producer", "data"}),
    ("product", {"order_id", "product_id", "quantity", "price_ex_tax"}),
    ("shipment", {"order_id", "tracking_number", "items"}),
    ("refund", {"order_id", "payments", "items"}),
    ("message", {"order_id", "message", "subject"}),
    ("order", {"id", "status_id", "total_inc_tax"}),
    ("order", {"id", "status", "subtotal_inc_tax"}),
    ("order", {"id", "products", "billing_address"}),
    ("tax", {"order_id", "tax_rate_id"}),
    ("address", {"order_id", "street_1"}),
    ("order_status", {"system_label"}),
)
"""Which fields tell what a document is; the first that fits."""


class BigCommerce:
    """Reads what BigCommerce sends and answers."""

    name = NAME

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return a webhook's ``hash`` and ``created_at``: the same for each attempt at one delivery."""
        try:
            tree = json_tree(delivery.body)
        except FaultyError:
            return None
        if not isinstance(tree, dict) or "scope" not in tree:
            return None
        digest, created = tree.get("hash"), tree.get("created_at")
        return f"{digest}:{created}"[:_LONGEST_ID] if isinstance(digest, str) and digest else None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield what a webhook's document, or an answer of the API with one or many resources, tells."""
        for part in _parts(Document.of_json(delivery.body, delivery.source.zone)):
            yield _read(part, delivery)


_LONGEST_ID = 512


def _parts(document: Document) -> Iterator[Document]:
    """Yield each resource of a document: alone, in a list (V2), or in ``data`` beside ``meta`` (V3)."""
    tree = document.tree
    if isinstance(tree, dict) and "meta" in tree and isinstance(tree.get("data"), dict | list):
        yield from _parts(document.part(tree["data"], "/data"))
    elif isinstance(tree, list):
        for place, one in enumerate(tree):
            yield document.part(one, f"/{place}")
    else:
        yield document


def _read(part: Document, delivery: Delivery) -> Message:
    """Return what a resource tells."""
    names = set(part.tree) if isinstance(part.tree, dict) else set()
    kind = next((kind for kind, signs in _SIGNS if signs <= names), "")
    if kind == "order":
        root = part.root
        key = order_key(delivery, root, "id")
        return message_of(part, root, read_order(root, delivery.source, key), NAME, key)
    if kind == "webhook":
        return _webhook(part, delivery)
    if kind in _BELOW:
        root = part.placed(kind).root
        key = order_key(delivery, root, "order_id")
        return message_of(part, root, None if key is None else _BELOW[kind](root, delivery, key), NAME, key)
    known = kind or next(iter(sorted(names)), "unknown") or "unknown"
    reason = "not an order, nor products, a shipment, a refund or a message of one"
    return Message(part.pointer, Foreign(known[:80], reason), part.root)


def _webhook(part: Document, delivery: Delivery) -> Message:
    """Return what a webhook tells of itself: a new status, an end, or only that something is to be asked for."""
    root = part.placed("webhook", "hash").root
    scope, data = root.text("scope") or "webhook", root.child("data")
    status = None
    if scope == "store/order/statusUpdated":
        words = status_words(delivery.source, STATUS)
        status = data.child("status").word("new_status_id", words, required=True)
    elif scope == "store/order/archived":
        status = OrderStatus.ARCHIVED
    else:
        return Message(part.pointer, Foreign(scope[:80], _notice(part.tree.get("data"))), root)
    key = order_key(delivery, data, "id")
    at = root.time("created_at")
    version = None if at is None else SourceVersion(time=at)
    content = None if key is None else _amendment(delivery, key, status=status, version=version)
    return message_of(part, root, content, NAME, key)


def _notice(data: Any) -> str:
    """Say what is to be asked for."""
    names = data if isinstance(data, dict) else {}
    order = names.get("orderId") if names.get("type") == "shipment" else names.get("id")
    if names.get("type") in ("order", "shipment") and isinstance(order, int | str):
        return f"a notice that tells nothing else: ask for order {str(order)[:40]}"
    return "a notice of something that is not an order"


def _amendment(delivery: Delivery, key: str, **parts: Any) -> Amendment:
    return Amendment(order=key, channel=delivery.source.channel, account=delivery.source.account, **parts)


def _product(root: Node, delivery: Delivery, key: str) -> Amendment | None:
    line = line_of(root, delivery.source.currency)
    return None if line is None else _amendment(delivery, key, lines=(line,))


def _shipment(root: Node, delivery: Delivery, key: str) -> Amendment | None:
    ident = root.id("id", required=True)
    shares = present(_share(node) for node in root.children("items"))
    if ident is None:
        return None
    parcel = Fulfilment(
        id=ident,
        status=FulfilmentStatus.FULFILLED,
        lines=shares,
        destination=party_of(root.child("shipping_address")),
        carrier=root.text("tracking_carrier") or root.text("shipping_provider"),
        service=root.text("shipping_method"),
        tracking_numbers=present([root.id("tracking_number")]),
        shipped=root.time("date_created"),
    )
    return _amendment(delivery, key, fulfilments=(parcel,))


def _share(node: Node) -> LineShare | None:
    line, quantity = node.id("order_product_id", required=True), node.quantity("quantity", required=True)
    return None if line is None or quantity is None else LineShare(line=line, quantity=quantity)


def _refund(root: Node, delivery: Delivery, key: str) -> Amendment | None:
    ident, at = root.id("id", required=True), root.time("created")
    currency = root.currency("currency_code", delivery.source.currency, required=False)
    lines = present(_returned(node) for node in root.children("items"))
    if ident is None:
        return None
    returns: tuple[Return, ...] = ()
    if lines:
        amount = None if currency is None else size(root.rounded("total_amount", currency))
        status, reason = ReturnStatus.REFUNDED, root.text("reason")
        returns = (Return(id=ident, status=status, lines=lines, refund=amount, reason=reason, received=at),)
    done = (
        ()
        if currency is None
        else present(
            _given_back(node, f"refund-{ident}-{place}", currency, at)
            for place, node in enumerate(root.children("payments"))
        )
    )
    version = None if at is None else SourceVersion(time=at)
    return _amendment(delivery, key, version=version, returns=returns, transactions=done)


def _returned(node: Node) -> ReturnedLine | None:
    """Return how much of a product came back; what was given back of shipping or the order stays an extension."""
    if str(node.tree.get("item_type")).upper() != "PRODUCT":
        return None
    node.text("item_type")
    line, quantity = node.id("item_id", required=True), node.quantity("quantity", required=True)
    if line is None or quantity is None:
        return None
    return ReturnedLine(line=line, quantity=quantity, reason=node.text("reason"))


def _given_back(node: Node, ident: str, currency: str, at: str | None) -> Done | None:
    """Return what one means of payment gave back; its own number is of the refund's only."""
    amount = size(node.rounded("amount", currency, required=True))
    if amount is None:
        return None
    provider = node.text("provider_id")
    means = next((one for one in OTHER_MEANS if one.replace("_", "") == provider), PAYMENT)
    declined = node.flag("is_declined") is True
    moved = Transaction(
        id=ident,
        kind=TransactionKind.REFUND,
        status=TransactionStatus.FAILURE if declined else TransactionStatus.SUCCESS,
        amount=amount,
        at=at,
        reason=node.text("declined_message"),
    )
    begins = Payment(id=means, status=PaymentStatus.PARTIALLY_REFUNDED, gateway=provider)
    return Done(payment=means, transaction=moved, begins=begins)


def _message(root: Node, delivery: Delivery, key: str) -> Amendment | None:
    """Return a message; the customer's or the staff's own."""
    text = root.text("message", required=True)
    author = "customer" if root.tree.get("type") == "customer" else "staff"
    if author == "customer":
        root.text("type")
    note = None if text is None else Note(text=text, author=author, at=root.time("date_created"))
    return None if note is None else _amendment(delivery, key, notes=(note,))


_BELOW: Mapping[str, Callable[[Node, Delivery, str], Amendment | None]] = {
    "product": _product,
    "shipment": _shipment,
    "refund": _refund,
    "message": _message,
}
"""What hangs below an order, and what reads it."""
