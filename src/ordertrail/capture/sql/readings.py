"""What statements are, as far as their texts tell: read once, and remembered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ordertrail.capture.plan import Image, Plans, TablePlan
from ordertrail.capture.schema import TableName
from ordertrail.capture.sql.asking import Parameters
from ordertrail.capture.sql.cascades import Cascades, Children
from ordertrail.capture.sql.clauses import mentioned, read_dml
from ordertrail.capture.sql.dml import DEFAULT, EXPRESSION, Dml, Parameter
from ordertrail.capture.sql.recording import Sources
from ordertrail.capture.sql.scan import Slot
from ordertrail.capture.sql.snapshots import tables_written
from ordertrail.capture.telling import ColumnChanges

REMEMBERED = 2_000
"""Statements whose reading is kept; an application has a few hundred."""

_DML = frozenset({"WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})

_LONGEST = 20_000
"""Characters of the longest statement whose reading is kept."""


How = Literal["insert", "upsert", "update", "delete", "snapshot", "statement", "children"]


UNTOLD: Any = object()
"""Stands for a value that only the database can tell."""


class Given(NamedTuple):
    """A column's value, as a statement has it: a parameter, or where ``slot`` is None, ``value``, perhaps UNTOLD."""

    place: int
    slot: Slot | None
    value: Any


@dataclass(frozen=True, slots=True)
class Reading:
    """What a statement is, as far as its text tells.

    ``key``: the parameters that are the primary key, where the condition compares it and the table stands alone.
    ``sets``: what an UPDATE sets, where all of it may be told from the statement. ``rows``: what an INSERT's rows have,
    in the order of the table's columns.
    """

    dml: Dml
    plans: tuple[TablePlan, ...]
    how: How
    text: str
    key: tuple[Slot, ...] = ()
    sets: tuple[Given, ...] | None = None
    rows: tuple[tuple[Given, ...], ...] = ()
    sensitive: bool = False
    """Whether it sets a column that the policy calls sensitive."""


def _read_change(dml: Dml, plan: TablePlan, how: How, text: str) -> Reading:
    """Return what an UPDATE or DELETE of a table is."""
    slots = dict(dml.key_slots)
    names = [plan.columns[place].name for place in plan.key]
    keyed = not dml.with_ and not dml.beside and all(name in slots for name in names)
    sets: tuple[Given, ...] | None = None
    told = not (plan.table.triggers or plan.computed)
    if told and all(
        name in plan.index and one is not EXPRESSION and one is not DEFAULT for name, one in dml.sets
    ):
        sets = tuple(_given(plan.index[name], one) for name, one in dml.sets)
    sensitive = any(plan.index.get(name) in plan.sensitive for name, _ in dml.sets)
    key = tuple(slots[name] for name in names) if keyed else ()
    return Reading(dml, (plan,), how, text, key, sets, sensitive=sensitive)


def _read_insert(dml: Dml, plan: TablePlan, how: How, text: str) -> Reading:
    """Return what an INSERT into a table is."""
    names = dml.columns or tuple(column.name for column in plan.columns)
    rows = []
    for row in dml.rows:
        values = dict(zip(names, row, strict=False))
        given = []
        for place, column in enumerate(plan.columns):
            value = values.get(column.name, DEFAULT)
            if value is DEFAULT:
                value = UNTOLD if column.generated else None
            elif value is EXPRESSION:
                value = UNTOLD
            given.append(_given(place, value))
        rows.append(tuple(given))
    return Reading(dml, (plan,), how, text, rows=tuple(rows))


def _given(place: int, value: Any) -> Given:
    return Given(place, value.slot, None) if isinstance(value, Parameter) else Given(place, None, value)


class Picture(NamedTuple):
    """The rows of a statement in columns, before it and after it: how many, and how those changed that did."""

    rows: int
    changes: ColumnChanges


@dataclass(slots=True)
class Watched:
    """A statement between its before and its after."""

    reading: Reading
    sets: Sequence[Parameters]
    filtered: str | None = None
    columns: tuple[int, ...] = ()
    before: dict[Image, Image] = field(default_factory=dict)
    images: list[Image | None] = field(default_factory=list)
    keys: list[Image | None] = field(default_factory=list)
    sql: str = ""
    wanted: int = 0
    returning: str = ""
    wanted_before: int = 0
    each: bool = False
    """Whether ``sql`` must be run such that each set of parameters returns its rows: no ``executemany`` does."""
    apart: bool = False
    """Whether each set of parameters must be run, and watched, as a statement of its own."""
    after: list[Image] = field(default_factory=list)
    lacking: list[Image] = field(default_factory=list)
    """Images of an INSERT's rows that lack nothing but the keys that the adapter will tell."""
    children: list[Children] = field(default_factory=list)
    snapshots: dict[TableName, dict[Image, Image] | None] = field(default_factory=dict)
    by_key: bool = False
    picture: Picture | None = None
    """Its rows before and after, where they could be asked for in columns."""
    sources: dict[TableName, dict[Image, Sources] | None] = field(default_factory=dict)

    @property
    def plan(self) -> TablePlan:
        """The audited table that the statement is about."""
        return self.reading.plans[0]


class Readings:
    """The readings of one database's statements."""

    def __init__(self, plans: Plans, cascades: Cascades) -> None:
        self.plans = plans
        self._cascades = cascades
        self._readings: dict[str, Reading | None] = {}
        self.reads = {name: plan for name, plan in plans.by_name.items() if plan.rule.reads}
        self._queries: dict[str, tuple[TablePlan, ...]] = {}

    def read(self, sql: str) -> Reading | None:
        """Return what a statement is about, None where it is nothing of ours."""
        try:
            return self._readings[sql]
        except KeyError:
            pass
        reading = self._read(sql)
        if len(sql) <= _LONGEST:
            if len(self._readings) >= REMEMBERED:
                self._readings.clear()
            self._readings[sql] = reading
        return reading

    def _read(self, sql: str) -> Reading | None:
        dml = read_dml(sql)
        if dml is None:
            return None
        found = self.plans.by_name
        if dml.verb == "other":
            tables = tables_written(sql, dml, found)
            if tables is None:
                return None
            plans = tuple({found[name].name: found[name] for name in tables}.values())
            plans += tuple(plan for plan in self._cascades.below(tables) if plan not in plans)
            return Reading(
                dml,
                plans,
                "snapshot" if plans and sql.split(None, 1)[0].upper() in _DML else "statement",
                sql,
            )
        plans = tuple(found[name] for name in dml.tables if name in found)
        if dml.verb == "truncate":
            more = self._cascades.truncated(dml.tables) if dml.cascade else ()
            plans = tuple({plan.name: plan for plan in (*plans, *more)}.values())
            return Reading(dml, plans, "snapshot", sql) if plans else None
        if not plans:
            return Reading(dml, (), "children", sql) if self._cascades.reaches(dml) else None
        how = self._how(dml, plans[0])
        return (_read_insert if dml.verb == "insert" else _read_change)(dml, plans[0], how, sql)

    @staticmethod
    def _how(dml: Dml, plan: TablePlan) -> How:
        if dml.verb == "insert":
            return "upsert" if dml.conflict else "insert"
        moved = {plan.columns[place].name for place in plan.key} & {name for name, _ in dml.sets}
        exact = all(isinstance(value, Parameter) for name, value in dml.sets if name in moved)
        if dml.verb == "update" and moved and not (exact and len(dml.key_slots) >= len(plan.key)):
            return "snapshot"  # rows change their keys in a way that only the database can tell
        return "update" if dml.verb == "update" else "delete"

    def read_from(self, sql: str) -> tuple[TablePlan, ...]:
        """Return the tables that a query names and whose reads are recorded."""
        known = self._queries.get(sql)
        if known is None:
            if len(self._queries) >= REMEMBERED:
                self._queries.clear()
            known = tuple(
                {plan.name: plan for name in mentioned(sql) if (plan := self.reads.get(name))}.values()
            )
            if len(sql) <= _LONGEST:
                self._queries[sql] = known
        return known
