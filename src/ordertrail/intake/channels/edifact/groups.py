"""The segment groups that order, change, answer and despatch share."""

from collections.abc import Iterable, Mapping
from typing import Any

from ordertrail.intake.channels.edifact import words
from ordertrail.intake.document import Node
from ordertrail.intake.edi.reading import Reading, gs1_or_none, once, period
from ordertrail.intake.edi.times import edifact_period, x12_time
from ordertrail.intake.faults import Code
from ordertrail.intake.parts import country_of, present, said
from ordertrail.orders.lines import Item, Period
from ordertrail.orders.model import SourceVersion
from ordertrail.orders.party import Address, Party, TaxNumber
from ordertrail.orders.reference import Note, Reference

_NAMES = ("1", "2", "3", "4", "5")
"""Components of a name, a street or a text."""


def peek(node: Node, element: str, component: str = "1") -> str | None:
    """Return what a component says without counting it as read: qualifiers that decide whether a segment is meant."""
    value: Any = node.tree.get(element)
    text = value.get(component) if isinstance(value, Mapping) else None
    return text.strip() or None if isinstance(text, str) else None


def text(node: Node, element: str, component: str = "1") -> str | None:
    """Return the text of a component."""
    return node.child(element).text(component) if element in node else None


def name_of(node: Node, element: str, component: str = "1", *, required: bool = False) -> str | None:
    """Return the id of a component."""
    return node.child(element).id(component, required=required)


def joined(node: Node, element: str, components: Iterable[str] = _NAMES) -> str | None:
    """Return components that are one text, broken where the message's fields end."""
    return " ".join(present(text(node, element, one) for one in components)) or None


def span(node: Node, reading: Reading) -> tuple[str, str] | None:
    """Return the two ends of what a DTM says."""
    told = text(node, "1", "2")
    form = text(node, "1", "3")
    if told is None:
        return None
    text(node, "1", "1")
    try:
        return edifact_period(told, form, reading.source.zone)
    except (ValueError, OverflowError) as error:
        node.fault(Code.MALFORMED, "1", f"{told[:40]!r} is no date of format {form or 'none'}: {error}")
        return None


def moment(nodes: Iterable[Node], reading: Reading, *qualifiers: str) -> str | None:
    """Return the moment of the first DTM with one of these qualifiers."""
    for node in nodes:
        if peek(node, "1") in qualifiers:
            found = span(node, reading)
            return None if found is None else found[0]
    return None


def delivery_period(nodes: Iterable[Node], reading: Reading) -> Period | None:
    """Return the delivery that is asked for, of all DTM that speak of it; a second one of a kind is kept."""
    ends: dict[str, str] = {}
    for node in nodes:
        kind = words.DELIVERY_DATES.get(peek(node, "1") or "")
        sides = [words.FROM, words.UNTIL] if kind == words.ON else [kind] if kind else []
        if not sides or any(side in ends for side in sides):
            continue
        found = span(node, reading)
        if found is not None:
            whole = dict(zip((words.FROM, words.UNTIL), found, strict=True))
            ends.update((side, whole[side]) for side in sides)
    return period(ends.get(words.FROM), ends.get(words.UNTIL))


def references(nodes: Iterable[Node]) -> tuple[Reference, ...]:
    """Return what RFF name; a line's number behind one stays an extension."""
    return once(_reference(node) for node in nodes)


def _reference(node: Node) -> Reference | None:
    code = peek(node, "1")
    if code is None or peek(node, "1", "2") is None:
        return None
    name = name_of(node, "1", "2")
    text(node, "1")
    system, kind = words.REFERENCES.get(code, ("edifact", code))
    return None if name is None else Reference(system=system, kind=kind, id=name)


def notes(nodes: Iterable[Node]) -> tuple[Note, ...]:
    """Return what was written in FTX; whom it is for stays an extension."""
    return tuple(Note(text=told) for told in present(joined(node, "4") for node in nodes))


def parties(root: Node, roles: Mapping[str, str]) -> dict[str, Party]:
    """Return the parties by the order's field; of several of a role the first, BY before OB and DP before CN."""
    found: dict[str, Party] = {}
    later = ("OB", "CN")
    for node in sorted(root.children("NAD"), key=lambda one: peek(one, "1") in later):
        field = roles.get(peek(node, "1") or "")
        if field is not None and field not in found:
            text(node, "1")
            party = _party(node)
            if party is not None:
                found[field] = party
    return found


def _party(node: Node) -> Party | None:
    gln, known = _party_id(node)
    numbers: list[TaxNumber] = []
    more: list[Reference] = []
    for reference in node.children("RFF"):
        scheme = words.TAX_NUMBERS.get(peek(reference, "1") or "")
        if scheme is not None and peek(reference, "1", "2") is not None:
            number = name_of(reference, "1", "2")
            text(reference, "1")
            numbers += [] if number is None else [TaxNumber(scheme=scheme, id=number)]
        else:
            more += present([_reference(reference)])
    organisation, street = joined(node, "4"), _lines(node, "5")
    loose = _lines(node, "3")
    if organisation is None and loose:
        organisation, loose = loose[0], loose[1:]
    contact = _contact(node)
    return said(
        Party(
            name=contact.name,
            organisation=organisation,
            email=contact.email,
            phone=contact.phone,
            gln=gln,
            tax_numbers=tuple(numbers),
            address=_address(node, (*loose, *street)),
            references=once((*known, *more)),
        )
    )


def _party_id(node: Node) -> tuple[str | None, list[Reference]]:
    """Return a party's GLN, or what else it is called and by whom."""
    agency = peek(node, "2", "3")
    if peek(node, "2") is None:
        return None, []
    system, kind = words.AGENCIES.get(agency or "", ("edifact", "party"))
    gln = gs1_or_none(node.child("2"), "1", "gln") if kind == "gln" else None
    name = name_of(node, "2")
    if agency in words.AGENCIES:
        text(node, "2", "3")
    if gln is not None or name is None:
        return gln, []
    return None, [Reference(system=system, kind=kind, id=name)]


def _lines(node: Node, element: str) -> tuple[str, ...]:
    return present(text(node, element, one) for one in _NAMES)


def _address(node: Node, street: tuple[str, ...]) -> Address | None:
    return said(
        Address(
            street=street,
            city=text(node, "6"),
            region_code=text(node, "7"),
            region=text(node, "7", "4"),
            postal_code=text(node, "8"),
            country=country_of(node.child("9"), "1") if "9" in node else None,
        )
    )


def _contact(node: Node) -> Party:
    """Return name, mail and telephone of a party's first contact; other ways to reach it stay extensions."""
    contacts = node.children("CTA")
    ways = [*node.children("COM"), *(contacts[0].children("COM") if contacts else [])]
    found: dict[str, str | None] = {}
    for way in ways:
        kind = {"TE": "phone", "AL": "phone", "EM": "email"}.get(peek(way, "1", "2") or "")
        if kind is not None and kind not in found:
            text(way, "1", "2")
            found[kind] = text(way, "1")
    name = (text(contacts[0], "2", "2") or text(contacts[0], "2")) if contacts else None
    return Party(name=name, email=found.get("email"), phone=found.get("phone"))


def item_of(node: Node) -> Item:
    """Return what a line is about: LIN, PIA, and the first description of IMD."""
    found: dict[str, str | None] = {}
    _take_id(node, "3", found)
    for more in node.children("PIA"):
        for element in ("2", "3", "4", "5", "6"):
            _take_id(more, element, found)
    for described in node.children("IMD"):
        if found.get("name") is None and peek(described, "3", "4") is not None:
            found["name"] = joined(described, "3", ("4", "5"))
    return Item(**found)


def _take_id(node: Node, element: str, found: dict[str, str | None]) -> None:
    field = words.ITEM_IDS.get(peek(node, element, "2") or "")
    if field is None or found.get(field) is not None or peek(node, element) is None:
        return
    part = node.child(element)
    value = gs1_or_none(part, "1", "gtin") if field == "gtin" else part.text("1")
    if value is not None:
        part.text("2")
        found[field] = value


def check_count(reading: Reading, lines: int) -> None:
    """Hold CNT of the number of lines (6069: 2) against those that are there."""
    root = reading.root
    counts = [*root.children("CNT"), *(one for end in root.children("UNS") for one in end.children("CNT"))]
    for node in counts:
        if peek(node, "1") == "2":
            text(node, "1")
            count = node.child("1").integer("2", required=True)
            if count is not None and count != lines:
                node.fault(Code.CONTRADICTION, "1", f"CNT counts {count} lines, and there are {lines}")


def version_of(reading: Reading) -> SourceVersion | None:
    """Return which state of the order this is: by when its interchange was made (UNB S004).

    Only messages of the buyer are states; an answer of the seller is of another clock.
    """
    header = reading.root.child("UNB")
    day, clock = peek(header, "4"), peek(header, "4", "2")
    if day is None:
        return None
    try:
        made = x12_time(day, clock, None, reading.source.zone)
    except (ValueError, OverflowError):
        return None
    text(header, "4")
    text(header, "4", "2")
    return SourceVersion(time=made)


def envelope_references(reading: Reading) -> tuple[Reference, ...]:
    """Return the control references, by which sender and receiver speak of this message."""
    found = []
    for tag, element, kind in (("UNB", "5", "interchange"), ("UNG", "5", "group"), ("UNH", "1", "message")):
        node = reading.root.child(tag)
        name = name_of(node, element) if element in node else None
        if name is not None:
            found.append(Reference(system="edifact", kind=kind, id=name))
    return tuple(found)


def line_id(node: Node, turn: int) -> str:
    """Return the order's line that a line of a later message is about: by RFF of the order or of the line, else LIN."""
    for reference in node.children("RFF"):
        code = peek(reference, "1")
        if code in {"ON", "CO", "LI"} and peek(reference, "1", "3") is not None:
            return name_of(reference, "1", "3") or str(turn)
        if code == "LI" and peek(reference, "1", "2") is not None:
            text(reference, "1")
            return name_of(reference, "1", "2") or str(turn)
    return (name_of(node, "1") if "1" in node else None) or str(turn)


def order_number(root: Node) -> tuple[Node, str | None]:
    """Return the number of the order that a later message is about, and where: RFF+ON of it or of its lines."""
    nodes = [*root.children("RFF"), *(one for line in root.children("LIN") for one in line.children("RFF"))]
    for node in nodes:
        if peek(node, "1") in {"ON", "CO"} and peek(node, "1", "2") is not None:
            return node, name_of(node, "1", "2")
    return root, None


def read_envelope(root: Node) -> None:
    """Count as read what decided something before: the message's kind and its trailer."""
    text(root.child("UNH"), "2")
    trailer = root.child("UNT")
    text(trailer, "1")
    text(trailer, "2")
