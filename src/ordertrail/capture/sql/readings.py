"""What statements are, as far as their texts tell: read once, and remembered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ordertrail.capture.plan import Image, Plans, TablePlan
from ordertrail.capture.schema import TableName
from ordertrail.capture.sql.asking import Parameters
from ordertrail.capture.sql.cascades import Cascades, Children
from ordertrail.capture.sql.clauses import Dml, Parameter, mentioned, read_dml
from ordertrail.capture.sql.recording import Sources
from ordertrail.capture.sql.snapshots import tables_written

REMEMBERED = 2_000
"""Statements whose reading is kept; an application has a few hundred."""

_DML = frozenset({"WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})

_LONGEST = 20_000
"""Characters of the longest statement whose reading is kept."""


How = Literal["insert", "upsert", "update", "delete", "snapshot", "statement", "children"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a statement is, as far as its text tells."""

    dml: Dml
    plans: tuple[TablePlan, ...]
    how: How
    text: str


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
    wanted_before: int = 0
    after: list[Image] = field(default_factory=list)
    lacking: list[Image] = field(default_factory=list)
    """Images of an INSERT's rows that lack nothing but the keys that the adapter will tell."""
    children: list[Children] = field(default_factory=list)
    snapshots: dict[TableName, dict[Image, Image] | None] = field(default_factory=dict)
    by_key: bool = False
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
        return Reading(dml, plans, self._how(dml, plans[0]), sql)

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
