"""ORDERS: the whole order."""

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channels.edifact import amounts, groups, words
from ordertrail.intake.document import Node
from ordertrail.intake.edi.reading import Reading
from ordertrail.intake.faults import Code
from ordertrail.intake.parts import present
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.lines import Line, Quantities
from ordertrail.orders.model import Order
from ordertrail.orders.payment import Payment
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import OrderStatus, PaymentStatus

_ROUNDING = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE)


def order_of(reading: Reading, beginning: Node, order: str | None) -> Order | Amendment | None:
    """Return the order that ORDERS states; one that is taken back without its lines is a change."""
    root = reading.root
    status = OrderStatus.RECEIVED
    if groups.peek(beginning, "3") is not None:
        told = beginning.child("3").word("1", words.PURPOSES)
        if told is None:
            return None
        status = told
    amounts.currency_of(reading)
    dates = root.children("DTM")
    ordered_on = groups.moment(dates, reading, words.ORDERED_ON)
    issued = groups.moment(dates, reading, words.ISSUED)
    lines = [line_of(node, reading, turn) for turn, node in enumerate(root.children("LIN"), start=1)]
    groups.check_count(reading, len(lines))
    cancelled = status is OrderStatus.CANCELLED
    if not lines and not cancelled:
        root.fault(Code.MISSING, "LIN", "an order without any LIN orders nothing")
    if order is None:
        return None
    if not lines and cancelled:
        return _cancellation(reading, beginning, order, issued)
    reading.needed("CUX")
    kept = present(lines)
    if reading.currency is None or len(kept) < len(lines):
        return None
    source = reading.source
    version = groups.version_of(reading)
    parties = groups.parties(root, words.ROLES)
    own = amounts.Adjustments(root, reading, allowances=True, line=False)
    kind = groups.peek(beginning, "1")
    if kind in words.TYPES:
        groups.text(beginning, "1")
    return Order(
        id=order,
        channel=source.channel,
        account=source.account,
        tenant=source.tenant,
        status=status,
        type=words.TYPES.get(kind or ""),
        priority=kind if kind == words.RUSH else None,
        number=groups.name_of(beginning, "2"),
        currency=reading.currency,
        tax_included=False,
        rounding=_ROUNDING,
        placed=ordered_on or issued,
        updated=issued,
        cancelled=issued if cancelled else None,
        source_version=version,
        lines=kept,
        totals=_totals(reading),
        buyer=parties.get("buyer"),
        seller=parties.get("seller"),
        bill_to=parties.get("bill_to"),
        ship_to=parties.get("ship_to"),
        deliver_to=parties.get("deliver_to"),
        requested_delivery=groups.delivery_period(dates, reading),
        incoterm=_incoterm(root),
        discounts=tuple(own.discounts),
        charges=tuple(own.charges),
        shipping=tuple(own.shipping),
        taxes=tuple(own.taxes),
        payments=_payments(reading),
        references=all_references(reading, beginning),
        notes=groups.notes(root.children("FTX")),
        test=is_test(root),
    )


def _cancellation(reading: Reading, beginning: Node, order: str, issued: str | None) -> Amendment:
    root = reading.root
    return Amendment(
        order=order,
        channel=reading.source.channel,
        account=reading.source.account,
        status=OrderStatus.CANCELLED,
        version=groups.version_of(reading),
        updated=issued,
        cancelled=issued,
        notes=groups.notes(root.children("FTX")),
        references=all_references(reading, beginning),
    )


def is_test(root: Node) -> bool:
    """Return whether the interchange is a test (UNB 0035)."""
    header = root.child("UNB")
    return groups.peek(header, "11") == "1" and groups.text(header, "11") == "1"


def line_of(node: Node, reading: Reading, turn: int) -> Line | None:
    """Return a line: LIN with what stands beneath it. One without a number of its own has its turn for one."""
    ordered, unit = amounts.quantity(node, reading, words.ORDERED)
    if ordered is None:
        if not any(groups.peek(one, "1") in words.ORDERED for one in node.children("QTY")):
            node.fault(Code.MISSING, "QTY", "the line does not say how much is ordered (QTY 21)")
        return None
    if unit is None:
        return None
    net, gross = amounts.prices(node, reading, unit)
    own = amounts.Adjustments(node, reading, allowances=net is None, line=True)
    return Line(
        id=(groups.name_of(node, "1") if "1" in node else None) or str(turn),
        parent=groups.name_of(node, "4", "2") if groups.peek(node, "4", "2") else None,
        item=groups.item_of(node),
        quantities=Quantities(ordered=ordered),
        unit=unit,
        unit_price=net or gross,
        list_price=gross if net is not None else None,
        discounts=tuple(own.discounts),
        charges=tuple(own.charges),
        taxes=tuple(own.taxes),
        amount=amounts.amounts(node.children("MOA"), reading, "203", "66"),
        requested_delivery=groups.delivery_period(node.children("DTM"), reading),
        references=groups.references(node.children("RFF")),
        notes=tuple(note.text for note in groups.notes(node.children("FTX"))),
    )


def _totals(reading: Reading) -> Totals:
    """Return what MOA states of the order as a whole, behind UNS or without it."""
    root = reading.root
    stated = [*root.children("MOA"), *(one for end in root.children("UNS") for one in end.children("MOA"))]
    for end in root.children("UNS"):
        groups.text(end, "1")
    found = {name: amounts.amounts(stated, reading, *codes) for name, codes in words.TOTALS.items()}
    return Totals(
        lines=found["lines"],
        discount=found["discount"],
        charges=found["charges"],
        tax=found["tax"],
        grand_total=found["grand_total"],
        due=found["due"],
    )


def _incoterm(root: Node) -> str | None:
    for terms in root.children("TOD"):
        if groups.peek(terms, "3") is not None:
            return groups.text(terms, "3")
    return None


def _payments(reading: Reading) -> tuple[Payment, ...]:
    """Return the terms: each PAT that names a due date (DTM 13)."""
    found = []
    for turn, terms in enumerate(reading.root.children("PAT"), start=1):
        due = groups.moment(terms.children("DTM"), reading, words.DUE)
        if due is not None:
            found.append(Payment(id=f"terms-{turn}", status=PaymentStatus.PENDING, due=due))
    return tuple(found)


def all_references(reading: Reading, beginning: Node) -> tuple[Reference, ...]:
    """Return what ORDERS names the order by: BGM, RFF and the envelope."""
    number = groups.name_of(beginning, "2") if "2" in beginning else None
    own = [] if number is None else [Reference(system="buyer", kind="purchase_order", id=number)]
    found = (
        *own,
        *groups.references(reading.root.children("RFF")),
        *groups.envelope_references(reading),
    )
    return tuple(dict.fromkeys(found))
