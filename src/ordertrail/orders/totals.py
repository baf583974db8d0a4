"""Reconciling: does an order add up to what its source says? Every difference is a value, none is hidden.

The law, in minor units, after UBL's monetary total (UBL 2.1 section 2.4, Peppol BIS rules BR-CO-10 to BR-CO-16)::

    line.amount  = unit_price x (ordered - cancelled) - line discounts + line charges
    lines        = sum of line amounts
    shipping     = sum of shipping amounts - their discounts
    discount     = sum of the order's discounts
    charges      = sum of the order's charges that are not duties;    duties = those that are
    tax          = sum of all taxes of lines, charges, shipping and the order
    grand_total  = lines + shipping + charges + duties - discount + rounding   (+ tax where prices are without)
    due          = grand_total - paid + refunded + charged back

By the channel's rule, fractions are rounded on each line and tax (scope ``line``), or once in each sum (scope
``total``). A sum is held against what *its parts state*, and each part against its own parts: one wrong figure is one
difference, at its own place. What a source does not state is not checked; what it states and nothing here can be held
against is listed in ``unchecked`` with the reason.

Worked example: two cups at 12.00 EUR without tax, 5.00 off, 19 % tax of 19.00 EUR: lines 24.00, discount 5.00,
tax 3.61, grand total 24.00 - 5.00 + 3.61 = 22.61 EUR.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import msgspec

from ordertrail.kernel.money import Money, format_money
from ordertrail.orders.adjustments import Charge, Tax
from ordertrail.orders.amounts import RoundingScope, Totals
from ordertrail.orders.exact import line_exact, payable, rounded, shipping_amount, tax_exact
from ordertrail.orders.lines import Line
from ordertrail.orders.model import Order
from ordertrail.orders.payment import TransactionKind, TransactionStatus

DUTY = "duty"
"""The kind of charge that is counted under duties."""

_TAKEN = {
    TransactionKind.SALE: 1,
    TransactionKind.CAPTURE: 1,
    TransactionKind.CAPTURE_REVERSAL: -1,
}
_GIVEN_BACK = {TransactionKind.REFUND: 1, TransactionKind.REFUND_REVERSAL: -1}
_CHARGED_BACK = {TransactionKind.CHARGEBACK: 1, TransactionKind.CHARGEBACK_REVERSAL: -1}


@dataclass(frozen=True, slots=True)
class Check:
    """One amount that the source states, and what its parts come to."""

    path: str
    """Where it stands: dotted, as in problems."""
    declared: Money
    computed: Money

    @property
    def difference(self) -> Money:
        """What is declared beyond what is computed; zero where it adds up."""
        return Money(self.declared.amount - self.computed.amount, self.declared.currency)

    def __str__(self) -> str:
        told = f"{self.path}: {format_money(self.declared)} is stated"
        if not self.difference.amount:
            return f"{told}, and it adds up"
        parts, off = format_money(self.computed), format_money(self.difference)
        return f"{told}, its parts come to {parts}: a difference of {off}"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What adds up, what does not and by how much, and what could not be held against anything."""

    checks: tuple[Check, ...]
    unchecked: tuple[tuple[str, str], ...]
    """Path and reason."""

    @property
    def differences(self) -> tuple[Check, ...]:
        """The checks that do not add up."""
        return tuple(check for check in self.checks if check.difference.amount)

    @property
    def balanced(self) -> bool:
        """Whether all that is stated adds up."""
        return not self.differences


def reconcile(order: Order) -> Reconciliation:
    """Hold every amount that an order states against its parts. Raises nothing for what can be formatted."""
    checks: list[Check] = []
    unchecked: list[tuple[str, str]] = []
    for number, line in enumerate(order.lines):
        _check_line(order, line, f"lines.{number}", checks, unchecked)
    for path, tax in _placed_taxes(order):
        _check_tax(order, f"{path}.amount", tax, checks, unchecked)
    computed = computed_totals(order)
    for name in ("lines", "shipping", "charges", "duties", "discount", "tax", "paid", "refunded"):
        declared, ours = getattr(order.totals, name), getattr(computed, name)
        if declared is None:
            continue
        if ours is None or (declared.amount and name in _OF_PARTS and not _OF_PARTS[name](order)):
            unchecked.append((f"totals.{name}", _UNKNOWN[name]))
        else:
            checks.append(Check(f"totals.{name}", declared, ours))
    stated = _stated(order.totals, computed)
    if stated.grand_total is not None and stated.lines is None:
        unchecked.append(("totals.grand_total", _UNKNOWN["lines"]))
    if stated.due is not None and (stated.grand_total is None or stated.paid is None):
        unchecked.append(("totals.due", "the order does not say what its total is, or what was paid"))
    checks += _grand_checks(order, stated, "totals")
    checks += _due_check(order, stated)
    checks += _breakdown_check(order.totals, "totals")
    for name in ("original_totals", "presentment_totals"):
        totals = getattr(order, name)
        if totals is not None:
            # Nothing is known of their parts; but they must add up in themselves.
            checks += [*_grand_checks(order, totals, name), *_breakdown_check(totals, name)]
    return Reconciliation(tuple(checks), tuple(unchecked))


_UNKNOWN = {
    "lines": "a line states neither a price nor an amount",
    "paid": "the order names no transactions in its currency that could come to it",
    "refunded": "the order names no transactions in its currency that could come to it",
    **{
        name: f"the order names no {name} of its own that could come to it"
        for name in ("shipping", "charges", "duties", "discount", "tax")
    },
}

_OF_PARTS: Mapping[str, Callable[[Order], bool]] = {
    "shipping": lambda order: bool(order.shipping),
    "charges": lambda order: any(charge.kind != DUTY for charge in order.charges),
    "duties": lambda order: any(charge.kind == DUTY for charge in order.charges),
    "discount": lambda order: bool(order.discounts),
    "tax": lambda order: next(all_taxes(order), None) is not None,
}
"""Whether an order has the parts of a sum: where it has none, its source tells the sum alone."""


def computed_totals(order: Order) -> Totals:
    """Return what an order's parts come to; absent what cannot be known."""
    currency = order.currency
    lines = _lines_sum(order)
    shipping = sum(map(shipping_amount, order.shipping))
    duties = sum(charge.amount.amount for charge in order.charges if charge.kind == DUTY)
    charges = sum(charge.amount.amount for charge in order.charges if charge.kind != DUTY)
    discount = sum(one.amount.amount for one in order.discounts)
    tax = _tax_sum(order)
    rounding = grand = None
    if lines is not None:
        exact = lines + shipping + duties + charges - discount + (0 if order.tax_included else tax)
        grand = payable(exact, order.rounding)
        rounding = grand - exact if order.rounding.increment is not None else None
    paid, refunded = _moved(order, _TAKEN), _moved(order, _GIVEN_BACK)
    due = None
    if grand is not None and paid is not None and refunded is not None:
        due = grand - paid + refunded + (_moved(order, _CHARGED_BACK) or 0)
    amounts = {
        "lines": lines, "discount": discount, "shipping": shipping, "charges": charges, "duties": duties, "tax": tax,
        "rounding": rounding, "grand_total": grand, "paid": paid, "refunded": refunded, "due": due,
    }  # fmt: skip
    return Totals(**{name: Money(one, currency) for name, one in amounts.items() if one is not None})  # type: ignore[arg-type]


def with_computed_totals(order: Order) -> Order:
    """Return the order with what its parts come to in the place of what its source states (or does not)."""
    return msgspec.structs.replace(order, totals=computed_totals(order))


def _check_line(
    order: Order, line: Line, path: str, checks: list[Check], unchecked: list[tuple[str, str]]
) -> None:
    exact = line_exact(line)
    if line.amount is not None:
        if exact is None:
            unchecked.append((f"{path}.amount", "the line states no price"))
        else:
            ours = Money(rounded(exact, order.rounding), order.currency)
            checks.append(Check(f"{path}.amount", line.amount, ours))


def _check_tax(
    order: Order, path: str, tax: Tax, checks: list[Check], unchecked: list[tuple[str, str]]
) -> None:
    if tax.rate is None or tax.taxable is None:
        unchecked.append((path, "the tax states no rate, or not what it is computed of"))
        return
    exact = tax_exact(Fraction(tax.taxable.amount), tax.rate, included=False)
    checks.append(Check(path, tax.amount, Money(rounded(exact, order.rounding), order.currency)))


def _lines_sum(order: Order) -> int | None:
    """Return the sum of the lines by the rule's scope; None without any, or where one has neither price nor amount."""
    if not order.lines:
        return None
    total: Fraction | int = 0
    for line in order.lines:
        exact = line_exact(line)
        declared = None if line.amount is None else line.amount.amount
        if order.rounding.scope is RoundingScope.TOTAL and exact is not None:
            total += exact
        elif declared is not None:
            total += declared
        elif exact is not None:
            total += rounded(exact, order.rounding)
        else:
            return None
    return rounded(total, order.rounding)


def _tax_sum(order: Order) -> int:
    """Return the sum of all taxes.

    With scope ``total``, where each states rate and base, bases are summed by rate and rounded once a rate; otherwise
    what the source rounded is added up.
    """
    taxes = list(all_taxes(order))
    if order.rounding.scope is RoundingScope.LINE:
        return sum(tax.amount.amount for tax in taxes)
    bases: dict[tuple[str | None, ...], Fraction] = {}
    for tax in taxes:
        if tax.rate is None or tax.taxable is None:
            return sum(one.amount.amount for one in taxes)
        key = (tax.rate, tax.category, tax.name, tax.jurisdiction)
        bases[key] = bases.get(key, Fraction(0)) + tax.taxable.amount
    return sum(
        rounded(tax_exact(base, str(rate), included=False), order.rounding)
        for (rate, *_), base in bases.items()
    )


def all_taxes(order: Order) -> Iterator[Tax]:
    """Yield each tax of an order once, wherever it stands."""
    return (tax for _, tax in _placed_taxes(order))


def _placed_taxes(order: Order) -> Iterator[tuple[str, Tax]]:
    """Yield each tax once with its path."""
    yield from _numbered("", order.taxes)
    for number, line in enumerate(order.lines):
        yield from _numbered(f"lines.{number}.", line.taxes)
        yield from _of_charges(f"lines.{number}.", line.charges)
    yield from _of_charges("", order.charges)
    for number, shipping in enumerate(order.shipping):
        yield from _numbered(f"shipping.{number}.", shipping.taxes)


def _of_charges(prefix: str, charges: Iterable[Charge]) -> Iterator[tuple[str, Tax]]:
    for number, charge in enumerate(charges):
        yield from _numbered(f"{prefix}charges.{number}.", charge.taxes)


def _numbered(prefix: str, taxes: Iterable[Tax]) -> Iterator[tuple[str, Tax]]:
    return ((f"{prefix}taxes.{number}", tax) for number, tax in enumerate(taxes))


def _moved(order: Order, signs: dict[TransactionKind, int]) -> int | None:
    """Return what transactions of these kinds came to; None where the order names none, or some in another currency."""
    transactions = [one for payment in order.payments for one in payment.transactions]
    if not transactions or any(one.amount.currency != order.currency for one in transactions):
        return None
    return sum(
        signs.get(one.kind, 0) * one.amount.amount
        for one in transactions
        if one.status is TransactionStatus.SUCCESS
    )


def _stated(declared: Totals, computed: Totals) -> Totals:
    """Return what is declared, and what is computed where nothing is; of rounding only what is declared."""
    names = ("lines", "discount", "shipping", "charges", "duties", "tax", "paid", "refunded")
    filled = {name: getattr(declared, name) or getattr(computed, name) for name in names}
    return msgspec.structs.replace(declared, **filled)


def _grand_checks(order: Order, totals: Totals, path: str) -> Iterator[Check]:
    """Yield whether the grand total is the sum of what stands beside it, and is payable where there is an increment."""
    grand, lines = totals.grand_total, totals.lines
    if grand is None or lines is None:
        return
    added = [lines, totals.shipping, totals.charges, totals.duties]
    if not order.tax_included:
        added.append(totals.tax)
    total = sum(one.amount for one in added if one is not None)
    total -= totals.discount.amount if totals.discount is not None else 0
    if totals.rounding is not None:
        ours = payable(total, order.rounding) - total
        if order.rounding.increment is not None:
            yield Check(f"{path}.rounding", totals.rounding, Money(ours, totals.rounding.currency))
        total += totals.rounding.amount
    elif path == "totals":
        total = payable(total, order.rounding)
    yield Check(f"{path}.grand_total", grand, Money(total, grand.currency))


def _due_check(order: Order, totals: Totals) -> Iterator[Check]:
    if totals.due is None or totals.grand_total is None or totals.paid is None:
        return
    due = totals.grand_total.amount - totals.paid.amount + (_moved(order, _CHARGED_BACK) or 0)
    due += totals.refunded.amount if totals.refunded is not None else 0
    yield Check("totals.due", totals.due, Money(due, totals.due.currency))


def _breakdown_check(totals: Totals, path: str) -> Iterator[Check]:
    if totals.tax is not None and totals.tax_breakdown:
        total = sum(tax.amount.amount for tax in totals.tax_breakdown)
        yield Check(f"{path}.tax", totals.tax, Money(total, totals.tax.currency))
