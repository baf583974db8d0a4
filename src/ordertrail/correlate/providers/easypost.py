"""EasyPost: webhooks of trackers, and the trackers, shipments and events that its API answers.

Source: https://docs.easypost.com/docs/trackers, .../events, .../shipments. A tracker carries all that was seen of its
parcel; each sighting is a fact of its own, known by what it is, so that a later tracker adds only what is new.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ordertrail.correlate.asking import Asking, Listing, Turn
from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.observation import Observation
from ordertrail.correlate.providers.reading import (
    Told,
    event_id,
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

_STATES: Final[dict[str, FactKind | None]] = {
    "unknown": None,
    "pre_transit": FactKind.LABEL_MADE,
    "in_transit": FactKind.IN_TRANSIT,
    "out_for_delivery": FactKind.IN_TRANSIT,
    "available_for_pickup": FactKind.IN_TRANSIT,
    "delivered": FactKind.DELIVERED,
    "return_to_sender": FactKind.RETURNED,
    "failure": FactKind.EXCEPTION,
    "error": FactKind.EXCEPTION,
    "cancelled": FactKind.EXCEPTION,
}
_LISTS: Final = ("trackers", "events", "shipments")

# https://docs.easypost.com/docs/trackers: by when they were made, the newest first. (Its list of events leaves out what
# they tell of.)
_ASKING: Final = Asking(
    "https://api.easypost.com",
    (
        Listing(
            "/v2/trackers",
            {"start_datetime": "{since}", "page_size": "{size}", "before_id": "{cursor}"},
            Turn.LAST,
            items="/trackers",
            more="/has_more",
        ),
    ),
    credential="basic",
    every=timedelta(hours=1),
    overlap=timedelta(days=30),
)


class EasyPost:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "easypost"
    signature = "easypost"
    asking = _ASKING

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the event's id."""
        return event_id(delivery, "evt_")

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        document = Document.of_json(delivery.body, delivery.source.zone)
        tree = document.tree if isinstance(document.tree, dict) else {}
        listing = next((one for one in _LISTS if isinstance(tree.get(one), list) and "id" not in tree), None)
        if listing is not None:
            for part in listed(document, listing):
                yield observed(part, delivery, _read)
        elif isinstance(document.tree, list):
            for place, one in enumerate(document.tree):
                yield observed(document.part(one, f"/{place}"), delivery, _read)
        else:
            yield observed(document, delivery, _read)


def _read(node: Node, delivery: Delivery) -> Iterator[Told]:
    kind = node.text("object") or "document"
    if kind == "Event" and isinstance(node.tree.get("result"), dict):
        inner = node.child("result")
        kind = inner.text("object") or "document"
        node = inner
    if kind == "Tracker":
        yield from _tracker(node, delivery)
    elif kind == "Shipment" and "tracking_code" in node:
        yield from _shipment(node, delivery)
    elif "error" in node:
        yield Foreign("error", "an error that EasyPost's API answered; nothing happened")
    else:
        yield Foreign(kind, f"a {kind} of EasyPost's tells of no parcel on its way")


def _tracker(node: Node, delivery: Delivery) -> Iterator[Told]:
    parcel = node.id("tracking_code", required=True)
    links = to_shipment(delivery, node.id("shipment_id"), node.id("id"))
    found = False
    for detail in node.children("tracking_details"):
        kind = _state(detail, "status")
        told = scanned(
            kind,
            delivery,
            parcel=parcel,
            time=detail.time("datetime", required=True),
            code=detail.text("status"),
            links=links,
        )
        for one in told:
            found = True
            yield one
    if found:
        return
    kind = _state(node, "status")
    if kind is None:
        yield Foreign("Tracker", "nothing was seen of its parcel yet")
        return
    time = node.time("updated_at", required=True)
    yield from scanned(kind, delivery, parcel=parcel, time=time, code=node.text("status"), links=links)


def _shipment(node: Node, delivery: Delivery) -> Iterator[Told]:
    links = (
        *to_shipment(delivery, node.id("id"), node.id("order_id")),
        *to_order(delivery, node.id("reference")),
    )
    label = node.child("postage_label")
    if "id" not in label:
        yield Foreign("Shipment", "no label was made for it yet")
        return
    time = label.time("created_at", required=True)
    parcel = node.id("tracking_code", required=True)
    yield from scanned(FactKind.LABEL_MADE, delivery, parcel=parcel, time=time, code="label", links=links)


def _state(node: Node, name: str) -> FactKind | None:
    state = node.text(name) or "unknown"
    if state not in _STATES:
        node.fault(Code.UNKNOWN_WORD, name, f"{state[:80]!r} is not known here")
    return _STATES.get(state)
