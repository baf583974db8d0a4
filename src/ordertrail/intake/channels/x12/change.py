"""855 acknowledgment, 860 change, 865 acknowledgment of a change: what becomes of an order that came before."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from ordertrail.intake.amendment import Amendment, LineChange
from ordertrail.intake.channels.x12 import loops, words
from ordertrail.intake.channels.x12.order import (
    buyer_references,
    check_count,
    currency_of,
    envelope_references,
    version_of,
)
from ordertrail.intake.document import Node
from ordertrail.intake.edi.reading import Reading
from ordertrail.intake.faults import Code
from ordertrail.intake.parts import present
from ordertrail.orders.decimals import format_decimal
from ordertrail.orders.lines import Item, Line, Quantities
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import OrderStatus


def change_of(reading: Reading, beginning: Node, order: str | None) -> Amendment | None:
    """Return what an 860 changes. Its parties, allowances and dates take the place of the order's."""
    root = reading.root
    currency_of(reading)
    status = beginning.word("1", words.CHANGE_PURPOSES, required=True)
    number = _sequence(beginning)
    version = version_of(reading, number)
    changed_on = loops.time_of(beginning, reading, "11")
    changes = _LineChanges(root.children("POC"), reading)
    if "PO1" in root:
        told = "an X12 860 says in POC what becomes of a line; a PO1 does not say it"
        root.fault(Code.MALFORMED, "PO1", told)
    check_count(reading, len(root.children("POC")))
    if order is None:
        return None
    own = loops.Adjustments(root, reading, line=False)
    parties = loops.parties(root)
    when = changed_on or (None if version is None else version.time)
    cancelled = status is OrderStatus.CANCELLED
    return Amendment(
        order=order,
        channel=reading.source.channel,
        account=reading.source.account,
        status=status,
        version=version,
        updated=when,
        cancelled=when if cancelled else None,
        buyer=parties.get("buyer"),
        seller=parties.get("seller"),
        bill_to=parties.get("bill_to"),
        ship_to=parties.get("ship_to"),
        deliver_to=parties.get("deliver_to"),
        requested_delivery=loops.delivery_period(root.children("DTM"), reading),
        discounts=tuple(own.discounts) or None,
        charges=tuple(own.charges) or None,
        taxes=tuple(own.taxes) or None,
        added_lines=tuple(changes.added),
        changed_lines=tuple(changes.changed),
        removed_lines=tuple(changes.removed),
        notes=loops.notes(root),
        references=_references(reading, beginning),
    )


def _sequence(beginning: Node) -> int | None:
    """Return the sequence number of a change where it is a number; any other name of it is a reference."""
    text = loops.peek(beginning, "5")
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 16):
        return None
    return beginning.integer("5")


def _references(reading: Reading, beginning: Node) -> tuple[Reference, ...]:
    root = reading.root
    change = beginning.id("5") if _sequence(beginning) is None else None
    named = [Reference(system="buyer", kind="change", id=change)] if change is not None else []
    found = (
        *buyer_references(beginning),
        *named,
        *loops.references([*root.children("REF"), *root.children("N9")]),
        *envelope_references(reading),
    )
    return tuple(dict.fromkeys(found))


class _LineChanges:
    """What the POC of an 860 add, change and take away."""

    def __init__(self, nodes: Iterable[Node], reading: Reading) -> None:
        self.added: list[Line] = []
        self.changed: list[LineChange] = []
        self.removed: list[str] = []
        self._reading = reading
        for node in nodes:
            self._take(node)

    def _take(self, node: Node) -> None:
        line = node.id("1", required=True)
        code = node.text("2", required=True)
        if line is None or code is None:
            return
        if code in words.REMOVES:
            self.removed.append(line)
        elif code == words.ADDS:
            self._add(node, line)
        elif code in words.CHANGES or code in words.REPLACES_ITEM:
            self._change(node, line, code)
        else:
            told = f"{code[:40]!r} is no change of a line that X12 670 knows"
            node.fault(Code.UNKNOWN_WORD, "2", told)

    def _add(self, node: Node, line: str) -> None:
        ordered = node.quantity("3", required=True)
        unit = loops.unit_of(node, self._reading, "5")
        own = loops.Adjustments(node, self._reading, line=True)
        if ordered is None or unit is None:
            return
        added = Line(
            id=line,
            item=loops.item_of(node, 8),
            quantities=Quantities(ordered=ordered),
            unit=unit,
            unit_price=loops.price_of(node, self._reading, "6", "7", unit),
            discounts=tuple(own.discounts),
            charges=tuple(own.charges),
            taxes=tuple(own.taxes),
            requested_delivery=loops.delivery_period(node.children("DTM"), self._reading),
            references=loops.references([*node.children("REF"), *node.children("N9")]),
            notes=tuple(note.text for note in loops.notes(node)),
        )
        self.added.append(added)

    def _change(self, node: Node, line: str, code: str) -> None:
        """Take how a line is after the change. Its item is replaced only where the code says so."""
        unit = loops.unit_of(node, self._reading, "5") if "5" in node and _is_needed(node) else None
        item = loops.item_of(node, 8) if code in words.REPLACES_ITEM else None
        change = LineChange(
            line=line,
            item=item if item != Item() else None,
            ordered=node.quantity("3"),
            unit_price=loops.price_of(node, self._reading, "6", "7", unit),
            requested_delivery=loops.delivery_period(node.children("DTM"), self._reading),
            notes=tuple(note.text for note in loops.notes(node)),
        )
        self.changed.append(change)


def _is_needed(node: Node) -> bool:
    """Say whether the unit decides what a price is for; a change cannot give a line another unit, so it is kept."""
    return loops.peek(node, "7") in words.PER_DOZEN


def answer_of(reading: Reading, beginning: Node, order: str | None) -> Amendment | None:
    """Return what the seller answers in an 855 or 865: to the order as a whole, and line by line."""
    root = reading.root
    currency_of(reading)
    is_change = "BCA" in root
    status = beginning.word("2", words.ANSWERS, required=True)
    said = loops.time_of(beginning, reading, "10" if is_change else "9")
    tag, ordered, price = ("POC", "3", ("6", "7")) if is_change else ("PO1", "2", ("4", "5"))
    lines = root.children(tag)
    changed = [_answered(node, reading, turn, ordered, price) for turn, node in enumerate(lines, start=1)]
    if lines:
        check_count(reading, len(lines))
    if order is None:
        return None
    return Amendment(
        order=order,
        channel=reading.source.channel,
        account=reading.source.account,
        status=status,
        accepted=said if status is OrderStatus.ACCEPTED else None,
        updated=said,
        changed_lines=present(changed),
        notes=loops.notes(root),
        references=_answer_references(reading, beginning, is_change=is_change),
    )


def _answer_references(reading: Reading, beginning: Node, *, is_change: bool) -> tuple[Reference, ...]:
    root = reading.root
    release, contract, seller = ("4", "8", "9") if is_change else ("5", "7", "8")
    named = (("buyer", "contract", beginning.id(contract)), ("seller", "order", beginning.id(seller)))
    found = (
        *buyer_references(beginning, release),
        *(Reference(system=system, kind=kind, id=name) for system, kind, name in named if name is not None),
        *loops.references([*root.children("REF"), *root.children("N9")]),
        *envelope_references(reading),
    )
    return tuple(dict.fromkeys(found))


def _answered(
    node: Node, reading: Reading, turn: int, ordered: str, price: tuple[str, str]
) -> LineChange | None:
    """Return what the seller promises of one line; None where nothing was said of it.

    The quantity and the price that a line repeats stay the buyer's: the quantity counts where it is accepted as a
    whole, the price where the seller says that it is another.
    """
    line = node.id("1") or str(turn)
    accepted = _accepted(node, ordered)
    codes = {loops.peek(ack, "1") for ack in node.children("ACK")}
    repriced = codes & words.REPRICES and price[0] in node
    unit_price = loops.price_of(node, reading, price[0], price[1], None) if repriced else None
    item = _substitute(node) if "IS" in codes else None
    notes = tuple(note.text for note in loops.notes(node))
    if accepted is None and unit_price is None and item is None and not notes:
        node.unread("1")
        return None
    return LineChange(line=line, accepted=accepted, unit_price=unit_price, item=item, notes=notes)


def _accepted(node: Node, ordered: str) -> str | None:
    """Return how much of a line is promised: what the ACK that accept come to, all of it where none says how much.

    Nothing of a line that is refused; None where it waits, for nothing is promised or refused by that.
    """
    amounts: list[Decimal] = []
    accepts = refuses = False
    for ack in node.children("ACK"):
        code = ack.text("1", required=True)
        if code in words.ACCEPTS:
            accepts = True
            amounts += [Decimal(one) for one in [ack.quantity("2")] if one is not None]
        elif code in words.REFUSES:
            refuses = True
        elif code in words.WAITS:
            ack.unread("1")
        elif code is not None:
            ack.fault(Code.UNKNOWN_WORD, "1", f"{code[:40]!r} is no line status that X12 668 knows")
    if amounts:
        return format_decimal(sum(amounts, Decimal(0)))
    if accepts:
        return node.quantity(ordered)
    return "0" if refuses else None


def _substitute(node: Node) -> Item | None:
    """Return the item that the seller sends instead, where an ACK names it."""
    for ack in node.children("ACK"):
        if loops.peek(ack, "1") == "IS" and "8" in ack:
            item = loops.item_of(ack, 7)
            return item if item != Item() else None
    return None


BEGINNINGS: Mapping[str, tuple[str, str]] = {
    "850": ("BEG", "4"), "855": ("BAK", "5"), "860": ("BCH", "4"), "865": ("BCA", "4"),
}  # fmt: skip
"""The first segment of a transaction set, which names the order in its third element, and where its release stands."""
