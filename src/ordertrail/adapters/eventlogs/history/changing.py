"""What a step changed, and which action that makes it: the part of an event that a table's fields decide.

Worked example: with ``total = { action = "order.price.change", as = "money" }`` and the currency EUR, the
sides ``Sides("129", "99.5")`` become ``{"path": "/total", "before": {"amount": 12900, "currency": "EUR"},
"after": {"amount": 9950, "currency": "EUR"}}``, and the step is an ``order.price.change``. Where an amount had
to be rounded, ``/total_source`` holds the text that it was rounded from.
"""

from typing import Any

from msgspec import UNSET

from ordertrail.adapters.eventlogs.amounts import Amount, AmountReader
from ordertrail.adapters.eventlogs.events import UntranslatableError
from ordertrail.adapters.eventlogs.history.steps import Sides, Step, Value, text
from ordertrail.adapters.eventlogs.history_rules import FieldRule, HistoryTable, Tool
from ordertrail.adapters.eventlogs.mapping import Mapping, fill_template
from ordertrail.kernel.errors import Problem
from ordertrail.kernel.money import EXPONENTS

_AS_IT_IS = FieldRule()
_SAP_DIGITS = 2


class Changes:
    """Makes the changes of one history's steps."""

    def __init__(self, mapping: Mapping, tool: Tool) -> None:
        self._mapping = mapping
        self._tool = tool
        self._numbers = AmountReader(decimal_mark=mapping.decimal_mark)
        self._amounts: dict[str, AmountReader] = {}

    def of(self, step: Step, table: HistoryTable, problems: list[Problem]) -> list[dict[str, Any]]:
        """Return a step's changes; what is wrong with their values goes into ``problems``."""
        changes: list[dict[str, Any]] = []
        for name, sides in step.sides.items():
            rule = table.fields.get(name, _AS_IT_IS)
            if rule.skip:
                continue
            path = rule.path or f"/{_escape(name)}"
            found: dict[str, Any] = {}
            exact: dict[str, Any] = {}
            for side, value, currency in _given(step, sides):
                try:
                    read = self._read(value, rule, currency, step)
                except UntranslatableError as error:
                    problems.append(Problem(f"{name}.{side}", str(error)))
                    continue
                if isinstance(read, Amount):
                    found[side] = {"amount": read.minor, "currency": read.currency}
                    if read.exact is not None:
                        exact[side] = read.exact
                else:
                    found[side] = read
            if found:
                changes.append({"path": path} | found)
            if exact:
                changes.append({"path": f"{path}_source"} | exact)
        return changes

    def _read(self, value: Value, rule: FieldRule, currency: str | None, step: Step) -> Value:
        if value is None or rule.reading is None or value == "":
            return value
        match rule.reading:
            case "integer":
                return self._numbers.integer(_number(value))
            case "decimal":
                return format(self._numbers.decimal(_number(value)), "f")
            case "money":
                return self._reader(rule, currency, step).money(_number(value))
            case _:
                return text(value)

    def _reader(self, rule: FieldRule, beside: str | None, step: Step) -> AmountReader:
        """Return what reads money: in the currency beside the value, else the rule's, else the mapping's."""
        ruled = fill((rule.currency,), step) if rule.currency else None
        currency = beside or ruled or self._mapping.currency
        if currency is None:
            raise UntranslatableError("is money, and neither history nor mapping names a currency")
        if currency not in self._amounts:
            if currency not in EXPONENTS:
                raise UntranslatableError(f"{currency!r} is not an ISO 4217 currency in use")
            if self._tool == "sap-change-documents" and EXPONENTS[currency] != _SAP_DIGITS:
                # SAP keeps every amount with two digits and shifts those of other currencies (table TCURX).
                raise UntranslatableError(f"SAP may have shifted amounts of {currency}; read them as text")
            self._amounts[currency] = AmountReader(
                currency, rounding=self._mapping.rounding, decimal_mark=self._mapping.decimal_mark
            )
        return self._amounts[currency]


def action_of(step: Step, table: HistoryTable, problems: list[Problem]) -> str:
    """Return the action that a step is: of an update, that of the first of the mapping's fields that changed."""
    if step.word == "update":
        for name, rule in table.fields.items():
            sides = step.sides.get(name)
            if sides is None:
                continue
            named = None if sides.after is UNSET else rule.to.get(text(sides.after) or "")
            if named or rule.action:
                return named or rule.action or ""
    action = table.actions.get(step.word, "")
    if not action:
        problems.append(Problem("action", f"the mapping has none for a step {step.word} of {step.table}"))
    return action


def fill(templates: tuple[str, ...], step: Step) -> str | None:
    """Fill the first template whose columns are all known and not empty; None where none is complete."""
    for template in templates:
        missing: list[str] = []

        def value_of(name: str, missing: list[str] = missing) -> str:
            value = step.key if name == "key" else text(step.state.get(name))
            if not value:
                missing.append(name)
            return value or ""

        filled = fill_template(template, value_of)
        if not missing:
            return filled
    return None


def _given(step: Step, sides: Sides) -> list[tuple[str, Value, str | None]]:
    """Return the sides that are there, with the currencies beside them.

    What a thing was before it was made, and is after it is gone, is nothing and not null.
    """
    before = sides.before is UNSET or (sides.before is None and step.word == "create")
    after = sides.after is UNSET or (sides.after is None and step.word == "delete")
    given: list[tuple[str, Value, str | None]] = []
    if not before:
        given.append(("before", sides.before, sides.currency_before))
    if not after:
        given.append(("after", sides.after, sides.currency_after))
    return given


def _number(value: Value) -> str:
    """Take padding away, and put a sign that stands behind its number before it."""
    bare = str(value).strip()
    return f"-{bare[:-1].rstrip()}" if bare.endswith("-") else bare


def _escape(name: str) -> str:
    """Write a name as one step of a JSON pointer (RFC 6901 section 3)."""
    return name.replace("~", "~0").replace("/", "~1")
