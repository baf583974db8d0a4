"""ORDCHG, a change of an order by its buyer, and ORDRSP, the seller's answer."""

from decimal import Decimal

from ordertrail.intake.amendment import Amendment, LineChange
from ordertrail.intake.channels.edifact import amounts, groups, words
from ordertrail.intake.channels.edifact.order import line_of
from ordertrail.intake.document import Node
from ordertrail.intake.edi.reading import Reading
from ordertrail.intake.faults import Code
from ordertrail.orders.decimals import format_decimal
from ordertrail.orders.lines import Item, Line
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import OrderStatus


def change_of(reading: Reading, beginning: Node, order: str | None) -> Amendment | None:
    """Return what an ORDCHG changes. Its parties, allowances and dates take the place of the order's."""
    root = reading.root
    amounts.currency_of(reading)
    status = None
    if groups.peek(beginning, "3") is not None:
        status = beginning.child("3").word("1", words.CHANGE_PURPOSES)
    issued = groups.moment(root.children("DTM"), reading, words.ISSUED)
    changes = _LineChanges(reading)
    groups.check_count(reading, len(root.children("LIN")))
    if order is None:
        return None
    own = amounts.Adjustments(root, reading, allowances=True, line=False)
    parties = groups.parties(root, words.ROLES)
    return Amendment(
        order=order,
        channel=reading.source.channel,
        account=reading.source.account,
        status=status,
        version=groups.version_of(reading),
        updated=issued,
        cancelled=issued if status is OrderStatus.CANCELLED else None,
        buyer=parties.get("buyer"),
        seller=parties.get("seller"),
        bill_to=parties.get("bill_to"),
        ship_to=parties.get("ship_to"),
        deliver_to=parties.get("deliver_to"),
        requested_delivery=groups.delivery_period(root.children("DTM"), reading),
        discounts=tuple(own.discounts) or None,
        charges=tuple(own.charges) or None,
        taxes=tuple(own.taxes) or None,
        added_lines=tuple(changes.added),
        changed_lines=tuple(changes.changed),
        removed_lines=tuple(changes.removed),
        notes=groups.notes(root.children("FTX")),
        references=_references(reading, beginning, ("buyer", "change")),
    )


class _LineChanges:
    """What the LIN of an ORDCHG add, change and take away, by 1229."""

    def __init__(self, reading: Reading) -> None:
        self.added: list[Line] = []
        self.changed: list[LineChange] = []
        self.removed: list[str] = []
        self._reading = reading
        for turn, node in enumerate(reading.root.children("LIN"), start=1):
            self._take(node, turn)

    def _take(self, node: Node, turn: int) -> None:
        action = groups.text(node, "2") if "2" in node else None
        if action is None:
            node.fault(Code.MISSING, "2", "nothing says whether the line is added, changed or deleted (1229)")
        elif action == words.ADDED:
            line = line_of(node, self._reading, turn)
            self.added += [] if line is None else [line]
        elif action == words.DELETED:
            self.removed.append(groups.line_id(node, turn))
        elif action in words.CHANGED:
            self.changed.append(self._changed(node, turn, action))
        else:
            node.fault(Code.UNKNOWN_WORD, "2", f"{action[:40]!r} is no action on a line that 1229 has here")

    def _changed(self, node: Node, turn: int, action: str) -> LineChange:
        """Take how a line is after the change. Its item is replaced only where the code says so."""
        ordered, unit = _quantity(node, self._reading, words.ORDERED)
        net, gross = amounts.prices(node, self._reading, unit)
        item = groups.item_of(node) if action == words.REPLACED else Item()
        return LineChange(
            line=groups.line_id(node, turn),
            item=item if item != Item() else None,
            ordered=ordered,
            unit_price=net or gross,
            amount=amounts.amounts(node.children("MOA"), self._reading, "203", "66"),
            requested_delivery=groups.delivery_period(node.children("DTM"), self._reading),
            notes=tuple(note.text for note in groups.notes(node.children("FTX"))),
        )


def _quantity(node: Node, reading: Reading, qualifiers: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Return a quantity; a change cannot give a line another unit, so that the unit is kept."""
    found, unit = amounts.quantity(node, reading, qualifiers)
    for one in node.children("QTY"):
        if "1" in one:
            one.child("1").unread("3")
    return found, unit


def answer_of(reading: Reading, beginning: Node, order: str | None) -> Amendment | None:
    """Return what the seller answers in an ORDRSP: to the order as a whole, and line by line."""
    root = reading.root
    amounts.currency_of(reading)
    status = _answer(beginning)
    issued = groups.moment(root.children("DTM"), reading, words.ISSUED)
    lines = root.children("LIN")
    changed = _answers(reading, lines)
    groups.check_count(reading, len(lines))
    if order is None:
        return None
    return Amendment(
        order=order,
        channel=reading.source.channel,
        account=reading.source.account,
        status=status,
        accepted=issued if status is OrderStatus.ACCEPTED else None,
        cancelled=issued if status is OrderStatus.CANCELLED else None,
        updated=issued,
        changed_lines=changed,
        notes=groups.notes(root.children("FTX")),
        references=_references(reading, beginning, ("seller", "order_response")),
    )


def _answer(beginning: Node) -> OrderStatus | None:
    """Return what the seller says to the order as a whole: the response type where it says something, else 1225."""
    told = (
        beginning.child("4").word("1", words.RESPONSES) if groups.peek(beginning, "4") is not None else None
    )
    if groups.peek(beginning, "3") is None:
        return told
    function = beginning.child("3").word("1", words.ANSWERS)
    return told or function


def _answers(reading: Reading, lines: list[Node]) -> tuple[LineChange, ...]:
    """Return what is promised of each line; a line of the order that is split into several of the answer is summed."""
    promised: dict[str, Decimal] = {}
    changes: dict[str, LineChange] = {}
    for turn, node in enumerate(lines, start=1):
        change = _answered(node, reading, turn)
        if change is None:
            continue
        if change.accepted is not None:
            promised[change.line] = promised.get(change.line, Decimal(0)) + Decimal(change.accepted)
        changes.setdefault(change.line, change)
    return tuple(_with_sum(change, promised.get(line)) for line, change in changes.items())


def _with_sum(change: LineChange, total: Decimal | None) -> LineChange:
    accepted = None if total is None else format_decimal(total)
    return LineChange(line=change.line, accepted=accepted, unit_price=change.unit_price, notes=change.notes)


def _answered(node: Node, reading: Reading, turn: int) -> LineChange | None:
    """Return what the seller promises of one line; None where nothing is decided.

    The price that a line repeats stays the buyer's; it counts where the line is accepted with changes.
    """
    action = groups.peek(node, "2")
    if action is None or action in words.UNDECIDED:
        return None
    groups.text(node, "2")
    accepted, unit_price = None, None
    if action in words.ACCEPTED:
        accepted, unit = _quantity(node, reading, words.PROMISED)
        if action in words.AMENDED:
            net, gross = amounts.prices(node, reading, unit)
            unit_price = net or gross
    elif action in words.REFUSED:
        accepted = "0"
    else:
        node.fault(Code.UNKNOWN_WORD, "2", f"{action[:40]!r} is no answer to a line that 1229 has here")
    notes = tuple(note.text for note in groups.notes(node.children("FTX")))
    return LineChange(line=groups.line_id(node, turn), accepted=accepted, unit_price=unit_price, notes=notes)


def _references(reading: Reading, beginning: Node, own: tuple[str, str]) -> tuple[Reference, ...]:
    number = groups.name_of(beginning, "2") if "2" in beginning else None
    named = [] if number is None else [Reference(system=own[0], kind=own[1], id=number)]
    found = (
        *named,
        *groups.references(reading.root.children("RFF")),
        *groups.envelope_references(reading),
    )
    return tuple(dict.fromkeys(found))
