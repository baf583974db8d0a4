"""A table's rule, fitted to the live table: what adapters ask while statements run.

Everything that a policy leaves open is settled here, once, when capture starts; what does not fit the database is a
problem with its exact name and remedy, and capture does not start.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ordertrail.capture.batch import Operation, Shape, Status
from ordertrail.capture.policy import Policy, TableRule, singular
from ordertrail.capture.projection import Image, Placed, Projection
from ordertrail.capture.schema import LiveTable, TableName
from ordertrail.capture.values import carry_json, carry_money, carry_opaque, exact_types
from ordertrail.kernel.errors import ConfigurationError, Problem
from ordertrail.kernel.money import EXPONENTS
from ordertrail.record.event import Context

__all__ = ["Hop", "Image", "Plans", "Source", "TablePlan", "make_plans", "named_columns", "parse_name"]


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a path over foreign keys: from a column's value to another table's row, and a column of it."""

    parent: TableName
    key: str
    column: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a row's order, subject or tenant comes from: columns of it, a path from one of them, or a function."""

    columns: tuple[int, ...] = ()
    hops: tuple[Hop, ...] = ()
    function: Callable[[Mapping[str, Any]], Any] | None = None


class TablePlan:
    """A table that is captured. Immutable once made, but for what it remembers."""

    def __init__(self, table: LiveTable, rule: TableRule, policy: Policy, *, dynamic: bool) -> None:
        """Fit a rule to a table. ``dynamic``: columns take any type, as SQLite's do. Raises ConfigurationError."""
        self.table = table
        self.rule = rule
        self.dynamic = dynamic
        self.name = str(table.name)
        self.columns = table.columns
        self.index = {column.name: place for place, column in enumerate(table.columns)}
        problems = list(_problems(self))
        if problems:
            raise ConfigurationError(
                "; ".join(map(str, problems)),
                meaning="Capture has not started; nothing of these tables would have been recorded.",
                remedy="Correct what is named in the policy or in the database, then start again.",
            )
        self.key = tuple(self.index[name] for name in table.key)
        self.order = self._source(rule.order)
        self.subject = self._source(rule.subject) if rule.subject else Source(self.key)
        self.tenant = self._source(rule.tenant) if rule.tenant else None
        self.kind = rule.kind or self._kind()
        self.tag = policy.tag
        left_out = set(rule.ignore)
        self.recorded = tuple(
            place
            for place, column in enumerate(table.columns)
            if column.name not in left_out and (rule.fields is None or column.name in rule.fields)
        )
        self.essential = self._essential()
        self.sensitive = frozenset(self.index[name] for name in rule.sensitive)
        self.redacted = frozenset(self.index[name] for name in rule.redact)
        self.personal = {self.index[name]: self.index[person] for name, person in rule.personal.items()}
        self.special = dict(self._special())
        self.computed = tuple(place for place, one in enumerate(self.columns) if one.rounds and one.generated)
        self.exact_types = tuple(exact_types(column, dynamic=dynamic) for column in table.columns)
        self.all_columns = tuple(range(len(self.columns)))
        self.tags = (policy.tag,)
        self.defaults = Context(version=policy.application)
        """What stands in an event's context where nobody said it."""
        self._shapes: dict[tuple[Operation, tuple[int, ...]], msgspec.Raw] = {}
        self._hidden = frozenset({*self.special, *self.redacted, *self.personal})
        self._projections: dict[tuple[int, ...], Projection] = {}

    def projection(self, columns: tuple[int, ...]) -> Projection:
        """Return what is settled of rows that are read with these columns; made once."""
        known = self._projections.get(columns)
        if known is None:
            known = self._projections[columns] = Projection(
                columns, key=self.key, recorded=self.recorded, hidden=self._hidden, placed=self._placed()
            )
        return known

    def _placed(self) -> Placed | None:
        """Return the columns that order, subject and tenant are; None where one of them is not a single column."""
        places: list[int | None] = []
        for source in (self.order, self.subject, self.tenant):
            if source is None:
                places.append(None)
            elif source.function or source.hops or len(source.columns) != 1:
                return None
            else:
                places.append(source.columns[0])
        return Placed(*places)

    def columns_for(self, changed: Sequence[int] | None) -> tuple[int, ...]:
        """Return the places of the columns to read of rows of which only some columns change; None: any may."""
        if changed is None or self.table.triggers:
            return self.all_columns
        return tuple(sorted({*self.essential, *changed, *self.computed}))

    def shape(self, op: Operation, recorded: tuple[int, ...]) -> msgspec.Raw:
        """Return a batch's shape for these columns as JSON; made once."""
        known = self._shapes.get((op, recorded))
        if known is None:
            known = msgspec.Raw(msgspec.json.encode(self._shape(op, recorded)))
            self._shapes[op, recorded] = known
        return known

    def wants_read(self) -> bool:
        """Say whether a read is to be recorded: always, never, or by sample."""
        reads = self.rule.reads
        return bool(reads) and (reads is True or random.random() < float(reads))  # noqa: S311 - a sample

    def row(self, columns: Sequence[int], image: Image) -> dict[str, Any]:
        """Return an image as a mapping, as a policy's functions see it."""
        return {self.columns[place].name: value for place, value in zip(columns, image, strict=True)}

    def _shape(self, op: Operation, recorded: tuple[int, ...]) -> Shape:
        places = {column: place for place, column in enumerate(recorded)}
        rules = tuple(
            (places[self.index[name]], action)
            for name, action in self.rule.actions.items()
            if name in self.index and self.index[name] in places
        )
        status = self.rule.status
        return Shape(
            table=self.name,
            kind=self.kind,
            action=self._action(op),
            columns=tuple(self._told_as(column) for column in recorded),
            rules=rules if op == "update" else (),
            status=Status(places[self.index[status.column]], status.order, status.forward, status.backward)
            if status is not None and op == "update" and self.index[status.column] in places
            else None,
        )

    def _told_as(self, place: int) -> tuple[str, str, str | int | None]:
        column = self.columns[place]
        path = "/" + column.name.replace("~", "~0").replace("/", "~1")
        money = self.rule.money.get(column.name)
        if column.name in self.rule.redact:
            return path, "redacted", None
        if money is not None and money.currency is not None:
            return path, "minor" if money.minor else "money", money.currency
        if money is not None:
            return path, "money", None
        return path, column.kind or "opaque", column.scale if column.kind == "decimal" else None

    def _action(self, op: Operation) -> str:
        if op in self.rule.actions:
            return self.rule.actions[op]
        own = {"order": "order", "order_line": "order.line", "shipment": "shipment", "invoice": "invoice"}
        verbs = {
            "order": {"insert": "create", "update": "update", "delete": "delete"},
            "order_line": {"insert": "add", "update": "update", "delete": "delete"},
            "shipment": {"insert": "create", "update": "update"},
            "invoice": {"insert": "create", "update": "update"},
        }
        verb = verbs.get(self.kind, {}).get(op)
        return f"{own[self.kind]}.{verb}" if verb else ("order.read" if op == "read" else "order.update")

    def _kind(self) -> str:
        """Return what a row is called where the policy does not say: an order, a line of one, or by its table."""
        if self.order.columns == self.key and not self.order.hops:
            return "order"
        name = singular(self.table.name.name.lower())
        return (
            "order_line" if name.replace("_", "").endswith(("orderline", "orderitem", "lineitem")) else name
        )

    def _essential(self) -> frozenset[int]:
        """Return the columns without which no event of a row can be made."""
        wanted = set(self.key)
        for source in (self.order, self.subject, self.tenant):
            if source is not None:
                wanted.update(source.columns if source.function is None else range(len(self.columns)))
        wanted.update(self.index[person] for person in self.rule.personal.values())
        wanted.update(self.index[one.column] for one in self.rule.money.values() if one.column)
        return frozenset(wanted)

    def _special(self) -> Iterator[tuple[int, Callable[[Any, dict[str, Any]], Any]]]:
        """Yield the columns whose values need work while the statement runs, and the work."""
        for place in self.recorded:
            column = self.columns[place]
            money = self.rule.money.get(column.name)
            if column.name in self.rule.redact:
                continue
            if money is not None and money.column is not None:
                yield place, _money_of(money.column, minor=money.minor)
            elif column.kind == "json":
                yield place, lambda value, _row: value if value is None else carry_json(value)
            elif column.kind in {"opaque", None}:
                yield place, lambda value, _row: carry_opaque(value)

    def _source(self, said: Any) -> Source:
        if callable(said):
            return Source(function=said)
        first, *rest = str(said).split(".")
        if not rest:
            return Source((self.index[first],))
        return Source((self.index[first],), tuple(_hops(self.table, first, rest)))


@dataclass(frozen=True, slots=True)
class Plans:
    """All tables that are captured, under each name that a statement may give them."""

    policy: Policy
    by_name: Mapping[TableName, TablePlan]
    schema: Mapping[TableName, LiveTable] = field(default_factory=dict)


def make_plans(policy: Policy, schema: Mapping[TableName, LiveTable], *, dynamic: bool) -> Plans:
    """Fit a policy to a live schema, whose names are those that statements may use.

    Raises ConfigurationError naming every table, column and type that does not fit, with what to do.
    """
    found: dict[TableName, TablePlan] = {}
    problems: list[str] = []
    for name, rule in policy.tables.items():
        table = schema.get(parse_name(name))
        if table is None:
            problems.append(f"tables.{name}: there is no table {name} in the database{_meant(name, schema)}")
            continue
        try:
            plan = TablePlan(table, rule, policy, dynamic=dynamic)
            problems += [str(one) for one in _path_problems(plan, schema)]
        except ConfigurationError as error:
            problems.append(error.message)
            continue
        for each in (table.name, *table.children):
            found[each] = plan
    if problems:
        raise ConfigurationError(
            "the capture policy does not fit the database: " + "; ".join(problems),
            meaning="Capture has not started; nothing of these tables would have been recorded.",
            remedy="Correct what is named in the policy or in the database, then start again.",
        )
    return Plans(policy, found, schema)


def parse_name(text: str) -> TableName:
    """Read ``table`` or ``schema.table``."""
    schema, _, name = text.rpartition(".")
    return TableName(name, schema or None)


def _meant(name: str, schema: Mapping[TableName, LiveTable]) -> str:
    import difflib

    near = difflib.get_close_matches(name, [str(one) for one in schema], n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _problems(plan: TablePlan) -> Iterator[Problem]:
    """Yield what keeps a rule from fitting its table."""
    rule, table = plan.rule, plan.table
    place = f"tables.{plan.name}"
    if not table.key:
        yield Problem(
            place,
            f"table {plan.name} has no primary key, so that its rows cannot be told apart; give it one, or take it out",
        )
    for name, where in named_columns(rule):
        if name not in plan.index:
            known = ", ".join(plan.index)
            yield Problem(f"{place}.{where}", f"table {plan.name} has no column {name}; it has {known}")
    known_keys = {"insert", "update", "delete", "read", *plan.index}
    for name in rule.actions:
        if name not in known_keys:
            yield Problem(
                f"{place}.actions.{name}",
                f"is neither insert, update, delete or read nor a column of {plan.name}",
            )
    for column in plan.columns:
        out = column.name in rule.ignore or (rule.fields is not None and column.name not in rule.fields)
        if column.kind is None and not out and column.name not in {*rule.text, *rule.redact}:
            yield Problem(
                f"{place}.{column.name}",
                f"column {plan.name}.{column.name} is of type {column.type}, which an event cannot hold; "
                f"name it under text (its text is recorded), redact or ignore",
            )


def named_columns(rule: TableRule) -> Iterator[tuple[str, str]]:
    """Yield the columns that a rule names, each with the field that names it."""
    for field_name in ("order", "subject", "tenant"):
        value = getattr(rule, field_name)
        if isinstance(value, str):
            yield value.split(".")[0], field_name
    for field_name in ("fields", "ignore", "redact", "text", "sensitive"):
        for name in getattr(rule, field_name) or ():
            yield name, field_name
    for name, money in rule.money.items():
        yield name, "money"
        if money.column is not None:
            yield money.column, f"money.{name}.column"
    for name, person in rule.personal.items():
        yield name, "personal"
        yield person, f"personal.{name}"
    if rule.status is not None:
        yield rule.status.column, "status.column"


def _hops(table: LiveTable, first: str, rest: Sequence[str]) -> Iterator[Hop]:
    """Yield the steps of a path; only the first can be checked without the other tables."""
    key = next((one for one in table.foreign_keys if one.columns == (first,)), None)
    if key is None:
        raise ConfigurationError(
            f"tables.{table.name}.order: {table.name}.{first} is no foreign key of one column, so that no path goes on "
            f"from it to {'.'.join(rest)}",
            remedy="Name a column, a path over foreign keys, or give a function.",
        )
    yield Hop(key.parent, key.parent_columns[0], rest[0])
    for name in rest[1:]:
        yield Hop(TableName(""), "", name)


def _path_problems(plan: TablePlan, schema: Mapping[TableName, LiveTable]) -> Iterator[Problem]:
    """Settle the further steps of a plan's paths; yield what is wrong with them."""
    for where in ("order", "subject", "tenant"):
        source: Source | None = getattr(plan, where)
        if source is None or not source.hops:
            continue
        settled: list[Hop] = []
        for hop in source.hops:
            if settled:
                before = settled[-1]
                keys = schema[before.parent].foreign_keys
                key = next((one for one in keys if one.columns == (before.column,)), None)
                if key is None:
                    yield Problem(
                        f"tables.{plan.name}.{where}", f"{before.parent}.{before.column} is no foreign key"
                    )
                    break
                hop = Hop(key.parent, key.parent_columns[0], hop.column)  # noqa: PLW2901 - the same step, settled
            parent = schema.get(hop.parent)
            if parent is None or hop.column not in {one.name for one in parent.columns}:
                yield Problem(f"tables.{plan.name}.{where}", f"there is no column {hop.parent}.{hop.column}")
                break
            settled.append(hop)
        else:
            setattr(plan, where, Source(source.columns, tuple(settled)))


def _money_of(column: str, *, minor: bool) -> Callable[[Any, dict[str, Any]], Any]:
    def carried(value: Any, row: dict[str, Any]) -> Any:
        currency = str(row.get(column))
        if minor and isinstance(value, int) and currency in EXPONENTS:
            return {"amount": value, "currency": currency}
        return carry_money(value, currency)

    return carried
