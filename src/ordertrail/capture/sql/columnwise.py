"""What a statement does to many rows of SQLite, asked for column by column: a JSON text each, and not a tuple a row.

``UPDATE stock SET quantity = quantity + 1 WHERE depot = ?`` is preceded by one query in its own words::

    SELECT count(*), json_group_array(stock."id"), json_group_array(stock."quantity"),
           json_group_array((quantity + 1)) FROM stock WHERE depot = ?

That tells which rows there are, what they were, and what they will be. It tells the truth only where the statement
does just what the query says, so that much is asked of the statement first: its conditions and values consist of the
table's own columns, parameters, literals and functions of which each call returns the same; no trigger and no
reference changes anything; no value needs work while the statement runs. And of the values: each is an integer, a text
or NULL, which JSON tells without loss (a REAL it may round), and what is to be stored is what the column's affinity
leaves as it is (SQLite, "Datatypes In SQLite" section 3). Where anything else comes back, the statement is watched row
by row.
"""

import logging
from dataclasses import dataclass
from functools import cached_property
from operator import ne
from typing import Any

import msgspec

from ordertrail.capture.batch import Columns
from ordertrail.capture.plan import TablePlan
from ordertrail.capture.schema import Kind
from ordertrail.capture.sql.asking import Asker, Parameters, Query, column_list
from ordertrail.capture.sql.dml import Clause, Dml
from ordertrail.capture.sql.readings import Picture, Reading
from ordertrail.capture.sql.recording import text_of
from ordertrail.capture.sql.scan import scan
from ordertrail.capture.telling import ColumnChanges
from ordertrail.capture.values import LONG

logger = logging.getLogger("ordertrail.capture")

_KINDS: frozenset[Kind | None] = frozenset(
    {"integer", "boolean", "text", "date", "timestamp", "timestamptz", "time", "uuid"}
)
"""Kinds of columns whose values SQLite mostly keeps as integers and texts."""

_WORDS = frozenset(
    {"AND", "OR", "NOT", "IN", "IS", "NULL", "BETWEEN", "LIKE", "GLOB", "ESCAPE", "CASE", "WHEN", "THEN", "ELSE", "END",
     "ISNULL", "NOTNULL", "TRUE", "FALSE", "DISTINCT", "FROM", "COLLATE", "BINARY", "NOCASE", "RTRIM"}
)  # fmt: skip
_FUNCTIONS = frozenset(
    {"ABS", "COALESCE", "IFNULL", "LENGTH", "LOWER", "UPPER", "NULLIF", "REPLACE", "SUBSTR", "TRIM", "INSTR"}
)
"""Functions of SQLite's own that return the same whenever they are called with the same."""

_read_values = msgspec.json.Decoder(list[int | str | None]).decode


@dataclass(frozen=True, slots=True)
class Question:
    """A query for the rows of a statement, as far as its text tells: what is asked of which columns."""

    columns: tuple[int, ...]
    changed: tuple[int, ...]
    listed: str
    expressions: tuple[Clause, ...]


def question_for(reading: Reading) -> Question | None:
    """Return what to ask about a statement; None where its rows are to be told one by one."""
    dml, plan = reading.dml, reading.plans[0]
    assigned = [plan.index[name] for name, _ in dml.sets if name in plan.index]
    if not _is_simple(dml, plan) or not len(set(assigned)) == len(dml.sets) == len(dml.expressions):
        return None
    if not {*assigned} <= {*plan.recorded} - {*plan.key}:
        return None
    columns = plan.columns_for(assigned if dml.verb == "update" else None)
    projection = plan.projection(columns)
    if projection.placed is None or not projection.plain:
        return None
    live = [plan.columns[place] for place in columns]
    if any(one.kind not in _KINDS or one.converted or one.rounds for one in live):
        return None
    known = {column.name.lower() for column in plan.columns} | {
        plan.table.name.name.lower(),
        dml.alias.strip('"').lower(),
    }
    if not all(_is_certain(clause, known) for clause in (dml.where, *dml.expressions)):
        return None
    listed = ", ".join(
        f"json_group_array({column_list(plan.table, (place,), dml.alias)})" for place in columns
    )
    return Question(columns, tuple(assigned), listed, dml.expressions)


def _is_simple(dml: Dml, plan: TablePlan) -> bool:
    """Say whether a statement changes one table's rows, and nothing else changes them besides."""
    if dml.verb not in {"update", "delete"} or dml.with_ or dml.beside or dml.target.slots or dml.returning:
        return False
    return not (dml.otherwise or plan.table.triggers or plan.computed or plan.sensitive)


def _is_certain(clause: Clause, known: set[str]) -> bool:
    """Say whether a clause means the same in a query, and before the statement what it means in it."""
    tokens = scan(" ? ".join(clause.texts))
    for place, token in enumerate(tokens):
        if token.sort == "name" and token.word[1:-1].lower() not in known:
            return False
        if token.sort == "word":
            called = place + 1 < len(tokens) and tokens[place + 1].word == "("
            if called and token.word not in _FUNCTIONS | _WORDS:
                return False
            if not called and token.word not in _WORDS and token.word.lower() not in known:
                return False
        if token.sort == "number" and not token.word.isdecimal():
            return False
    return True


def look(asker: Asker, reading: Reading, question: Question, given: Parameters) -> Picture | None:
    """Ask about the rows of a statement that is about to run; None where they are to be told one by one."""
    dml, plan = reading.dml, reading.plans[0]
    query = Query().text("SELECT count(*), ", question.listed)
    for clause in question.expressions:
        query.text(", json_group_array((").clause(clause, given).text("))")
    query.text(" FROM ").clause(dml.target, given)
    if dml.where:
        query.text(" WHERE ").clause(dml.where, given)
    try:
        ((rows, *told),) = asker.fetch(*query.written(asker.style))
    except Exception:
        # A value that JSON has no form for; or what fails for us will fail for the statement too, and is told there.
        logger.debug("the rows of a statement are told one by one", exc_info=True)
        return None
    count = len(question.columns)
    before = dict(zip(question.columns, map(_Values, told[:count]), strict=True))
    after = dict(zip(question.changed, map(_Values, told[count:]), strict=True))
    if not rows or not all(one.is_exact() for one in before.values()):
        return None
    if not all(one.is_kept(plan.columns[place].kind) for place, one in after.items()):
        return None
    return Picture(rows, _changes(plan, dml, question, rows, before, after))


class _Values:
    """A column's values as JSON, which is quicker to look at than they are."""

    def __init__(self, json: str) -> None:
        self._json = json
        self._integers = not any(mark in json for mark in _NO_INTEGERS)

    @cached_property
    def values(self) -> list[Any]:
        """The values. Raises ValidationError where one is neither an integer nor a text nor NULL."""
        return _read_values(self._json)

    def is_exact(self) -> bool:
        """Say whether the values are as the database has them, and as events hold them."""
        if self._integers:
            return True
        try:
            return not any(type(one) is str and len(one) > LONG for one in self.values)
        except msgspec.ValidationError:
            return False

    def is_kept(self, kind: Kind | None) -> bool:
        """Say whether a column of a kind keeps these values as they are: texts if it is one of texts, else integers."""
        if kind != "text":
            return self._integers
        return self.is_exact() and all(one is None or type(one) is str for one in self.values)

    def told(self) -> Any:
        """Return the values as a batch holds them."""
        return msgspec.Raw(self._json.encode()) if self._integers else self.values

    def ids(self) -> Any:
        """Return ids as a batch holds them: integers are made texts where it is read."""
        if self._integers and "null" not in self._json:
            return self.told()
        return [one if type(one) is int or one is None else text_of(one) for one in self.values]


_NO_INTEGERS = ('"', ".", "e", "E", "I", "N")
"""What stands in the JSON of a text, and of a REAL: 1.0, 1e300, Inf."""


def _changes(
    plan: TablePlan,
    dml: Dml,
    question: Question,
    rows: int,
    before: dict[int, _Values],
    after: dict[int, _Values],
) -> ColumnChanges:
    projection = plan.projection(question.columns)
    order, subject, tenant = (
        None if place is None else before[question.columns[place]].ids() for place in projection.placed or ()
    )
    update = dml.verb == "update"
    recorded = question.changed if update else projection.recorded
    columns = Columns(
        subjects=subject if isinstance(subject, msgspec.Raw) else [one or "(new)" for one in subject or ()],
        orders=None if plan.order == plan.subject else order,
        tenants=tenant,
        before=[before[place].told() for place in recorded],
        after=[after[place].told() for place in recorded] if update else None,
    )
    if update:
        differences = [map(ne, before[place].values, after[place].values) for place in recorded]
        changed = (
            list(differences[0]) if len(differences) == 1 else list(map(any, zip(*differences, strict=True)))
        )
        if not all(changed):
            columns, rows = columns.chosen(changed), sum(changed)
    return ColumnChanges(plan, "update" if update else "delete", tuple(recorded), rows, columns)
