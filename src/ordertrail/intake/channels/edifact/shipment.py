"""DESADV: a fulfilment for each order in the despatch.

A line belongs to the order that its own RFF+ON names, else to the message's. Each order is a message of its own, in
whose tree the lines of the other orders are left out and the rest keep their places.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channels.edifact import amounts, groups, words
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.edi.envelope import EDIFACT as FRAME
from ordertrail.intake.edi.envelope import Enclosed
from ordertrail.intake.edi.reading import Reading, first
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Message
from ordertrail.intake.parts import message_of
from ordertrail.orders.decimals import format_decimal
from ordertrail.orders.fulfilment import Fulfilment, LineShare
from ordertrail.orders.lines import Period
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import FulfilmentStatus
from ordertrail.orders.words import CHECKS

_ORDER = frozenset({"ON", "CO"})
_SSCC = "BJ"
"""7405, identity: serial shipping container code."""


def shipments(part: Enclosed, delivery: Delivery) -> Iterator[Message]:
    """Yield a message for each order in a despatch advice; a single faulty one where none can be told."""
    tree = part.tree(words.MESSAGES)
    whole = _named(tree)
    first: dict[str | None, str] = {}
    for place, line in _lines_in(tree):
        first.setdefault(_named(line) or whole, place)
    orders = list(first) or [whole]
    for number in orders:
        shown = tree if len(orders) == 1 else _of_order(tree, number, whole)
        document = Document({}, delivery.source.zone).part(shown, part.pointer)
        document.faults.extend(part.faults(FRAME))
        message = _message(document, delivery, number)
        yield message if len(orders) == 1 else replace(message, pointer=part.pointer + first[number])


def _named(node: dict[str, Any]) -> str | None:
    """Return the order that a message or a line names."""
    for reference in node.get("RFF", ()):
        told = reference.get("1")
        if isinstance(told, dict) and told.get("1") in _ORDER and told.get("2"):
            return str(told["2"]).strip()
    return None


def _lines_in(tree: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each line with its place."""
    for place, line in enumerate(tree.get("LIN", ())):
        yield f"/LIN/{place}", line
    for turn, package in enumerate(tree.get("CPS", ())):
        for place, line in enumerate(package.get("LIN", ())):
            yield f"/CPS/{turn}/LIN/{place}", line


def _of_order(tree: dict[str, Any], number: str | None, whole: str | None) -> dict[str, Any]:
    """Return a tree without the lines of other orders."""

    def kept(lines: list[dict[str, Any]]) -> list[dict[str, Any] | None]:
        return [line if (_named(line) or whole) == number else None for line in lines]

    found = dict(tree)
    if "LIN" in tree:
        found["LIN"] = kept(tree["LIN"])
    if "CPS" in tree:
        found["CPS"] = [
            package | {"LIN": kept(package["LIN"])} if "LIN" in package else package
            for package in tree["CPS"]
        ]
    return found


def _message(document: Document, delivery: Delivery, number: str | None) -> Message:
    root = document.root
    groups.read_envelope(root)
    reading = Reading(delivery.source, document, root)
    order = None
    if number is None:
        root.fault(Code.MISSING, "RFF", "no RFF+ON says whose order was despatched")
    else:
        order = reading.order(number, None, (root, "RFF"))
    return message_of(document, root, _despatched(reading, order), "edifact-DESADV", order)


def _despatched(reading: Reading, order: str | None) -> Amendment | None:
    root = reading.root
    beginning = first(root, "BGM", "DESADV")
    if beginning is None:
        return None
    notice = groups.name_of(beginning, "2", required=True)
    status: FulfilmentStatus | None = FulfilmentStatus.FULFILLED
    if groups.peek(beginning, "3") is not None:
        status = beginning.child("3").word("1", words.DESPATCHES)
    dates = root.children("DTM")
    issued = groups.moment(dates, reading, words.ISSUED)
    packages = [root, *root.children("CPS")]
    lines = _shares([line for package in packages for line in package.children("LIN")], reading)
    if order is None or status is None or notice is None:
        return None
    parties = groups.parties(root, words.SHIPPING_ROLES)
    expected = groups.moment(dates, reading, words.EXPECTED)
    carrier, service = _carrier(root)
    fulfilment = Fulfilment(
        id=notice,
        status=status,
        lines=lines,
        origin=parties.get("origin"),
        destination=parties.get("destination"),
        carrier=carrier,
        service=service,
        sscc=_units(packages),
        shipped=groups.moment(dates, reading, words.DESPATCHED),
        expected=None if expected is None else Period(end=expected),
        references=groups.references(root.children("RFF")),
    )
    return Amendment(
        order=order,
        channel=reading.source.channel,
        account=reading.source.account,
        updated=issued,
        fulfilments=(fulfilment,),
        references=(
            Reference(system="seller", kind="despatch_advice", id=notice),
            *groups.envelope_references(reading),
        ),
    )


def _shares(lines: list[Node], reading: Reading) -> tuple[LineShare, ...]:
    """Return what was despatched of each line, over all packages."""
    shares: dict[str, Decimal] = {}
    for turn, node in enumerate(lines, start=1):
        sent, _ = amounts.quantity(node, reading, words.SHIPPED)
        if sent is None:
            continue
        for one in node.children("QTY"):
            if "1" in one:
                one.child("1").unread("3")
        for one in node.children("RFF"):
            if groups.peek(one, "1") in _ORDER:
                groups.text(one, "1")
                groups.text(one, "1", "2")
        line = groups.line_id(node, turn)
        shares[line] = shares.get(line, Decimal(0)) + Decimal(sent)
    return tuple(LineShare(line=line, quantity=format_decimal(total)) for line, total in shares.items())


def _carrier(root: Node) -> tuple[str | None, str | None]:
    """Return the carrier's name, else its code, and the means of transport, of the main carriage."""
    for transport in root.children("TDT"):
        named = groups.text(transport, "5", "4") or groups.text(transport, "5")
        if named is not None:
            return named, groups.text(transport, "4", "2")
    return None, None


def _units(packages: list[Node]) -> tuple[str, ...]:
    """Return the codes of the logistic units (GIN+BJ); one that is none is kept."""
    marks = [
        mark
        for package in packages
        for unit in (package, *package.children("PAC"))
        for mark in unit.children("PCI")
    ]
    found: list[str] = []
    for holder in (*packages, *marks):
        for numbers in holder.children("GIN"):
            if groups.peek(numbers, "1") != _SSCC:
                continue
            for element in ("2", "3", "4", "5", "6"):
                code = groups.peek(numbers, element)
                if code is not None and CHECKS["sscc"](code) is None:
                    found.append(code)
                    groups.text(numbers, element)
    return tuple(dict.fromkeys(found))
