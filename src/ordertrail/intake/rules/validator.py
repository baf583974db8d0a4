"""Judging an order by the rules in force for its channel and account."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ordertrail.intake.faults import Code, Fault
from ordertrail.intake.ports import Verdict
from ordertrail.intake.rules.checks import found_in
from ordertrail.intake.rules.expressions import Facts, UntellableError
from ordertrail.intake.rules.rule import Severity
from ordertrail.intake.rules.rulebook import Compiled, Rulebook
from ordertrail.orders.model import Order
from ordertrail.orders.ports import Orders

PURCHASE_ORDER = "purchase_order"
"""The kind of reference by which a buyer's orders are told apart."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that an order breaks; ``measured`` is the value that is held against the rule's limit, if it has one."""

    rule: Compiled
    message: str
    measured: int | None = None


class RulesValidator:
    """Implements :class:`ordertrail.intake.ports.Validator` with a rulebook.

    ``orders`` is asked for other orders with the same purchase order number; without it none is found. ``rulebook`` is
    called for each order, so that a deployment may change its rules while it runs.
    """

    def __init__(self, rulebook: Callable[[], Rulebook], orders: Orders | None = None) -> None:
        self._rulebook = rulebook
        self._orders = orders

    def validate(self, order: Order, before: Order | None) -> Verdict:
        """See the port."""
        rulebook = self._rulebook()
        rules = rulebook.in_force(order.channel, order.account)
        same = self._same(order) if before is None and any(_asks_same(one) for one in rules) else ()
        told: dict[Severity, list[Fault]] = {severity: [] for severity in Severity}
        for broken in judge(rulebook, order, before, same):
            rule = broken.rule.rule
            message = f"{broken.message} (rule {rule.id}, version {rulebook.version})"
            told[rule.severity].append(Fault(Code.RULE, rule.path, message, rule.id))
        return Verdict(tuple(told[Severity.REJECT]), tuple(told[Severity.HOLD]), tuple(told[Severity.WARN]))

    def _same(self, order: Order) -> list[str]:
        """Return other orders of the account that have a purchase order number of this one's."""
        if self._orders is None:
            return []
        found = {
            other
            for reference in order.references
            if reference.kind == PURCHASE_ORDER
            for other in self._orders.find(reference)
        }
        ours = order.id.rpartition(":")[0] + ":"
        return sorted(other for other in found if other != order.id and other.startswith(ours))


def judge(
    rulebook: Rulebook, order: Order, before: Order | None, same: Sequence[str] = ()
) -> Iterator[Broken]:
    """Yield the rules in force that an order breaks; ``same`` are other orders of the same purchase order number."""
    rules = rulebook.in_force(order.channel, order.account)
    if not rules:
        return
    facts = Facts(
        {
            "order": _told(order, rules),
            "before": None if before is None else _told(before, rules),
            "account": dict(rulebook.account(order.channel, order.account)),
            "found": found_in(order, same),
        }
    )
    for rule in rules:
        broken = _broken(rule, facts)
        if broken is not None:
            yield broken


def _broken(compiled: Compiled, facts: Facts) -> Broken | None:
    rule = compiled.rule
    message = rule.message or f"it is not true that {rule.require}"
    try:
        if not compiled.applies.truth(facts):
            return None
    except UntellableError:
        return None
    try:
        if compiled.require.truth(facts):
            return None
    except UntellableError as error:
        return Broken(compiled, f"{message}: it could not be told, because {error}")
    return Broken(compiled, message, _measured(compiled, facts))


def _measured(compiled: Compiled, facts: Facts) -> int | None:
    if compiled.measure is None:
        return None
    try:
        value = compiled.measure.value(facts)
    except UntellableError:
        return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _asks_same(compiled: Compiled) -> bool:
    return any("found.same" in expression.text for expression in compiled.expressions)


def _told(order: Order, rules: Sequence[Compiled]) -> dict[str, Any]:
    """Return what the rules speak of in an order, as its JSON has it."""
    found: dict[str, Any] = msgspec.to_builtins(order)
    fields = [expression.fields for rule in rules for expression in rule.expressions]
    if None in fields:
        return found
    spoken_of = frozenset[str]().union(*(some for some in fields if some is not None))
    return {name: value for name, value in found.items() if name in spoken_of}
