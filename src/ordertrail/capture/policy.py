"""What is recorded of which tables, and under which names: a policy, from code or TOML.

::

    version = "2026-11"                 # of the policy; stands in each event as the tag policy:2026-11
    application = "shop 4.2"            # stands in each event as context.version
    privileged = ["order.editor"]       # roles whose actions are business events; without it: every person and service
    unattended = "filter"               # or "record": what is done by nobody, or by an actor of kind system
    strict = false                      # true: what capture cannot do fails the application's statement

    [tables.order_lines]
    order = "order_id"                  # the order that a row belongs to: a column, or a path over foreign keys
    kind = "order_line"                 # the subject's kind
    subject = "number"                  # the subject's id; without it the primary key
    tenant = "tenant_id"
    fields = ["sku", "unit_price"]      # record only these; without it, all
    ignore = ["updated_at"]             # never recorded; a change of nothing else is counted, not recorded
    redact = ["card"]                   # that it changed is recorded, its value is not
    text = ["shape"]                    # of a type that events do not know: record the text of it
    sensitive = ["unit_price"]          # attempts on these are recorded too
    reads = 0.1                         # record reads: true, or a share of them

    [tables.order_lines.money]
    unit_price = "EUR"                              # decimal amounts of euros
    total = { column = "currency" }                 # the currency stands in another column
    fee_cents = { currency = "EUR", minor = true }  # the column holds minor units

    [tables.order_lines.personal]
    email = "customer_id"               # sealed under the key of the person whom this column names

    [tables.order_lines.actions]
    insert = "order.line.add"
    unit_price = "order.price.change"   # an update that changes this column is such an action; the first named wins
    quantity = "order.quantity.change"

    [tables.order_lines.status]
    column = "status"
    order = ["new", "confirmed", "shipped"]     # forwards is order.status.change, backwards order.status.revert

Reading is strict: what is unknown or wrong is named with its path, all of it. What only a live database can tell
(unknown tables and columns) is checked when capture starts.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from ordertrail.kernel.errors import ConfigurationError, Problem
from ordertrail.kernel.money import EXPONENTS
from ordertrail.record.actions import CATALOGUE, Action
from ordertrail.record.encoding import encode
from ordertrail.record.shape import shape_problems

OPERATIONS = ("insert", "update", "delete", "read")


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all parts of a policy are: frozen, and strict about what they hold."""


class MoneyRule(_Rule, frozen=True):
    """A column of amounts: of one currency, or of the one that another column names; ``minor``: in minor units."""

    currency: str | None = None
    column: str | None = None
    minor: bool = False


class StatusRule(_Rule, frozen=True):
    """A column that goes through states, in their usual order."""

    column: str
    order: tuple[str, ...]
    forward: str = "order.status.change"
    backward: str = "order.status.revert"


class TableRule(_Rule, frozen=True):
    """What is recorded of a table; the module's documentation says what each field means.

    ``order``, ``subject`` and ``tenant`` may be functions too, of a row as a mapping of its columns.
    """

    order: Any
    kind: str | None = None
    subject: Any = None
    tenant: Any = None
    fields: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    reads: bool | float = False
    money: dict[str, MoneyRule] = {}
    personal: dict[str, str] = {}
    actions: dict[str, str] = {}
    status: StatusRule | None = None


class Policy(_Rule, frozen=True):
    """What is recorded, and what is left out and counted."""

    tables: dict[str, TableRule]
    version: str | None = None
    application: str | None = None
    privileged: tuple[str, ...] | None = None
    unattended: Literal["filter", "record"] = "filter"
    strict: bool = False

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], actions: Mapping[str, Action] = CATALOGUE) -> "Policy":
        """Read a policy. Raises ConfigurationError naming everything that is wrong with it.

        ``actions`` are those that the trail knows: a policy may only name what the trail will take.
        """
        plain = _prepared(data)
        problems = shape_problems(plain, cls)
        if not problems:
            problems = list(_meaning_problems(plain, actions))
        if problems:
            told = "; ".join(map(str, sorted(problems)))
            raise ConfigurationError(
                f"the capture policy is wrong: {told}",
                meaning="Nothing is captured until the policy can be read.",
                remedy="Correct what is named; docs/reference/capture.md has every field.",
            )
        return msgspec.convert(plain, cls)

    @classmethod
    def from_toml(cls, source: str | Path, actions: Mapping[str, Action] = CATALOGUE) -> "Policy":
        """Read a policy from a TOML file, or from a text of TOML. As :meth:`from_dict` otherwise."""
        try:
            text = source.read_text() if isinstance(source, Path) else source
            return cls.from_dict(tomllib.loads(text), actions)
        except OSError as error:
            raise ConfigurationError(
                f"the capture policy {source} cannot be read: {error.strerror}"
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"the capture policy is not TOML: {error}") from None

    @property
    def digest(self) -> str:
        """The first 12 hex digits of the SHA-256 of the policy's canonical JSON; functions count by name."""
        return hashlib.sha256(encode(msgspec.to_builtins(self, enc_hook=_name_of))).hexdigest()[:12]

    @property
    def tag(self) -> str:
        """The tag that stands in each event that was captured under this policy."""
        return f"policy:{self.version or self.digest}"


def _name_of(value: object) -> str:
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value)}"


def _prepared(data: Mapping[str, Any]) -> Any:
    """Return a policy as plain values, with lists for tuples and sets, and full rules where one word was said."""
    plain = _listed(data)
    tables = plain.get("tables")
    if isinstance(tables, dict):
        for rule in tables.values():
            money = rule.get("money") if isinstance(rule, dict) else None
            if isinstance(money, dict):
                rule["money"] = {
                    name: {"currency": one} if isinstance(one, str) else one for name, one in money.items()
                }
    return plain


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _listed(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(one) for one in value]
    return sorted(value) if isinstance(value, set | frozenset) else value


def _meaning_problems(plain: Any, actions: Mapping[str, Action]) -> Any:
    """Yield what is wrong with a policy of the right shape, without looking at a database."""
    policy = msgspec.convert(plain, Policy)
    for name, rule in policy.tables.items():
        place = f"tables.{name}"
        for field in ("order", "subject", "tenant"):
            value = getattr(rule, field)
            if value is not None and not isinstance(value, str) and not callable(value):
                yield Problem(f"{place}.{field}", "must be a column, a path over foreign keys, or a function")
        if not 0 <= float(rule.reads) <= 1:
            yield Problem(f"{place}.reads", "must be true, false, or a share between 0 and 1")
        for column, money in rule.money.items():
            yield from _money_problems(f"{place}.money.{column}", money)
        for word in (
            *rule.actions.values(),
            *((rule.status.forward, rule.status.backward) if rule.status else ()),
        ):
            if word not in actions:
                known = getattr(actions, "suggest", CATALOGUE.suggest)
                yield Problem(f"{place}.actions", cast("str", known(word)))
        for first, second in (
            ("ignore", "redact"),
            ("ignore", "personal"),
            ("redact", "personal"),
            ("redact", "money"),
        ):
            for column in sorted(set(getattr(rule, first)) & set(getattr(rule, second))):
                yield Problem(f"{place}.{second}", f"names {column}, which {first} names too; choose one")


def _money_problems(place: str, money: MoneyRule) -> Any:
    if (money.currency is None) == (money.column is None):
        yield Problem(place, "must have either a currency or the column that names it")
    if money.currency is not None and money.currency not in EXPONENTS:
        yield Problem(place, f"{money.currency!r} is not an ISO 4217 currency in use")


def singular(name: str) -> str:
    """Return what one row of a table is called: orders hold an order, entries an entry, addresses an address."""
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    if re.search(r"(s|x|z|ch|sh)es$", name):
        return name[:-2]
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name
