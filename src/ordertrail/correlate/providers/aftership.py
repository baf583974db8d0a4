"""AfterShip: webhooks of trackings, and the trackings that its API answers.

Source: https://www.aftership.com/docs/tracking/webhook and https://www.aftership.com/docs/tracking/reference. A
checkpoint's time often names no zone: it is where the parcel was, and is read in the source's.
"""

from collections.abc import Iterator
from typing import Final

from ordertrail.correlate.asking import Asking, Listing, Turn
from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.observation import Observation
from ordertrail.correlate.providers.reading import (
    Told,
    event_id,
    listed,
    metadata_orders,
    observed,
    scanned,
    to_order,
    to_shipment,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Foreign

_TAGS: Final[dict[str, FactKind | None]] = {
    "Pending": None,
    "InfoReceived": FactKind.LABEL_MADE,
    "InTransit": FactKind.IN_TRANSIT,
    "OutForDelivery": FactKind.IN_TRANSIT,
    "AvailableForPickup": FactKind.IN_TRANSIT,
    "AttemptFail": FactKind.EXCEPTION,
    "Delivered": FactKind.DELIVERED,
    "Exception": FactKind.EXCEPTION,
    "Expired": FactKind.EXCEPTION,
}
_RETURNING: Final = frozenset({"Exception_010", "Exception_011"})
"""Subtags of an exception by which a parcel goes back to its sender."""

# https://www.aftership.com/docs/tracking/reference (get-trackings): by when they changed.
_ASKING: Final = Asking(
    "https://api.aftership.com",
    (
        Listing(
            "/tracking/2025-07/trackings",
            {"updated_at_min": "{since}", "limit": "{size}", "cursor": "{cursor}"},
            Turn.CURSOR,
            at="/data/pagination/next_cursor",
            items="/data/trackings",
            more="/data/pagination/has_next_page",
        ),
    ),
    credential="as-api-key",
)


class AfterShip:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "aftership"
    signature = "key"
    asking = _ASKING

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the event's id."""
        return event_id(delivery, name="event_id")

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        document = Document.of_json(delivery.body, delivery.source.zone)
        data = document.tree.get("data") if isinstance(document.tree, dict) else None
        if isinstance(data, dict) and isinstance(data.get("trackings"), list):
            for part in listed(document, "data", "trackings"):
                yield observed(part, delivery, _tracking)
            return
        yield observed(document, delivery, _read)


def _read(node: Node, delivery: Delivery) -> Iterator[Told]:
    holder = node
    for name in ("msg", "data", "tracking"):
        if isinstance(holder.tree.get(name), dict):
            holder = holder.child(name)
    if "tracking_number" in holder:
        yield from _tracking(holder, delivery)
    elif "meta" in node and holder.tree.get("checkpoint") is None:
        yield Foreign("answer", "an answer of AfterShip's API that tells of no parcel")
    else:
        yield Foreign("document", "no tracking of AfterShip's")


def _tracking(node: Node, delivery: Delivery) -> Iterator[Told]:
    parcel = node.id("tracking_number", required=True)
    links = (
        *to_shipment(delivery, node.id("id")),
        *to_order(delivery, node.id("order_id"), node.id("order_number")),
        *metadata_orders(node, delivery, "custom_fields"),
    )
    checkpoints = [*node.children("checkpoints")]
    if isinstance(node.tree.get("checkpoint"), dict):
        checkpoints.append(node.child("checkpoint"))
    found = False
    for seen in checkpoints:
        if "tag" not in seen:
            continue
        time = seen.time("checkpoint_time") or seen.time("created_at", required=True)
        code = seen.text("subtag") or seen.text("tag")
        for told in scanned(_kind(seen), delivery, parcel=parcel, time=time, code=code, links=links):
            found = True
            yield told
    if found:
        return
    kind = _kind(node)
    if kind is None:
        yield Foreign("tracking", "nothing was seen of its parcel yet")
        return
    code = node.text("subtag") or node.text("tag")
    yield from scanned(
        kind, delivery, parcel=parcel, time=node.time("updated_at", required=True), code=code, links=links
    )


def _kind(node: Node) -> FactKind | None:
    tag = node.text("tag") or "Pending"
    if tag not in _TAGS:
        node.fault(Code.UNKNOWN_WORD, "tag", f"{tag[:80]!r} is not known here")
    if node.text("subtag") in _RETURNING:
        return FactKind.RETURNED
    return _TAGS.get(tag)
