"""Histories of django-auditlog: one table of entries, each with the changes of one object as JSON.

=========================== ================================================================================
``auditlog_logentry``       ``id``, ``content_type_id``, ``object_pk``, ``action`` (0 create, 1 update,
                            2 delete, 3 access), ``changes``, ``timestamp`` (UTC), ``actor_id``,
                            ``remote_addr``, ``cid`` (a correlation id), ``additional_data``
``django_content_type``     ``id``, ``app_label``, ``model``: the object's table is ``<app_label>_<model>``;
                            in an export without it, the number
=========================== ================================================================================

(django-auditlog.readthedocs.io, "Usage".) ``changes`` maps a model's field to its value before and after, or a
many-to-many field to ``{"type": "m2m", "operation": "add", "objects": […]}``. The tool writes null as the
text ``None`` unless it is told to store JSON, and so a text ``None`` is read as null: they cannot be told
apart. A foreign key is named as the model's field is, ``order``; templates find it as ``order_id`` too.

An entry says what changed and nothing else. What an object's other columns hold is gathered from its
entries before it, and at its first one, where the mapping says ``live``, from the object's own table.
Neither ``object_repr`` nor ``actor_email`` is read: they may name people.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from msgspec import UNSET

from ordertrail.adapters.eventlogs.events import SourceProblem
from ordertrail.adapters.eventlogs.history.steps import Sides, Step, Value, fit, text
from ordertrail.adapters.eventlogs.history.store import Store, Table, quoted
from ordertrail.adapters.eventlogs.history_rules import HistoryRules, Tool, Word
from ordertrail.kernel.canonical import MAX_INTEGER
from ordertrail.kernel.errors import Problem

TOOL: Tool = "django-auditlog"
_WORDS: dict[str, Word] = {"0": "create", "1": "update", "2": "delete", "3": "read"}
_NEEDED = ("id", "content_type_id", "object_pk", "action", "changes", "timestamp")
_WANTED = ("actor_id", "remote_addr", "cid", "additional_data")
_NULL = "None"


def find(store: Store) -> bool:
    """Say whether there is a table of entries."""
    return any(table.has(*_NEEDED) for table in store.tables.values())


def read(store: Store, rules: HistoryRules) -> Iterator[Step | SourceProblem]:
    """Yield the steps of all objects, one after another."""
    kinds = {}
    if "django_content_type" in store.tables:
        rows = store.query("SELECT id, app_label, model FROM django_content_type")
        kinds = {str(number): f"{app}_{model}" for number, app, model in rows}
    for table in [one for one in store.tables.values() if one.has(*_NEEDED)]:
        yield from _Entries(store, table, kinds, rules).steps()


class _Entries:
    def __init__(self, store: Store, table: Table, kinds: dict[str, str], rules: HistoryRules) -> None:
        self._store = store
        self._table = table
        self._kinds = kinds
        self._rules = rules
        self._ignores = cache(rules.ignores)

    def steps(self) -> Iterator[Step]:
        """Yield the table's steps, object by object."""
        object_now: tuple[str, str] | None = None
        state: dict[str, Value] = {}
        for row in self._rows():
            name = self._kinds.get(str(row["content_type_id"]), str(row["content_type_id"]))
            if self._ignores(name):
                continue
            key = text(row["object_pk"]) or ""
            if (name, key) != object_now:
                object_now, state = (name, key), self._live(name, key)
            changes = _read_changes(row["changes"])
            for field, one in changes[0].items():
                value = one.before if one.after is None or one.after is UNSET else one.after
                state = state | {field: value, f"{field}_id": value}
            yield self._step(row, object_now, state, changes)

    def _rows(self) -> Iterator[dict[str, Any]]:
        names = [*_NEEDED, *(name for name in _WANTED if self._table.has(name))]
        kinds = self._store.query(f"SELECT DISTINCT content_type_id FROM {quoted(self._table.name)}")  # noqa: S608
        ranks = {kind: self._rules.rank(self._kinds.get(str(kind), str(kind))) for (kind,) in kinds}
        cases = "".join(f" WHEN ? THEN {rank}" for rank in ranks.values())
        rank = f"CASE h.content_type_id{cases} END" if ranks else "0"
        what = ", ".join(f"h.{quoted(name)}" for name in names)
        order = f"{rank}, h.content_type_id, h.object_pk, {self._store.number(self._table, 'id')}"
        sql = f"SELECT {what} FROM {quoted(self._table.name)} h ORDER BY {order}"  # noqa: S608 names are quoted
        for row in self._store.query(sql, *ranks):
            yield dict(zip(names, row, strict=True))

    def _live(self, name: str, key: str) -> dict[str, Value]:
        """Return the columns of the object's own row, where the mapping names its table and it is there."""
        found = self._rules.find(name)
        table = self._store.tables.get(found[1].live or "") if found else None
        if found is None or table is None:
            return {}
        column = (found[1].keys or table.key or ("id",))[0]
        sql = f"SELECT * FROM {quoted(table.name)} WHERE {quoted(column)} = ?"  # noqa: S608 names are quoted
        row = next(self._store.query(sql, key), None)
        return (
            {}
            if row is None
            else {n: fit(v, table.columns[n]) for n, v in zip(table.columns, row, strict=True)}
        )

    def _step(
        self,
        row: dict[str, Any],
        named: tuple[str, str],
        state: dict[str, Value],
        changes: tuple[dict[str, Sides], list[Problem]],
    ) -> Step:
        (name, key), (sides, problems) = named, changes
        word = _WORDS.get(str(row["action"]))
        if word is None:
            problems.append(Problem("action", f"is {row['action']!r}; 0 to 3 are known"))
        if not key:
            problems.append(Problem("object_pk", "is empty: the entry names no object"))
        more = text(row.get("additional_data"))
        if more is not None:
            sides["additional_data"] = Sides(after=more)
        number = text(row["id"]) or ""
        return Step(
            table=name,
            key=key,
            source=self._table.name,
            row=number,
            word=word or "update",
            time=text(row["timestamp"]),
            state=state,
            sides=sides,
            major=int(number) if number.isdecimal() else 0,
            user=text(row.get("actor_id")),
            ip=text(row.get("remote_addr")),
            request=text(row.get("cid")),
            problems=tuple(problems),
            original=row,
        )


def _read_changes(written: Any) -> tuple[dict[str, Sides], list[Problem]]:
    """Read the column ``changes``: the sides of each field, or what is wrong with them."""
    if written is None or written == "":
        return {}, []  # An access changes nothing.
    try:
        changes = json.loads(written, parse_float=str, parse_int=_integer, parse_constant=str)
    except (ValueError, RecursionError, TypeError) as error:
        return {}, [Problem("changes", f"is not JSON: {error}")]
    if not isinstance(changes, dict):
        return {}, [Problem("changes", "is not an object that maps fields to their two sides")]
    sides, problems = {}, []
    for field, change in changes.items():
        match change:
            case [before, after]:
                sides[field] = Sides(_value(before), _value(after))
            case {"type": "m2m", "operation": "add", "objects": list(objects)}:
                sides[field] = Sides(after=objects)
            case {"type": "m2m", "operation": "delete", "objects": list(objects)}:
                sides[field] = Sides(before=objects)
            case _:
                problems.append(Problem(f"changes.{field}", "is neither a value before and after nor m2m"))
    return sides, problems


def _value(value: Any) -> Value:
    return None if value == _NULL else value


def _integer(digits: str) -> int | str:
    # The length is looked at first: Python refuses to read very long numbers.
    return digits if len(digits) > len(str(MAX_INTEGER)) or abs(int(digits)) > MAX_INTEGER else int(digits)
