"""Orders of any kind, for laws."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.decimals import format_decimal
from ordertrail.orders.extensions import Extension, extension_value
from ordertrail.orders.fulfilment import Fulfilment, LineShare
from ordertrail.orders.lines import Item, Line, Price, Quantities
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.party import Address, Party
from ordertrail.orders.payment import Payment, Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.returns import Return, ReturnedLine
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus, ReturnStatus

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
ids = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
some_ids = st.lists(ids, unique=True, max_size=2)
times = st.datetimes().map(lambda moment: moment.isoformat(timespec="microseconds") + "Z")
quantities = st.decimals(0, 10_000, places=3).map(format_decimal)
bases = st.sampled_from(["1", "100", "0.5", "1000", "12"])
rates = st.sampled_from(["0", "7", "19", "8.875", "20", "5.5"])
numbers = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | numbers,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["currency", "amount", "json", "blob", "a"]) | texts, inner, max_size=3
        )
    ),
    max_leaves=4,
)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """It or nothing."""
    return st.none() | strategy


def many(part: Any, size: int = 1) -> st.SearchStrategy[Any]:
    """Make a tuple of few."""
    return st.lists(part, max_size=size).map(tuple)


class Parts:
    """Strategies of parts in one currency."""

    def __init__(self, currency: str) -> None:
        self.money = st.integers(0, 10**7).map(lambda amount: Money(amount, currency))
        self.signed = st.integers(-(10**7), 10**7).map(lambda amount: Money(amount, currency))
        self.price = st.builds(Price, amount=self.signed, per=bases)
        tax = st.builds(
            Tax, amount=self.signed, taxable=maybe(self.signed), rate=maybe(rates), name=maybe(texts)
        )
        discount = st.builds(Discount, amount=self.money, code=maybe(texts), rate=maybe(rates))
        kinds = st.sampled_from(["duty", "wrap"])
        charge = st.builds(Charge, amount=self.money, kind=kinds, taxes=many(tax, 1))
        self.taxes, self.discounts, self.charges = many(tax), many(discount), many(charge)

    def line(self, name: str, *, stated: bool) -> st.SearchStrategy[Line]:
        """A line of this name; without ``stated``, with a price and no amount."""
        return st.builds(
            Line,
            id=st.just(name),
            item=st.builds(Item, name=maybe(texts), sku=maybe(texts)),
            quantities=st.builds(Quantities, ordered=quantities, cancelled=maybe(quantities)),
            unit=st.sampled_from(["C62", "KGM"]),
            unit_price=maybe(self.price) if stated else self.price,
            amount=maybe(self.signed) if stated else st.none(),
            discounts=self.discounts,
            charges=self.charges,
            taxes=self.taxes,
            gift=st.booleans(),
            notes=many(texts),
        )

    def totals(self) -> st.SearchStrategy[Totals]:
        """Any sums, right or wrong."""
        signed = {name: maybe(self.signed) for name in ("lines", "grand_total", "due", "tax", "rounding")}
        plain = {name: maybe(self.money) for name in ("discount", "shipping", "paid")}
        return st.builds(Totals, **signed, **plain, tax_breakdown=self.taxes)

    def shipping(self, name: str) -> st.SearchStrategy[Shipping]:
        """One way of shipping."""
        return st.builds(
            Shipping, id=st.just(name), amount=self.money, discounts=self.discounts, taxes=self.taxes
        )

    def payment(self, name: str) -> st.SearchStrategy[Payment]:
        """A payment with any transactions."""
        kinds, statuses = st.sampled_from(TransactionKind), st.sampled_from(TransactionStatus)
        transactions = named(
            lambda one: st.builds(
                Transaction, id=st.just(one), kind=kinds, status=statuses, amount=self.money
            )
        )
        return st.builds(
            Payment, id=st.just(name), status=st.sampled_from(PaymentStatus), transactions=transactions
        )


def named(part: Callable[[str], st.SearchStrategy[Any]]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Parts with names, no two alike."""
    return some_ids.flatmap(lambda names: st.tuples(*map(part, names)))


def rounding_rules() -> st.SearchStrategy[Rounding]:
    """Every rule there is."""
    modes, scopes = st.sampled_from(RoundingMode), st.sampled_from(RoundingScope)
    return st.builds(Rounding, mode=modes, scope=scopes, increment=st.sampled_from([None, None, 5, 100]))


def moved(part: Any, share: Any, statuses: Any, lines: Sequence[Line]) -> st.SearchStrategy[Any]:
    """Parcels or returns of some of these lines."""
    names = st.sampled_from([line.id for line in lines]) if lines else st.nothing()
    shares = many(st.builds(share, line=names, quantity=quantities)) if lines else st.just(())
    return named(lambda one: st.builds(part, id=st.just(one), status=st.sampled_from(statuses), lines=shares))


def some_extensions() -> st.SearchStrategy[tuple[Extension, ...]]:
    """What a source has beside the model."""
    return st.lists(json_values, max_size=2).map(
        lambda values: tuple(
            Extension(source="web", pointer=f"/{place}", value=extension_value(value))
            for place, value in enumerate(values)
        )
    )


@st.composite
def an_order(draw: st.DrawFn, *, stated: bool = True) -> Order:
    """Any order. Without ``stated``, no sum is: only what sums are made of."""
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]))
    parts = Parts(currency)
    lines = draw(named(lambda one: parts.line(one, stated=stated)))
    address = st.builds(Address, street=many(texts), city=maybe(texts))
    party = st.builds(Party, id=maybe(ids), name=maybe(texts), address=maybe(address))
    version = st.builds(SourceVersion, number=maybe(st.integers(0, 9)), time=maybe(times))
    return Order(
        id="web:main:1",
        channel="web",
        account="main",
        status=draw(st.sampled_from(OrderStatus)),
        currency=currency,
        tax_included=draw(st.booleans()),
        rounding=draw(rounding_rules()),
        lines=lines,
        totals=draw(parts.totals()) if stated else Totals(),
        original_totals=draw(maybe(parts.totals())) if stated else None,
        placed=draw(maybe(times)),
        source_version=draw(maybe(version)),
        buyer=draw(maybe(party)),
        ship_to=draw(maybe(party)),
        discounts=draw(parts.discounts),
        charges=draw(parts.charges),
        taxes=draw(parts.taxes),
        shipping=draw(named(parts.shipping)),
        payments=draw(named(parts.payment)),
        fulfilments=draw(moved(Fulfilment, LineShare, FulfilmentStatus, lines)),
        returns=draw(moved(Return, ReturnedLine, ReturnStatus, lines)),
        references=tuple(Reference(system="web", kind="order", id=one) for one in draw(some_ids)),
        notes=draw(many(st.builds(Note, text=texts, at=maybe(times)))),
        tags=draw(many(texts)),
        gift=draw(st.booleans()),
        extensions=draw(some_extensions()),
    )
