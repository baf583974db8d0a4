"""commercetools: orders by the HTTP API, and their changes as messages of a subscription.

https://docs.commercetools.com/api/projects/orders, https://docs.commercetools.com/api/message-types/order-messages,
https://docs.commercetools.com/api/projects/subscriptions

| document | gives |
|---|---|
| ``Order``, a query's ``results`` | an order |
| ``OrderCreated``, ``OrderImported`` | an order |
| every other message of an order | an amendment, with what it changes or, else, with all of it as extensions |
| Checkout events that name an order | an amendment that names the payment |
| ``ResourceCreated``, ``ResourceUpdated``, ``ResourceDeleted`` | foreign: they say that it changed, and not how |
| a message whose payload was left out as too large | faulty: the order must be fetched |
| payments, carts, order edits, drafts, update actions, other messages | foreign |

Messages of one order are numbered without holes (``sequenceNumber``): each follows the one before, so a missing one is
seen. An order that was fetched has no such number and is placed by ``lastModifiedAt``; its ``version`` counts something
else, with holes, and is an extension. A message's id is the delivery's.
"""

from collections.abc import Callable, Iterator
from typing import Any

from ordertrail.intake.channels.commercetools.messages import checkout_event, order_message
from ordertrail.intake.channels.commercetools.order import read_order
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document
from ordertrail.intake.faults import FaultyError
from ordertrail.intake.message import Foreign, Message

_Reader = Callable[[Delivery, Document], Message]

_SIGNS = (
    ("action", "update action", "it is what somebody asks of commercetools, and not what became of it"),
    ("stagedActions", "order edit", "it is a change that somebody prepares, and that is not applied"),
    ("cartState", "cart", "a cart is no order yet"),
    ("amountPlanned", "payment", "a payment does not say of which order it is"),
    ("errors", "error", "the answer tells of an error, and of no order"),
    ("resource", "notification", "it is about another resource, or says that one changed and not how"),
    ("resourceType", "event", "it is an event of another resource than an order"),
    ("lineItems", "draft", "it is a draft without an id: what somebody asks of commercetools"),
)
"""What only a document of its kind has, the kind, and why it is about no order."""


class Commercetools:
    """Reads orders and messages of commercetools."""

    name = "commercetools"

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return a message's or an event's id; an answer to a query has none."""
        try:
            root = Document.of_json(delivery.body).root
        except FaultyError:
            return None
        is_told = "notificationType" in root or "sequenceNumber" in root
        return root.id("id") if is_told else None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield one message for each order or message of an answer."""
        whole = Document.of_json(delivery.body, delivery.source.zone)
        tree = whole.tree
        results = tree.get("results") if isinstance(tree, dict) else tree
        if not isinstance(results, list):
            yield _reader_of(tree)(delivery, whole)
            return
        place = "/results" if isinstance(tree, dict) else ""
        for number, one in enumerate(results):
            yield _reader_of(one)(delivery, whole.part(one, f"{place}/{number}"))


def _reader_of(tree: Any) -> _Reader:
    if not isinstance(tree, dict):
        return _foreign
    about = tree.get("resource")
    is_of_order = isinstance(about, dict) and about.get("typeId") == "order"
    if is_of_order and ("sequenceNumber" in tree or tree.get("notificationType") == "Message"):
        return order_message
    is_order = "orderState" in tree or tree.get("type") == "Order"
    if is_order and "action" not in tree:
        return read_order
    data = tree.get("data")
    if tree.get("resourceType") == "checkout" and isinstance(data, dict) and "order" in data:
        return checkout_event
    return _foreign


def _foreign(_: Delivery, document: Document) -> Message:
    tree = document.tree if isinstance(document.tree, dict) else {}
    for sign, kind, reason in _SIGNS:
        if sign in tree:
            told = tree.get("type") if isinstance(tree.get("type"), str) else None
            return Message(document.pointer, Foreign(str(told or kind)[:200], reason), document.root)
    unknown = Foreign("unknown", "it is neither an order nor a message of one")
    return Message(document.pointer, unknown, document.root)
