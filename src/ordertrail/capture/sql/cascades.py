"""What the database itself deletes and changes along foreign keys, which no statement ever names.

A reference with ON DELETE CASCADE, SET NULL or SET DEFAULT (and the same ON UPDATE) makes a change of the parent a
change of its children, level by level. Children are read before the statement, one query a table and level, and
recorded after it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ordertrail.capture.plan import Image, Plans, TablePlan
from ordertrail.capture.schema import ForeignKey, LiveTable, TableName
from ordertrail.capture.sql.asking import Asker, by_keys
from ordertrail.capture.sql.dml import Dml
from ordertrail.capture.sql.recording import Sources, find_sources, record
from ordertrail.capture.transaction import Pair, Transaction

_ACTING = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})


@dataclass(frozen=True, slots=True)
class Edge:
    """A child table and how it refers to its parent."""

    child: TableName
    key: ForeignKey


@dataclass(slots=True)
class Children:
    """Rows of one audited table that the database is about to delete or change."""

    plan: TablePlan
    rows: dict[Image, Image]
    sources: dict[Image, Sources] | None


class Cascades:
    """The references of a schema that act, and which changes reach an audited table over them."""

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        self._on_delete: dict[TableName, list[Edge]] = {}
        self._on_update: dict[TableName, list[Edge]] = {}
        self._references: dict[TableName, list[TableName]] = {}
        for name, table in plans.schema.items():
            if name != table.name:
                continue
            for key in table.foreign_keys:
                parent = plans.schema.get(key.parent)
                if parent is None:
                    continue
                self._references.setdefault(parent.name, []).append(name)
                if key.on_delete in _ACTING:
                    self._on_delete.setdefault(parent.name, []).append(Edge(name, key))
                if key.on_update in _ACTING:
                    self._on_update.setdefault(parent.name, []).append(Edge(name, key))
        self._deleting = {name for name in self._on_delete if self._reaches_audited(name)}

    def reaches(self, dml: Dml) -> bool:
        """Say whether a statement may change audited rows through references."""
        if dml.verb not in {"update", "delete"}:
            return False
        name = self._canonical(dml.tables[0])
        if name is None:
            return False
        if dml.verb == "delete":
            return name in self._deleting
        return bool(self._moved(name, dml))

    def parent(self, dml: Dml) -> tuple[LiveTable, tuple[str, ...]]:
        """Return the table that a statement is about, and its columns that children refer to."""
        name = self._canonical(dml.tables[0]) or dml.tables[0]
        edges = self._on_delete.get(name, []) if dml.verb == "delete" else self._moved(name, dml)
        columns = dict.fromkeys(column for edge in edges for column in edge.key.parent_columns)
        return self._plans.schema[name], tuple(columns)

    def children(
        self, asker: Asker, dml: Dml, columns: tuple[str, ...], rows: Sequence[Image]
    ) -> list[Children]:
        """Read the children of rows that a statement is about to delete or whose keys it is about to change.

        ``rows`` hold the parents' values of ``columns``.
        """
        name = self._canonical(dml.tables[0])
        if name is None or not self._enforced(asker):
            return []
        if dml.verb == "delete":
            return list(self._deleted(asker, name, columns, rows, frozenset()))
        found = []
        for edge in self._moved(name, dml):
            children = self._read(asker, edge, columns, rows)
            plan = self._plans.by_name.get(edge.child)
            if plan is not None and children:
                found.append(self._told(asker, plan, children))
        return found

    def record(
        self, transaction: Transaction, asker: Asker, children: Children, seen: set[tuple[str, Image]]
    ) -> None:
        """Record what became of children, after the statement; a row that was reached on two ways once."""
        plan = children.plan
        columns = plan.all_columns
        keys = {key: row for key, row in children.rows.items() if (plan.name, key) not in seen}
        seen |= {(plan.name, key) for key in keys}
        for key in keys:
            transaction.forget(plan, key)
        rows = by_keys(asker, plan.table, columns, plan.table.key, list(keys), lock=False)
        left = plan.projection(columns).by_key(rows)
        deleted: list[Pair] = [(row, None) for key, row in keys.items() if key not in left]
        updated: list[Pair] = [
            (row, left[key]) for key, row in keys.items() if key in left and left[key] != row
        ]
        schema = self._plans.schema
        if deleted:
            record(transaction, asker, schema, plan, "delete", columns, deleted, sources=children.sources)
        if updated:
            record(transaction, asker, schema, plan, "update", columns, updated)

    def below(self, tables: Sequence[TableName]) -> list[TablePlan]:
        """Return the audited tables that deleting rows of these tables may reach, these included."""
        return self._reached(tables, lambda name: [edge.child for edge in self._on_delete.get(name, [])])

    def truncated(self, tables: Sequence[TableName]) -> list[TablePlan]:
        """Return the audited tables that TRUNCATE … CASCADE empties beside those that it names."""
        return self._reached(tables, lambda name: self._references.get(name, []))

    def _reached(
        self, tables: Sequence[TableName], below: Callable[[TableName], Sequence[TableName]]
    ) -> list[TablePlan]:
        """Return the audited ones of tables and of all that lie below them."""
        reached: list[TableName] = []
        waiting = [name for one in tables if (name := self._canonical(one)) is not None]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.append(name)
                waiting += below(name)
        return [self._plans.by_name[name] for name in reached if name in self._plans.by_name]

    def _deleted(
        self,
        asker: Asker,
        name: TableName,
        columns: tuple[str, ...],
        rows: Sequence[Image],
        seen: frozenset[TableName],
    ) -> Iterator[Children]:
        for edge in self._on_delete.get(name, []):
            plan = self._plans.by_name.get(edge.child)
            deeper = (
                edge.key.on_delete == "CASCADE" and edge.child in self._deleting and edge.child not in seen
            )
            if plan is None and not deeper:
                continue
            children = self._read(asker, edge, columns, rows)
            if not children:
                continue
            if plan is not None:
                yield self._told(asker, plan, children)
            if deeper:
                table = self._plans.schema[edge.child]
                every = tuple(column.name for column in table.columns)
                again = seen | ({edge.child} if edge.child == name else frozenset())
                yield from self._deleted(asker, edge.child, every, children, again)

    def _told(self, asker: Asker, plan: TablePlan, children: Sequence[Image]) -> Children:
        columns = plan.all_columns
        rows = plan.projection(columns).by_key(children)
        return Children(plan, rows, find_sources(asker, self._plans.schema, plan, columns, rows))

    def _read(self, asker: Asker, edge: Edge, columns: Sequence[str], rows: Sequence[Image]) -> list[Image]:
        table = self._plans.schema[edge.child]
        places = [columns.index(column) for column in edge.key.parent_columns]
        keys = dict.fromkeys(tuple(row[place] for place in places) for row in rows)
        wanted = [key for key in keys if None not in key]
        return by_keys(asker, table, range(len(table.columns)), edge.key.columns, wanted, lock=True)

    def _moved(self, name: TableName, dml: Dml) -> list[Edge]:
        """Return the references to columns that an UPDATE sets."""
        sets = {column for column, _ in dml.sets}
        return [
            edge
            for edge in self._on_update.get(name, [])
            if sets & set(edge.key.parent_columns) and edge.child in self._plans.by_name
        ]

    def _canonical(self, name: TableName) -> TableName | None:
        table = self._plans.schema.get(name)
        return None if table is None else table.name

    def _reaches_audited(self, name: TableName) -> bool:
        waiting, seen = [name], {name}
        while waiting:
            for edge in self._on_delete.get(waiting.pop(), []):
                if edge.child in self._plans.by_name:
                    return True
                if edge.child not in seen and edge.key.on_delete == "CASCADE":
                    seen.add(edge.child)
                    waiting.append(edge.child)
        return False

    @staticmethod
    def _enforced(asker: Asker) -> bool:
        """Say whether the database follows references at all: SQLite does only where it is told to."""
        return asker.dialect != "sqlite" or bool(asker.fetch("PRAGMA foreign_keys", ())[0][0])
