"""FedEx: answers and pushes of the Track API, and the replies of its older web service.

Source: https://developer.fedex.com/api/en-us/catalog/track/v1/docs.html (scan events, status codes) and the FedEx Web
Services Developer Guide (TrackReply). A scan has its own word and, in the newer API, the status that it put the parcel
into; what the first does not say the second does. Words of scans that are none of these mean that the parcel moved.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ordertrail.correlate.asking import Asking, Listing
from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.observation import Observation
from ordertrail.correlate.providers.reading import (
    Told,
    listed,
    observed,
    scanned,
    to_order,
    to_shipment,
    without_nil,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Foreign
from ordertrail.intake.xml import is_xml, xml_tree
from ordertrail.record.event import Link

_WORDS: Final = {
    "OC": FactKind.LABEL_MADE,
    "IN": FactKind.LABEL_MADE,
    "OX": FactKind.LABEL_MADE,
    "RP": FactKind.LABEL_MADE,
    "EP": FactKind.LABEL_MADE,
    "DR": FactKind.LABEL_MADE,
    "DL": FactKind.DELIVERED,
    "DE": FactKind.EXCEPTION,
    "SE": FactKind.EXCEPTION,
    "CA": FactKind.EXCEPTION,
    "CD": FactKind.EXCEPTION,
    "DD": FactKind.EXCEPTION,
    "DY": FactKind.EXCEPTION,
    "PD": FactKind.EXCEPTION,
    "HL": FactKind.IN_TRANSIT,
    "RS": FactKind.RETURNED,
    "RD": FactKind.RETURNED,
    "RT": FactKind.RETURNED,
}
_ORDER_REFERENCES: Final = {"PURCHASE_ORDER", "INVOICE", "CUSTOMER_REFERENCE", "SHIPPER_REFERENCE"}

# https://developer.fedex.com/api/en-us/catalog/track/v1/docs.html (Track by Tracking Number); that a parcel is not
# known stands within an answer.
_ASKING: Final = Asking(
    "https://apis.fedex.com",
    (
        Listing(
            "/track/v1/trackingnumbers",
            posted={
                "includeDetailedScans": True,
                "trackingInfo": [{"trackingNumberInfo": {"trackingNumber": "{number}"}}],
            },
            numbered=True,
        ),
    ),
    tokens_at="/oauth/token",
    client_posted=True,
    absent=frozenset({400, 404}),
    parcel=r"\d{12}|\d{15}|96\d{20}",
    every=timedelta(hours=4),
)


class FedEx:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "fedex"
    signature = "key"
    asking = _ASKING

    def delivery_id(self, delivery: Delivery) -> str | None:  # noqa: ARG002 - an answer is known by its bytes
        """Return None: an answer's transaction id is of the asking, and not of what is told."""
        return None

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        if is_xml(delivery.body):
            yield from _xml(delivery)
            return
        document = Document.of_json(delivery.body, delivery.source.zone)
        found = False
        for complete in listed(document, "output", "completeTrackResults"):
            for result in listed(complete, "trackResults"):
                found = True
                yield observed(result, delivery, _result)
        if not found:
            yield observed(document, delivery, _other)


def _other(node: Node, delivery: Delivery) -> Iterator[Told]:
    if "trackingNumberInfo" in node:
        yield from _result(node, delivery)
        return
    errors = node.children("errors")
    told = "; ".join(f"{one.text('code')}: {one.text('message')}" for one in errors)[:200]
    if errors:
        yield Foreign("error", f"FedEx answered {told}")
    else:
        yield Foreign("document", "no answer of FedEx's Track API that tells of a parcel")


def _result(node: Node, delivery: Delivery) -> Iterator[Told]:
    info = node.child("trackingNumberInfo")
    parcel = info.id("trackingNumber")
    if parcel is None and "error" in node:
        error = node.child("error")
        yield Foreign("error", f"FedEx answered {error.text('code')}: {error.text('message')}"[:240])
        return
    if parcel is None:
        info.id("trackingNumber", required=True)
        return
    links = (*to_shipment(delivery, info.id("trackingNumberUniqueId")), *_references(node, delivery))
    found = False
    for seen in node.children("scanEvents"):
        word, derived = seen.text("eventType"), seen.text("derivedStatusCode")
        kind = _WORDS.get(word or "") or _WORDS.get(derived or "") or FactKind.IN_TRANSIT
        code = "/".join(one for one in (word, seen.text("exceptionCode")) if one)
        time = seen.time("date", required=True)
        for told in scanned(kind, delivery, parcel=parcel, time=time, code=code, links=links):
            found = True
            yield told
    if not found:
        error = node.child("error")
        reason = error.text("message") or "nothing was seen of it yet"
        yield Foreign("result", f"{parcel}: {reason}"[:240])


def _references(node: Node, delivery: Delivery) -> tuple[Link, ...]:
    identifiers = node.child("additionalTrackingInfo").children("packageIdentifiers")
    return tuple(
        one
        for each in identifiers
        if (each.text("type") or "").upper() in _ORDER_REFERENCES
        for value in each.texts("values" if "values" in each else "value")
        for one in to_order(delivery, value)
    )


def _xml(delivery: Delivery) -> Iterator[Observation]:
    tree = without_nil(xml_tree(delivery.body))
    document = Document(tree, delivery.source.zone, markup=True)
    name = next((one for one in tree if one == "TrackReply"), None)
    details = [
        detail
        for complete in listed(document, name or "", "CompletedTrackDetails")
        for detail in listed(complete, "TrackDetails")
    ]
    details = details or list(listed(document, name or "", "TrackDetails"))
    if not details:
        yield observed(document, delivery, _nothing)
    for detail in details:
        yield observed(detail, delivery, _detail)


def _nothing(node: Node, delivery: Delivery) -> Iterator[Told]:  # noqa: ARG001 - a reading takes both
    reply = node.child(next(iter(node.names()), "TrackReply"))
    notes = reply.children("Notifications")
    told = "; ".join(f"{one.text('Code')}: {one.text('Message')}" for one in notes)[:200]
    yield Foreign("reply", f"FedEx answered {told}" if told else "no reply of FedEx's that tells of a parcel")


def _detail(node: Node, delivery: Delivery) -> Iterator[Told]:
    note = node.child("Notification")
    if note.text("Severity") in {"ERROR", "FAILURE"}:
        yield Foreign("error", f"FedEx answered {note.text('Code')}: {note.text('Message')}"[:240])
        return
    parcel = node.id("TrackingNumber", required=True)
    links = to_shipment(delivery, node.id("TrackingNumberUniqueIdentifier"))
    found = False
    for seen in node.children("Events"):
        word = seen.text("EventType", required=True)
        time = seen.time("Timestamp", required=True)
        kind = _WORDS.get(word or "", FactKind.IN_TRANSIT)
        for told in scanned(kind, delivery, parcel=parcel, time=time, code=word, links=links):
            found = True
            yield told
    if found or node.faults:
        return
    status = node.child("StatusDetail")
    word = status.text("Code")
    if word is None:
        node.fault(Code.MISSING, "StatusDetail", "StatusDetail/Code is missing, and there are no Events")
        return
    kind = _WORDS.get(word, FactKind.IN_TRANSIT)
    time = status.time("CreationTime", required=True)
    yield from scanned(kind, delivery, parcel=parcel, time=time, code=word, links=links)
