"""DHL: the Unified tracking API and its push, MyDHL API, DHL Express XML, and DHL Paket (Germany).

Source: https://developer.dhl.com/api-reference/shipment-tracking, .../dhl-express-mydhl-api,
.../dhl-paket-de-tracking, and the XML Services of DHL Express (TrackingResponse). The five formats are told apart by
what they hold: ``statusCode`` of five words, ``typeCode`` and ``EventCode`` of DHL Express's two letters, ``ice`` of
DHL Paket's five.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from ordertrail.correlate.asking import Asking, Listing
from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.observation import Observation
from ordertrail.correlate.providers.reading import (
    Told,
    event_id,
    listed,
    observed,
    scanned,
    to_order,
    without_nil,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Foreign
from ordertrail.intake.xml import is_xml, xml_tree

_UNIFIED: Final[dict[str, FactKind | None]] = {
    "pre-transit": FactKind.LABEL_MADE,
    "transit": FactKind.IN_TRANSIT,
    "delivered": FactKind.DELIVERED,
    "failure": FactKind.EXCEPTION,
    "unknown": None,
}
_TROUBLE: Final = "BA BN CA CD CM CS DM DS HI MC MD MS NA ND NH OH PD RD SS ST TD UD UV"
_EXPRESS: Final = {
    **dict.fromkeys(("SA", "SD"), FactKind.LABEL_MADE),
    **dict.fromkeys(("OK", "DL", "DD"), FactKind.DELIVERED),
    "RT": FactKind.RETURNED,
    **dict.fromkeys(_TROUBLE.split(), FactKind.EXCEPTION),
}
"""Codes of checkpoints of DHL Express; those that are not here say that the parcel moved."""
_PAKET: Final = {
    "DLVRD": FactKind.DELIVERED,
    "PARCV": FactKind.LABEL_MADE,
    "SHRDU": FactKind.LABEL_MADE,
    "NTDEL": FactKind.EXCEPTION,
    "EXCPT": FactKind.EXCEPTION,
    "HLDCC": FactKind.EXCEPTION,
    "RETRN": FactKind.RETURNED,
    "DLVRF": FactKind.EXCEPTION,
}
_POLAND: Final = {
    "EDWP": FactKind.LABEL_MADE,
    "DWP": FactKind.IN_TRANSIT,
    "SORT": FactKind.IN_TRANSIT,
    "LP": FactKind.IN_TRANSIT,
    "LK": FactKind.IN_TRANSIT,
    "AWI": FactKind.EXCEPTION,
    "BGR": FactKind.EXCEPTION,
    "OP": FactKind.EXCEPTION,
    "DOR": FactKind.DELIVERED,
    "ZWN": FactKind.RETURNED,
}
"""Statuses of DHL24 (Poland)."""
_PAKET_TIME: Final = re.compile(r"(\d{2})\.(\d{2})\.(\d{4}) (\d{2}:\d{2})")

# https://developer.dhl.com/api-reference/shipment-tracking: one parcel a question, of few questions a day.
_ASKING: Final = Asking(
    "https://api-eu.dhl.com",
    (Listing("/track/shipments", {"trackingNumber": "{number}"}, numbered=True),),
    credential="DHL-API-Key",
    absent=frozenset({400, 404}),
    parcel=r"\d{10}|(?:JJD|JVGL|JD)\d{10,24}|00340\d{15}|[A-Z]{2}\d{9}DE",
    every=timedelta(hours=12),
)


class Dhl:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "dhl"
    signature = "key"
    asking = _ASKING

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the push's id."""
        return None if is_xml(delivery.body) else event_id(delivery, name="eventId")

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        if is_xml(delivery.body):
            tree = without_nil(xml_tree(delivery.body))
            yield from _xml(Document(tree, delivery.source.zone, markup=True), delivery)
            return
        document = Document.of_json(delivery.body, delivery.source.zone)
        shipments = list(listed(document, "shipments")) or list(
            listed(document, "trackingResponse", "shipments")
        )
        if not shipments:
            yield observed(document, delivery, _other)
        for shipment in shipments:
            yield observed(shipment, delivery, _shipment)


def _other(node: Node, delivery: Delivery) -> Iterator[Told]:  # noqa: ARG001 - a reading takes both
    told = node.text("detail") or node.text("title")
    if told is not None:
        yield Foreign("error", f"DHL answered: {told}"[:240])
    else:
        yield Foreign("document", "no answer of DHL's that tells of a parcel")


def _shipment(node: Node, delivery: Delivery) -> Iterator[Told]:
    express = "shipmentTrackingNumber" in node
    parcel = node.id("shipmentTrackingNumber" if express else "id", required=True)
    found = False
    for seen in node.children("events"):
        for told in (
            _express(seen, delivery, parcel, node) if express else _unified(seen, delivery, parcel, node)
        ):
            found = True
            yield told
    if not found and not express and isinstance(node.tree.get("status"), dict):
        for told in _unified(node.child("status"), delivery, parcel, node):
            found = True
            yield told
    if not found:
        yield Foreign("shipment", "nothing was seen of it yet")


def _unified(seen: Node, delivery: Delivery, parcel: str | None, shipment: Node) -> Iterator[Told]:
    code = (seen.text("statusCode") or "unknown").lower()
    if code not in _UNIFIED:
        seen.fault(Code.UNKNOWN_WORD, "statusCode", f"{code[:80]!r} is not known here")
    references = shipment.child("details").children("references")
    orders = [one.id("number") for one in references if one.text("type") == "customer-reference"]
    time = seen.time("timestamp", required=True)
    yield from scanned(
        _UNIFIED.get(code), delivery, parcel=parcel, time=time, code=code, links=to_order(delivery, *orders)
    )


def _express(seen: Node, delivery: Delivery, parcel: str | None, shipment: Node) -> Iterator[Told]:
    code = seen.text("typeCode", required=True)
    offset = seen.text("GMTOffset") or ""
    orders = [one.id("value") for one in shipment.children("shipperReferences")]
    date, clock = seen.text("date", required=True), seen.text("time") or "00:00:00"
    time = _moment(seen, delivery, "date", f"{date}T{clock}{offset}")
    kind = _EXPRESS.get(code or "", FactKind.IN_TRANSIT)
    yield from scanned(kind, delivery, parcel=parcel, time=time, code=code, links=to_order(delivery, *orders))


def _xml(document: Document, delivery: Delivery) -> Iterator[Observation]:
    tree: Any = document.tree
    root = next(iter(tree))
    inner = tree[root]
    if isinstance(inner, dict) and "AWBInfo" in inner:
        for part in listed(document, root, "AWBInfo"):
            yield observed(part, delivery, _awb)
    elif root == "data":
        yield from _paket(document, delivery)
    elif root == "getTrackAndTraceInfoResponse":
        yield observed(document, delivery, _poland)
    else:
        yield Observation("", Foreign(root, f"a {root} is no tracking answer of DHL's that is read"))


def _awb(node: Node, delivery: Delivery) -> Iterator[Told]:
    status = node.child("Status").text("ActionStatus") or ""
    if status.lower() != "success":
        yield Foreign("AWBInfo", f"DHL answered: {status or 'nothing'}"[:200])
        return
    parcel = node.id("AWBNumber", required=True)
    info = node.child("ShipmentInfo")
    orders = to_order(delivery, info.child("ShipperReference").id("ReferenceID"))
    for seen in info.children("ShipmentEvent"):
        code = seen.child("ServiceEvent").text("EventCode", required=True)
        kind = _EXPRESS.get(code or "", FactKind.IN_TRANSIT)
        time = seen.moment("Date", "Time", required=True)
        yield from scanned(kind, delivery, parcel=parcel, time=time, code=code, links=orders)


def _paket(document: Document, delivery: Delivery) -> Iterator[Observation]:
    """Read DHL Paket's tree of elements that are all named ``data``, and say in ``@name`` what they are."""
    shipments = [part for part in listed(document, "data", "data") if _named(part.tree, "piece-shipment")]
    if not shipments:
        yield Observation("", Foreign("data", "DHL Paket knows of no parcel"))
    for part in shipments:
        yield observed(part, delivery, _piece)


def _piece(node: Node, delivery: Delivery) -> Iterator[Told]:
    parcel = node.id("@piece-code", required=True)
    orders = to_order(delivery, node.id("@piece-customer-reference"), node.id("@shipment-customer-reference"))
    found = False
    for group in node.children("data"):
        for seen in group.children("data"):
            code, word = seen.text("@ice", required=True), seen.text("@event-timestamp", required=True)
            back = seen.text("@ruecksendung") == "true"
            kind = FactKind.RETURNED if back else _PAKET.get(code or "", FactKind.IN_TRANSIT)
            time = _paket_time(seen, delivery, word)
            found = True
            yield from scanned(kind, delivery, parcel=parcel, time=time, code=code, links=orders)
    if not found:
        time = _paket_time(node, delivery, node.text("@status-timestamp", required=True))
        code = node.text("@ice")
        kind = _PAKET.get(code or "", FactKind.IN_TRANSIT)
        yield from scanned(kind, delivery, parcel=parcel, time=time, code=code, links=orders)


def _poland(node: Node, delivery: Delivery) -> Iterator[Told]:
    result = node.child("getTrackAndTraceInfoResponse").child("getTrackAndTraceInfoResult")
    parcel = result.id("shipmentId", required=True)
    for seen in result.child("events").children("item"):
        code, time = seen.text("status", required=True), seen.time("timestamp", required=True)
        kind = _POLAND.get((code or "").upper())
        if kind is None:
            seen.fault(Code.UNKNOWN_WORD, "status", f"{code!r} is not known here")
        yield from scanned(kind, delivery, parcel=parcel, time=time, code=code)


def _named(tree: Any, name: str) -> bool:
    return isinstance(tree, dict) and tree.get("@name") == name


def _paket_time(node: Node, delivery: Delivery, word: str | None) -> str | None:
    found = _PAKET_TIME.fullmatch(word or "")
    if found is None:
        if word is not None:
            node.fault(Code.MALFORMED, "@event-timestamp", f"{word[:40]!r} is not DD.MM.YYYY HH:MM")
        return None
    day, month, year, clock = found.groups()
    return _moment(node, delivery, "@event-timestamp", f"{year}-{month}-{day}T{clock}:00")


def _moment(node: Node, delivery: Delivery, name: str, text: str) -> str | None:
    """Return a moment that was put together of several fields; a fault is told at one of them."""
    inner = Document({"at": text}, delivery.source.zone).root
    time = inner.time("at")
    if time is None:
        node.fault(Code.MALFORMED, name, f"{text[:60]!r} is not a date and a time")
    return time
