"""Judging an order by the rules in force for its channel and account."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

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
        same = self._same(order) if before is None and rules.asks_same else ()
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
    in_force = rulebook.in_force(order.channel, order.account)
    if not in_force.rules:
        return
    facts = Facts(
        {
            "order": _told(order, in_force.fields),
            "before": None if before is None else _told(before, in_force.fields),
            "account": dict(rulebook.account(order.channel, order.account)),
            "found": found_in(order, same),
        }
    )
    for together, rules in in_force.together:
        if not together.hold(facts):
            yield from (broken for rule in rules if (broken := _broken(rule, facts)) is not None)


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


def _told(order: Order, fields: frozenset[str] | None) -> dict[str, Any]:
    """Return what the rules speak of in an order, as its JSON has it; all of it where they may speak of any field."""
    if fields is None:
        return cast("dict[str, Any]", msgspec.to_builtins(order))
    found = ((name, getattr(order, name)) for name in fields & _DEFAULTS.keys())
    return {name: msgspec.to_builtins(value) for name, value in found if value != _DEFAULTS[name]}


_DEFAULTS = {one.name: one.default for one in msgspec.structs.fields(Order)}
"""What a field is when nothing is said of it; its JSON has not got it then."""
