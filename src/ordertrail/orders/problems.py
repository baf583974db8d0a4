"""What is wrong with an order beyond its shape: every problem, each with its dotted path."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from ordertrail.kernel.canonical import MAX_INTEGER
from ordertrail.kernel.errors import Problem
from ordertrail.kernel.money import EXPONENTS, Money
from ordertrail.orders.adjustments import Tax
from ordertrail.orders.amounts import Totals
from ordertrail.orders.extensions import DEPTH, Extension, extension_value, source_value
from ordertrail.orders.fulfilment import LineShare
from ordertrail.orders.lines import Line, Period, Price
from ordertrail.orders.model import Order
from ordertrail.orders.part import Part
from ordertrail.orders.payment import Payment
from ordertrail.orders.words import CHECKS
from ordertrail.record.values import value_problems

_SIGNED = frozenset(
    {
        *((Line, "amount"), (Price, "amount"), (Tax, "amount"), (Tax, "taxable")),
        *((Totals, name) for name in ("lines", "tax", "rounding", "grand_total", "due")),
    }
)
"""Amounts that may be negative: lines of credit, their taxes, and sums with them."""

_NUL = "holds U+0000, which databases cannot"

Check = Callable[[str], str | None]
"""Says what is wrong with a text; None where nothing is."""


def order_problems(order: Order) -> Iterator[Problem]:
    """Yield everything that keeps a well-shaped order from being one."""
    yield from part_problems(order, "")
    yield from _currency_problems(order)
    yield from _identity_problems(order)
    ids = {line.id for line in order.lines}
    for number, line in enumerate(order.lines):
        yield from _line_problems(line, f"lines.{number}", ids)
    for number, sent in enumerate(order.fulfilments):
        yield from _share_problems(ids, sent.lines, f"fulfilments.{number}")
    for number, back in enumerate(order.returns):
        yield from _share_problems(ids, back.lines, f"returns.{number}")
    for number, payment in enumerate(order.payments):
        yield from _transaction_problems(payment, f"payments.{number}")
    if order.rounding.increment is not None and order.rounding.increment < 1:
        yield Problem("rounding.increment", "must be one minor unit or more")


def _share_problems(lines: set[str], shares: Sequence[LineShare], path: str) -> Iterator[Problem]:
    for place, share in enumerate(shares):
        if share.line not in lines:
            yield Problem(f"{path}.lines.{place}.line", f"{share.line!r} is not a line of this order")


def _transaction_problems(payment: Payment, path: str) -> Iterator[Problem]:
    ids = {one.id for one in payment.transactions}
    for place, one in enumerate(payment.transactions):
        if one.parent is not None and (one.parent not in ids or one.parent == one.id):
            parent = f"{path}.transactions.{place}.parent"
            yield Problem(parent, f"{one.parent!r} is not another transaction of this payment")


@cache
def _checks(part: type[Part]) -> tuple[tuple[str, Check | None, bool], ...]:
    """Return each field, what its texts are held against, and whether its amounts may be negative."""
    hints = get_type_hints(part, include_extras=True)
    kinds = {name: _kind_in(hints[name]) for name in part.__struct_fields__}
    return tuple(
        (name, None if kind is None else CHECKS[kind], (part, name) in _SIGNED)
        for name, kind in kinds.items()
    )


def _kind_in(hint: Any) -> str | None:
    if get_origin(hint) is Annotated:
        return str(get_args(hint)[1])
    for inner in get_args(hint):
        kind = _kind_in(inner)
        if kind is not None:
            return kind
    return None


def part_problems(part: Part, path: str) -> Iterator[Problem]:
    """Yield what is wrong with the texts, amounts and periods of a part, and of the parts within it."""
    prefix = f"{path}." if path else ""
    for name, check, signed in _checks(type(part)):
        value = getattr(part, name)
        if value is None or value == ():
            continue
        if type(value) is str:  # most fields are texts, and most texts are right
            wrong = check(value) if check is not None else None
            if wrong is not None:
                yield Problem(prefix + name, wrong)
            elif "\x00" in value:
                yield Problem(prefix + name, _NUL)
        elif name == "value" and isinstance(part, Extension):
            yield from _extension_problems(value, f"{prefix}value")
        elif type(value) is not bool:
            yield from _value_problems(value, prefix + name, check, signed=signed)


def _extension_problems(value: Any, path: str) -> Iterator[Problem]:
    problems = list(value_problems(value, path, DEPTH))
    yield from problems
    if not problems:
        try:
            made = extension_value(source_value(value))
        except (ValueError, RecursionError) as error:
            yield Problem(path, f"holds what is not JSON text: {error}")
            return
        if made != value:
            yield Problem(path, "is not how extension_value writes this value; make it with that")


def _value_problems(value: Any, path: str, check: Check | None, *, signed: bool) -> Iterator[Problem]:
    match value:
        case tuple():
            for number, item in enumerate(value):
                yield from _value_problems(item, f"{path}.{number}", check, signed=signed)
        case Money():
            yield from _money_problems(value, path, signed=signed)
        case Part():
            yield from part_problems(value, path)
            if isinstance(value, Period):
                yield from _period_problems(value, path)
        case str():
            wrong = _text_problem(value, check)
            if wrong is not None:
                yield Problem(path, wrong)
        case int() if abs(value) > MAX_INTEGER:
            yield Problem(path, "is beyond 2**53 - 1, which other JSON readers would round")


def _text_problem(text: str, check: Check | None) -> str | None:
    wrong = check(text) if check is not None else None
    return wrong or (_NUL if "\x00" in text else None)


def _money_problems(money: Money, path: str, *, signed: bool) -> Iterator[Problem]:
    if money.currency not in EXPONENTS:
        yield Problem(f"{path}.currency", f"{money.currency!r} is not an ISO 4217 currency in use")
    if abs(money.amount) > MAX_INTEGER:
        yield Problem(f"{path}.amount", "is beyond 2**53 - 1, which other JSON readers would round")
    elif money.amount < 0 and not signed:
        yield Problem(
            f"{path}.amount", "is negative; which way money goes is said by where the amount stands"
        )


def _period_problems(period: Period, path: str) -> Iterator[Problem]:
    if period.start is None and period.end is None:
        yield Problem(path, "has neither a start nor an end")
    elif period.start is not None and period.end is not None and period.end < period.start:
        yield Problem(path, "ends before it starts")


def _line_problems(line: Line, path: str, ids: set[str]) -> Iterator[Problem]:
    for name in ("unit_price", "list_price"):
        price = getattr(line, name)
        if price is not None and price.per == "0":
            yield Problem(f"{path}.{name}.per", "is 0; a price is for some quantity")
    if line.parent is not None and (line.parent not in ids or line.parent == line.id):
        yield Problem(f"{path}.parent", f"{line.parent!r} is not another line of this order")


def _currency_problems(order: Order) -> Iterator[Problem]:
    """Yield amounts in a currency other than the order's, where that would make sums meaningless."""
    for name in (
        "lines",
        "totals",
        "original_totals",
        "discounts",
        "charges",
        "shipping",
        "taxes",
        "returns",
    ):
        yield from _foreign(getattr(order, name), name, order.currency)
    shown = order.presentment_totals
    if shown is not None:
        currency = _first_currency(shown)
        if currency is not None:
            yield from _foreign(shown, "presentment_totals", currency)


def _first_currency(totals: Totals) -> str | None:
    amounts = (getattr(totals, name) for name in totals.__struct_fields__)
    return next((one.currency for one in amounts if isinstance(one, Money)), None)


def _foreign(value: Any, path: str, currency: str) -> Iterator[Problem]:
    match value:
        case Money():
            if value.currency != currency:
                yield Problem(
                    f"{path}.currency", f"is {value.currency}, and the sums it is part of are in {currency}"
                )
        case tuple():
            for number, item in enumerate(value):
                yield from _foreign(item, f"{path}.{number}", currency)
        case Part():
            for name in _with_money(type(value)):
                inner = getattr(value, name)
                if inner is not None and inner != ():
                    yield from _foreign(inner, f"{path}.{name}", currency)


@cache
def _with_money(part: type[Part]) -> tuple[str, ...]:
    """Return the fields of a part that an amount may stand in, at any depth."""
    return tuple(
        name for name, hint in get_type_hints(part).items() if _may_hold_money(hint, frozenset({part}))
    )


def _may_hold_money(hint: Any, above: frozenset[type[Part]]) -> bool:
    if isinstance(hint, type) and issubclass(hint, Part):
        inner = () if hint in above else get_type_hints(hint).values()
        return any(_may_hold_money(one, above | {hint}) for one in inner)
    return hint is Money or any(_may_hold_money(one, above) for one in get_args(hint))


def _identity_problems(order: Order) -> Iterator[Problem]:
    """Yield what has the same name as another of its kind, so that a change of one could be taken for the other's."""
    for name in ("lines", "shipping", "payments", "fulfilments", "returns"):
        parts = getattr(order, name)
        if len(parts) > 1:
            yield from _doubles([one.id for one in parts], name, "id")
    for number, payment in enumerate(order.payments):
        ids = [one.id for one in payment.transactions]
        yield from _doubles(ids, f"payments.{number}.transactions", "id")
    yield from _doubles([one.name for one in order.extensions], "extensions", "pointer")
    yield from _doubles([(one.system, one.kind, one.id) for one in order.references], "references", "id")


def _doubles(names: Sequence[object], path: str, field: str) -> Iterator[Problem]:
    if len(set(names)) == len(names):
        return
    counted, seen = Counter(names), Counter[object]()
    for place, name in enumerate(names):
        seen[name] += 1
        if seen[name] == 2:
            message = f"{name!r} is there {counted[name]} times; it must be unique"
            yield Problem(f"{path}.{place}.{field}", message)
