"""856 Ship Notice: a fulfilment for each order in the shipment.

Its hierarchy (HL01, HL02) goes from shipment over order, pallet and carton to item in any sequence (BSN05). An item
belongs to the order whose PRF stands in its own level or above it. Each order is a message of its own, in whose tree
stand its levels and those of the shipment as a whole; the levels of other orders are left out, and the rest keep their
places. What goes of one order to several places is one fulfilment of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channels.x12 import loops, words
from ordertrail.intake.channels.x12.order import envelope_references
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.edi.envelope import X12 as FRAME
from ordertrail.intake.edi.envelope import Enclosed
from ordertrail.intake.edi.reading import Reading, first
from ordertrail.intake.faults import Code, Fault
from ordertrail.intake.message import Message
from ordertrail.intake.parts import message_of, present
from ordertrail.orders.decimals import format_decimal
from ordertrail.orders.fulfilment import Fulfilment, LineShare
from ordertrail.orders.lines import Period
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import FulfilmentStatus

_STATUSES = {
    "00": FulfilmentStatus.FULFILLED, "01": FulfilmentStatus.CANCELLED, "03": FulfilmentStatus.CANCELLED,
    "04": FulfilmentStatus.FULFILLED, "05": FulfilmentStatus.FULFILLED, "06": FulfilmentStatus.FULFILLED,
    "07": FulfilmentStatus.FULFILLED, "15": FulfilmentStatus.FULFILLED, "18": FulfilmentStatus.FULFILLED,
}  # fmt: skip
"""353, purpose of the notice."""
_SHIPPED, _EXPECTED = "011", frozenset({"017", "067"})
"""374: shipped; estimated delivery, current schedule of delivery."""
_SSCC, _PARCEL = frozenset({"GM", "AA"}), frozenset({"CP"})
"""88, marks: serial shipping container code with or without its application identifier; the carrier's parcel number."""
_RANKS = {"S": 0, "O": 1, "T": 2, "P": 3, "I": 4}
"""735, level: shipment, order, tare, pack, item."""
_ORDERS = frozenset({"PO", "ON"})
"""235: purchase order number, customer order number."""
_LINE_OF_ORDER = "PL"
"""235: the line's number in the purchase order."""


def shipments(part: Enclosed, delivery: Delivery) -> Iterator[Message]:
    """Yield a message for each order in a ship notice; a single faulty one where none can be told."""
    tree = part.tree(words.SHIPMENTS)
    levels = tree.get("HL", [])
    above = _parents(levels)
    named = [_order_named(level) for level in levels]
    belongs = _inherited(named, above)
    orders = list(dict.fromkeys(one for one in belongs if one is not None))
    none: list[_Order | None] = [None]
    for order in orders or none:
        mine = {turn for turn, one in enumerate(belongs) if one in {order, None}}
        shown = [level if turn in mine else None for turn, level in enumerate(levels)]
        document = Document({}, delivery.source.zone).part(tree | {"HL": shown}, part.pointer)
        document.faults.extend(part.faults(FRAME))
        stray = [turn for turn, one in enumerate(belongs) if one is None and "SN1" in levels[turn]]
        for turn in stray if orders else []:
            told = "the item names no order, and the shipment is of some"
            document.faults.append(Fault(Code.MISSING, f"{part.pointer}/HL/{turn}", told))
        message = _message(document, delivery, order)
        if len(orders) > 1:
            message = replace(message, pointer=f"{part.pointer}/HL/{belongs.index(order)}")
        yield message


_Order = tuple[str, str | None]
"""A purchase order's number and its release."""


def _order_named(level: dict[str, Any]) -> _Order | None:
    """Return the order that a level names: in PRF, else in the ids of its LIN, as car makers do."""
    for named in level.get("PRF", ()):
        if named.get("1", "").strip():
            return named["1"].strip(), named.get("2", "").strip() or None
    for item in level.get("LIN", ()):
        for number in range(2, 30, 2):
            if item.get(str(number)) in _ORDERS and item.get(str(number + 1), "").strip():
                return item[str(number + 1)].strip(), None
    return None


def _inherited(named: list[_Order | None], above: list[int | None]) -> list[_Order | None]:
    """Return whose each level is: the order that the nearest level above names, else the one that it names itself."""
    found: list[_Order | None] = []
    for own, parent in zip(named, above, strict=True):
        found.append((None if parent is None else found[parent]) or own)
    return found


def _parents(levels: list[dict[str, Any]]) -> list[int | None]:
    """Return the place of the level above each, None of the outermost; only what stands before counts as above.

    Some leave HL02 out: then it is the last before that is higher by its kind (HL03).
    """
    places: dict[str, int] = {}
    found: list[int | None] = []
    for place, level in enumerate(levels):
        parent = places.get(str(level.get("2", "")).strip()) if "2" in level else None
        rank = _RANKS.get(level.get("3", ""), 0)
        if parent is None and rank:
            before = range(place - 1, -1, -1)
            parent = next((one for one in before if _RANKS.get(levels[one].get("3", ""), 0) < rank), None)
        found.append(parent)
        places[str(level.get("1", "")).strip()] = place
    return found


def _message(document: Document, delivery: Delivery, number: _Order | None) -> Message:
    root = document.root
    root.child("ST").text("1")
    for place in ("1", "2"):
        root.child("SE").text(place)
    reading = Reading(delivery.source, document, root)
    levels = root.children("HL")
    for level in levels:
        for place in ("1", "2", "3", "4"):
            level.text(place)
        for named in level.children("PRF"):
            named.id("1")
            named.id("2")
    order = None
    if number is None:
        told = "no PRF and no LIN of an HL names an order, so that nobody can tell whose was shipped"
        root.fault(Code.MISSING, "HL", told)
    else:
        order = reading.order(*number, (root, "HL"))
    content = _shipped(reading, levels, order)
    return message_of(document, root, content, "x12-856", order)


def _shipped(reading: Reading, levels: list[Node], order: str | None) -> Amendment | None:
    root = reading.root
    beginning = first(root, "BSN", "X12 856")
    if beginning is None:
        return None
    status = beginning.word("1", _STATUSES, required=True)
    notice = beginning.id("2", required=True)
    made = loops.time_of(beginning, reading, "3", "4")
    lines = _lines(levels)
    if order is None or status is None or notice is None:
        return None
    parcel = _Parcel(levels, reading)
    fulfilment = Fulfilment(
        id=notice,
        status=status,
        lines=lines,
        origin=parcel.parties.get("origin"),
        destination=parcel.parties.get("destination"),
        carrier=parcel.carrier,
        service=parcel.service,
        tracking_numbers=tuple(dict.fromkeys(parcel.tracking)),
        sscc=tuple(dict.fromkeys(parcel.sscc)),
        shipped=parcel.shipped,
        expected=parcel.expected,
        references=tuple(dict.fromkeys(parcel.references)),
    )
    return Amendment(
        order=order,
        channel=reading.source.channel,
        account=reading.source.account,
        updated=made,
        fulfilments=(fulfilment,),
        references=(
            Reference(system="seller", kind="shipment", id=notice),
            *envelope_references(reading),
        ),
    )


def _lines(levels: list[Node]) -> tuple[LineShare, ...]:
    """Return what was shipped of each line, over all cartons."""
    shares: dict[str, Decimal] = {}
    for level in levels:
        named = level.children("LIN")
        for shipped in level.children("SN1"):
            line = _line_id(named[0] if named else None, shipped)
            quantity = shipped.quantity("2", required=True)
            if line is not None and quantity is not None:
                shares[line] = shares.get(line, Decimal(0)) + Decimal(quantity)
            elif line is None:
                shipped.unread("2")
    return tuple(LineShare(line=line, quantity=format_decimal(total)) for line, total in shares.items())


def _line_id(named: Node | None, shipped: Node) -> str | None:
    """Return the order's line: by its number in the order where LIN names it, else LIN01, else SN101."""
    if named is not None:
        for number in range(2, 30, 2):
            if loops.peek(named, str(number)) == _LINE_OF_ORDER:
                named.text(str(number))
                return named.id(str(number + 1))
        if "1" in named:
            return named.id("1")
    return shipped.id("1")


class _Parcel:
    """What the levels of a shipment say of how it goes."""

    def __init__(self, levels: list[Node], reading: Reading) -> None:
        self.carrier: str | None = None
        self.service: str | None = None
        self.shipped: str | None = None
        self.expected: Period | None = None
        self.tracking: list[str] = []
        self.sscc: list[str] = []
        self.references: list[Reference] = []
        self.parties: Mapping[str, Any] = {}
        for level in levels:
            self._take_carrier(level)
            self._take_dates(level, reading)
            self._take_marks(level)
            self._take_references(level)
            self.parties = {**loops.shipping_parties(level), **self.parties}

    def _take_carrier(self, level: Node) -> None:
        for node in level.children("TD5"):
            if self.carrier is None:
                self.carrier = node.text("5") or node.text("3")
                self.service = node.text("12")

    def _take_dates(self, level: Node, reading: Reading) -> None:
        for node in level.children("DTM"):
            code = loops.peek(node, "1")
            if code == _SHIPPED and self.shipped is None:
                node.text("1")
                self.shipped = loops.time_of(node, reading, "2", "3", "4")
            elif code in _EXPECTED and self.expected is None:
                node.text("1")
                until = loops.time_of(node, reading, "2", "3", "4")
                self.expected = None if until is None else Period(end=until)

    def _take_marks(self, level: Node) -> None:
        for node in level.children("MAN"):
            code = loops.peek(node, "1")
            if code in _SSCC:
                self.sscc += present([_sscc(node)])
            elif code in _PARCEL:
                node.text("1")
                self.tracking += present([node.id("2")])

    def _take_references(self, level: Node) -> None:
        nodes = level.children("REF")
        for one in loops.references(nodes):
            if (one.system, one.kind) == ("carrier", "tracking"):
                self.tracking.append(one.id)
            else:
                self.references.append(one)


def _sscc(node: Node) -> str | None:
    """Return the code of a logistic unit without its application identifier 00; what is none is kept."""
    text = node.id("2")
    bare = text[2:] if text is not None and len(text) == 20 and text.startswith("00") else text
    if bare is not None and loops.is_sscc(bare):
        node.text("1")
        return bare
    node.unread("2")
    return None
