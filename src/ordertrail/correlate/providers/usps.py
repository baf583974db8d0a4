"""USPS: answers of the Tracking API (version 3) and of the older Track/Confirm XML.

Source: https://developer.usps.com/trackingv3r2 and the USPS Web Tools Track & Confirm API (event codes). A code that is
not here says that the parcel moved.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from ordertrail.correlate.asking import Asking, Listing
from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.observation import Observation
from ordertrail.correlate.providers.reading import Told, listed, observed, scanned, without_nil
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Foreign
from ordertrail.intake.xml import is_xml, xml_tree
from ordertrail.kernel.clock import format_time

_CODES: Final = {
    **dict.fromkeys(("01", "60"), FactKind.DELIVERED),
    **dict.fromkeys(("GX", "MA", "GC", "NP"), FactKind.LABEL_MADE),
    **dict.fromkeys(
        ("09", "21", "22", "23", "24", "25", "26", "27", "28", "29", "31", "RT"), FactKind.RETURNED
    ),
    **dict.fromkeys(
        (
            "02",
            "04",
            "05",
            "08",
            "11",
            "15",
            "30",
            "44",
            "51",
            "52",
            "53",
            "54",
            "55",
            "56",
            "57",
            "71",
            "DE",
            "EX",
        ),
        FactKind.EXCEPTION,
    ),
}
_FORMS: Final = ("%B %d, %Y %I:%M %p", "%B %d, %Y")

# https://developers.usps.com/trackingv3r2: as many as 35 parcels a question; one keeps each answer by itself.
_ASKING: Final = Asking(
    "https://apis.usps.com",
    (
        Listing(
            "/tracking/v3r2/tracking",
            {"expand": "DETAIL"},
            posted=[{"trackingNumber": "{number}"}],
            numbered=True,
        ),
    ),
    tokens_at="/oauth2/v3/token",
    client_posted=True,
    absent=frozenset({400, 404}),
    parcel=r"9[1-5]\d{18,24}|[A-Z]{2}\d{9}US",
    every=timedelta(hours=4),
)


class Usps:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "usps"
    signature = "key"
    asking = _ASKING

    def delivery_id(self, delivery: Delivery) -> str | None:  # noqa: ARG002 - an answer is known by its bytes
        """Return None: an answer has no id; its bytes are it."""
        return None

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        if is_xml(delivery.body):
            yield from _xml(delivery)
            return
        document = Document.of_json(delivery.body, delivery.source.zone)
        if isinstance(document.tree, list):
            for place, one in enumerate(document.tree):
                yield observed(document.part(one, f"/{place}"), delivery, _answer)
        else:
            yield observed(document, delivery, _answer)


def _answer(node: Node, delivery: Delivery) -> Iterator[Told]:
    if "error" in node:
        error = node.child("error")
        yield Foreign("error", f"USPS answered {error.text('code')}: {error.text('message')}"[:240])
        return
    parcel = node.id("trackingNumber", required=True)
    found = False
    for seen in node.children("trackingEvents"):
        code = seen.text("eventCode", required=True)
        kind = _CODES.get(code or "", FactKind.IN_TRANSIT)
        time = seen.time("GMTTimestamp") or seen.time("eventTimestamp", required=True)
        for told in scanned(kind, delivery, parcel=parcel, time=time, code=code):
            found = True
            yield told
    if not found:
        yield Foreign("answer", "nothing was seen of it yet")


def _xml(delivery: Delivery) -> Iterator[Observation]:
    tree = without_nil(xml_tree(delivery.body))
    document = Document(tree, delivery.source.zone, markup=True)
    found = list(listed(document, "TrackResponse", "TrackInfo"))
    if not found:
        yield observed(document, delivery, _nothing)
    for part in found:
        yield observed(part, delivery, _info)


def _nothing(node: Node, delivery: Delivery) -> Iterator[Told]:  # noqa: ARG001 - a reading takes both
    if "Error" in node:
        error = node.child("Error")
        yield Foreign("error", f"USPS answered {error.text('Number')}: {error.text('Description')}"[:240])
    else:
        yield Foreign(next(iter(node.names()), "document"), "no answer of USPS's that tells of a parcel")


def _info(node: Node, delivery: Delivery) -> Iterator[Told]:
    if "Error" in node:
        error = node.child("Error")
        yield Foreign("error", f"USPS answered {error.text('Number')}: {error.text('Description')}"[:240])
        return
    parcel = node.id("@ID", required=True)
    found = False
    for seen in (*node.children("TrackSummary"), *node.children("TrackDetail")):
        code, day = seen.text("EventCode"), seen.text("EventDate")
        if day is None:
            continue
        time = _moment(seen, delivery, day, seen.text("EventTime"))
        kind = _CODES.get(code or "", FactKind.IN_TRANSIT) if code is not None else _spoken(seen)
        for told in scanned(kind, delivery, parcel=parcel, time=time, code=code):
            found = True
            yield told
    if not found:
        yield Foreign("TrackInfo", "nothing was seen of it yet")


def _spoken(seen: Node) -> FactKind:
    """Return what an event without a code says in words."""
    words = (seen.text("Event") or "").lower()
    if "return" in words:
        return FactKind.RETURNED
    if words.startswith("delivered"):
        return FactKind.DELIVERED
    if "label" in words or "pre-shipment" in words or "electronic shipping info" in words:
        return FactKind.LABEL_MADE
    return FactKind.EXCEPTION if "undeliverable" in words or "notice left" in words else FactKind.IN_TRANSIT


def _moment(node: Node, delivery: Delivery, day: str, clock: str | None) -> str | None:
    text = day if clock is None else f"{day} {clock.upper()}"
    for form in _FORMS:
        try:
            return format_time(datetime.strptime(text, form).replace(tzinfo=delivery.source.zone))
        except ValueError:
            continue
    node.fault(Code.MALFORMED, "EventDate", f"{text[:60]!r} is not a date as USPS writes it")
    return None
