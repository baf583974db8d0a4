"""All rules of a deployment and what it knows of its accounts, read from TOML.

::

    version = 7

    [[rules]]
    id = "credit-limit"
    severity = "hold"
    require = "order.totals.grand_total.amount <= account.credit_limit"
    message = "the order comes to more than the account's credit limit"

    [[rules]]                      # the same rule, otherwise for one account
    id = "credit-limit"
    channel = "x12"
    account = "acme"
    severity = "warn"

    [accounts."x12/acme"]
    credit_limit = 5000000
    tier = "gold"

A rule that is written again for a channel or an account says only what differs there. The narrowest is in force. The
version stands in every fault that a rule tells: a rulebook that changes gets a new one.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ordertrail.intake.rules.expressions import Expression, Together
from ordertrail.intake.rules.rule import Rule, Scope, Severity
from ordertrail.kernel.errors import InputError, Problem

_TEXTS = ("require", "message", "applies", "path", "measure")
KEYS = frozenset({"id", "severity", "channel", "account", "limit", *_TEXTS})
"""What a rule may say."""
_LARGEST = 1_000_000
_AT_ONCE = 32
"""Rules that are asked as one condition."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule in force, ready to be asked."""

    rule: Rule
    applies: Expression
    require: Expression
    measure: Expression | None

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """All that it evaluates."""
        return (
            (self.applies, self.require)
            if self.measure is None
            else (self.applies, self.require, self.measure)
        )


@dataclass(frozen=True)
class Rulebook:
    """Rules and accounts of one version."""

    version: int
    rules: tuple[Rule, ...]
    accounts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _known: dict[tuple[str, str], "InForce"] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def account(self, channel: str, account: str) -> Mapping[str, Any]:
        """Return what is known of an account; of one that nobody described, nothing."""
        return self.accounts.get(f"{channel}/{account}", {})

    def in_force(self, channel: str, account: str) -> "InForce":
        """Return the rules that orders of an account are held against, each of the narrowest scope."""
        known = self._known.get((channel, account))
        if known is None:
            known = self._known[channel, account] = _in_force(self.rules, channel, account)
        return known


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules of an account, ready to be asked together or each by itself."""

    rules: tuple[Compiled, ...]
    together: tuple[tuple[Together, tuple[Compiled, ...]], ...]
    """Some rules at a time, as one condition."""
    fields: frozenset[str] | None
    """Those of an order that any of them speaks of; None where it may be any."""
    asks_same: bool
    """Whether one asks for other orders with the same purchase order number."""


@lru_cache(1_024)
def _in_force(rules: tuple[Rule, ...], channel: str, account: str) -> InForce:
    narrowest: dict[str, Rule] = {}
    for rule in sorted(rules, key=lambda one: one.scope.width):
        if rule.scope.covers(channel, account):
            narrowest[rule.id] = rule
    found = tuple(_compiled(rule) for rule in narrowest.values() if rule.severity is not Severity.OFF)
    some = (found[start : start + _AT_ONCE] for start in range(0, len(found), _AT_ONCE))
    together = tuple((Together((one.applies, one.require) for one in part), part) for part in some)
    expressions = [expression for rule in found for expression in rule.expressions]
    fields = [expression.fields for expression in expressions]
    spoken_of = frozenset[str]().union(*(one for one in fields if one is not None))
    asks_same = any("found.same" in expression.text for expression in expressions)
    return InForce(found, together, None if None in fields else spoken_of, asks_same)


def _compiled(rule: Rule) -> Compiled:
    measure = None if rule.measure is None else Expression(rule.measure, rule.limit)
    return Compiled(rule, Expression(rule.applies, rule.limit), Expression(rule.require, rule.limit), measure)


def shipped() -> Rulebook:
    """Return the rules that everybody has who says nothing else."""
    return parse_rulebook((files(__package__) / "shipped.toml").read_text())


def load_rulebook(path: Path) -> Rulebook:
    """Read a rulebook on top of the shipped one: rules of an id that is shipped say only what differs.

    Raises InputError naming every problem.
    """
    try:
        text = path.read_bytes()[: _LARGEST + 1].decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the rules {path} cannot be read: {error}") from None
    if len(text) > _LARGEST:
        raise InputError(f"the rules {path} are larger than {_LARGEST} bytes")
    return parse_rulebook(text, shipped())


def parse_rulebook(text: str, below: Rulebook | None = None) -> Rulebook:
    """Read a rulebook. Raises InputError naming every problem with its place."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"not TOML: {error}") from None
    problems: list[Problem] = []
    problems += [
        Problem(name, "is nothing that a rulebook has; it has version, rules and accounts")
        for name in tree.keys() - {"version", "rules", "accounts"}
    ]
    version = tree.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        problems.append(
            Problem("version", "is to be a whole number from 1, and another one after each change")
        )
    accounts = tree.get("accounts", {})
    problems += _account_problems(accounts)
    rules = list(below.rules if below is not None else ())
    for place, table in enumerate(_tables(tree.get("rules", []), problems)):
        rule = _rule(table, f"rules.{place}", rules, problems)
        if rule is not None:
            rules = [one for one in rules if (one.id, one.scope) != (rule.id, rule.scope)] + [rule]
    if problems:
        raise InputError(problems)
    known = {**(below.accounts if below is not None else {}), **accounts}
    return Rulebook(int(version or 0), tuple(rules), known)


def _tables(found: Any, problems: list[Problem]) -> Iterator[dict[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        problems.append(Problem("rules", "is to be a list of tables: [[rules]]"))
        return
    yield from found


def _account_problems(accounts: Any) -> Iterator[Problem]:
    if not isinstance(accounts, dict):
        yield Problem("accounts", "is to be a table of tables")
        return
    for name, facts in accounts.items():
        if name.count("/") != 1 or not isinstance(facts, dict):
            yield Problem(f"accounts.{name}", 'is to be a table named "channel/account"')


def _rule(table: dict[str, Any], place: str, known: list[Rule], problems: list[Problem]) -> Rule | None:
    """Return the rule of a table, built on the widest one of its id; None where something is wrong with it."""
    before = len(problems)
    problems += [
        Problem(f"{place}.{name}", f"is nothing that a rule has; it has {', '.join(sorted(KEYS))}")
        for name in sorted(table.keys() - KEYS)
    ]
    name = table.get("id")
    if not isinstance(name, str) or not name.replace("-", "").isalnum():
        problems.append(Problem(f"{place}.id", "is to be letters, digits and hyphens"))
        return None
    scope = Scope(table.get("channel"), table.get("account"))
    if scope.account is not None and scope.channel is None:
        problems.append(Problem(f"{place}.account", "an account is one of a channel; name the channel too"))
    wider = next((one for one in reversed(known) if one.id == name and one.scope.width <= scope.width), None)
    told = {text: table[text] for text in _TEXTS if text in table}
    problems += [
        Problem(f"{place}.{text}", "is to be a text")
        for text, value in told.items()
        if not isinstance(value, str)
    ]
    if "limit" in table:
        told["limit"] = table["limit"]
        if not isinstance(table["limit"], int) or isinstance(table["limit"], bool):
            problems.append(Problem(f"{place}.limit", "is to be a whole number; money is in minor units"))
    severity = _severity(table, place, wider, problems)
    if wider is None and "require" not in table:
        problems.append(Problem(f"{place}.require", "is missing: what must be true of an order"))
    if len(problems) > before or severity is None:
        return None
    built = replace(wider or Rule(name, severity), severity=severity, scope=scope, **told)
    problems += _expression_problems(built, place)
    return built if len(problems) == before else None


def _severity(
    table: dict[str, Any], place: str, wider: Rule | None, problems: list[Problem]
) -> Severity | None:
    told = table.get("severity", wider.severity if wider is not None else None)
    try:
        return Severity(str(told))
    except ValueError:
        words = ", ".join(Severity)
        problems.append(Problem(f"{place}.severity", f"is to be one of {words}, not {told!r}"))
        return None


def _expression_problems(rule: Rule, place: str) -> Iterator[Problem]:
    for name in ("applies", "require", "measure"):
        text = getattr(rule, name)
        if text is None:
            continue
        try:
            Expression(text, rule.limit)
        except ValueError as error:
            yield Problem(f"{place}.{name}", str(error).splitlines()[0])
