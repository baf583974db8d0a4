"""An order read by a mapping: what :mod:`ordertrail.intake.mapping` names, from the node of one order."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ordertrail.intake.delivery import Source
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.mapping import Field, Kind, Listed, OrderMapping, Place, Section
from ordertrail.intake.message import Message
from ordertrail.intake.parts import country_of, discount_of, gtin_of, message_of, said, size
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.decimals import format_decimal
from ordertrail.orders.fulfilment import Fulfilment
from ordertrail.orders.ids import order_id
from ordertrail.orders.lines import Item, Line, Period, Price, Quantities
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.party import Address, Party
from ordertrail.orders.payment import Payment
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.statuses import OrderStatus
from ordertrail.orders.words import CHECKS

PIECE = "C62"

_ITEM = (
    *("name", "variant", "sku", "gtin", "buyer_item"),
    *("manufacturer_item", "country_of_origin", "commodity_code"),
)
_COUNTED = ("accepted", "allocated", "shipped", "delivered", "returned", "cancelled")
_ADDRESS = ("box", "city", "region", "region_code", "postal_code", "country")
_PARTY = ("id", "name", "given_name", "family_name", "organisation", "email", "phone", "gln")
_TIMES = ("placed", "accepted", "updated", "cancelled")
_AS_THEY_ARE = ("type", "site", "number", "cancel_reason", "incoterm", "priority")


@dataclass(frozen=True, slots=True)
class Frame:
    """What is known of an order beside its mapping. ``status`` wins over the document's own.

    ``within`` is where in the document the order stands, ``seen`` a place that decided how it is read.
    """

    status: OrderStatus | None = None
    within: Place | None = None
    seen: Place | None = None


_PLAIN = Frame()


def mapped_order(document: Document, mapping: OrderMapping, source: Source, frame: Frame = _PLAIN) -> Message:
    """Return the order that a document is by a mapping, or what is wrong with it."""
    top = document.root
    root = top if frame.within is None else frame.within.within(top).child(frame.within.name)
    if frame.seen is not None:
        frame.seen.within(top).raw(frame.seen.name)
    currency = _currency(root, mapping.order.get("currency"), source)
    own = _values(root, mapping.order, currency)
    key = _key(root, mapping.order["id"], own.get("id"), source)
    parts: dict[str, Any] = {name: own.get(name) for name in (*_TIMES, *_AS_THEY_ARE)}
    parts |= {name: _party(root, section) for name, section in mapping.parties.items()}
    for name, read in _LISTS.items():
        listed = mapping.lists.get(name)
        if listed is not None:
            nodes = _elements(root, listed.at)
            found = (read(one, place, listed, currency) for place, one in enumerate(nodes, 1))
            parts[name] = tuple(one for one in found if one is not None)
    lines = parts.pop("lines", ())
    parts["totals"] = Totals(**_values(root, mapping.totals, currency))
    parts["references"] = _references(root, mapping)
    parts["notes"] = tuple(Note(text=text) for text in own.get("notes") or ())
    parts["tags"] = own.get("tags") or ()
    content = None
    if key is not None and currency is not None and not document.faults:
        content = Order(
            id=key,
            channel=source.channel,
            account=source.account,
            tenant=source.tenant,
            status=frame.status or own.get("status") or OrderStatus.RECEIVED,
            currency=currency,
            tax_included=own.get("tax_included") or False,
            rounding=_rounding(mapping),
            lines=lines,
            source_version=_version(own),
            requested_delivery=_period(own),
            gift=own.get("gift") or False,
            test=own.get("test") or False,
            **parts,
        )
    return message_of(document, top, content, source.channel, key)


def _key(root: Node, field: Field, name: str | None, source: Source) -> str | None:
    place = field.places[0] if field.places else Place((), "")
    node = place.within(root)
    if name is None:
        if place.name not in node:
            node.fault(Code.MISSING, place.name, f"{place.name} is missing: an order without an id")
        return None
    try:
        return order_id(source.channel, source.account, name)
    except ValueError as error:
        node.fault(Code.MALFORMED, place.name, str(error))
        return None


def _currency(root: Node, field: Field | None, source: Source) -> str | None:
    found = None if field is None else _read(root, field, None)
    if found is not None or source.currency is not None:
        return found or source.currency
    if not root.faults:
        place = field.places[0] if field is not None and field.places else Place((), "")
        place.within(root).fault(
            Code.MISSING, place.name, "neither the document nor the source names a currency"
        )
    return None


def _values(node: Node, section: Section, currency: str | None) -> dict[str, Any]:
    return {name: _read(node, field, currency) for name, field in section.items()}


def _read(node: Node, field: Field, currency: str | None) -> Any:
    """Return a field's value: what stands in its place, or else its constant."""
    if not field.places:
        return field.value
    if field.kind is Kind.TEXTS:
        return tuple(text for one in field.places for text in one.within(node).texts(one.name))
    place = field.places[0]
    for step in place.steps:
        node = node.child(step)
    if place.name not in node.tree:
        return field.value
    found = _READERS[field.kind](node, place.name, field, currency)
    return field.value if found is None else found


def _currency_word(node: Node, name: str, field: Field, _: str | None) -> str | None:
    return node.currency(name, required=False) if field.words is None else node.word(name, field.words)


def _country(node: Node, name: str, field: Field, _: str | None) -> Any:
    """Return a country by the mapping's words, or by its code; a name that is neither stays an extension."""
    text = node.text(name)
    if field.words is not None and text is not None and text in field.words:
        return field.words[text]
    return country_of(node, name)


def _unit(node: Node, name: str, field: Field, _: str | None) -> Any:
    if field.words is not None:
        return node.word(name, field.words)
    text = node.text(name)
    problem = None if text is None else CHECKS["unit"](text)
    if problem is not None:
        node.fault(Code.UNKNOWN_WORD, name, problem)
        return None
    return text


def _text(node: Node, name: str, field: Field, _: str | None) -> Any:
    text = node.text(name)
    return text if field.words is None or text is None else field.words.get(text, text)


def _money(node: Node, name: str, field: Field, currency: str | None) -> Money | None:
    return node.minor(name, currency) if field.minor else node.rounded(name, currency)


_READERS: dict[Kind, Callable[[Node, str, Field, str | None], Any]] = {
    Kind.ID: lambda node, name, _field, _currency: node.id(name),
    Kind.TEXT: _text,
    Kind.FLAG: lambda node, name, field, _: (
        node.flag(name) if field.words is None else node.word(name, field.words)
    ),
    Kind.INTEGER: lambda node, name, _field, _currency: node.integer(name),
    Kind.DECIMAL: lambda node, name, _field, _currency: node.decimal(name),
    Kind.QUANTITY: lambda node, name, _field, _currency: node.quantity(name),
    Kind.MONEY: _money,
    Kind.PRICE: lambda node, name, _field, currency: node.price(name, currency),
    Kind.TIME: lambda node, name, _field, _currency: node.time(name),
    Kind.CURRENCY: _currency_word,
    Kind.COUNTRY: _country,
    Kind.GTIN: lambda node, name, _field, _currency: gtin_of(node, name),
    Kind.UNIT: _unit,
    Kind.WORD: lambda node, name, field, _: node.word(name, field.words or {}),
}


def _elements(root: Node, at: Place | None) -> list[Node]:
    return [root] if at is None else at.within(root).children(at.name)


def _party(root: Node, section: Section) -> Party | None:
    values = _values(root, section, None)
    where: dict[str, Any] = {name: values.get(name) for name in _ADDRESS}
    who: dict[str, Any] = {name: values.get(name) for name in _PARTY}
    return said(Party(**who, address=said(Address(**where, street=values.get("street") or ()))))


def _line(node: Node, place: int, listed: Listed, currency: str | None) -> Line | None:
    fields = listed.fields
    back = None
    if listed.negative:
        fields = {name: field for name, field in fields.items() if name != "ordered"}
        ordered, back = _signed(node, listed.fields["ordered"])
    values = _values(node, fields, currency)
    if not listed.negative:
        ordered = values["ordered"]
    if ordered is None:
        at = listed.fields["ordered"].places[0]
        if at.name not in at.within(node):
            at.within(node).fault(Code.MISSING, at.name, f"{at.name} is missing: a line without a quantity")
        return None
    off = discount_of(size(values.get("discount")), reason=values.get("discount_reason"))
    if off is None:
        _unread(node, fields, "discount_reason")
    tax = values.get("tax")
    if tax is None:
        _unread(node, fields, "tax_rate", "tax_name", "taxable")
    if values.get("unit_price") is None:
        _unread(node, fields, "price_per")
    taxed = () if tax is None else (_tax_of(values, tax),)
    counted = {name: values[name] for name in _COUNTED if name in values}
    if back is not None:
        counted["cancelled"] = back
    return Line(
        id=values.get("id") or str(place),
        item=Item(**{name: values[name] for name in _ITEM if name in values}),
        quantities=Quantities(ordered=ordered, **counted),
        unit=values.get("unit") or PIECE,
        number=values.get("number"),
        parent=values.get("parent"),
        unit_price=_per(values.get("unit_price"), values.get("price_per")),
        list_price=values.get("list_price"),
        discounts=() if off is None else (off,),
        taxes=taxed,
        amount=values.get("amount"),
        gift=values.get("gift") or False,
        notes=values.get("notes") or (),
    )


def _signed(node: Node, field: Field) -> tuple[str | None, str | None]:
    """Return what was ordered, and what of it was taken back: all of a negative quantity."""
    if not field.places:
        return field.value, None
    place = field.places[0]
    found = place.within(node).decimal(place.name)
    if found is not None and found.startswith("-"):
        return found[1:], found[1:]
    return found or field.value, None


def _per(price: Price | None, per: str | None) -> Price | None:
    """Return a price for so many pieces as its source says."""
    if price is None or per in {None, "1"}:
        return price
    return Price(amount=price.amount, per=format_decimal(Decimal(price.per) * Decimal(per or "1")))


def _tax_of(values: dict[str, Any], amount: Money) -> Tax:
    return Tax(
        amount=amount,
        taxable=values.get("taxable"),
        rate=values.get("tax_rate") or values.get("rate"),
        name=values.get("tax_name") or values.get("name"),
        category=values.get("category"),
        jurisdiction=values.get("jurisdiction"),
    )


def _unread(node: Node, section: Section, *names: str) -> None:
    """Keep fields as extensions that have no part to stand in; without names, all of a section's."""
    for name in names or section:
        if name in section:
            for place in section[name].places:
                place.within(node).unread(place.name)


def _discount(node: Node, _: int, listed: Listed, currency: str | None) -> Discount | None:
    values = _values(node, listed.fields, currency)
    found = discount_of(size(values.pop("amount", None)), **values)
    if found is None:
        _unread(node, listed.fields)
    return found


def _charge(node: Node, _: int, listed: Listed, currency: str | None) -> Charge | None:
    values = _values(node, listed.fields, currency)
    if values.get("amount") is None:
        _unread(node, listed.fields)
        return None
    return Charge(**{**values, "kind": values.get("kind") or "charge"})


def _shipping(node: Node, place: int, listed: Listed, currency: str | None) -> Shipping | None:
    values = _values(node, listed.fields, currency)
    if values.get("amount") is None:
        _unread(node, listed.fields)
        return None
    return Shipping(**{**values, "id": values.get("id") or str(place)})


def _tax(node: Node, _: int, listed: Listed, currency: str | None) -> Tax | None:
    values = _values(node, listed.fields, currency)
    amount = values.get("amount")
    if amount is None:
        _unread(node, listed.fields)
        return None
    return _tax_of(values, amount)


def _payment(node: Node, place: int, listed: Listed, currency: str | None) -> Payment | None:
    values = _values(node, listed.fields, currency)
    if values.get("status") is None:
        _unread(node, listed.fields)
        return None
    return Payment(**{**values, "id": values.get("id") or str(place)})


def _fulfilment(node: Node, _: int, listed: Listed, currency: str | None) -> Fulfilment | None:
    values = _values(node, listed.fields, currency)
    if values.get("id") is None or values.get("status") is None:
        _unread(node, listed.fields)
        return None
    return Fulfilment(**{**values, "tracking_numbers": values.get("tracking_numbers") or ()})


_LISTS: dict[str, Callable[[Node, int, Listed, str | None], Any]] = {
    "lines": _line,
    "discounts": _discount,
    "charges": _charge,
    "shipping": _shipping,
    "taxes": _tax,
    "payments": _payment,
    "fulfilments": _fulfilment,
}


def _references(root: Node, mapping: OrderMapping) -> tuple[Reference, ...]:
    found = ((one, _read(root, one.id, None)) for one in mapping.references)
    made = (Reference(system=one.system, kind=one.kind, id=text) for one, text in found if text is not None)
    return tuple(dict.fromkeys(made))


def _version(own: dict[str, Any]) -> SourceVersion | None:
    return said(SourceVersion(number=own.get("version_number"), time=own.get("version_time")))


def _period(own: dict[str, Any]) -> Period | None:
    return said(Period(start=own.get("delivery_from"), end=own.get("delivery_until")))


def _rounding(mapping: OrderMapping) -> Rounding:
    rule = mapping.rounding
    return Rounding(
        mode=RoundingMode(rule.get("mode", "half_up")),
        scope=RoundingScope(rule.get("scope", "line")),
        increment=rule.get("increment"),
    )
