"""Histories of django-simple-history: a table of historical records beside each model's.

=============================== ============================================================================
``<app>_historical<model>``     the model's columns, ``history_id``, ``history_date`` (UTC where the project
                                uses zones), ``history_type`` (``+`` created, ``~`` changed, ``-`` deleted),
                                and where they are kept ``history_user_id``, ``history_change_reason``
``…_<field>``                   of a many-to-many field: a row for each of the objects that a historical
                                record had, with the record's ``history_id`` and a ``m2m_history_id``
=============================== ============================================================================

(django-simple-history.readthedocs.io, "Historical model" and "Tracking many to many relationships".) Saving
a model makes a record also where nothing changed; its event has no changes. A record of a deletion lists
no related objects; those of the record before it are taken.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from ordertrail.adapters.eventlogs.events import BrokenSourceError, SourceProblem
from ordertrail.adapters.eventlogs.history.continuum import key_of
from ordertrail.adapters.eventlogs.history.steps import Chain, Step, fit, text
from ordertrail.adapters.eventlogs.history.store import Store, Table, quoted
from ordertrail.adapters.eventlogs.history_rules import HistoryRules, Tool, Word
from ordertrail.kernel.errors import Problem

TOOL: Tool = "django-simple-history"
_WORDS: dict[str, Word] = {"+": "create", "~": "update", "-": "delete"}
_OWN = ("history_id", "history_date", "history_type")
_NAME = re.compile(r"(?:(.+?)_)?historical(.+)")


def find(store: Store) -> bool:
    """Say whether there are tables of historical records."""
    return any(table.has(*_OWN) for table in store.tables.values())


def read(store: Store, rules: HistoryRules) -> Iterator[Step | SourceProblem]:
    """Yield the steps of all objects, table by table."""
    records = [table for table in store.tables.values() if table.has(*_OWN)]
    for table in sorted(records, key=lambda one: (rules.rank(_name(one.name)), one.name)):
        if not rules.ignores(_name(table.name)):
            try:
                steps = _Records(store, table, rules).steps()
            except BrokenSourceError as error:  # The other tables are read all the same.
                yield SourceProblem(error.position, (Problem("", error.message),))
            else:
                yield from steps


def _name(table: str) -> str:
    """Return the model's table: ``shop_order`` of ``shop_historicalorder``."""
    found = _NAME.fullmatch(table)
    return table if found is None else "_".join(part for part in found.groups() if part)


class _Records:
    def __init__(self, store: Store, table: Table, rules: HistoryRules) -> None:
        self._store = store
        self._table = table
        self._name = _name(table.name)
        # The primary key of the table is history_id; the model's own is an indexed column.
        self._keys = key_of(Table(table.name, table.columns), rules, self._name, "history_id")
        self._columns = {
            name: declared for name, declared in table.columns.items() if not name.startswith("history_")
        }
        self._relations = {
            other.name.removeprefix(f"{table.name}_"): other
            for other in store.tables.values()
            if other.has("history_id", "m2m_history_id") and other.name.startswith(f"{table.name}_")
        }

    def steps(self) -> Iterator[Step]:
        """Yield the table's steps, object by object."""
        records = Chain()
        for row in self._rows():
            records.begins(tuple(row[key] for key in self._keys))
            yield self._step(row, records)

    def _rows(self) -> Iterator[dict[str, Any]]:
        related = [self._related(table) for table in self._relations.values()]
        order = [f"h.{quoted(key)}" for key in self._keys]
        order += ["h.history_date", self._store.number(self._table, "history_id")]
        what = ", ".join([f"h.{quoted(name)}" for name in self._table.columns] + related)
        sql = f"SELECT {what} FROM {quoted(self._table.name)} h ORDER BY {', '.join(order)}"  # noqa: S608 names are quoted
        names = [*self._table.columns, *(f"m2m.{field}" for field in self._relations)]
        for row in self._store.query(sql):
            yield dict(zip(names, row, strict=True))

    def _related(self, table: Table) -> str:
        """Return SQL for the keys of the objects that a record is related to, as a JSON list."""
        owner = f"{self._name.rpartition('_')[2]}_id"
        known = {"id", "history_id", "m2m_history_id", owner}
        targets = [name for name in table.columns if name not in known] or [owner]
        target = " || '/' || ".join(quoted(name) for name in targets)
        return (
            f"(SELECT json_group_array(one) FROM (SELECT {target} AS one FROM {quoted(table.name)} m "  # noqa: S608 names are quoted
            "WHERE m.history_id = h.history_id ORDER BY 1))"
        )

    def _step(self, row: dict[str, Any], records: Chain) -> Step:
        word = _WORDS.get(str(row["history_type"]))
        problems = []
        if word is None:
            problems.append(Problem("history_type", f"is {row['history_type']!r}; +, ~ and - are known"))
        state = {name: fit(row[name], declared) for name, declared in self._columns.items()}
        if word != "delete":
            related = {field: json.loads(row[f"m2m.{field}"]) or None for field in self._relations}
            state |= related
        sides, tags, wrong = records.add(word or "update", state)
        return Step(
            table=self._name,
            key="/".join(str(fit(row[key])) for key in self._keys),
            source=self._table.name,
            row=text(row["history_id"]) or "",
            word=word or "update",
            time=text(row["history_date"]),
            state=state,
            sides=sides,
            user=text(row.get("history_user_id")),
            reason=text(row.get("history_change_reason")),
            tags=tags,
            problems=(*problems, *wrong),
            original=row,
        )
