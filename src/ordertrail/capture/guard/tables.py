"""What the guard notes of each audited table: settled from the policy's plans, the same for both databases."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ordertrail.capture.batch import Shape
from ordertrail.capture.plan import Plans, Source, TablePlan
from ordertrail.capture.schema import LiveColumn, LiveTable, TableName, quoted
from ordertrail.kernel.errors import ConfigurationError

ACTION = "capture.bypass"
"""The action of what the guard records."""

_ALIKE = frozenset({"integer", "text", "uuid", "decimal", "date", "boolean"})
"""Kinds of columns whose text is the same to Python and to the database, so that ids can be compared."""


class GuardedColumn(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a recorded column is told: its place in an event, its kind as in a batch's shape, and what money needs.

    ``kind`` is ``redacted`` for columns whose values never leave the row. ``how`` is ``money`` or ``minor`` where the
    currency stands in the column ``currency``.
    """

    name: str
    path: str
    kind: str
    extra: str | int | None = None
    how: str | None = None
    currency: str | None = None


class GuardedHop(msgspec.Struct, frozen=True):
    """A step of a path over foreign keys: the parent as SQL and as the guard calls it, its key, the column to read."""

    table: str
    relation: str
    key: str
    type: str
    column: str


class Told(msgspec.Struct, frozen=True):
    """How a table's rows are told; kept as JSON in ``ordertrail_guard_table``, for whoever tells them later.

    ``private`` says that a column that is not ``known`` may be one that the policy hides, under another name.
    """

    kind: str
    tag: str
    private: bool
    known: tuple[str, ...]
    columns: tuple[GuardedColumn, ...]
    order: tuple[GuardedHop, ...] = ()
    tenant: tuple[GuardedHop, ...] = ()


@dataclass(frozen=True, slots=True)
class GuardedTable:
    """An audited table, as the guard sees it. ``subject`` are the columns of its id; keys are where paths begin."""

    relation: str
    places: tuple[TableName, ...]
    subject: tuple[LiveColumn, ...]
    order_key: tuple[LiveColumn, ...]
    tenant_key: tuple[LiveColumn, ...]
    ignored: tuple[str, ...]
    hidden: tuple[str, ...]
    told: Told

    @property
    def word(self) -> str:
        """A name for what belongs to this table in the database: readable, and short enough to be one (63 bytes)."""
        plain = re.sub(r"[^a-z0-9]+", "_", self.relation.lower())[:24]
        return f"{plain}_{hashlib.sha256(self.relation.encode()).hexdigest()[:8]}"


def guarded_tables(plans: Plans, default_schema: str | None) -> list[GuardedTable]:
    """Return what the guard notes of each table of a policy, in the order of their names.

    Raises ConfigurationError naming every table that the guard cannot tell as capture does.
    """
    found = {plan.name: plan for plan in plans.by_name.values()}
    problems = [problem for plan in found.values() for problem in _problems(plan)]
    if problems:
        raise ConfigurationError(
            "the guard cannot tell these tables' rows as capture does: " + "; ".join(problems),
            meaning="No guard was installed; what bypasses the application is not recorded.",
            remedy="Name columns in the policy, of whole numbers, texts, UUIDs, dates or booleans.",
        )
    return [_guarded(plan, plans.schema, default_schema) for _, plan in sorted(found.items())]


def _problems(plan: TablePlan) -> Iterator[str]:
    for name in ("order", "subject", "tenant"):
        source: Source | None = getattr(plan, name)
        if source is None:
            continue
        if source.function is not None:
            yield f"tables.{plan.name}.{name} is a function, which the database cannot call"
        for column in (plan.columns[place] for place in source.columns):
            if name == "subject" and column.kind not in _ALIKE:
                place = f"tables.{plan.name}.subject"
                yield f"{place}: {column.name} is of type {column.type}, whose text has many spellings"
        if name == "subject" and source.hops:
            yield f"tables.{plan.name}.subject is a path over foreign keys"


def _guarded(plan: TablePlan, schema: Mapping[TableName, LiveTable], default: str | None) -> GuardedTable:
    hidden = tuple(
        plan.columns[place].name
        for place in plan.recorded
        if place in plan.redacted or place in plan.personal
    )
    recorded = {plan.columns[place].name for place in plan.recorded}
    known = tuple(column.name for column in plan.columns)
    told = Told(
        kind=plan.kind,
        tag=plan.tag,
        private=bool(hidden) or plan.rule.fields is not None,
        known=known,
        columns=tuple(_columns(plan, hidden)),
        order=tuple(_hops(plan.order, schema, default)),
        tenant=tuple(_hops(plan.tenant, schema, default)),
    )
    return GuardedTable(
        relation=plan.name,
        places=(plan.table.name, *plan.table.children),
        subject=_taken(plan, plan.subject),
        order_key=_taken(plan, plan.order),
        tenant_key=_taken(plan, plan.tenant),
        ignored=tuple(name for name in known if name not in recorded),
        hidden=hidden,
        told=told,
    )


def _taken(plan: TablePlan, source: Source | None) -> tuple[LiveColumn, ...]:
    return () if source is None else tuple(plan.columns[place] for place in source.columns)


def _columns(plan: TablePlan, hidden: tuple[str, ...]) -> Iterator[GuardedColumn]:
    shape: Any = msgspec.json.decode(bytes(plan.shape("insert", plan.recorded)), type=Shape)
    for place, (path, kind, extra) in zip(plan.recorded, shape.columns, strict=True):
        name = plan.columns[place].name
        money = plan.rule.money.get(name)
        if name in hidden:
            yield GuardedColumn(name, path, "redacted")
        elif money is not None and money.column is not None:
            yield GuardedColumn(name, path, "money", None, "minor" if money.minor else "money", money.column)
        else:
            yield GuardedColumn(name, path, kind, extra)


def _hops(
    source: Source | None, schema: Mapping[TableName, LiveTable], default: str | None
) -> Iterator[GuardedHop]:
    for hop in source.hops if source is not None else ():
        parent = schema[hop.parent]
        key = next(column for column in parent.columns if column.name == hop.key)
        yield GuardedHop(qualified(parent.name, default), str(parent.name), hop.key, key.type, hop.column)


def qualified(name: TableName, default: str | None) -> str:
    """Return a table's name as SQL with its schema, where the database has schemas."""
    schema = name.schema or default
    return f"{quoted(schema)}.{quoted(name.name)}" if schema else quoted(name.name)
