"""Adyen: standard webhooks of payments and of modifications to them, in batches of items.

Source: https://docs.adyen.com/development-resources/webhooks/webhook-types and .../additional-settings. Each item is
of one ``eventCode``; ``pspReference`` is what happened, ``originalReference`` the payment that it happened to, and
``merchantReference`` the merchant's own name of the order. ``success`` says whether a request came about. Amounts are
in minor units; CLP and ISK have two digits there, CVE and IDR none (docs.adyen.com, "Currency codes and minor units").
"""

from collections.abc import Iterator
from typing import Any, Final

from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.observation import Observation
from ordertrail.correlate.providers.reading import (
    Told,
    happened,
    listed,
    metadata_orders,
    minor_units,
    observed,
    to_order,
    to_payment,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Foreign
from ordertrail.record.event import Link

_EXPONENTS: Final = {"CLP": 2, "ISK": 2, "CVE": 0, "IDR": 0}

_CODES: Final[dict[str, tuple[FactKind, FactKind | None]]] = {
    "AUTHORISATION": (FactKind.AUTHORISED, FactKind.FAILED),
    "AUTHORISATION_ADJUSTMENT": (FactKind.AUTHORISED, None),
    "CANCELLATION": (FactKind.VOIDED, None),
    "TECHNICAL_CANCEL": (FactKind.VOIDED, None),
    "EXPIRE": (FactKind.VOIDED, None),
    "CAPTURE": (FactKind.CAPTURED, FactKind.CAPTURE_FAILED),
    "CAPTURE_FAILED": (FactKind.CAPTURE_FAILED, None),
    "REFUND": (FactKind.REFUNDED, FactKind.REFUND_FAILED),
    "REFUND_WITH_DATA": (FactKind.REFUNDED, FactKind.REFUND_FAILED),
    "POSTPONED_REFUND": (FactKind.REFUNDED, FactKind.REFUND_FAILED),
    "REFUND_FAILED": (FactKind.REFUND_FAILED, None),
    "REFUNDED_REVERSED": (FactKind.REFUND_FAILED, None),
    "VOID_PENDING_REFUND": (FactKind.REFUND_FAILED, None),
    "NOTIFICATION_OF_CHARGEBACK": (FactKind.DISPUTED, None),
    "CHARGEBACK": (FactKind.DISPUTED, None),
    "CHARGEBACK_REVERSED": (FactKind.DISPUTE_WON, None),
    "PREARBITRATION_WON": (FactKind.DISPUTE_WON, None),
    "PREARBITRATION_LOST": (FactKind.DISPUTE_LOST, None),
    "SECOND_CHARGEBACK": (FactKind.DISPUTE_LOST, None),
}
"""What each code tells where ``success`` is true, and where it is false; None is: nothing came of it."""

_EITHER: Final = {"CANCEL_OR_REFUND", "CANCELORREFUND"}
"""Codes whose ``modification.action`` says which of the two it was."""


class Adyen:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "adyen"
    signature = "adyen"

    def delivery_id(self, delivery: Delivery) -> str | None:  # noqa: ARG002 - a batch has no id; its bytes are it
        """Return None: a batch has no id of its own."""
        return None

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        document = Document.of_json(delivery.body, delivery.source.zone)
        items = list(listed(document, "notificationItems"))
        if not items:
            yield observed(document, delivery, _alone)
        for item in items:
            inner: Any = item.tree.get("NotificationRequestItem") if isinstance(item.tree, dict) else None
            part = item if inner is None else item.part(inner, "/NotificationRequestItem")
            yield observed(part, delivery, _item)


def _alone(node: Node, delivery: Delivery) -> Iterator[Told]:
    """Read a document that is no batch: one item by itself, or something else of Adyen's."""
    if "eventCode" in node:
        yield from _item(node, delivery)
        return
    kind = node.text("type") if "type" in node else None
    if kind is not None:
        yield Foreign(kind, f"a webhook {kind} tells of no payment of an order")
    elif "pspReference" in node or "resultCode" in node or "status" in node or "response" in node:
        yield Foreign(
            "answer", "an answer of Adyen's API to a request of ours; its webhook tells what came of it"
        )
    else:
        yield Foreign("document", "it has no notificationItems, and no eventCode")


def _item(node: Node, delivery: Delivery) -> Iterator[Told]:
    code = node.text("eventCode", required=True)
    success = node.flag("success")
    if code is None:
        return
    kind = _kind(node, code, success=success is not False)
    if kind is None:
        told = "did not come about" if code in _CODES else "tells of no money of a payment"
        yield Foreign(code, f"{code} with success {str(success).lower()} {told}")
        return
    ident, original = node.id("pspReference", required=True), node.id("originalReference")
    amount = None
    if "amount" in node:
        money = node.child("amount")
        amount = minor_units(money, "value", money.currency("currency"), _EXPONENTS)
    elif kind is not FactKind.VOIDED:
        node.fault(Code.MISSING, "amount", "amount is missing")
    yield from happened(
        kind,
        delivery,
        thing=original or ident,
        id=ident,
        time=node.time("eventDate", required=True),
        amount=amount,
        total=code == "AUTHORISATION_ADJUSTMENT",
        code=code,
        links=(
            *to_payment(delivery, original, ident),
            *to_order(delivery, node.id("merchantReference")),
            *_additional(node, delivery),
        ),
    )


def _kind(node: Node, code: str, *, success: bool) -> FactKind | None:
    if code in _EITHER:
        action = str(node.child("additionalData").tree.get("modification.action", "")).lower()
        if not success:
            return None
        return {"cancel": FactKind.VOIDED, "refund": FactKind.REFUNDED}.get(action)
    done, undone = _CODES.get(code, (None, None))
    return done if success else undone


def _additional(node: Node, delivery: Delivery) -> tuple[Link, ...]:
    """Return links to what additional data name: the merchant's metadata stand there as ``metadata.…``."""
    inner = node.tree.get("additionalData")
    if not isinstance(inner, dict):
        return ()
    prefix = "metadata."
    own = {name.removeprefix(prefix): value for name, value in inner.items() if name.startswith(prefix)}
    holder = Document({"metadata": own}).root
    return metadata_orders(holder, delivery)
