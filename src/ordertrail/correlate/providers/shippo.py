"""Shippo: webhooks of tracks and labels, and the tracks, transactions and shipments that its API answers.

Source: https://docs.goshippo.com/docs/tracking/webhooks and https://docs.goshippo.com/shippoapi (Tracks, Transactions).
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ordertrail.correlate.asking import Asking, Listing, Turn
from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.observation import Observation
from ordertrail.correlate.providers.reading import (
    Told,
    listed,
    observed,
    scanned,
    to_order,
    to_shipment,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Foreign
from ordertrail.record.event import Link

_STATES: Final[dict[str, FactKind | None]] = {
    "UNKNOWN": None,
    "PRE_TRANSIT": FactKind.LABEL_MADE,
    "TRANSIT": FactKind.IN_TRANSIT,
    "DELIVERED": FactKind.DELIVERED,
    "RETURNED": FactKind.RETURNED,
    "FAILURE": FactKind.EXCEPTION,
}

# https://docs.goshippo.com/shippoapi/public-api/transactions: labels, the newest first. Tracks have no list.
_ASKING: Final = Asking(
    "https://api.goshippo.com",
    (
        Listing(
            "/transactions",
            {"page": "{page}", "results": "{size}"},
            Turn.NUMBER,
            items="/results",
            time="object_created",
            newest_first=True,
        ),
    ),
    credential="Authorization ShippoToken",
    every=timedelta(minutes=15),
)


class Shippo:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "shippo"
    signature = "key"
    asking = _ASKING

    def delivery_id(self, delivery: Delivery) -> str | None:  # noqa: ARG002 - a webhook has none
        """Return None: a webhook has no id of its own; its bytes are it."""
        return None

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        document = Document.of_json(delivery.body, delivery.source.zone)
        tree = document.tree if isinstance(document.tree, dict) else {}
        if isinstance(tree.get("results"), list):
            for part in listed(document, "results"):
                yield observed(part, delivery, _read)
            return
        yield observed(document, delivery, _read)


def _read(node: Node, delivery: Delivery) -> Iterator[Told]:
    if "event" in node and isinstance(node.tree.get("data"), dict):
        node = node.child("data")
    status = node.tree.get("tracking_status")
    if "tracking_number" in node and (isinstance(status, dict) or ("carrier" in node and status is None)):
        yield from _track(node, delivery)
    elif "rate" in node and "status" in node:
        yield from _label(node, delivery)
    else:
        yield Foreign("document", "no track and no label of Shippo's")


def _track(node: Node, delivery: Delivery) -> Iterator[Told]:
    parcel, links = node.id("tracking_number", required=True), _links(node, delivery)
    found = False
    for seen in (*node.children("tracking_history"), node.child("tracking_status")):
        if "status" not in seen:
            continue
        state = seen.text("status") or "UNKNOWN"
        if state not in _STATES:
            seen.fault(Code.UNKNOWN_WORD, "status", f"{state[:80]!r} is not known here")
        time = seen.time("status_date") or seen.time("object_created", required=True)
        for told in scanned(_STATES.get(state), delivery, parcel=parcel, time=time, code=state, links=links):
            found = True
            yield told
    if not found:
        yield Foreign("track", "nothing was seen of its parcel yet")


def _label(node: Node, delivery: Delivery) -> Iterator[Told]:
    """Read a transaction: the buying of a label."""
    status, parcel = node.text("status", required=True), node.id("tracking_number")
    if status != "SUCCESS" or parcel is None:
        yield Foreign("transaction", f"a label that is {status}: there is no parcel yet")
        return
    time = node.time("object_created", required=True)
    links = _links(node, delivery)
    yield from scanned(FactKind.LABEL_MADE, delivery, parcel=parcel, time=time, code="label", links=links)


def _links(node: Node, delivery: Delivery) -> tuple[Link, ...]:
    """Return links to what a track or a label names; ``metadata`` is a text of the merchant's own."""
    orders = (node.text("metadata") or "").split()[:8]
    shipment = node.tree.get("shipment")
    named = node.id("shipment") if isinstance(shipment, str) else None
    order = node.id("order") if isinstance(node.tree.get("order"), str) else None
    return (*to_shipment(delivery, named, order), *to_order(delivery, *orders))
