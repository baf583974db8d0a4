"""Quantities, prices, amounts, allowances and taxes of a message or of a line."""

from collections.abc import Iterable

from ordertrail.intake.channels.edifact import words
from ordertrail.intake.channels.edifact.groups import joined, peek, text
from ordertrail.intake.document import Node
from ordertrail.intake.edi.reading import Reading
from ordertrail.intake.edi.units import agreed_unit, edifact_unit
from ordertrail.intake.faults import Code
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.lines import Price


def quantity(node: Node, reading: Reading, qualifiers: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Return the quantity of the first of these qualifiers that a line states, and its unit."""
    stated = {peek(one, "1"): one for one in reversed(node.children("QTY"))}
    for qualifier in qualifiers:
        if qualifier in stated:
            counted = stated[qualifier].child("1")
            counted.text("1")
            return counted.quantity("2", required=True), reading.unit(counted, "3", edifact_unit)
    return None, None


def prices(node: Node, reading: Reading, unit: str | None) -> tuple[Price | None, Price | None]:
    """Return a line's net and gross price. One for another unit than the line's is kept: nobody could multiply it."""
    found: dict[str, Price] = {}
    for stated in node.children("PRI"):
        code = peek(stated, "1")
        side = "net" if code in words.NET_PRICES else "gross" if code in words.GROSS_PRICES else None
        other = peek(stated, "1", "6")
        if side is None or side in found or peek(stated, "1", "2") is None:
            continue
        if other is not None and unit not in {None, _unit(other.upper(), reading)}:
            continue
        price = _price(stated.child("1"), reading)
        if price is not None:
            found[side] = price
    return found.get("net"), found.get("gross")


def _unit(told: str, reading: Reading) -> str | None:
    return agreed_unit(told, reading.source.options) or edifact_unit(told)


def _price(part: Node, reading: Reading) -> Price | None:
    part.text("1")
    per = part.quantity("5") or "1"
    part.text("6")
    if per == "0":
        part.fault(Code.MALFORMED, "5", "a price for a quantity of 0 is none")
        return None
    return part.price("2", reading.priced(part, "2"), per)


def amount(node: Node, reading: Reading) -> Money | None:
    """Return what a MOA states; an amount in another currency than the message's is kept as it stands."""
    part = node.child("1")
    other = peek(node, "1", "3")
    if other is not None and reading.currency is not None and other.upper() != reading.currency:
        return None
    part.text("1")
    part.text("3")
    return part.money("2", reading.priced(part, "2"))


def amounts(nodes: Iterable[Node], reading: Reading, *qualifiers: str) -> Money | None:
    """Return the amount of the first MOA with one of these qualifiers."""
    for node in nodes:
        if peek(node, "1") in qualifiers and peek(node, "1", "2") is not None:
            return amount(node, reading)
    return None


class Adjustments:
    """What ALC and TAX put on and take off, of an order or of one of its lines."""

    def __init__(self, node: Node, reading: Reading, *, allowances: bool, line: bool) -> None:
        self.discounts: list[Discount] = []
        self.charges: list[Charge] = []
        self.shipping: list[Shipping] = []
        self.taxes: list[Tax] = []
        self._line = line
        for alc in node.children("ALC") if allowances else []:
            self._service(alc, reading)
        for tax in node.children("TAX"):
            self._tax(tax, reading)

    def _service(self, alc: Node, reading: Reading) -> None:
        """Take one allowance or charge that says how much it is and is settled with this order."""
        kind = peek(alc, "1")
        if kind not in {"A", "C"} or peek(alc, "3") in words.NOT_OURS:
            return
        found = amounts(alc.children("MOA"), reading, "8", "23", "204")
        if found is None:
            return
        text(alc, "1")
        charge = (kind == "C") == (found.amount >= 0)
        size = Money(abs(found.amount), found.currency)
        code = text(alc, "5") or "charge"
        told = joined(alc, "5", ("4", "5"))
        if not charge:
            self.discounts.append(Discount(amount=size, reason=told or code, rate=_rate(alc)))
            if told is not None and "5" in alc:
                alc.child("5").unread("1")
        elif code in words.FREIGHT and not self._line:
            turn = str(len(self.shipping) + 1)
            self.shipping.append(Shipping(id=turn, amount=size, code=code, name=told))
        else:
            self.charges.append(Charge(amount=size, kind=code, name=told))
        for tax in alc.children("TAX") if charge and self._line else []:
            self._tax(tax, reading)

    def _tax(self, tax: Node, reading: Reading) -> None:
        """Take a tax that says how much it is; one with a rate alone is kept."""
        stated = tax.children("MOA")
        found = amounts(stated, reading, "124", "176", "150")
        if found is None:
            return
        self.taxes.append(
            Tax(
                amount=found,
                taxable=amounts(stated, reading, "125"),
                rate=tax.child("5").decimal("4") if "5" in tax else None,
                category=text(tax, "6"),
                name=text(tax, "2"),
            )
        )


def _rate(alc: Node) -> str | None:
    for stated in alc.children("PCD"):
        if peek(stated, "1", "2") is not None:
            return stated.child("1").decimal("2")
    return None


def currency_of(reading: Reading) -> None:
    """Set the currency: the first that CUX names, else the account's."""
    for node in reading.root.children("CUX"):
        if peek(node, "1", "2") is not None:
            reading.currency = node.child("1").currency("2")
            return
    reading.currency = reading.source.currency
