"""The loops that order, change and answer share: parties, items, prices, allowances, taxes, dates, references."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from ordertrail.intake.channels.x12 import words
from ordertrail.intake.document import Node
from ordertrail.intake.edi.reading import Reading, gs1_or_none, once, period
from ordertrail.intake.edi.times import x12_time
from ordertrail.intake.edi.units import x12_unit
from ordertrail.intake.faults import Code
from ordertrail.intake.parts import country_of, present, said
from ordertrail.kernel.canonical import MAX_INTEGER
from ordertrail.kernel.money import Money, exponent_of
from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.lines import Item, Period, Price
from ordertrail.orders.party import Address, Party
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.words import CHECKS

_IMPLIED = 2
"""Digits behind the point that type N2 leaves out."""


def peek(node: Node, name: str) -> str | None:
    """Return what an element says without counting it as read: codes that decide whether a segment is meant."""
    value = node.tree.get(name)
    return value.strip() or None if isinstance(value, str) else None


def time_of(
    node: Node, reading: Reading, date: str, clock: str | None = None, code: str | None = None
) -> str | None:
    """Return a moment in UTC from a date (373), a time (337) and a time code (623)."""
    day = node.text(date)
    if day is None:
        return None
    hour = None if clock is None else node.text(clock)
    zone = None if code is None else node.text(code)
    try:
        return x12_time(day, hour, zone, reading.source.zone)
    except (ValueError, OverflowError) as error:
        shown = " ".join(present((day, hour, zone)))[:40]
        node.fault(Code.MALFORMED, date, f"{shown!r} is no date: {error}")
        return None


def delivery_period(nodes: Iterable[Node], reading: Reading) -> Period | None:
    """Return the delivery that was asked for, of all DTM that speak of it; a second one of a kind is kept."""
    ends: dict[str, str] = {}
    for node in nodes:
        kind = words.DELIVERY_DATES.get(peek(node, "1") or "")
        sides = [words.FROM, words.UNTIL] if kind == words.ON else [kind] if kind else []
        if not sides or any(side in ends for side in sides):
            continue
        node.text("1")
        moment = time_of(node, reading, "2", "3", "4")
        if moment is not None:
            ends.update(dict.fromkeys(sides, moment))
    return period(ends.get(words.FROM), ends.get(words.UNTIL))


def references(nodes: Iterable[Node]) -> tuple[Reference, ...]:
    """Return what REF and N9 name; a description behind them stays an extension."""
    return once(map(_reference, nodes))


def _reference(node: Node) -> Reference | None:
    code = peek(node, "1")
    if code is None or "2" not in node:
        return None
    name = node.id("2")
    node.text("1")
    system, kind = words.REFERENCES.get(code, ("x12", code))
    return None if name is None else Reference(system=system, kind=kind, id=name)


def notes(root: Node) -> tuple[Note, ...]:
    """Return what was written: NTE, MSG, and the texts of N9 loops."""
    texts = [node.text("2") for node in root.children("NTE")]
    texts += [node.text("1") for node in root.children("MSG")]
    for loop in root.children("N9"):
        texts.append(loop.text("3"))
        texts += [node.text("1") for node in loop.children("MSG")]
        texts += [node.text("2") for node in loop.children("MTX")]
    return tuple(Note(text=text) for text in present(texts))


def parties(root: Node) -> dict[str, Party]:
    """Return the parties by the order's field. The first of a role counts, BY before SO; others stay extensions."""
    found: dict[str, Party] = {}
    loops = sorted(root.children("N1"), key=lambda loop: peek(loop, "1") == "SO")
    for loop in loops:
        fields = words.ROLES.get(peek(loop, "1") or "", ())
        if fields and not any(field in found for field in fields):
            loop.text("1")
            party = _party(loop)
            if party is not None:
                found.update(dict.fromkeys(fields, party))
    _contacts(root, found)
    return found


def shipping_parties(level: Node) -> dict[str, Party]:
    """Return from where (SF) and whereto (ST) a level of a shipment goes."""
    found: dict[str, Party] = {}
    for loop in level.children("N1"):
        field = {"SF": "origin", "ST": "destination"}.get(peek(loop, "1") or "")
        if field is not None and field not in found:
            loop.text("1")
            party = _party(loop)
            if party is not None:
                found[field] = party
    return found


def is_sscc(text: str) -> bool:
    """Say whether a text is a serial shipping container code with a right check digit."""
    return CHECKS["sscc"](text) is None


def _party(loop: Node) -> Party | None:
    qualifier = peek(loop, "3")
    gln = None
    more: list[Reference | None] = []
    if "4" in loop:
        system, kind = words.PARTY_IDS.get(qualifier or "ZZ", ("x12", qualifier or "party"))
        gln = gs1_or_none(loop, "4", "gln") if kind == "gln" else None
        name = loop.id("4")
        loop.text("3")
        more = [] if gln or name is None else [Reference(system=system, kind=kind, id=name)]
    names = [loop.text("2")]
    for node in loop.children("N2"):
        names += [node.text("1"), node.text("2")]
    contact = _contact(loop.children("PER"))
    return said(
        Party(
            organisation=", ".join(present(names)) or None,
            gln=gln,
            address=_address(loop),
            references=once([*more, *references(loop.children("REF"))]),
            name=contact.name,
            email=contact.email,
            phone=contact.phone,
        )
    )


def _address(loop: Node) -> Address | None:
    street = [node.text(name) for node in loop.children("N3") for name in ("1", "2")]
    places = loop.children("N4")
    if not places:
        return said(Address(street=present(street)))
    place = places[0]
    return said(
        Address(
            street=present(street),
            city=place.text("1"),
            region_code=place.text("2"),
            postal_code=place.text("3"),
            country=country_of(place, "4"),
        )
    )


def _contact(nodes: list[Node]) -> Party:
    """Return name, mail and telephone of the first contact; other ways to reach it stay extensions."""
    if not nodes:
        return Party()
    node = nodes[0]
    ways: dict[str, str | None] = {}
    for number in ("3", "5", "7"):
        way = {"TE": "phone", "CP": "phone", "EM": "email"}.get(peek(node, number) or "")
        if way is not None and way not in ways:
            node.text(number)
            ways[way] = node.text(str(int(number) + 1))
    return Party(name=node.text("2"), email=ways.get("email"), phone=ways.get("phone"))


def _contacts(root: Node, found: dict[str, Party]) -> None:
    """Add the message's own contacts: the buyer's (BD, OC) and the seller's (SU) that no party has yet."""
    for node in root.children("PER"):
        field = {"BD": "buyer", "OC": "buyer", "SU": "seller", "SR": "seller"}.get(peek(node, "1") or "")
        if field is None or field in found:
            continue
        node.text("1")
        contact = said(_contact([node]))
        if contact is not None:
            found[field] = contact


def item_of(node: Node, first: int) -> Item:
    """Return what a line is about: pairs of qualifier and id from an element on, and the first description."""
    pairs: dict[str, str] = {}
    for number in range(first, first + 20, 2):
        pairs.setdefault(peek(node, str(number)) or "", str(number))
    found: dict[str, str | None] = {}
    for field, qualifiers in words.ITEM_IDS:
        for qualifier in qualifiers:
            if qualifier in pairs and found.get(field) is None:
                found[field] = _item_id(node, pairs[qualifier], field)
    for described in node.children("PID"):
        if found.get("name") is None and "5" in described:
            found["name"] = described.text("5")
    return Item(**found)


def _item_id(node: Node, qualifier: str, field: str) -> str | None:
    name = str(int(qualifier) + 1)
    if field == "gtin":
        text = gs1_or_none(node, name, "gtin")
    elif field == "country_of_origin":
        text = country_of(node, name)
    else:
        text = node.text(name)
    if text is not None:
        node.text(qualifier)
    return text


def unit_of(node: Node, reading: Reading, name: str) -> str | None:
    """Return the unit of an element, which may be a composite."""
    if isinstance(node.tree.get(name), Mapping):
        return reading.unit(node.child(name), "1", x12_unit)
    return reading.unit(node, name, x12_unit)


def price_of(node: Node, reading: Reading, name: str, basis: str, unit: str | None) -> Price | None:
    """Return a price with what it is for. A basis of so many pieces counts as read; the others are kept."""
    code = peek(node, basis)
    per = words.BASES.get(code or "", "1")
    if code in words.PER_DOZEN and unit not in words.PIECES:
        per = "1"
    elif code in words.BASES:
        node.text(basis)
    return node.price(name, reading.priced(node, name), per)


def money_n2(node: Node, reading: Reading, name: str) -> Money | None:
    """Return an amount of type N2: its last two digits are hundredths, whatever the currency, unless it has a point."""
    currency = reading.priced(node, name)
    if "." in (peek(node, name) or "") or currency is None:
        return node.money(name, currency)
    digits = node.integer(name)
    if digits is None:
        return None
    minor = Decimal(digits).scaleb(exponent_of(currency) - _IMPLIED)
    if minor != minor.to_integral_value() or abs(minor) > MAX_INTEGER:
        told = f"{digits} hundredths are no amount in whole minor units of {currency}"
        node.fault(Code.MALFORMED, name, told)
        return None
    return Money(int(minor), currency)


class Adjustments:
    """What SAC and TXI put on and take off, of an order or of one of its lines."""

    def __init__(self, node: Node, reading: Reading, *, line: bool) -> None:
        self.discounts: list[Discount] = []
        self.charges: list[Charge] = []
        self.shipping: list[Shipping] = []
        self.taxes: list[Tax] = []
        self._reading = reading
        self._line = line
        for sac in node.children("SAC"):
            if peek(sac, "1") in {"A", "C"} and "5" in sac and peek(sac, "12") not in words.NOT_OURS:
                self._service(sac)
        for txi in node.children("TXI"):
            if "2" in txi:
                self._tax(txi)

    def _service(self, sac: Node) -> None:
        """Take one allowance or charge; a negative one is the other."""
        amount = money_n2(sac, self._reading, "5")
        if amount is None:
            return
        charge = (sac.text("1") == "C") == (amount.amount >= 0)
        amount = Money(abs(amount.amount), amount.currency)
        code = sac.id("2") or sac.id("4") or "charge"
        words_for_it = sac.text("15")
        if not charge:
            rate = sac.decimal("7") if peek(sac, "7") is not None else None
            reason = words_for_it or code
            if words_for_it is not None:
                sac.unread("2")
            self.discounts.append(Discount(amount=amount, reason=reason, rate=rate))
        elif code in words.TAXES:
            self.taxes.append(Tax(amount=amount, name=words_for_it or code))
            if words_for_it is not None:
                sac.unread("2")
        elif code in words.FREIGHT and not self._line:
            ship = Shipping(id=str(len(self.shipping) + 1), amount=amount, code=code, name=words_for_it)
            self.shipping.append(ship)
        else:
            kind = "duty" if code in words.DUTIES else code
            self.charges.append(Charge(amount=amount, kind=kind, name=words_for_it))

    def _tax(self, txi: Node) -> None:
        reading = self._reading
        amount = txi.money("2", reading.priced(txi, "2"))
        if amount is not None:
            tax = Tax(
                amount=amount,
                rate=txi.decimal("3"),
                name=txi.text("1"),
                jurisdiction=txi.text("5"),
                taxable=txi.money("8", reading.priced(txi, "8")),
            )
            self.taxes.append(tax)
