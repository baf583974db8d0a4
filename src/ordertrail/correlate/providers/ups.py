"""UPS: events of Track Alert, and the answers of the Tracking API.

Source: https://developer.ups.com/api/reference (Tracking API, UPS Track Alert). The type of an activity's status is one
or two letters; times are ``YYYYMMDD`` and ``HHMMSS``, in GMT where ``gmtDate`` says so, else where the parcel was.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from ordertrail.correlate.asking import Asking, Listing
from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.observation import Observation
from ordertrail.correlate.providers.reading import Told, listed, observed, scanned, to_order, to_shipment
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Foreign
from ordertrail.kernel.clock import format_time

_TYPES: Final[dict[str, FactKind | None]] = {
    "M": FactKind.LABEL_MADE,
    "MV": FactKind.LABEL_MADE,
    "P": FactKind.IN_TRANSIT,
    "I": FactKind.IN_TRANSIT,
    "O": FactKind.IN_TRANSIT,
    "W": FactKind.IN_TRANSIT,
    "NA": None,
    "DO": FactKind.IN_TRANSIT,
    "DD": FactKind.IN_TRANSIT,
    "D": FactKind.DELIVERED,
    "X": FactKind.EXCEPTION,
    "RS": FactKind.RETURNED,
}
"""``NA`` is no status; freight that came to its first or last container station (``DO``, ``DD``) is on its way."""
_VOIDED: Final = {"MV"}
_ORDER_REFERENCES: Final = {"PON", "IVN", "PO", "IV", "INV", "13", "28", "ON", "43"}
"""Kinds of reference numbers that name an order or its invoice; other kinds are the shipper's affair."""

# https://developer.ups.com/api/reference (Tracking): one parcel a question.
_ASKING: Final = Asking(
    "https://onlinetools.ups.com",
    (
        Listing(
            "/api/track/v1/details/{number}",
            {"locale": "en_US", "returnSignature": "false"},
            numbered=True,
        ),
    ),
    headers={"transId": "{unique}", "transactionSrc": "ordertrail"},
    tokens_at="/security/v1/oauth/token",
    absent=frozenset({400, 404}),
    parcel="1Z[0-9A-Z]{16}",
    every=timedelta(hours=4),
)


class Ups:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "ups"
    signature = "key"
    asking = _ASKING

    def delivery_id(self, delivery: Delivery) -> str | None:  # noqa: ARG002 - an event has none
        """Return None: an event has no id of its own; its bytes are it."""
        return None

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        document = Document.of_json(delivery.body, delivery.source.zone)
        tree = document.tree if isinstance(document.tree, dict) else {}
        if not isinstance(tree.get("trackResponse"), dict):
            yield observed(document, delivery, _event)
            return
        for shipment in listed(document, "trackResponse", "shipment"):
            packages = list(listed(shipment, "package"))
            if not packages:
                yield observed(shipment, delivery, _empty)
            for package in packages:
                yield observed(package, delivery, _package)


def _empty(node: Node, delivery: Delivery) -> Iterator[Told]:  # noqa: ARG001 - a reading takes both
    warnings = [one.text("message") or "" for one in node.children("warnings")]
    yield Foreign("shipment", f"UPS knows of no package: {'; '.join(warnings)[:200]}")


def _event(node: Node, delivery: Delivery) -> Iterator[Told]:
    if "trackingNumber" not in node or "activityStatus" not in node:
        errors = node.child("response").children("errors")
        told = "; ".join(f"{one.text('code')} {one.text('message')}" for one in errors)[:200]
        kind = "error" if errors else "document"
        yield Foreign(kind, f"UPS answered: {told}" if errors else "no tracking event and no answer of UPS's")
        return
    status = node.child("activityStatus")
    time = _time(node, delivery, "gmtActivityDate", "gmtActivityTime") or _time(
        node, delivery, "localActivityDate", "localActivityTime", required=True
    )
    yield from scanned(
        _kind(status),
        delivery,
        parcel=node.id("trackingNumber", required=True),
        time=time,
        code=_code(status),
    )


def _package(node: Node, delivery: Delivery) -> Iterator[Told]:
    parcel = node.id("trackingNumber", required=True)
    references = node.children("referenceNumber")
    orders = [one.id("number") for one in references if (one.text("type") or "").upper() in _ORDER_REFERENCES]
    links = (*to_order(delivery, *orders), *to_shipment(delivery, node.id("inquiryNumber")))
    found = False
    for seen in node.children("activity"):
        status = seen.child("status")
        time = _time(seen, delivery, "gmtDate", "gmtTime") or _time(
            seen, delivery, "date", "time", required=True
        )
        for told in scanned(
            _kind(status), delivery, parcel=parcel, time=time, code=_code(status), links=links
        ):
            found = True
            yield told
    if not found:
        yield Foreign("package", "nothing was seen of it yet")


def _kind(status: Node) -> FactKind | None:
    word = status.text("type", required=True)
    if word is None:
        return None
    kind = _TYPES.get(word.upper())
    if word.upper() not in _TYPES:
        status.fault(Code.UNKNOWN_WORD, "type", f"{word[:40]!r} is not known here")
    return FactKind.EXCEPTION if word.upper() in _VOIDED else kind


def _code(status: Node) -> str:
    return "/".join(word for word in (status.text("type"), status.text("code")) if word)


def _time(node: Node, delivery: Delivery, day: str, hour: str, *, required: bool = False) -> str | None:
    """Return a moment from a date and a time of day without signs; UPS writes some with colons."""
    date, clock = node.text(day, required=required), (node.text(hour) or "000000").replace(":", "")
    if date is None:
        return None
    zone = UTC if day.startswith("gmt") else delivery.source.zone
    try:
        moment = datetime.strptime(f"{date.replace('-', '')} {clock}", "%Y%m%d %H%M%S").replace(tzinfo=zone)
    except ValueError:
        node.fault(Code.MALFORMED, day, f"{date} {clock} is not a date and a time as UPS writes them")
        return None
    return format_time(moment)
