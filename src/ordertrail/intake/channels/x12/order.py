"""850 Purchase Order: the whole order."""

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channels.x12 import loops, words
from ordertrail.intake.document import Node
from ordertrail.intake.edi.reading import Reading
from ordertrail.intake.edi.times import x12_time
from ordertrail.intake.faults import Code
from ordertrail.intake.parts import present
from ordertrail.kernel.money import Money
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.lines import Line, Price, Quantities
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.payment import Payment
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.statuses import OrderStatus, PaymentStatus

_ROUNDING = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE)
_INCOTERMS = "01"
"""334: the code in FOB05 is one of Incoterms."""


def order_of(reading: Reading, beginning: Node, order: str | None) -> Order | Amendment | None:
    """Return the order that an 850 states; one that is taken back without its lines is a change."""
    root = reading.root
    status = beginning.word("1", words.PURPOSES, required=True)
    currency_of(reading)
    placed = loops.time_of(beginning, reading, "5")
    lines = [_line(node, reading, turn) for turn, node in enumerate(root.children("PO1"), start=1)]
    cancelled = status is OrderStatus.CANCELLED
    if not lines and not cancelled:
        root.fault(Code.MISSING, "PO1", "an order without any PO1 orders nothing")
    check_count(reading, len(lines))
    if order is None or status is None:
        return None
    source = reading.source
    version = version_of(reading, None)
    when = None if version is None else version.time
    if not lines and cancelled:
        return Amendment(
            order=order,
            channel=source.channel,
            account=source.account,
            status=status,
            version=version,
            cancelled=when,
            notes=loops.notes(root),
            references=(*buyer_references(beginning), *envelope_references(reading)),
        )
    reading.needed("CUR")
    kept = present(lines)
    if reading.currency is None or len(kept) < len(lines):
        return None
    parties = loops.parties(root)
    own = loops.Adjustments(root, reading, line=False)
    kind = loops.peek(beginning, "2")
    typed = words.TYPES.get(kind or "")
    hurried = kind if kind in words.PRIORITIES else None
    if typed is not None or hurried is not None:
        beginning.text("2")
    return Order(
        id=order,
        channel=source.channel,
        account=source.account,
        tenant=source.tenant,
        status=status,
        type=typed,
        priority=hurried,
        number=beginning.id("3"),
        currency=reading.currency,
        tax_included=False,
        rounding=_ROUNDING,
        placed=placed,
        updated=when,
        cancelled=when if cancelled else None,
        source_version=version,
        lines=kept,
        totals=_totals(reading),
        buyer=parties.get("buyer"),
        seller=parties.get("seller"),
        bill_to=parties.get("bill_to"),
        ship_to=parties.get("ship_to"),
        deliver_to=parties.get("deliver_to"),
        requested_delivery=loops.delivery_period(root.children("DTM"), reading),
        incoterm=_incoterm(root),
        discounts=tuple(own.discounts),
        charges=tuple(own.charges),
        shipping=tuple(own.shipping),
        taxes=tuple(own.taxes),
        payments=_payments(reading),
        references=all_references(reading, beginning),
        notes=(*loops.notes(root), *_commodity_notes(root)),
        test=root.child("ISA").text("15") == "T",
    )


def currency_of(reading: Reading) -> None:
    """Set the currency: CUR02 of the message, else of its lines where all name one, else the account's."""
    root = reading.root
    named = [node.currency("2") for node in root.children("CUR") if "2" in node]
    named += [node.currency("2") for node in _line_currencies(root) if "2" in node]
    found = {one for one in named if one is not None}
    if len(found) > 1:
        told = f"one order states amounts in {', '.join(sorted(found))}; it must be in one currency"
        root.fault(Code.CONTRADICTION, "CUR", told)
    reading.currency = min(found) if found else reading.source.currency


def _line_currencies(root: Node) -> list[Node]:
    return [node for tag in ("PO1", "POC") for line in root.children(tag) for node in line.children("CUR")]


def _line(node: Node, reading: Reading, turn: int) -> Line | None:
    """Return a line: PO1 with what stands beneath it. One without a number of its own has its turn for one."""
    ordered = node.quantity("2", required=True)
    unit = loops.unit_of(node, reading, "3")
    own = loops.Adjustments(node, reading, line=True)
    line_id = node.id("1") or str(turn)
    if ordered is None or unit is None:
        return None
    return Line(
        id=line_id,
        item=loops.item_of(node, 6),
        quantities=Quantities(ordered=ordered),
        unit=unit,
        unit_price=loops.price_of(node, reading, "4", "5", unit),
        list_price=_list_price(node, reading),
        discounts=tuple(own.discounts),
        charges=tuple(own.charges),
        taxes=tuple(own.taxes),
        amount=_line_amount(node, reading),
        requested_delivery=loops.delivery_period(node.children("DTM"), reading),
        references=loops.references([*node.children("REF"), *node.children("N9")]),
        notes=tuple(note.text for note in loops.notes(node)),
    )


def _list_price(node: Node, reading: Reading) -> Price | None:
    for priced in node.children("CTP"):
        if loops.peek(priced, "2") in words.LIST_PRICES and "3" in priced:
            priced.text("2")
            return priced.price("3", reading.priced(priced, "3"))
    return None


def _line_amount(node: Node, reading: Reading) -> Money | None:
    for stated in node.children("AMT"):
        if loops.peek(stated, "1") == "1" and "2" in stated:
            stated.text("1")
            return stated.money("2", reading.priced(stated, "2"))
    return None


_TOTALS = {"1": "lines", "TT": "grand_total", "T": "tax"}
"""522, amount qualifier: sum of the lines, whole amount, tax."""


def _totals(reading: Reading) -> Totals:
    """Return what AMT states of the order as a whole, behind CTT or before the lines."""
    root = reading.root
    stated = [*root.children("AMT"), *(node for ctt in root.children("CTT") for node in ctt.children("AMT"))]
    found: dict[str, Money] = {}
    for node in stated:
        name = _TOTALS.get(loops.peek(node, "1") or "")
        if name is not None and name not in found:
            node.text("1")
            amount = node.money("2", reading.priced(node, "2"))
            if amount is not None:
                found[name] = amount
    return Totals(lines=found.get("lines"), tax=found.get("tax"), grand_total=found.get("grand_total"))


def check_count(reading: Reading, lines: int) -> None:
    """Hold CTT01 against the lines that are there; without a CTT or in a message without lines nothing is said."""
    for ctt in reading.root.children("CTT"):
        count = ctt.integer("1")
        if count is not None and count != lines:
            ctt.fault(Code.CONTRADICTION, "1", f"CTT counts {count} lines, and there are {lines}")


def _incoterm(root: Node) -> str | None:
    for fob in root.children("FOB"):
        if loops.peek(fob, "4") == _INCOTERMS and "5" in fob:
            fob.text("4")
            return fob.text("5")
    return None


def _payments(reading: Reading) -> tuple[Payment, ...]:
    """Return the terms: each ITD that names a due date or says in words how it is paid."""
    found = []
    for turn, itd in enumerate(reading.root.children("ITD"), start=1):
        if "6" in itd or "12" in itd:
            due = loops.time_of(itd, reading, "6")
            payment = Payment(
                id=f"terms-{turn}", status=PaymentStatus.PENDING, method=itd.text("12"), due=due
            )
            found.append(payment)
    return tuple(found)


def _commodity_notes(root: Node) -> tuple[Note, ...]:
    """Return descriptions of the order as a whole (PID before the lines)."""
    return tuple(Note(text=text) for text in present(node.text("5") for node in root.children("PID")))


def version_of(reading: Reading, number: int | None) -> SourceVersion | None:
    """Return which state of the order this is: by the sequence of changes, and by when its group was made (GS04, GS05).

    Only messages of the buyer are states; an answer of the seller is of another clock.
    """
    group = reading.root.child("GS")
    date, clock = group.text("4"), group.text("5")
    time = None
    if date is not None:
        try:
            time = x12_time(date, clock, None, reading.source.zone)
        except (ValueError, OverflowError):
            group.unread("4")
            group.unread("5")
    elif clock is not None:
        group.unread("5")
    return None if time is None and number is None else SourceVersion(number=number, time=time)


def buyer_references(beginning: Node, release: str = "4") -> tuple[Reference, ...]:
    """Return the buyer's numbers: purchase order and release."""
    named = (("purchase_order", beginning.id("3")), ("release", beginning.id(release)))
    return tuple(Reference(system="buyer", kind=kind, id=name) for kind, name in named if name is not None)


def envelope_references(reading: Reading) -> tuple[Reference, ...]:
    """Return the control numbers, by which sender and receiver speak of this message."""
    root = reading.root
    named = (
        ("interchange", root.child("ISA").id("13")),
        ("group", root.child("GS").id("6")),
        ("transaction_set", root.child("ST").id("2")),
    )
    return tuple(Reference(system="x12", kind=kind, id=name) for kind, name in named if name is not None)


def all_references(reading: Reading, beginning: Node) -> tuple[Reference, ...]:
    """Return what an 850 names the order by: BEG, REF, N9 and the envelope."""
    root = reading.root
    contract = beginning.id("6")
    named = [Reference(system="buyer", kind="contract", id=contract)] if contract is not None else []
    found = (
        *buyer_references(beginning),
        *named,
        *loops.references([*root.children("REF"), *root.children("N9")]),
        *envelope_references(reading),
    )
    return tuple(dict.fromkeys(found))
