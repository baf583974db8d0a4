"""What several channels build alike: an order's message, addresses, and what is left out where nothing is said.

A channel reads a whole document before it gives up, so that all that is wrong is told at once. Builders therefore
return None where a part's own needs are missing (the document has the fault by then), :func:`present` drops those, and
:func:`message_of` makes the end of it: an order with its extensions, or every reason why there is none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import reduce
from itertools import accumulate, pairwise
from typing import TypeVar, cast

import msgspec

from ordertrail.intake.amendment import Amendment, amendment_problems
from ordertrail.intake.countries import BY_THREE_LETTERS
from ordertrail.intake.delivery import Delivery, Source
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code, Fault
from ordertrail.intake.message import Content, Faulty, Foreign, Message
from ordertrail.kernel.canonical import MAX_INTEGER
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.money import Money, exponent_of
from ordertrail.orders.adjustments import Discount
from ordertrail.orders.decimals import LONGEST, format_decimal
from ordertrail.orders.format import format_order
from ordertrail.orders.ids import order_id
from ordertrail.orders.lines import Price
from ordertrail.orders.model import Order
from ordertrail.orders.part import Part
from ordertrail.orders.party import Address
from ordertrail.orders.statuses import OrderStatus
from ordertrail.orders.words import CHECKS

NOTHING = ""
"""Stands in an order for an id or a currency that could not be read, of which the document has the fault."""

_EXACT = Context(prec=4 * LONGEST)
"""No digit of a quantity gets lost."""

_STATUS = "status."
_MEANINGS = frozenset(OrderStatus)

_Part = TypeVar("_Part", bound=Part)
_Any = TypeVar("_Any")


def message_of(
    document: Document,
    root: Node,
    content: Order | Amendment | Foreign | None,
    channel: str,
    order: str | None = None,
) -> Message:
    """Return what was read of a document as a message: with what was not read as extensions, or with every fault.

    ``content`` is None where it could not be built. ``order`` is our id of the order, which a dead letter keeps. An
    order that breaks a law of the model is faulty too.
    """
    if isinstance(content, Order | Amendment):
        content = msgspec.structs.replace(content, extensions=root.rest(channel))
        if not document.faults:
            document.faults.extend(_broken(content, document.pointer))
    if content is None and not document.faults:
        document.faults.append(
            Fault(Code.MISSING, document.pointer, "too little is said to make an order of it")
        )
    if document.faults:
        faults = tuple(dict.fromkeys(document.faults))
        return Message(document.pointer, Faulty(faults, order), root)
    return Message(document.pointer, cast("Content", content), root, sound=isinstance(content, Order))


def _broken(content: Order | Amendment, pointer: str) -> Iterable[Fault]:
    """Yield what the model says against an order or an amendment whose fields could all be read."""
    try:
        if isinstance(content, Order):
            format_order(content)
            return
        problems = tuple(amendment_problems(content))
    except InputError as error:
        problems = error.problems
    for problem in problems:
        yield Fault(Code.MALFORMED, pointer, f"makes no order: {problem}")


def order_key(delivery: Delivery, node: Node, name: str, *, required: bool = True) -> str | None:
    """Return our id of the order whose id at its source is a field of a node."""
    source_id = node.id(name, required=required)
    if source_id is None:
        return None
    try:
        return order_id(delivery.source.channel, delivery.source.account, source_id)
    except ValueError as error:
        node.fault(Code.MALFORMED, name, str(error))
        return None


def present(parts: Iterable[_Any | None]) -> tuple[_Any, ...]:
    """Return what could be built, without what could not or says nothing."""
    return tuple(one for one in parts if one is not None)


def said(part: _Part) -> _Part | None:
    """Return a part, or None where none of its fields says anything: for parts that require none."""
    return part if part != type(part)() else None


def discount_of(
    amount: Money | None, code: str | None = None, reason: str | None = None, rate: str | None = None
) -> Discount | None:
    """Return a reduction, None where nothing is taken off and nothing is said of why."""
    if amount is None or not (amount.amount or code or reason):
        return None
    return Discount(amount=amount, code=code, reason=reason, rate=rate)


def added(amounts: Iterable[Money | None], currency: str | None) -> Money | None:
    """Return the sum of the amounts that are known; None where none is."""
    known = [one.amount for one in amounts if one is not None]
    return Money(sum(known), currency) if known and currency is not None else None


def counted(*quantities: str | None, less: str | None = None) -> str | None:
    """Return the sum of quantities, less one, exactly; None where none is known, it is negative or too long."""
    known = [Decimal(one) for one in quantities if one is not None]
    total = reduce(_EXACT.add, known, Decimal(0))
    if less is not None:
        total = _EXACT.subtract(total, Decimal(less))
    try:
        return format_decimal(total) if known and total >= 0 else None
    except ValueError:
        return None


def price_each(total: Money | None, quantity: str | None) -> Price | None:
    """Return the price of one that comes to a total, exactly: 32.40 for three; None where nothing is counted."""
    if total is None or quantity is None or not Fraction(quantity):
        return None
    each = Fraction(total.amount) / Fraction(quantity)
    if each.denominator == 1 and abs(each) <= MAX_INTEGER:
        return Price(amount=Money(int(each), total.currency), per="1")
    return Price(amount=total, per=quantity)


def status_words(source: Source, words: Mapping[str, OrderStatus]) -> Mapping[str, OrderStatus]:
    """Return a channel's words for where an order stands, with those that the account's options add.

    An option ``status.packed = "processing"`` says what a status of this shop's own, ``packed``, means.
    """
    own = {
        name.removeprefix(_STATUS): OrderStatus(meaning)
        for name, meaning in source.options.items()
        if name.startswith(_STATUS) and meaning in _MEANINGS
    }
    return {**words, **own} if own else words


def shared_out(total: int, weights: Sequence[int]) -> list[int]:
    """Divide whole minor units in proportion to weights, so that the parts add up to the total to the last one."""
    whole = sum(weights)
    if not whole:
        return [total if place == 0 else 0 for place in range(len(weights))]
    ends = [total * reached // whole for reached in accumulate(weights)]
    return [end - start for start, end in pairwise([0, *ends])]


def major(amount: Money) -> Fraction:
    """Return an amount in major units, exactly."""
    return Fraction(amount.amount, 10 ** exponent_of(amount.currency))


def opposite(amount: Money | None) -> Money | None:
    """Return an amount with the other sign."""
    return None if amount is None else Money(-amount.amount, amount.currency)


def size(amount: Money | None) -> Money | None:
    """Return an amount without its sign, for sources that write what is given back as negative."""
    return None if amount is None else Money(abs(amount.amount), amount.currency)


def gtin_of(node: Node, name: str) -> str | None:
    """Return a bar code that is a GTIN; any other stays an extension."""
    return _of_kind(node, name, "gtin")


def country_of(node: Node, name: str) -> str | None:
    """Return a country's code of two letters, given as two or three; a name of a country stays an extension."""
    three = BY_THREE_LETTERS.get((node.text(name) or "").upper())
    return three or _of_kind(node, name, "country", upper=True)


def _of_kind(node: Node, name: str, kind: str, *, upper: bool = False) -> str | None:
    text = node.text(name)
    if text is not None and upper:
        text = text.upper()
    if text is None or CHECKS[kind](text) is None:
        return text
    node.unread(name)
    return None


@dataclass(frozen=True, slots=True)
class AddressNames:
    """What a source calls the fields of an address."""

    street: tuple[str, ...]
    """Of each line, in their sequence."""
    city: str
    postal_code: str
    country: str
    """The field of the two letters."""
    region: str | None = None
    region_code: str | None = None
    latitude: str | None = None
    longitude: str | None = None


def address_of(node: Node, names: AddressNames) -> Address | None:
    """Return a postal address; None where none of its fields says anything."""

    def optional(name: str | None) -> str | None:
        return None if name is None else node.text(name)

    return said(
        Address(
            street=present(node.text(name) for name in names.street),
            city=node.text(names.city),
            region=optional(names.region),
            region_code=optional(names.region_code),
            postal_code=node.text(names.postal_code),
            country=country_of(node, names.country),
            latitude=optional(names.latitude),
            longitude=optional(names.longitude),
        )
    )


def spelled(node: Node, name: str) -> str:
    """Return a field's name as it stands here: some sources write ``order_item_id`` or ``orderItemId``."""
    first, *others = name.split("_")
    camel = first + "".join(other.capitalize() for other in others)
    return camel if camel in node and name not in node else name


def same_time(node: Node, name: str, known: str | None) -> None:
    """Count a time as read where it is one that is known already; any other stays an extension."""
    if node.time(name) != known:
        node.unread(name)
