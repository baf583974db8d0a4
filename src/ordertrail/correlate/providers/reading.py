"""What providers share: a document's parts read one by one, facts made of what was read, amounts in minor units.

A provider's reader takes a :class:`~ordertrail.intake.document.Node` and yields facts, or something foreign. What is
wrong with the document is told by the node as faults with their places; a part with any is faulty as a whole, because
half of what happened to a payment is not what happened.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from ordertrail.correlate.facts import ORDER, PAYMENT, SHIPMENT, TRACKING, Fact, FactKind
from ordertrail.correlate.observation import Facts, Observation
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code, FaultyError
from ordertrail.intake.json_text import json_tree
from ordertrail.intake.message import Faulty, Foreign
from ordertrail.kernel.canonical import MAX_INTEGER
from ordertrail.kernel.money import Money, exponent_of
from ordertrail.record.event import Link
from ordertrail.record.values import identifier_problem

Told = Fact | Foreign
Reading = Callable[[Node, Delivery], Iterable[Told]]

ORDER_NAMES: Final = (
    "order_id",
    "orderId",
    "order",
    "order_number",
    "orderNumber",
    "order_reference",
    "orderReference",
    "merchant_order_id",
    "merchantOrderId",
    "order_ref",
    "orderTransactionId",
    "reference",
)
"""Names of metadata by which merchants commonly say which order it is."""

LONGEST_CODE: Final = 120
"""Characters that are kept of a provider's own word."""

MOST: Final = 10_000
"""Facts of one part of a document; a parcel is scanned some dozen times."""

LONGEST_DELIVERY_ID: Final = 200

_REFERENCE: Final = re.compile(r"(?=.{0,99}\d)#?[A-Za-z0-9][A-Za-z0-9 ._:/#+-]{0,98}", re.ASCII)
"""What an order may be called: a short text with a digit, and without signs of sentences or addresses."""

_NOTHING = Foreign("document", "it tells of nothing that happened to a payment or a parcel")


def observed(document: Document, delivery: Delivery, read: Reading) -> Observation:
    """Read one part of a document."""
    facts: list[Fact] = []
    foreign = _NOTHING
    for told in read(document.root, delivery):
        if isinstance(told, Fact):
            facts.append(told)
            if len(facts) > MOST:
                document.root.fault(
                    Code.TOO_LARGE, "", f"it tells of more than {MOST:,} things that happened"
                )
                break
        else:
            foreign = told
    if document.faults:
        return Observation(document.pointer, Faulty(tuple(document.faults)))
    return Observation(document.pointer, Facts(tuple(facts)) if facts else foreign)


def listed(document: Document, *names: str) -> Iterator[Document]:
    """Yield the elements of a list within a document, each a part of its own; what is not there has none."""
    tree, pointer = document.tree, ""
    for name in names:
        tree = tree.get(name) if isinstance(tree, dict) else None
        pointer += f"/{name}"
    if isinstance(tree, dict):
        tree = [tree]
    if isinstance(tree, list):
        for place, one in enumerate(tree):
            yield document.part(one, f"{pointer}/{place}")


def happened(  # noqa: PLR0913 - a fact is many things
    kind: FactKind,
    delivery: Delivery,
    *,
    thing: str | None,
    id: str | None,  # noqa: A002 - the fact's own word
    time: str | None,
    amount: Money | None = None,
    total: bool = False,
    code: str | None = None,
    links: Iterable[Link] = (),
    payer: str | None = None,
) -> Iterator[Fact]:
    """Yield a fact where what it needs could be read; where not, its node has told so as a fault."""
    if thing is None or id is None or time is None:
        return
    yield Fact(
        kind=kind,
        system=delivery.source.channel,
        account=delivery.source.account,
        thing=thing,
        id=id,
        time=time,
        amount=amount,
        total=total,
        code=code[:LONGEST_CODE] if code is not None and code.isprintable() else "",
        links=_once(links),
        tenant=delivery.source.tenant,
        payer=payer if payer is not None and payer.isprintable() else None,
    )


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells facts of one payment: what they all have in common."""

    delivery: Delivery
    thing: str | None
    code: str | None
    links: tuple[Link, ...] = ()
    payer: str | None = None

    def tell(
        self,
        kind: FactKind,
        ident: str | None,
        time: str | None,
        amount: Money | None,
        code: str | None = None,
    ) -> Iterator[Fact]:
        """Yield one thing that happened."""
        yield from happened(
            kind,
            self.delivery,
            thing=self.thing,
            id=ident,
            time=time,
            amount=amount,
            code=code or self.code,
            links=self.links,
            payer=self.payer,
        )

    def tell_total(self, kind: FactKind, time: str | None, amount: Money | None) -> Iterator[Fact]:
        """Yield what something comes to until now; nothing where it comes to nothing."""
        if amount is None or amount.amount == 0 or self.thing is None:
            return
        yield from happened(
            kind,
            self.delivery,
            thing=self.thing,
            id=f"{self.thing}@{amount.amount}",
            time=time,
            amount=amount,
            total=True,
            code=self.code,
            links=self.links,
            payer=self.payer,
        )


def scanned(  # noqa: PLR0913 - a scan is many things
    kind: FactKind | None,
    delivery: Delivery,
    *,
    parcel: str | None,
    time: str | None,
    code: str | None,
    links: Iterable[Link] = (),
) -> Iterator[Fact]:
    """Yield what a carrier saw of a parcel; carriers give scans no id, so that parcel, word and time are it."""
    if kind is None or parcel is None or time is None:
        return
    number = link(delivery, TRACKING, parcel)
    ident = f"{parcel}/{(code or '')[:LONGEST_CODE]}/{time}"
    yield from happened(kind, delivery, thing=parcel, id=ident, time=time, code=code, links=(*number, *links))


def link(delivery: Delivery, kind: str, *ids: str | None) -> tuple[Link, ...]:
    """Return links of a kind to those of these ids that there are."""
    return tuple(Link(delivery.source.channel, kind, one) for one in ids if one)


def to_order(delivery: Delivery, *ids: str | None) -> tuple[Link, ...]:
    """Return links to orders as their merchant names them.

    Merchants write what they like into such fields. What is no reference (a sentence, an address of e-mail) is left in
    the delivery: it would find no order, and may name a person in a log that is never changed.
    """
    return link(
        delivery, ORDER, *(one for one in ids if one is not None and _REFERENCE.fullmatch(one.strip()))
    )


def to_payment(delivery: Delivery, *ids: str | None) -> tuple[Link, ...]:
    """Return links to ids of a payment."""
    return link(delivery, PAYMENT, *ids)


def to_shipment(delivery: Delivery, *ids: str | None) -> tuple[Link, ...]:
    """Return links to ids of a shipment."""
    return link(delivery, SHIPMENT, *ids)


def metadata_orders(node: Node, delivery: Delivery, name: str = "metadata") -> tuple[Link, ...]:
    """Return links to the orders that a merchant's metadata names; metadata of another form names none.

    The option ``order_key`` of the source names the entry where the merchant uses a word of his own.
    """
    tree = node.tree.get(name)
    if not isinstance(tree, dict):
        return ()
    own = delivery.source.options.get("order_key")
    names = (own,) if own else ORDER_NAMES
    found = (tree.get(one) for one in names)
    texts = (str(one) for one in found if isinstance(one, str | int) and not isinstance(one, bool))
    return to_order(delivery, *(text.strip() for text in texts))


def minor_units(
    node: Node, name: str, currency: str | None, exponents: Mapping[str, int] | None = None
) -> Money | None:
    """Return an amount in the provider's minor units as one in ISO 4217's.

    ``exponents`` are the provider's digits after the point where they are not ISO's: Stripe has none for MGA.
    """
    own = (exponents or {}).get(currency or "")
    if currency is None or own is None or own == exponent_of(currency):
        return node.minor(name, currency, required=True)
    amount = node.integer(name, required=True)
    if amount is None:
        return None
    scaled = Decimal(amount).scaleb(exponent_of(currency) - own)
    if scaled != scaled.to_integral_value() or abs(scaled) > MAX_INTEGER:
        node.fault(Code.MALFORMED, name, f"{amount} is no amount in whole minor units of {currency}")
        return None
    return Money(int(scaled), currency)


def money_within(node: Node, name: str, value: str, currency: str) -> Money | None:
    """Return an amount that is an object of a value in major units and a currency: ``{"value": "10.00", …}``."""
    if name not in node:
        return None
    inner = node.child(name)
    return inner.money(value, inner.currency(currency), required=True)


def some(amount: Money | None) -> bool:
    """Say whether there is an amount, and it is not nothing."""
    return amount is not None and amount.amount != 0


def event_id(delivery: Delivery, prefix: str = "", name: str = "id") -> str | None:
    """Return the id at the root of a JSON document; None where there is none, or no such document."""
    try:
        tree = json_tree(delivery.body)
    except FaultyError:
        return None
    found = tree.get(name) if isinstance(tree, dict) else None
    fits = isinstance(found, str) and found.startswith(prefix) and 0 < len(found) <= LONGEST_DELIVERY_ID
    return found if fits else None


def without_nil(tree: Any) -> Any:
    """Return a tree of XML without what it says is nil, and without the types that Rails writes as attributes."""
    if isinstance(tree, list):
        return [without_nil(one) for one in tree if not _is_nil(one)]
    if not isinstance(tree, dict):
        return tree
    plain = {
        name: without_nil(value) for name, value in tree.items() if name != "@type" and not _is_nil(value)
    }
    return plain["#text"] if set(plain) == {"#text"} else plain


def _is_nil(value: Any) -> bool:
    return isinstance(value, dict) and value.get("@nil") == "true"


def _once(links: Iterable[Link]) -> tuple[Link, ...]:
    """Return each link once, without those whose id no event may have."""
    return tuple(one for one in dict.fromkeys(links) if identifier_problem(one.id) is None)
